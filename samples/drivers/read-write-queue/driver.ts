/*
 * Pipe: what one program writes, another one reads.
 *
 * A read that finds no data is not failed and does not block in the driver: its packet is marked
 * pending and put into a queue, the dispatch routine returns STATUS_PENDING, and whoever brings data
 * later completes the packet. Two threads can be in here at once, so a spin lock guards the queue.
 */
import {
  CONTAINING_RECORD,
  DO_BUFFERED_IO,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  InitializeListHead,
  InsertTailList,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  IoMarkIrpPending,
  IsListEmpty,
  KSPIN_LOCK,
  KeAcquireSpinLock,
  KeInitializeSpinLock,
  KeReleaseSpinLock,
  LIST_ENTRY,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  RemoveEntryList,
  RemoveHeadList,
  RtlCopyMemory,
  RtlMoveMemory,
  STATUS_CANCELLED,
  STATUS_DEVICE_BUSY,
  STATUS_PENDING,
  STATUS_SUCCESS,
  UCHAR,
  ULONG,
  array,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  FILE_OBJECT,
  KIRQL,
  NTSTATUS,
  PVOID,
  Ptr,
  UNICODE_STRING,
} from 'wdm'

const PIPE_BYTES = 64

// The device extension is memory of the driver's own behind each device object. It is nonpaged, so
// it may be used at any IRQL.
const PIPE = struct('PIPE', {
  Lock: KSPIN_LOCK,
  /** Reads that wait for data, linked through their Tail.Overlay.ListEntry. */
  Readers: LIST_ENTRY,
  /** Bytes that were written and not read yet. */
  Length: ULONG,
  Data: array(UCHAR, PIPE_BYTES),
})
type PPIPE = Ptr<typeof PIPE>

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Pipe')
const LinkName = RTL_CONSTANT_STRING('\\??\\Pipe')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = PipeCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = PipeCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = PipeCleanup
  DriverObject.MajorFunction[IRP_MJ_READ] = PipeRead
  DriverObject.MajorFunction[IRP_MJ_WRITE] = PipeWrite
  DriverObject.DriverUnload = PipeUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(PIPE),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  // Reads and writes come with a buffer in nonpaged pool, as METHOD_BUFFERED control codes do.
  device.value.Flags |= DO_BUFFERED_IO

  const pipe = cast(PIPE, device.value.DeviceExtension)
  KeInitializeSpinLock(pipe.Lock)
  InitializeListHead(pipe.Readers)

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function PipeCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

/** Takes up to `length` bytes out of the pipe. The caller holds the lock. */
function TakeBytes(pipe: PPIPE, to: PVOID, length: number): number {
  const count = Math.min(length, pipe.Length)
  RtlCopyMemory(to, pipe.Data, count)
  RtlMoveMemory(pipe.Data, pipe.Data.add(count), pipe.Length - count)
  pipe.Length -= count
  return count
}

function PipeRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const pipe = cast(PIPE, DeviceObject.DeviceExtension)
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Read.Length
  if (length === 0) return Complete(Irp, STATUS_SUCCESS, 0)

  const irql = out<KIRQL>()
  KeAcquireSpinLock(pipe.Lock, irql)
  if (pipe.Length > 0) {
    const count = TakeBytes(pipe, Irp.AssociatedIrp.SystemBuffer, length)
    KeReleaseSpinLock(pipe.Lock, irql.value)
    return Complete(Irp, STATUS_SUCCESS, count)
  }
  // Mark first, queue second: as soon as the lock is free another thread may complete the packet.
  IoMarkIrpPending(Irp)
  InsertTailList(pipe.Readers, Irp.Tail.Overlay.ListEntry)
  KeReleaseSpinLock(pipe.Lock, irql.value)
  return STATUS_PENDING
}

function PipeWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const pipe = cast(PIPE, DeviceObject.DeviceExtension)
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length

  const irql = out<KIRQL>()
  KeAcquireSpinLock(pipe.Lock, irql)
  if (length > PIPE_BYTES - pipe.Length) {
    KeReleaseSpinLock(pipe.Lock, irql.value)
    return Complete(Irp, STATUS_DEVICE_BUSY, 0)
  }
  RtlCopyMemory(pipe.Data.add(pipe.Length), Irp.AssociatedIrp.SystemBuffer, length)
  pipe.Length += length
  KeReleaseSpinLock(pipe.Lock, irql.value)

  ServeReaders(pipe)
  return Complete(Irp, STATUS_SUCCESS, length)
}

/** Completes waiting reads, oldest first, as long as there is data. */
function ServeReaders(pipe: PPIPE): void {
  const irql = out<KIRQL>()
  for (;;) {
    KeAcquireSpinLock(pipe.Lock, irql)
    if (pipe.Length === 0 || IsListEmpty(pipe.Readers)) break
    const entry = RemoveHeadList(pipe.Readers)
    const irp = CONTAINING_RECORD(entry, IRP, 'Tail.Overlay.ListEntry')
    const length = IoGetCurrentIrpStackLocation(irp).Parameters.Read.Length
    const count = TakeBytes(pipe, irp.AssociatedIrp.SystemBuffer, length)
    // Never complete a packet with a lock held: completion routines may call back into the driver.
    KeReleaseSpinLock(pipe.Lock, irql.value)
    Complete(irp, STATUS_SUCCESS, count)
  }
  KeReleaseSpinLock(pipe.Lock, irql.value)
}

/** The last handle to a file object was closed: its packets must not stay behind. */
function PipeCleanup(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const pipe = cast(PIPE, DeviceObject.DeviceExtension)
  const file = IoGetCurrentIrpStackLocation(Irp).FileObject
  for (;;) {
    const waiting = RemoveReaderOf(pipe, file)
    if (waiting === null) break
    Complete(waiting, STATUS_CANCELLED, 0)
  }
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function RemoveReaderOf(pipe: PPIPE, file: FILE_OBJECT): IRP | null {
  let found: IRP | null = null
  const irql = out<KIRQL>()
  KeAcquireSpinLock(pipe.Lock, irql)
  for (let entry = pipe.Readers.Flink; entry !== pipe.Readers; entry = entry.Flink) {
    const irp = CONTAINING_RECORD(entry, IRP, 'Tail.Overlay.ListEntry')
    if (IoGetCurrentIrpStackLocation(irp).FileObject === file) {
      RemoveEntryList(entry)
      found = irp
      break
    }
  }
  KeReleaseSpinLock(pipe.Lock, irql.value)
  return found
}

function PipeUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
