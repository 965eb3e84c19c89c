/** Packets that the system sends down a stack on its own account and waits for: PnP, power, shutdown. */
import { DEVICE_OBJECT, IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_NOT_SUPPORTED,
  STATUS_PENDING,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

export interface OwnRequest {
  major: number
  minor?: number
  /** IoStatus.Status that it arrives with; STATUS_NOT_SUPPORTED by default, as PnP and power packets. */
  status?: number
  /** Fills in the parameters of the first stack location. */
  fill?: (location: Ptr) => void
  /** IoStatus.Information that it arrives with. */
  information?: Ptr
  /** IRQL of the dispatch routine; that of the caller by default. */
  irql?: number
  /** Sees the packet before it is sent. */
  onSend?: (irp: Ptr) => void
}

export interface OwnResult {
  status: number
  /** IoStatus.Information: a count, or what a pointer in it points at. */
  information: Ptr
}

/**
 * Send a packet to the top of the stack that `device` is in and wait until it is back. The result is
 * what the dispatch routine returned, or for a pended packet its status block.
 */
export function* sendOwnIrp(k: Kernel, device: Ptr, request: OwnRequest): KernelRoutine<OwnResult> {
  const { memory } = k
  const top = k.devices.top(device)
  const irp = k.irps.allocate(memory.u8(top + DEVICE_OBJECT.StackSize), 'I/O manager')
  if (!irp) return { status: STATUS_INSUFFICIENT_RESOURCES, information: 0 }
  const info = k.irps.info(irp)!
  const location = memory.ptr(irp + CURRENT) - IO_STACK_LOCATION.SIZE
  memory.setU8(location + IO_STACK_LOCATION.MajorFunction, request.major)
  memory.setU8(location + IO_STACK_LOCATION.MinorFunction, request.minor ?? 0)
  memory.setU32(irp + IRP['IoStatus.Status'], request.status ?? STATUS_NOT_SUPPORTED)
  memory.setPtr(irp + IRP['IoStatus.Information'], request.information ?? 0)
  memory.setPtr(irp + IRP['Tail.Overlay.Thread'], k.thread.address)
  request.fill?.(location)
  info.thread = k.thread
  // The stack's top must not go while the packet is on its way: REMOVE_DEVICE deletes it.
  k.ob.reference(top)
  k.irps.traceCreated(irp, 0, 0)
  let done: OwnResult | null = null
  info.finish = (status) => {
    done = { status, information: memory.ptr(irp + IRP['IoStatus.Information']) }
    k.irps.free(irp)
    if (info.waiter) k.dispatcher.release(info.waiter, 0, info.completedSeq)
  }
  request.onSend?.(irp)
  const level = k.irql.level
  if (request.irql !== undefined && request.irql > level)
    k.irql.raise(request.irql, 'dispatch of a packet')
  const returned = yield* k.irps.callDriver(top, irp)
  if (k.irql.level > level) k.irql.lower(level, 'dispatch of a packet')
  let result = done as OwnResult | null
  if (returned === STATUS_PENDING) {
    if (!result) {
      info.waiter = k.thread
      yield* k.dispatcher.park()
      info.waiter = null
      result = done
    }
  } else result = { status: returned, information: result?.information ?? 0 }
  k.ob.release(top)
  return result ?? { status: returned, information: 0 }
}
