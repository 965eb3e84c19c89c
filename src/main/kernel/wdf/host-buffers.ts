/** What a packet carries to a host process and back: copies, whatever its transfer method is. */
import {
  METHOD_BUFFERED,
  METHOD_IN_DIRECT,
  METHOD_NEITHER,
  NormalPagePriority,
} from '../../../shared/nt/generated/constants'
import { IRP_MJ_READ, IRP_MJ_WRITE } from '../../../shared/nt/generated/irp-functions'
import { IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import { lockBuffer, probeUser } from '../io/buffers'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { askedOf } from './request'

const NOTHING = new Uint8Array(0)
const TYPE3 = IO_STACK_LOCATION['Parameters.DeviceIoControl.Type3InputBuffer']

/** A packet's data, taken in the thread that asks. */
export interface Captured {
  input: Uint8Array
  /** What the second buffer holds already, when it is input (METHOD_IN_DIRECT). */
  second: Uint8Array
  /** Bytes that may go back. */
  outputLength: number
  /** Where they go: the system buffer, or locked pages of the caller. */
  into: 'system buffer' | 'pages'
}

/**
 * Copy what a packet brings. Pointers of METHOD_NEITHER are checked here, and locked for the answer.
 * @throws NtException for memory that the caller may not read or write
 */
export function captured(k: Kernel, irp: Ptr): Captured {
  const { memory } = k
  const asked = askedOf(k, irp)
  const { major, input: inputLength, output: outputLength } = asked
  const fromSystem = (length: number): Uint8Array =>
    length ? memory.read(memory.ptr(irp + IRP['AssociatedIrp.SystemBuffer']), length) : NOTHING
  const plain = { second: NOTHING, outputLength }
  if (major === IRP_MJ_READ || major === IRP_MJ_WRITE)
    return { ...plain, input: fromSystem(inputLength), into: 'system buffer' }
  const method = asked.code & 3
  if (method === METHOD_NEITHER) {
    const userMode = memory.u8(irp + IRP.RequestorMode) === 1
    const from = memory.ptr(k.irps.current(irp) + TYPE3)
    if (userMode && inputLength) probeUser(k, from, inputLength, 'read')
    const input = inputLength ? memory.read(from, inputLength) : NOTHING
    const to = memory.ptr(irp + IRP.UserBuffer)
    if (outputLength) lockBuffer(k, irp, to, outputLength, userMode, true)
    return { ...plain, input, into: 'pages' }
  }
  const second =
    method === METHOD_IN_DIRECT && outputLength
      ? memory.read(mappedPages(k, irp), outputLength)
      : NOTHING
  return {
    input: fromSystem(inputLength),
    second,
    outputLength,
    into: method === METHOD_BUFFERED ? 'system buffer' : 'pages',
  }
}

function mappedPages(k: Kernel, irp: Ptr): Ptr {
  return k.mdls.systemAddress(k.memory.ptr(irp + IRP.MdlAddress), NormalPagePriority)
}

/** Copy the host's answer to where the caller's answer is expected. */
export function deliverAnswer(k: Kernel, irp: Ptr, asked: Captured, data: Uint8Array): void {
  const bytes = data.subarray(0, asked.outputLength)
  // What the caller gave to be read stays as it is.
  if (bytes.length === 0 || asked.second.length > 0) return
  const to =
    asked.into === 'pages'
      ? mappedPages(k, irp)
      : k.memory.ptr(irp + IRP['AssociatedIrp.SystemBuffer'])
  if (to) k.memory.write(to, bytes)
}
