/** How system services take their arguments: probed and copied for user mode, trusted from kernel mode. */
import { OBJECT_ATTRIBUTES, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_OBJECT_NAME_INVALID,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { MemoryFault, type Ptr } from '../mm/memory'
import { captureAttributes, captureName, type CapturedAttributes } from '../ob/attributes'
import { NtException } from '../stop'

/** Whether the service that runs was called from user mode. */
export function fromUser(k: Kernel): boolean {
  return k.thread.previousMode === 1
}

/**
 * Run the part of a service that touches its caller's memory. For user mode a fault there is the
 * service's status, as its own exception handler makes it; in kernel mode it is the caller's exception.
 * @returns what `work` returns, 0 for nothing
 */
export function guarded(k: Kernel, work: () => number | void): number {
  if (!fromUser(k)) return work() ?? 0
  try {
    return work() ?? 0
  } catch (error) {
    if (error instanceof NtException) return error.code
    if (error instanceof MemoryFault && k.memory.isUser(error.index)) return STATUS_ACCESS_VIOLATION
    throw error
  }
}

/** ProbeForWrite for a pointer from user mode. */
export function probeWrite(k: Kernel, at: Ptr, bytes: number): void {
  if (fromUser(k)) k.io.probeUser(at, bytes, 'write')
}

/** ProbeForRead for a pointer from user mode. */
export function probeRead(k: Kernel, at: Ptr, bytes: number): void {
  if (fromUser(k)) k.io.probeUser(at, bytes, 'read')
}

/** Probe a UNICODE_STRING with its characters. A status when it cannot be a name. */
function probeString(k: Kernel, string: Ptr): number {
  probeRead(k, string, UNICODE_STRING.SIZE)
  const { memory } = k
  const length = memory.u16(string + UNICODE_STRING.Length)
  if (length & 1 || length > memory.u16(string + UNICODE_STRING.MaximumLength))
    return STATUS_OBJECT_NAME_INVALID
  if (length > 0) probeRead(k, memory.ptr(string + UNICODE_STRING.Buffer), length)
  return 0
}

const NO_ATTRIBUTES = { root: null, name: '', attributes: 0, kernelHandle: false } as const

/** `captureAttributes` for whatever mode the caller is in. Call it inside `guarded`. */
export function captureObjectAttributes(k: Kernel, at: Ptr): CapturedAttributes {
  if (!fromUser(k)) return captureAttributes(k, at, 0)
  if (at === 0) return { status: 0, ...NO_ATTRIBUTES }
  probeRead(k, at, OBJECT_ATTRIBUTES.SIZE)
  const name = k.memory.ptr(at + OBJECT_ATTRIBUTES.ObjectName)
  const status = name === 0 ? 0 : probeString(k, name)
  if (status !== 0) return { status, ...NO_ATTRIBUTES }
  // Programs have no handles in the system's table, whatever they ask for.
  return { ...captureAttributes(k, at, 1), kernelHandle: false }
}

/** Text of a UNICODE_STRING argument. Call it inside `guarded`. */
export function captureString(k: Kernel, at: Ptr): { status: number; text: string } {
  if (fromUser(k)) {
    const status = probeString(k, at)
    if (status !== 0) return { status, text: '' }
  }
  return captureName(k, at)
}
