/**
 * I/O request packets: made, passed down, completed upwards, cancelled, freed.
 *
 * The packet itself is bytes at the offsets of IRP and IO_STACK_LOCATION; drivers read and write it
 * freely. Beside it stands a companion with what only the I/O manager knows.
 */
import {
  IO_STACK_LOCATION,
  IRP,
  DEVICE_OBJECT,
  DRIVER_OBJECT,
} from '../../../shared/nt/generated/offsets'
import {
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_INTERNAL_DEVICE_CONTROL,
  IRP_MJ_POWER,
} from '../../../shared/nt/irp-functions'
import { IRP_ASSOCIATED_IRP } from '../../../shared/nt/generated/constants'
import { STATUS_MORE_PROCESSING_REQUIRED, STATUS_PENDING } from '../../../shared/nt/ntstatus'
import { hex32 } from '../../../shared/nt/format'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Processor } from '../ke/processor'
import type { MaySpin } from '../ke/spinlock'
import type { Thread } from '../ke/thread'
import { kernelApcDisable } from '../ke/apc'
import { DISPATCH_LEVEL } from '../ke/irql'
import type { Ptr } from '../mm/memory'
import { packetCompleted, packetSent } from '../pnp/rules'
import { Recent } from '../recent'
import { deviceUsed } from '../verifier/rules/device'
import {
  cancelSetCause,
  cancelling,
  completing,
  dispatchReturned,
  forwarding,
  holds,
  isHeld,
  mayHold,
} from '../verifier/rules/irp'
import { atRoutine } from '../verifier/rules/note'

const IO_TYPE_IRP = 6
const STACK_SIZE = IO_STACK_LOCATION.SIZE
const CURRENT = IRP['Tail.Overlay.CurrentStackLocation']

export const SL_PENDING_RETURNED = 0x01
export const SL_ERROR_RETURNED = 0x02
export const SL_INVOKE_ON_CANCEL = 0x20
export const SL_INVOKE_ON_SUCCESS = 0x40
export const SL_INVOKE_ON_ERROR = 0x80

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
  /** The cancel spin lock is one for the whole system. */
  cancelLockIrql = -1
  private cancelLockOwner: Processor | null = null
  created = 0

  constructor(private readonly k: Kernel) {}

  info(irp: Ptr): IrpInfo | undefined {
    return this.live.get(irp)
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

  // --- down ------------------------------------------------------------------------------------

  /**
   * IofCallDriver: move to the next location and call the driver of `device`.
   * @bugcheck 0x35 when no location is left
   */
  *callDriver(device: Ptr, irp: Ptr): KernelRoutine<number> {
    const { k } = this
    const { memory, verifier } = k
    const info = this.live.get(irp)
    if (device === 0)
      verifier.check(
        'VR-DEV-NULL',
        true,
        [0x204, 0, 0, 0],
        'IoCallDriver was called with DeviceObject NULL.',
      )
    if (!info) {
      const old = this.gone.get(irp)
      if (old)
        k.bugCheck(
          0x44,
          memory.address(irp),
          0,
          0,
          0,
          `IRP ${old.number} was passed to IoCallDriver after it had been completed.`,
        )
    }
    if (memory.u16(irp + IRP.Type) !== IO_TYPE_IRP)
      verifier.check(
        'VR-IRP-NOT-AN-IRP',
        true,
        [0x03, memory.address(irp), 0, 0],
        'The packet given to IoCallDriver is no IRP.',
      )
    const location = memory.i8(irp + IRP.CurrentLocation) - 1
    if (location <= 0)
      k.bugCheck(
        0x35,
        memory.address(irp),
        0,
        0,
        0,
        `IRP ${this.number(irp)} has no stack location left for another driver: IoAllocateIrp was given too small a StackSize.`,
      )
    if (k.irql.level > DISPATCH_LEVEL)
      verifier.check(
        'VR-IRQL-FORWARD',
        true,
        [0x10, k.irql.level, 0, 0],
        `IoCallDriver was called at IRQL ${k.irql.level}.`,
      )
    if (k.hal.interrupts.areOff)
      verifier.check(
        'VR-MISC-INTERRUPTS',
        true,
        [0xc0, memory.address(irp), 0, 0],
        'IoCallDriver was called with interrupts turned off.',
      )
    if (verifier.watching) {
      forwarding(k, irp, device)
      mayHold(k, irp, location)
      deviceUsed(k, device)
    }
    const stack = memory.ptr(irp + CURRENT) - STACK_SIZE
    memory.setU8(irp + IRP.CurrentLocation, location)
    memory.setPtr(irp + CURRENT, stack)
    memory.setPtr(stack + IO_STACK_LOCATION.DeviceObject, device)
    if (memory.ptr(irp + IRP.CancelRoutine) !== 0)
      verifier.check(
        'VR-IRP-CANCEL-FORWARD',
        true,
        [0x203, k.images.nearestCode(k.thread), memory.address(irp), 0],
        `IRP ${this.number(irp)} was passed down with a cancel routine still set.`,
        cancelSetCause(k, irp),
      )
    const major = memory.u8(stack + IO_STACK_LOCATION.MajorFunction)
    const driver = memory.ptr(device + DEVICE_OBJECT.DriverObject)
    const routine = memory.ptr(driver + DRIVER_OBJECT.MajorFunction + major * 8)
    const number = info?.number ?? 0
    if (info) {
      if (info.depth > 0) info.passedDown = true
      if (info.state === 'fresh') info.major = major
      if (major >= IRP_MJ_POWER) packetSent(k, info, device, stack)
      info.state = 'active'
      info.depth++
    }
    const outerCause = k.thread.cause
    const { thread } = k
    const apcs = verifier.watching ? kernelApcDisable(k, thread) : 0
    if (k.tracing) {
      const sent = k.emit({
        t: 'irp.sent',
        irp: number,
        device: memory.format(device),
        deviceName: k.devices.nameOf(device),
        to: k.devices.driverName(driver),
        major,
        minor: memory.u8(stack + IO_STACK_LOCATION.MinorFunction),
        location,
      })
      k.thread.cause = sent
    }
    const status = (yield* k.call(routine, 'DRIVER_DISPATCH', [device, irp], number)) >>> 0
    k.thread.cause = outerCause
    if (info) {
      info.depth--
      if (verifier.watching && isHeld(info)) return STATUS_PENDING
      if (verifier.watching)
        this.checkDispatch(info, stack, status, routine, {
          before: apcs,
          now: kernelApcDisable(k, thread),
        })
    }
    return status
  }

  /** What I/O verification looks at when a dispatch routine has returned. */
  private checkDispatch(
    info: IrpInfo,
    stack: Ptr,
    status: number,
    routine: Ptr,
    apcs: { before: number; now: number },
  ): void {
    const { verifier, memory, images } = this.k
    // The routine has returned, so the place of a stop is the routine itself.
    const entry = images.function(routine)
    const { at } = this.k.thread
    if (entry) this.k.thread.at = images.placeOf(entry) ?? at
    const code = memory.address(routine)
    const address = memory.address(info.address)
    const name = images.symbol(routine)
    const isHere = info.state === 'active' && memory.ptr(info.address + CURRENT) === stack
    const marked =
      info.state === 'active' &&
      isHere &&
      (memory.u8(stack + IO_STACK_LOCATION.Control) & SL_PENDING_RETURNED) !== 0
    dispatchReturned(this.k, info, status, routine, apcs)
    verifier.check(
      'VR-IRP-NOT-COMPLETED',
      isHere && status !== STATUS_PENDING && !marked,
      [0x226, code, address, 0],
      `${name} returned ${hex32(status)} without completing IRP ${info.number}, passing it down or marking it pending.`,
    )
    verifier.check(
      'VR-IRP-PENDING-NOMARK',
      isHere && status === STATUS_PENDING && !marked,
      [0x23d, code, address, STATUS_PENDING],
      `${name} returned STATUS_PENDING for IRP ${info.number} without IoMarkIrpPending.`,
    )
    verifier.check(
      'VR-IRP-MARK-NOPENDING',
      marked && status !== STATUS_PENDING,
      [0x23e, code, address, status],
      `${name} marked IRP ${info.number} pending but returned ${hex32(status)}.`,
    )
    const done = info.state === 'completed' || info.state === 'freed'
    verifier.check(
      'VR-IRP-STATUS-MISMATCH',
      done &&
        status !== STATUS_PENDING &&
        info.depth === 0 &&
        info.status !== status &&
        !info.passedDown,
      [0x224, code, address, info.status],
      `${name} completed IRP ${info.number} with ${hex32(info.status)} but returned ${hex32(status)}.`,
    )
    this.k.thread.at = at
  }

  // --- up --------------------------------------------------------------------------------------

  /**
   * IofCompleteRequest: walk the locations upwards and call the completion routines.
   * @bugcheck 0x44 when the packet was completed before
   */
  *complete(irp: Ptr): KernelRoutine<void> {
    const { k } = this
    const { memory, verifier } = k
    const info = this.live.get(irp)
    if (!info || info.state === 'completed') {
      const old = info ?? this.gone.get(irp)
      if (old) {
        const first = old.completedBy ? `; the first time by ${old.completedBy}` : ''
        const what = `IRP ${old.number} was completed twice${first}.`
        k.bugCheck(0x44, memory.address(irp), 0, 0, 0, what)
      }
    }
    const stackCount = memory.u8(irp + IRP.StackCount)
    if (
      memory.u16(irp + IRP.Type) !== IO_TYPE_IRP ||
      memory.i8(irp + IRP.CurrentLocation) > stackCount + 1
    )
      k.bugCheck(
        0x44,
        memory.address(irp),
        0,
        0,
        0,
        'The packet was completed already, or is no IRP.',
      )
    if (verifier.watching) completing(k, irp)
    const status = memory.u32(irp + IRP['IoStatus.Status'])
    if (k.irql.level > DISPATCH_LEVEL)
      verifier.check(
        'VR-IRQL-COMPLETE',
        true,
        [0x0e, k.irql.level, memory.address(irp), 0],
        `IoCompleteRequest was called at IRQL ${k.irql.level}.`,
      )
    if (status === STATUS_PENDING || status === 0xffff_ffff)
      verifier.check(
        'VR-IRP-STATUS-PENDING',
        true,
        [0x06, status, memory.address(irp), 0],
        `IRP ${this.number(irp)} was completed with IoStatus.Status ${hex32(status)}.`,
      )
    const cancelRoutine = memory.ptr(irp + IRP.CancelRoutine)
    if (cancelRoutine)
      verifier.check(
        'VR-IRP-CANCEL-SET',
        true,
        [0x07, memory.address(cancelRoutine), memory.address(irp), 0],
        `IRP ${this.number(irp)} was completed with a cancel routine still set.`,
        cancelSetCause(k, irp),
      )
    if (info && info.major >= IRP_MJ_POWER) packetCompleted(k, info)
    if (info) {
      info.status = status
      info.completedBy = this.completer()
      info.completedSeq = k.tracing
        ? k.emit({
            t: 'irp.completed',
            irp: info.number,
            by: k.driverOf(k.thread) ?? 'I/O manager',
            status: hex32(status),
            information: memory.size(irp + IRP['IoStatus.Information']),
            location: memory.u8(irp + IRP.CurrentLocation),
          })
        : 0
    }
    yield* this.walkUp(irp)
  }

  /** The way up from the current location, completion routine by completion routine. */
  private *walkUp(irp: Ptr): KernelRoutine<void> {
    const { k } = this
    const { memory, verifier } = k
    const info = this.live.get(irp)
    const stackCount = memory.u8(irp + IRP.StackCount)
    let stack = memory.ptr(irp + CURRENT)
    let location = memory.i8(irp + IRP.CurrentLocation)
    while (location <= stackCount) {
      if (verifier.watching && holds(k, irp, location, () => this.walkUp(irp))) {
        const at = stack + IO_STACK_LOCATION.Control
        memory.setU8(at, memory.u8(at) | SL_PENDING_RETURNED)
        return
      }
      location++
      memory.setU8(irp + IRP.CurrentLocation, location)
      memory.setPtr(irp + CURRENT, stack + STACK_SIZE)
      const control = memory.u8(stack + IO_STACK_LOCATION.Control)
      const pending = control & SL_PENDING_RETURNED
      memory.setU8(irp + IRP.PendingReturned, pending ? 1 : 0)
      const now = memory.i32(irp + IRP['IoStatus.Status'])
      const invoke =
        (now >= 0 && control & SL_INVOKE_ON_SUCCESS) ||
        (now < 0 && control & SL_INVOKE_ON_ERROR) ||
        (memory.u8(irp + IRP.Cancel) !== 0 && control & SL_INVOKE_ON_CANCEL)
      const routine = memory.ptr(stack + IO_STACK_LOCATION.CompletionRoutine)
      const context = memory.ptr(stack + IO_STACK_LOCATION.Context)
      this.clearLocation(stack)
      if (invoke) {
        const device =
          location <= stackCount
            ? memory.ptr(stack + STACK_SIZE + IO_STACK_LOCATION.DeviceObject)
            : 0
        const outerCause = k.thread.cause
        if (info?.completedSeq) k.thread.cause = info.completedSeq
        const result =
          (yield* k.call(
            routine,
            'IO_COMPLETION_ROUTINE',
            [device, irp, context],
            info?.number ?? 0,
          )) >>> 0
        k.thread.cause = outerCause
        if (info && k.tracing)
          k.emit({
            t: 'irp.completion',
            irp: info.number,
            to: k.images.symbol(routine),
            location,
            result: hex32(result),
          })
        if (result === STATUS_MORE_PROCESSING_REQUIRED) return
        const above = stack + STACK_SIZE + IO_STACK_LOCATION.Control
        if (pending && location <= stackCount && this.live.get(irp) === info)
          atRoutine(k, routine, () =>
            verifier.check(
              'VR-IRP-PENDING-NOTPROPAGATED',
              !(memory.u8(above) & SL_PENDING_RETURNED),
              [0x228, memory.address(routine), memory.address(irp), 0],
              `${k.images.symbol(routine)} saw PendingReturned and did not call IoMarkIrpPending.`,
            ),
          )
      } else if (pending && location <= stackCount) {
        const above = stack + STACK_SIZE + IO_STACK_LOCATION.Control
        memory.setU8(above, memory.u8(above) | SL_PENDING_RETURNED)
      }
      stack += STACK_SIZE
    }
    const master =
      memory.u32(irp + IRP.Flags) & IRP_ASSOCIATED_IRP
        ? memory.ptr(irp + IRP['AssociatedIrp.MasterIrp'])
        : 0
    this.finish(irp)
    if (master) yield* this.associatedDone(master)
  }

  /** A packet of IoMakeAssociatedIrp is done: the last one completes the master. */
  private *associatedDone(master: Ptr): KernelRoutine<void> {
    const { memory } = this.k
    const at = master + IRP['AssociatedIrp.IrpCount']
    const left = memory.i32(at) - 1
    memory.setU32(at, left)
    if (left === 0) yield* this.complete(master)
  }

  private completer(): string {
    const { at } = this.k.thread
    const driver = this.k.driverOf(this.k.thread) ?? 'the I/O manager'
    return at ? `${driver} at ${at.file}:${at.line}` : driver
  }

  private clearLocation(stack: Ptr): void {
    const { memory } = this.k
    memory.setU8(stack + IO_STACK_LOCATION.MinorFunction, 0)
    memory.setU8(stack + IO_STACK_LOCATION.Flags, 0)
    memory.setU8(
      stack + IO_STACK_LOCATION.Control,
      memory.u8(stack + IO_STACK_LOCATION.Control) & SL_ERROR_RETURNED,
    )
    memory.fill(stack + 8, 24, 0)
    memory.setPtr(stack + IO_STACK_LOCATION.FileObject, 0)
  }

  /** Every completion routine is through: what the I/O manager does at last. */
  private finish(irp: Ptr): void {
    const { memory } = this.k
    const info = this.live.get(irp)
    if (!info) return
    info.state = 'completed'
    const status = memory.u32(irp + IRP['IoStatus.Status'])
    const information = memory.size(irp + IRP['IoStatus.Information'])
    if (info.finish) {
      if (this.k.tracing)
        this.k.emit({ t: 'irp.finished', irp: info.number, status: hex32(status), information })
      const finish = info.finish
      info.finish = null
      finish(status, information)
    } else {
      // A driver's own packet that no completion routine kept: Windows frees it.
      this.free(irp)
    }
  }

  // --- cancel ----------------------------------------------------------------------------------

  /** IoSetCancelRoutine: the old routine. */
  setCancelRoutine(irp: Ptr, routine: Ptr): Ptr {
    const { memory } = this.k
    const old = memory.ptr(irp + IRP.CancelRoutine)
    memory.setPtr(irp + IRP.CancelRoutine, routine)
    return old
  }

  /** IoAcquireCancelSpinLock: at DISPATCH_LEVEL from here on. Gives the former IRQL. */
  acquireCancelLock(): MaySpin<number> {
    const { k } = this
    if (this.cancelLockIrql >= 0 && this.cancelLockOwner !== k.processor) {
      const old = k.irql.raise(DISPATCH_LEVEL, 'IoAcquireCancelSpinLock')
      return this.spinForCancelLock(old)
    }
    if (this.cancelLockIrql >= 0)
      k.dpcs.watchdogStop(
        'The cancel spin lock is already held: this processor would wait for itself for ever.',
      )
    const old = k.irql.raise(DISPATCH_LEVEL, 'IoAcquireCancelSpinLock')
    this.cancelLockIrql = old
    this.cancelLockOwner = k.processor
    return old
  }

  private *spinForCancelLock(old: number): KernelRoutine<number> {
    const { k } = this
    const { processor } = k
    while (this.cancelLockIrql >= 0) {
      k.dpcs.checkWatchdog()
      yield {
        op: 'spin',
        until: () => this.cancelLockIrql < 0 || k.tick >= k.dpcs.watchdogTickOf(processor),
      }
    }
    this.cancelLockIrql = old
    this.cancelLockOwner = processor
    return old
  }

  releaseCancelLock(irql: number): void {
    this.cancelLockIrql = -1
    this.k.irql.lower(irql, 'IoReleaseCancelSpinLock')
  }

  /**
   * IoCancelIrp: mark it and call the cancel routine at DISPATCH_LEVEL with the cancel lock held.
   * @bugcheck 0x48 when the packet was completed with a cancel routine still set
   */
  *cancel(irp: Ptr): KernelRoutine<boolean> {
    const { k } = this
    const { memory } = k
    const acquired = this.acquireCancelLock()
    const irql = typeof acquired === 'number' ? acquired : yield* acquired
    memory.setU8(irp + IRP.Cancel, 1)
    const info = this.live.get(irp)
    if (info) info.cancelled = true
    cancelling(k, irp)
    const routine = this.setCancelRoutine(irp, 0)
    if (k.tracing) k.emit({ t: 'irp.cancelled', irp: this.number(irp), routine: routine !== 0 })
    if (routine === 0) {
      this.releaseCancelLock(irql)
      return false
    }
    if (memory.i8(irp + IRP.CurrentLocation) > memory.u8(irp + IRP.StackCount) + 1)
      k.bugCheck(
        0x48,
        memory.address(irp),
        memory.address(routine),
        0,
        0,
        `IRP ${this.number(irp)} was completed with its cancel routine still set, then cancelled.`,
      )
    memory.setU8(irp + IRP.CancelIrql, irql)
    const device = memory.ptr(memory.ptr(irp + CURRENT) + IO_STACK_LOCATION.DeviceObject)
    yield* k.call(routine, 'DRIVER_CANCEL', [device, irp], this.number(irp))
    atRoutine(k, routine, () =>
      k.verifier.check(
        'VR-IRP-CANCEL-LOCK',
        this.cancelLockIrql >= 0,
        [memory.address(irp), memory.address(routine), 0, 0],
        `${k.images.symbol(routine)} returned without IoReleaseCancelSpinLock.`,
        cancelSetCause(k, irp),
      ),
    )
    return true
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
