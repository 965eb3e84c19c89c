/**
 * Device power packets: those that drivers ask for with PoRequestPowerIrp. One at a time is under way
 * in a device stack; the next one waits for it.
 */
import { DevicePowerState, DO_POWER_PAGABLE } from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT, IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_PARAMETER_2,
  STATUS_MORE_PROCESSING_REQUIRED,
  STATUS_NOT_SUPPORTED,
  STATUS_PENDING,
} from '../../../shared/nt/generated/ntstatus'
import {
  IRP_MJ_POWER,
  IRP_MN_QUERY_POWER,
  IRP_MN_SET_POWER,
  IRP_MN_WAIT_WAKE,
} from '../../../shared/nt/irp-functions'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

const P = IO_STACK_LOCATION
const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

/** What PoRequestPowerIrp was asked for. */
export interface PowerRequest {
  device: Ptr
  minor: number
  /** DEVICE_POWER_STATE, or for WAIT_WAKE the lowest SYSTEM_POWER_STATE. */
  state: number
  /** PREQUEST_POWER_COMPLETE, or 0. */
  completion: Ptr
  context: Ptr
}

interface Sent extends PowerRequest {
  irp: Ptr
  /** Lowest device of the stack. */
  pdo: Ptr
}

export class DevicePower {
  private readonly sent = new Map<Ptr, Sent>()
  /** Requests of each stack: the first one is under way. WAIT_WAKE does not count. */
  private readonly queues = new Map<Ptr, Sent[]>()

  constructor(private readonly k: Kernel) {}

  /**
   * PoRequestPowerIrp. The packet goes to the top of the stack: at once in the calling thread, or, to
   * a stack that is pageable, at PASSIVE_LEVEL in a system thread.
   * @returns STATUS_PENDING, and the packet
   */
  *request(request: PowerRequest): KernelRoutine<{ status: number; irp: Ptr }> {
    const { k } = this
    const { memory } = k
    const { device, minor } = request
    const isWait = minor === IRP_MN_WAIT_WAKE
    if (!isWait && minor !== IRP_MN_SET_POWER && minor !== IRP_MN_QUERY_POWER)
      return { status: STATUS_INVALID_PARAMETER_2, irp: 0 }
    const top = k.devices.top(device)
    // A location more than the stack has, for the completion routine of the power manager itself.
    const irp = k.irps.allocate(memory.u8(top + DEVICE_OBJECT.StackSize) + 1, 'I/O manager')
    if (!irp) return { status: STATUS_INSUFFICIENT_RESOURCES, irp: 0 }
    const sent: Sent = { ...request, irp, pdo: k.devices.bottom(device) }
    this.sent.set(irp, sent)
    this.fill(sent)
    if (isWait) yield* this.dispatch(sent)
    else {
      const queue = this.queues.get(sent.pdo) ?? []
      this.queues.set(sent.pdo, queue)
      if (queue.push(sent) === 1) yield* this.dispatch(sent)
    }
    return { status: STATUS_PENDING, irp }
  }

  private fill({ irp, device, minor, state }: Sent): void {
    const { k } = this
    const { memory } = k
    k.irps.setNext(irp)
    memory.setPtr(memory.ptr(irp + CURRENT) + P.DeviceObject, device)
    const next = memory.ptr(irp + CURRENT) - P.SIZE
    memory.setU8(next + P.MajorFunction, IRP_MJ_POWER)
    memory.setU8(next + P.MinorFunction, minor)
    if (minor === IRP_MN_WAIT_WAKE) memory.setU32(next + P['Parameters.WaitWake.PowerState'], state)
    else {
      memory.setU32(next + P['Parameters.Power.Type'], DevicePowerState)
      memory.setU32(next + P['Parameters.Power.State.DeviceState'], state)
    }
    memory.setU32(irp + IRP['IoStatus.Status'], STATUS_NOT_SUPPORTED)
    memory.setPtr(irp + IRP['Tail.Overlay.Thread'], k.thread.address)
    k.irps.setCompletion(next, this.completionRoutine(), 0, true, true, true)
  }

  private *dispatch(sent: Sent): KernelRoutine<void> {
    const { k } = this
    const top = k.devices.top(sent.device)
    k.irps.traceCreated(sent.irp, 0, 0)
    if (sent.minor !== IRP_MN_WAIT_WAKE) k.power.sent(sent.irp, sent.pdo)
    const isPageable = (k.memory.u32(top + DEVICE_OBJECT.Flags) & DO_POWER_PAGABLE) !== 0
    if (!isPageable) {
      yield* k.irps.callDriver(top, sent.irp)
      return
    }
    const thread = k.scheduler.createThread({
      process: k.processes.system,
      name: 'Power IRP worker',
    })
    thread.cause = k.thread.cause
    k.scheduler.start(thread, k.irps.callDriver(top, sent.irp), 'nt!PopIrpWorker')
  }

  private completionRoutine(): Ptr {
    return this.k.images.registerNative('PopRequestCompletion', (_, [, irp = 0]) =>
      this.completed(irp),
    )
  }

  /** The packet is back: tell who asked for it, and send the next one. */
  private *completed(irp: Ptr): KernelRoutine<number> {
    const { k } = this
    const sent = this.sent.get(irp)
    if (!sent) return STATUS_MORE_PROCESSING_REQUIRED
    this.sent.delete(irp)
    k.power.returned(irp)
    const { device, minor, state, completion, context, pdo } = sent
    if (completion)
      yield* k.call(completion, 'REQUEST_POWER_COMPLETE', [
        device,
        minor,
        state,
        context,
        irp + IRP['IoStatus.Status'],
      ])
    k.irps.free(irp)
    if (minor === IRP_MN_WAIT_WAKE) return STATUS_MORE_PROCESSING_REQUIRED
    const queue = this.queues.get(pdo)
    queue?.shift()
    const next = queue?.[0]
    if (next) yield* this.dispatch(next)
    else this.queues.delete(pdo)
    return STATUS_MORE_PROCESSING_REQUIRED
  }
}
