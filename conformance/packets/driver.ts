/*
 * K041 to K053 and K056 to K058: packets that the driver makes itself and sends through a stack of
 * three devices of its own. Everything is looked at in DriverEntry and in what it calls.
 */
import {
  APC_LEVEL,
  DISPATCH_LEVEL,
  Executive,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IO_STACK_LOCATION,
  IO_STATUS_BLOCK,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  IoAllocateIrp,
  IoAttachDeviceToDeviceStack,
  IoBuildSynchronousFsdRequest,
  IoCallDriver,
  IoCancelIrp,
  IoCompleteRequest,
  IoCopyCurrentIrpStackLocationToNext,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoFreeIrp,
  IoGetCurrentIrpStackLocation,
  IoGetNextIrpStackLocation,
  IoMarkIrpPending,
  IoReleaseCancelSpinLock,
  IoReuseIrp,
  IoSetCancelRoutine,
  IoSetCompletionRoutine,
  IoSetNextIrpStackLocation,
  IoSkipCurrentIrpStackLocation,
  KEVENT,
  KeGetCurrentIrql,
  KeInitializeEvent,
  KeLowerIrql,
  KeRaiseIrql,
  KeReadStateEvent,
  KeWaitForSingleObject,
  KernelMode,
  NotificationEvent,
  PVOID,
  PsGetCurrentThread,
  STATUS_BUFFER_OVERFLOW,
  STATUS_MORE_PROCESSING_REQUIRED,
  STATUS_PENDING,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
  ULONG_PTR,
  cast,
  local,
  offsetof,
  out,
} from 'wdm'
import type {
  BOOLEAN,
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IRP,
  KIRQL,
  NTSTATUS,
  UCHAR,
  UNICODE_STRING,
} from 'wdm'
import { Equal, Holds, Same } from './check'

/** Bytes of a stack location. */
const LOCATION = 0x48
const FIRST_LOCATION = 0x1a8

let Lowest: DEVICE_OBJECT | null = null
let Middle: DEVICE_OBJECT | null = null
let Highest: DEVICE_OBJECT | null = null
/** Routines that have run, one decimal digit each, the first one leftmost. */
let Order = 0
/** What the dispatch routine does with the next packet. */
let Way = 0

const COPY = 1
const SKIP = 2
const PEND = 3

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  Lowest = Create(DriverObject)
  Middle = Create(DriverObject)
  Highest = Create(DriverObject)
  IoAttachDeviceToDeviceStack(Middle, Lowest)
  IoAttachDeviceToDeviceStack(Highest, Lowest)
  DriverObject.MajorFunction[IRP_MJ_READ] = Read
  DriverObject.MajorFunction[IRP_MJ_WRITE] = Write
  DriverObject.DriverUnload = Unload

  FreshAndReused()
  DownAndUp()
  Skipped()
  Copied()
  MoreProcessing()
  Conditions()
  Pended()
  SynchronousRead()
  NoCancelRoutine()
  Cancelled()
  return STATUS_SUCCESS
}

function Create(DriverObject: DRIVER_OBJECT): DEVICE_OBJECT {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  return device.value
}

/** A packet for the whole stack, with a routine of the originator's that keeps it. */
function Packet(Major: UCHAR): IRP {
  const irp = IoAllocateIrp(3, false)
  IoGetNextIrpStackLocation(irp).MajorFunction = Major
  IoSetCompletionRoutine(irp, Keep, cast(PVOID, 9), true, true, true)
  return irp
}

function FreshAndReused(): void {
  const irp = IoAllocateIrp(3, false)
  Equal('K041', 'Type', irp.Type, 6)
  Equal('K041', 'StackCount', irp.StackCount, 3)
  Equal('K041', 'CurrentLocation', irp.CurrentLocation, 4)
  Holds('K041', 'Size', irp.Size >= FIRST_LOCATION)
  Same('K041', 'ThreadListEntry.Flink', irp.ThreadListEntry.Flink, irp.ThreadListEntry)
  Same('K041', 'ThreadListEntry.Blink', irp.ThreadListEntry.Blink, irp.ThreadListEntry)
  const current = irp.Tail.Overlay.CurrentStackLocation
  Same('K041', 'CurrentStackLocation', current, irp.add(FIRST_LOCATION))
  Equal('K041', 'AllocationFlags', irp.AllocationFlags, 4)
  IoSetNextIrpStackLocation(irp)
  irp.IoStatus.Status = STATUS_SUCCESS
  IoReuseIrp(irp, STATUS_UNSUCCESSFUL)
  Equal('K042', 'CurrentLocation', irp.CurrentLocation, irp.StackCount + 1)
  Equal('K042', 'IoStatus.Status', irp.IoStatus.Status, STATUS_UNSUCCESSFUL)
  Equal('K042', 'AllocationFlags', irp.AllocationFlags, 4)
  IoFreeIrp(irp)
}

/** Dispatch routine of all three devices for reading. */
function Read(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const location = IoGetCurrentIrpStackLocation(Irp)
  if (Way === PEND) return PendingRead(DeviceObject, Irp)
  if (Way === COPY) {
    const depth = DeviceObject === Highest ? 0 : DeviceObject === Middle ? 1 : 2
    Equal('K043', 'CurrentLocation', Irp.CurrentLocation, 3 - depth)
    Same('K043', 'the stack location', location, Irp.add(0xd0 + LOCATION * (2 - depth)))
    Same('K043', 'its DeviceObject', location.DeviceObject, DeviceObject)
  }
  if (DeviceObject === Lowest) {
    Irp.IoStatus.Status = STATUS_SUCCESS
    IoCompleteRequest(Irp, IO_NO_INCREMENT)
    return STATUS_SUCCESS
  }
  IoCopyCurrentIrpStackLocationToNext(Irp)
  const number = DeviceObject === Middle ? 1 : 2
  IoSetCompletionRoutine(Irp, Done, cast(PVOID, number), true, true, true)
  return IoCallDriver(Below(DeviceObject), Irp)
}

function Below(DeviceObject: DEVICE_OBJECT): DEVICE_OBJECT | null {
  return DeviceObject === Highest ? Middle : Lowest
}

function Done(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  const number = Number(cast(ULONG_PTR, Context))
  Order = Order * 10 + number
  if (Way === COPY)
    Same('K046', 'the device that set it', DeviceObject, number === 1 ? Middle : Highest)
  return STATUS_SUCCESS
}

/** The originator's routine. */
function Keep(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  Order = Order * 10 + Number(cast(ULONG_PTR, Context))
  if (Way === COPY) {
    Same('K047', 'DeviceObject', DeviceObject, null)
    Equal('K047', 'CurrentLocation', Irp.CurrentLocation, Irp.StackCount + 1)
  }
  return STATUS_MORE_PROCESSING_REQUIRED
}

function DownAndUp(): void {
  Way = COPY
  Order = 0
  const irp = Packet(IRP_MJ_READ)
  IoCallDriver(Highest, irp)
  Equal('K046', 'lowest routine first', Order, 129)
  IoFreeIrp(irp)
  Way = 0
}

/** Dispatch routine for writing: passes its own stack location on. */
function Write(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const location = IoGetCurrentIrpStackLocation(Irp)
  if (Way === SKIP && DeviceObject !== Lowest) {
    WriteLocation = location
    IoSkipCurrentIrpStackLocation(Irp)
    return IoCallDriver(Lowest, Irp)
  }
  if (Way === SKIP) Same('K044', 'the location that the caller had', location, WriteLocation)
  Irp.IoStatus.Status = WriteStatus
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return WriteStatus
}

let WriteLocation: IO_STACK_LOCATION | null = null
let WriteStatus: NTSTATUS = STATUS_SUCCESS

function Skipped(): void {
  Way = SKIP
  const irp = Packet(IRP_MJ_WRITE)
  IoCallDriver(Highest, irp)
  IoFreeIrp(irp)
  Way = 0
}

function Copied(): void {
  const irp = IoAllocateIrp(2, false)
  IoSetNextIrpStackLocation(irp)
  const current = IoGetCurrentIrpStackLocation(irp)
  const next = IoGetNextIrpStackLocation(irp)
  const routine = offsetof(IO_STACK_LOCATION, 'CompletionRoutine')
  for (let i = 0; i < LOCATION; i++) {
    current.u8[i] = 0x11 + i
    next.u8[i] = 0xee
  }
  IoCopyCurrentIrpStackLocationToNext(irp)
  let equal = 0
  let untouched = 0
  for (let i = 0; i < routine; i++) if (next.u8[i] === current.u8[i]) equal++
  for (let i = routine; i < LOCATION; i++) if (next.u8[i] === 0xee) untouched++
  Equal('K045', 'Control', next.Control, 0)
  Equal('K045', 'every other byte before CompletionRoutine', equal, routine - 1)
  Equal('K045', 'CompletionRoutine and Context are untouched', untouched, LOCATION - routine)
  IoFreeIrp(irp)
}

function Hold(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  Order = Order * 10 + 5
  return STATUS_MORE_PROCESSING_REQUIRED
}

/** The routine of the lower location keeps the packet; completing it again runs those above. */
function MoreProcessing(): void {
  Order = 0
  WriteStatus = STATUS_SUCCESS
  const irp = IoAllocateIrp(3, false)
  IoSetCompletionRoutine(irp, Keep, cast(PVOID, 9), true, true, true)
  IoSetNextIrpStackLocation(irp)
  IoGetNextIrpStackLocation(irp).MajorFunction = IRP_MJ_WRITE
  IoSetCompletionRoutine(irp, Hold, null, true, true, true)
  IoCallDriver(Lowest, irp)
  Equal('K048', 'no routine above it runs', Order, 5)
  Equal('K048', 'the packet stays valid', irp.Type, 6)
  IoCompleteRequest(irp, IO_NO_INCREMENT)
  Equal('K048', 'completing it again goes on above', Order, 59)
  IoFreeIrp(irp)
}

/** Whether a routine that was set with these conditions runs for a packet with this status. */
function Runs(
  Status: NTSTATUS,
  Cancel: BOOLEAN,
  Success: BOOLEAN,
  Error: BOOLEAN,
  OnCancel: BOOLEAN,
): number {
  Order = 0
  WriteStatus = Status
  const irp = IoAllocateIrp(2, false)
  // Above it is one that always runs, since the packet must not be completed to its end.
  IoSetCompletionRoutine(irp, Keep, cast(PVOID, 9), true, true, true)
  IoSetNextIrpStackLocation(irp)
  IoGetNextIrpStackLocation(irp).MajorFunction = IRP_MJ_WRITE
  IoSetCompletionRoutine(irp, Done, cast(PVOID, 1), Success, Error, OnCancel)
  irp.Cancel = Cancel
  IoCallDriver(Lowest, irp)
  IoFreeIrp(irp)
  return Order === 19 ? 1 : 0
}

function Conditions(): void {
  const warning = STATUS_BUFFER_OVERFLOW
  const informational: NTSTATUS = 0x40000000
  const error = STATUS_UNSUCCESSFUL
  Equal('K049', 'on success, a success', Runs(STATUS_SUCCESS, false, true, false, false), 1)
  Equal('K049', 'on success, informational', Runs(informational, false, true, false, false), 1)
  Equal('K049', 'on success, a warning', Runs(warning, false, true, false, false), 0)
  Equal('K049', 'on success, an error', Runs(error, false, true, false, false), 0)
  Equal('K049', 'on error, a success', Runs(STATUS_SUCCESS, false, false, true, false), 0)
  Equal('K049', 'on error, informational', Runs(informational, false, false, true, false), 0)
  Equal('K049', 'on error, a warning', Runs(warning, false, false, true, false), 1)
  Equal('K049', 'on error, an error', Runs(error, false, false, true, false), 1)
  Equal('K050', 'cancelled, a success', Runs(STATUS_SUCCESS, true, false, false, true), 1)
  Equal('K050', 'cancelled, a warning', Runs(warning, true, false, false, true), 1)
  Equal('K050', 'cancelled, an error', Runs(error, true, false, false, true), 1)
  Equal('K050', 'not cancelled', Runs(error, false, false, false, true), 0)
  WriteStatus = STATUS_SUCCESS
}

/** The lowest device marks the packet pending, the others copy without a routine. */
function PendingRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  if (DeviceObject === Lowest) {
    if (MarksPending) IoMarkIrpPending(Irp)
    Irp.IoStatus.Status = STATUS_SUCCESS
    IoCompleteRequest(Irp, IO_NO_INCREMENT)
    return MarksPending ? STATUS_PENDING : STATUS_SUCCESS
  }
  IoCopyCurrentIrpStackLocationToNext(Irp)
  if (DeviceObject === Highest && WatchesMiddle)
    IoSetCompletionRoutine(Irp, LookAtMiddle, null, true, true, true)
  return IoCallDriver(Below(DeviceObject), Irp)
}

let MarksPending = true
let WatchesMiddle = false
let PendingSeen = 0

/** A filter's routine, which says what it has to say about a packet that was pended below it. */
function LookAtMiddle(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  Equal('K051', 'PendingReturned', Irp.PendingReturned ? 1 : 0, MarksPending ? 1 : 0)
  if (Irp.PendingReturned) IoMarkIrpPending(Irp)
  return STATUS_SUCCESS
}

function LookAtTop(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  PendingSeen = Irp.PendingReturned ? 1 : 0
  const own = Irp.add(FIRST_LOCATION - LOCATION)
  const location = cast(IO_STACK_LOCATION, own)
  if (MarksPending && !WatchesMiddle) {
    Equal('K053', 'MinorFunction', location.MinorFunction, 0)
    Equal('K053', 'Flags', location.Flags, 0)
    Equal('K053', 'Control, except for 2', location.Control & ~2, 0)
    Same('K053', 'Argument1', location.Parameters.Others.Argument1, null)
    Same('K053', 'Argument2', location.Parameters.Others.Argument2, null)
    Same('K053', 'Argument3', location.Parameters.Others.Argument3, null)
    Same('K053', 'FileObject', location.FileObject, null)
  }
  return STATUS_MORE_PROCESSING_REQUIRED
}

function SendPending(): void {
  const irp = IoAllocateIrp(3, false)
  const next = IoGetNextIrpStackLocation(irp)
  next.MajorFunction = IRP_MJ_READ
  next.MinorFunction = 7
  next.Flags = 1
  next.Parameters.Others.Argument1 = cast(PVOID, 0x11)
  next.Parameters.Others.Argument2 = cast(PVOID, 0x12)
  next.Parameters.Others.Argument3 = cast(PVOID, 0x13)
  IoSetCompletionRoutine(irp, LookAtTop, null, true, true, true)
  IoCallDriver(Highest, irp)
  IoFreeIrp(irp)
}

function Pended(): void {
  Way = PEND
  SendPending()
  Equal('K052', 'the pending bit moved up by itself', PendingSeen, 1)
  WatchesMiddle = true
  SendPending()
  MarksPending = false
  SendPending()
  Equal('K052', 'and none where nobody marked', PendingSeen, 0)
  Way = 0
}

function SynchronousRead(): void {
  const event = local(KEVENT)
  const block = local(IO_STATUS_BLOCK)
  KeInitializeEvent(event, NotificationEvent, false)
  block.Information = 0x1234
  WriteStatus = STATUS_SUCCESS
  const irp = IoBuildSynchronousFsdRequest(IRP_MJ_READ, Lowest, null, 0, null, event, block)
  Equal('K056', 'CurrentLocation', irp.CurrentLocation, 2)
  Same('K056', 'UserIosb', irp.UserIosb, block)
  Same('K056', 'UserEvent', irp.UserEvent, event)
  Same('K056', 'Tail.Overlay.Thread', irp.Tail.Overlay.Thread, PsGetCurrentThread())
  Equal('K056', 'Cancel', irp.Cancel ? 1 : 0, 0)
  Holds('K056', 'CancelRoutine is NULL', irp.CancelRoutine === null)
  Equal('K056', 'MajorFunction', IoGetNextIrpStackLocation(irp).MajorFunction, IRP_MJ_READ)
  Equal('K056', 'the event before', KeReadStateEvent(event), 0)
  Equal('K056', 'the status block before', Number(block.Information), 0x1234)
  IoCallDriver(Lowest, irp)
  const status = KeWaitForSingleObject(event, Executive, KernelMode, false, null)
  Equal('K056', 'the event after', status, STATUS_SUCCESS)
  Equal('K056', 'the status block after', Number(block.Information), 0)
}

function NoCancelRoutine(): void {
  const irp = IoAllocateIrp(1, false)
  Equal('K057', 'IoCancelIrp', IoCancelIrp(irp) ? 1 : 0, 0)
  Equal('K057', 'Cancel', irp.Cancel ? 1 : 0, 1)
  IoFreeIrp(irp)
}

let CancelCalls = 0

function Cancel(DeviceObject: DEVICE_OBJECT, Irp: IRP): void {
  CancelCalls++
  Holds('K058', 'CancelRoutine is NULL', Irp.CancelRoutine === null)
  Equal('K058', 'IRQL', KeGetCurrentIrql(), DISPATCH_LEVEL)
  Equal('K058', 'CancelIrql', Irp.CancelIrql, APC_LEVEL)
  // Windows stops here when the lock is not held.
  IoReleaseCancelSpinLock(Irp.CancelIrql)
  Equal('K058', 'IRQL after giving the cancel lock back', KeGetCurrentIrql(), APC_LEVEL)
}

function Cancelled(): void {
  const irp = IoAllocateIrp(1, false)
  IoGetNextIrpStackLocation(irp).DeviceObject = Lowest
  IoSetNextIrpStackLocation(irp)
  IoSetCancelRoutine(irp, Cancel)
  const old = out<KIRQL>()
  KeRaiseIrql(APC_LEVEL, old)
  Equal('K058', 'IoCancelIrp', IoCancelIrp(irp) ? 1 : 0, 1)
  Equal('K058', 'a second IoCancelIrp', IoCancelIrp(irp) ? 1 : 0, 0)
  KeLowerIrql(old.value)
  Equal('K058', 'calls of the routine', CancelCalls, 1)
  IoFreeIrp(irp)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDetachDevice(Middle)
  IoDetachDevice(Lowest)
  IoDeleteDevice(DriverObject.DeviceObject)
  IoDeleteDevice(DriverObject.DeviceObject)
  IoDeleteDevice(DriverObject.DeviceObject)
}
