/** The buffers of a request: copied, locked or left as they are, by the method that it asks for. */
import { IRP } from '../../../shared/nt/generated/offsets'
import { STATUS_ACCESS_VIOLATION, STATUS_INSUFFICIENT_RESOURCES } from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import { MemoryFault, type Ptr } from '../mm/memory'
import { NtException } from '../stop'

/** Memory of the system's for the data of a request. @throws NtException STATUS_INSUFFICIENT_RESOURCES */
export function systemBuffer(k: Kernel, irp: Ptr, bytes: number): Ptr {
  const buffer = k.pool.allocate(bytes, 'IoSB', { system: true, guarded: true })
  if (!buffer) throw new NtException(STATUS_INSUFFICIENT_RESOURCES)
  k.memory.setPtr(irp + IRP['AssociatedIrp.SystemBuffer'], buffer)
  k.irps.info(irp)!.systemBuffer = buffer
  return buffer
}

/** Lock the caller's own memory and describe it by an MDL. */
export function lockBuffer(
  k: Kernel,
  irp: Ptr,
  buffer: Ptr,
  length: number,
  userMode: boolean,
  write: boolean,
): void {
  const mdl = k.mdls.allocate(buffer, length)
  if (!mdl) throw new NtException(STATUS_INSUFFICIENT_RESOURCES)
  try {
    k.mdls.probeAndLock(mdl, userMode, write)
  } catch (error) {
    k.mdls.free(mdl)
    throw error
  }
  k.memory.setPtr(irp + IRP.MdlAddress, mdl)
}

/**
 * ProbeForRead / ProbeForWrite for a caller in user mode.
 * @throws NtException STATUS_ACCESS_VIOLATION
 */
export function probeUser(k: Kernel, at: Ptr, length: number, access: 'read' | 'write'): void {
  const { memory } = k
  if (length === 0) return
  if (!memory.isUser(at) || !memory.isUser(memory.add(at, length - 1)))
    throw new NtException(STATUS_ACCESS_VIOLATION, memory.address(at), access)
  try {
    memory.probe(at, length, access)
  } catch (error) {
    if (!(error instanceof MemoryFault)) throw error
    throw new NtException(STATUS_ACCESS_VIOLATION, memory.address(error.index), access)
  }
}

/** Prepare the buffers of a packet; on failure the packet is gone and the status says why. */
export function guardBuffers(k: Kernel, irp: Ptr, userMode: boolean, prepare: () => void): number {
  try {
    prepare()
    return 0
  } catch (error) {
    if (!(error instanceof NtException) && !(userMode && error instanceof MemoryFault)) throw error
    const info = k.irps.info(irp)
    if (info?.systemBuffer) k.pool.free(info.systemBuffer)
    k.irps.free(irp)
    return error instanceof NtException ? error.code : STATUS_ACCESS_VIOLATION
  }
}
