/*
 * Murmur: takes orders by memory that it shares with a program.
 *
 * One request makes a page that both have: the program at an address of its own, the driver in system
 * space. From then on orders are written there and a thread of the driver's reads them. No request
 * passes the I/O manager any more, and nobody who watches requests sees one.
 */
import {
  CTL_CODE,
  ExAllocatePool2,
  ExFreePoolWithTag,
  Executive,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  InitializeObjectAttributes,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KEVENT,
  KeInitializeEvent,
  KeSetEvent,
  KeWaitForSingleObject,
  KernelMode,
  LARGE_INTEGER,
  METHOD_BUFFERED,
  MmMapViewInSystemSpace,
  MmUnmapViewInSystemSpace,
  NT_SUCCESS,
  NotificationEvent,
  OBJECT_ATTRIBUTES,
  OBJ_KERNEL_HANDLE,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  PAGE_READWRITE,
  POOL_FLAG_NON_PAGED,
  PVOID,
  PsCreateSystemThread,
  PsGetCurrentProcessId,
  PsTerminateSystemThread,
  RTL_CONSTANT_STRING,
  SECTION_MAP_READ,
  SECTION_MAP_WRITE,
  SEC_COMMIT,
  SIZE_T,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_DEVICE_BUSY,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
  THREAD_ALL_ACCESS,
  TRUE,
  ULONG,
  ViewUnmap,
  ZwClose,
  ZwCreateSection,
  ZwMapViewOfSection,
  addressof,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, HANDLE, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const IOCTL_OPEN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Murmur')
const LinkName = RTL_CONSTANT_STRING('\\??\\Murmur')
const WHERE_ARE_YOU = 1
const TAG = 'mruM'
/** Between two looks at the page: 10 ms, in units of 100 ns. */
const PERIOD = -100_000n
const PAGE_SIZE = 0x1000n
/** ZwCurrentProcess() of the headers: the pseudo handle of the current process. */
const CURRENT_PROCESS: HANDLE = -1

/** What lies in the shared page; the program has the same. */
const CHANNEL = struct('CHANNEL', { Order: ULONG, Answer: ULONG })
/** What the thread needs. */
const LISTENER = struct('LISTENER', {
  Stop: KEVENT,
  Period: LARGE_INTEGER,
  /** The page in system space, and the section that it is of. */
  Base: PVOID,
  Section: PVOID,
  Thread: PVOID,
})

let listener: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = MurmurCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = MurmurCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = MurmurDeviceControl
  DriverObject.DriverUnload = MurmurUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    0,
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    TRUE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function MurmurDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_OPEN) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 8) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  if (listener !== null) return Complete(Irp, STATUS_DEVICE_BUSY, 0)
  const status = Share(Irp.AssociatedIrp.SystemBuffer)
  return Complete(Irp, status, NT_SUCCESS(status) ? 8 : 0)
}

/** Make the page and put its address in the program there. Runs in the program that asks. */
function Share(Reply: PVOID): NTSTATUS {
  const size = local(LARGE_INTEGER)
  size.QuadPart = PAGE_SIZE
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const section = out<HANDLE>()
  let status = ZwCreateSection(
    section,
    SECTION_MAP_READ | SECTION_MAP_WRITE,
    attributes,
    size,
    PAGE_READWRITE,
    SEC_COMMIT,
    null,
  )
  if (!NT_SUCCESS(status)) return status
  const base = local(array(PVOID, 1))
  const bytes = local(array(SIZE_T, 1))
  status = ZwMapViewOfSection(
    section.value,
    CURRENT_PROCESS,
    addressof(base[0]),
    0n,
    0n,
    null,
    addressof(bytes[0]),
    ViewUnmap,
    0,
    PAGE_READWRITE,
  )
  if (NT_SUCCESS(status)) {
    Reply.u64[0] = base.u64[0]
    status = Listen(section.value)
  }
  ZwClose(section.value)
  return status
}

/** Map the page for the driver itself, and start the thread that reads it. */
function Listen(Section: HANDLE): NTSTATUS {
  const memory = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(LISTENER), TAG)
  if (memory === null) return STATUS_INSUFFICIENT_RESOURCES
  const own = cast(LISTENER, memory)
  KeInitializeEvent(own.Stop, NotificationEvent, FALSE)
  own.Period.QuadPart = PERIOD
  const object = out<PVOID>()
  ObReferenceObjectByHandle(Section, SECTION_MAP_WRITE, null, KernelMode, object, null)
  own.Section = object.value
  const bytes = local(array(SIZE_T, 1))
  bytes[0] = PAGE_SIZE
  let status = MmMapViewInSystemSpace(own.Section, addressof(own.Base), addressof(bytes[0]))
  if (NT_SUCCESS(status)) {
    const thread = out<HANDLE>()
    status = PsCreateSystemThread(thread, THREAD_ALL_ACCESS, null, null, null, MurmurThread, memory)
    if (NT_SUCCESS(status)) {
      ObReferenceObjectByHandle(thread.value, THREAD_ALL_ACCESS, null, KernelMode, object, null)
      own.Thread = object.value
      ZwClose(thread.value)
      listener = memory
      return status
    }
    MmUnmapViewInSystemSpace(own.Base)
  }
  ObDereferenceObject(own.Section)
  ExFreePoolWithTag(memory, TAG)
  return status
}

function MurmurThread(StartContext: PVOID): void {
  const own = cast(LISTENER, StartContext)
  const channel = cast(CHANNEL, own.Base)
  while (
    KeWaitForSingleObject(own.Stop, Executive, KernelMode, FALSE, own.Period) === STATUS_TIMEOUT
  ) {
    if (channel.Order !== WHERE_ARE_YOU) continue
    channel.Order = 0
    channel.Answer = cast(ULONG, PsGetCurrentProcessId())
  }
  PsTerminateSystemThread(STATUS_SUCCESS)
}

/** End the thread, then give back what it used. */
function StopListening(): void {
  if (listener === null) return
  const own = cast(LISTENER, listener)
  KeSetEvent(own.Stop, IO_NO_INCREMENT, FALSE)
  KeWaitForSingleObject(own.Thread, Executive, KernelMode, FALSE, null)
  ObDereferenceObject(own.Thread)
  MmUnmapViewInSystemSpace(own.Base)
  ObDereferenceObject(own.Section)
  ExFreePoolWithTag(listener, TAG)
}

function MurmurCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function MurmurUnload(DriverObject: DRIVER_OBJECT): void {
  StopListening()
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
