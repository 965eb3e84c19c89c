/**
 * I/O request packets: made and freed, and their stack locations. The way down is in `dispatch`, the way up
 * in `completion`, calling back in `cancel`.
 *
 * The packet itself is bytes at the offsets of IRP and IO_STACK_LOCATION; drivers read and write it
 * freely. Beside it stands a companion with what only the I/O manager knows.
 */
import {
  IO_TYPE_IRP,
  SL_INVOKE_ON_CANCEL,
  SL_INVOKE_ON_ERROR,
  SL_INVOKE_ON_SUCCESS,
  SL_PENDING_RETURNED,
} from '../../../shared/nt/generated/constants'
import { DEVICE_OBJECT, IO_STACK_LOCATION, IRP } from '../../../shared/nt/generated/offsets'
import {
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_INTERNAL_DEVICE_CONTROL,
} from '../../../shared/nt/irp-functions'
import { hex32 } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { MaySpin } from '../ke/spinlock'
import type { Thread } from '../ke/thread'
import type { Ptr } from '../mm/memory'
import { Recent } from '../recent'
import { CancelLock, cancelIrp } from './cancel'
import { completeRequest } from './completion'
import { callDriver } from './dispatch'

const STACK_SIZE = IO_STACK_LOCATION.SIZE
const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

const TAG_IRP = 0x20707249 // 'Irp '

export interface IrpInfo {
  /** Small number for people; never used twice. */
  number: number
  address: Ptr
  stackCount: number
  /** Of its first location. */
  major: number
  state: 'fresh' | 'active' | 'completed' | 'freed'
  by: 'I/O manager' | 'driver'
  /** Service name of the driver that allocated it. */
  owner: string | null
  /** What the I/O manager does when the last completion routine is through; null for drivers' own packets. */
  finish: ((status: number, information: number) => void) | null
  /** Thread that waits for it (synchronous requests). */
  waiter: Thread | null
  thread: Thread | null
  file: Ptr
  /** Event object that the packet holds a reference to; 0 for none. */
  event: Ptr
  /** seq of the event that made it. */
  created: number
  /** Status with which it was completed last. */
  status: number
  /** Driver frames that have the packet: number of dispatch calls that have not returned. */
  depth: number
  /** Locations that the driver passed down or pended, for the verifier. */
  passedDown: boolean
  completedBy: string | null
  completedSeq: number
  cancelled: boolean
  /** A PnP or power packet that the lowest device of its stack has seen. */
  reachedBottom: boolean
  /** Mapped or locked memory that goes with it. */
  systemBuffer: Ptr
}

export class Irps {
  private readonly live = new Map<Ptr, IrpInfo>()
  private readonly gone = new Recent<IrpInfo>(1024)
  private nextNumber = 1
  readonly cancelLock: CancelLock
  created = 0

  constructor(private readonly k: Kernel) {
    this.cancelLock = new CancelLock(k)
  }

  info(irp: Ptr): IrpInfo | undefined {
    return this.live.get(irp)
  }

  /** What is remembered of a packet that lay at an address and was freed. */
  freed(irp: Ptr): IrpInfo | undefined {
    return this.gone.get(irp)
  }

  /** Number of the freed packet that an address lay in; 0 for none. */
  freedAt(address: Ptr): number {
    let newest = 0
    for (const { number, address: start, stackCount } of this.gone.values())
      if (address >= start && address < start + IRP.SIZE + stackCount * STACK_SIZE)
        newest = Math.max(newest, number)
    return newest
  }

  /** Every packet that is not freed. */
  *all(): Iterable<IrpInfo> {
    yield* this.live.values()
  }

  number(irp: Ptr): number {
    return this.live.get(irp)?.number ?? this.gone.get(irp)?.number ?? 0
  }

  // --- life ------------------------------------------------------------------------------------

  /** An initialised packet in nonpaged pool; 0 when memory is short. */
  allocate(stackCount: number, by: IrpInfo['by']): Ptr {
    const size = IRP.SIZE + stackCount * STACK_SIZE
    const irp = this.k.pool.allocate(size, TAG_IRP, { system: true })
    if (irp === 0) return 0
    this.initialize(irp, size, stackCount)
    // K041: 4 marks a packet of the lookaside or pool allocator with quota not charged.
    this.k.memory.setU8(irp + IRP.AllocationFlags, 4)
    const info: IrpInfo = {
      number: this.nextNumber++,
      address: irp,
      stackCount,
      major: 0,
      state: 'fresh',
      by,
      owner: by === 'driver' ? (this.k.driverOf(this.k.thread) ?? null) : null,
      finish: null,
      waiter: null,
      thread: null,
      file: 0,
      event: 0,
      created: 0,
      status: 0,
      depth: 0,
      passedDown: false,
      completedBy: null,
      completedSeq: 0,
      cancelled: false,
      reachedBottom: false,
      systemBuffer: 0,
    }
    this.created++
    this.live.set(irp, info)
    this.gone.delete(irp)
    return irp
  }

  /** IoInitializeIrp. */
  initialize(irp: Ptr, size: number, stackCount: number): void {
    const { memory } = this.k
    memory.fill(irp, IRP.SIZE + stackCount * STACK_SIZE, 0)
    memory.setU16(irp + IRP.Type, IO_TYPE_IRP)
    memory.setU16(irp + IRP.Size, size)
    memory.setU8(irp + IRP.StackCount, stackCount)
    memory.setU8(irp + IRP.CurrentLocation, stackCount + 1)
    memory.setPtr(irp + IRP.ThreadListEntry, irp + IRP.ThreadListEntry)
    memory.setPtr(irp + IRP.ThreadListEntry + 8, irp + IRP.ThreadListEntry)
    memory.setPtr(irp + CURRENT, irp + IRP.SIZE + stackCount * STACK_SIZE)
  }

  /** IoReuseIrp. */
  reuse(irp: Ptr, status: number): void {
    const { memory } = this.k
    const stackCount = memory.u8(irp + IRP.StackCount)
    const flags = memory.u8(irp + IRP.AllocationFlags)
    this.initialize(irp, memory.u16(irp + IRP.Size), stackCount)
    memory.setU8(irp + IRP.AllocationFlags, flags)
    memory.setU32(irp + IRP['IoStatus.Status'], status)
    const info = this.live.get(irp)
    if (info) info.state = 'fresh'
  }

  free(irp: Ptr): void {
    const info = this.live.get(irp)
    if (!info) {
      // Not a packet of this manager: the pool names the mistake.
      this.k.pool.free(irp)
      return
    }
    this.live.delete(irp)
    info.state = 'freed'
    info.thread?.irps.delete(irp)
    this.gone.add(irp, info)
    if (this.k.tracing) this.k.emit({ t: 'irp.freed', irp: info.number })
    this.k.pool.free(irp)
  }

  /** Say that a packet exists, once its first location is filled in. */
  traceCreated(irp: Ptr, inputLength: number, outputLength: number): void {
    const info = this.live.get(irp)
    if (!info || !this.k.tracing) return
    const { memory } = this.k
    const next = memory.ptr(irp + CURRENT) - STACK_SIZE
    const major = memory.u8(next)
    info.created = this.k.emit({
      t: 'irp.created',
      irp: info.number,
      address: memory.format(irp),
      major,
      minor: memory.u8(next + 1),
      ioctl: isControl(major)
        ? hex32(memory.u32(next + IO_STACK_LOCATION['Parameters.DeviceIoControl.IoControlCode']))
        : null,
      stackCount: info.stackCount,
      by: info.by,
      inputLength,
      outputLength,
    })
  }

  // --- stack locations -------------------------------------------------------------------------

  current(irp: Ptr): Ptr {
    return this.k.memory.ptr(irp + CURRENT)
  }

  next(irp: Ptr): Ptr {
    return this.k.memory.ptr(irp + CURRENT) - STACK_SIZE
  }

  skip(irp: Ptr): void {
    const { memory } = this.k
    memory.setU8(irp + IRP.CurrentLocation, memory.u8(irp + IRP.CurrentLocation) + 1)
    memory.setPtr(irp + CURRENT, memory.ptr(irp + CURRENT) + STACK_SIZE)
  }

  /** IoSetNextIrpStackLocation. */
  setNext(irp: Ptr): void {
    const { memory } = this.k
    memory.setU8(irp + IRP.CurrentLocation, memory.u8(irp + IRP.CurrentLocation) - 1)
    memory.setPtr(irp + CURRENT, memory.ptr(irp + CURRENT) - STACK_SIZE)
  }

  copyToNext(irp: Ptr): void {
    const { memory } = this.k
    const from = memory.ptr(irp + CURRENT)
    const to = from - STACK_SIZE
    memory.copy(to, from, IO_STACK_LOCATION.CompletionRoutine)
    memory.setU8(to + IO_STACK_LOCATION.Control, 0)
  }

  setCompletion(
    location: Ptr,
    routine: Ptr,
    context: Ptr,
    success: boolean,
    error: boolean,
    cancel: boolean,
  ): void {
    const { memory } = this.k
    memory.setPtr(location + IO_STACK_LOCATION.CompletionRoutine, routine)
    memory.setPtr(location + IO_STACK_LOCATION.Context, context)
    memory.setU8(
      location + IO_STACK_LOCATION.Control,
      (success ? SL_INVOKE_ON_SUCCESS : 0) |
        (error ? SL_INVOKE_ON_ERROR : 0) |
        (cancel ? SL_INVOKE_ON_CANCEL : 0),
    )
  }

  markPending(irp: Ptr): void {
    const { memory } = this.k
    const location = memory.ptr(irp + CURRENT)
    memory.setU8(
      location + IO_STACK_LOCATION.Control,
      memory.u8(location + IO_STACK_LOCATION.Control) | SL_PENDING_RETURNED,
    )
    if (this.k.tracing)
      this.k.emit({
        t: 'irp.pended',
        irp: this.number(irp),
        location: memory.u8(irp + IRP.CurrentLocation),
      })
  }

  // --- down, up, called back: dispatch.ts, completion.ts, cancel.ts -----------------------------

  /** IofCallDriver: hand a packet to the driver of `device`, at its next location. */
  callDriver(device: Ptr, irp: Ptr): KernelRoutine<number> {
    return callDriver(this.k, device, irp)
  }

  /** IofCompleteRequest. */
  complete(irp: Ptr): KernelRoutine<void> {
    return completeRequest(this.k, irp)
  }

  /** IoSetCancelRoutine: the old routine. */
  setCancelRoutine(irp: Ptr, routine: Ptr): Ptr {
    const { memory } = this.k
    const old = memory.ptr(irp + IRP.CancelRoutine)
    memory.setPtr(irp + IRP.CancelRoutine, routine)
    return old
  }

  /** IoAcquireCancelSpinLock: at DISPATCH_LEVEL from here on. Gives the former IRQL. */
  acquireCancelLock(): MaySpin<number> {
    return this.cancelLock.acquire()
  }

  releaseCancelLock(irql: number): void {
    this.cancelLock.release(irql)
  }

  /** IoCancelIrp: whether there was a cancel routine, which has been called. */
  cancel(irp: Ptr): KernelRoutine<boolean> {
    return cancelIrp(this.k, irp)
  }

  // --- questions -------------------------------------------------------------------------------

  /** Packets that a driver has and has not completed, for the unload report. */
  heldBy(devices: readonly Ptr[]): IrpInfo[] {
    const { memory } = this.k
    return [...this.live.values()].filter((info) => {
      if (info.state !== 'active') return false
      const stack = memory.ptr(info.address + CURRENT)
      return devices.includes(memory.ptr(stack + IO_STACK_LOCATION.DeviceObject))
    })
  }

  /** Name of the driver whose stack location is the current one. */
  holder(info: IrpInfo): string {
    const { memory } = this.k
    const stack = memory.ptr(info.address + CURRENT)
    const device = memory.ptr(stack + IO_STACK_LOCATION.DeviceObject)
    return `${this.k.devices.driverName(memory.ptr(device + DEVICE_OBJECT.DriverObject))}.sys`
  }
}

function isControl(major: number): boolean {
  return major === IRP_MJ_DEVICE_CONTROL || major === IRP_MJ_INTERNAL_DEVICE_CONTROL
}
