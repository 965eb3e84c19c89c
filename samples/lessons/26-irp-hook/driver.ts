/*
 * Watch: looks whether the routines of the file system are the file system's own.
 */
import {
  CTL_CODE,
  DRIVER_OBJECT,
  DbgPrint,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MJ_READ,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KernelMode,
  METHOD_BUFFERED,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  OBJECT_TYPE,
  OBJ_CASE_INSENSITIVE,
  ObDereferenceObject,
  ObReferenceObjectByName,
  PVOID,
  RTL_CONSTANT_STRING,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG_PTR,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, IRP, NTSTATUS, ULONG, UNICODE_STRING, ULONGLONG } from 'wdm'

const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Watch')
const LinkName = RTL_CONSTANT_STRING('\\??\\Watch')
const FileSystem = RTL_CONSTANT_STRING('\\FileSystem\\Ntfs')

/** The routine that the I/O manager puts where a driver has none; it refuses, and lies in the kernel. */
let defaultRoutine: ULONGLONG = 0n

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  // A fresh driver object has the default in every place.
  defaultRoutine = cast(ULONG_PTR, DriverObject.MajorFunction[IRP_MJ_READ])
  DriverObject.MajorFunction[IRP_MJ_CREATE] = WatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = WatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = WatchDeviceControl
  DriverObject.DriverUnload = WatchUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    0,
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** Whether a routine that stands in a driver's object is somebody else's. */
function IsForeign(Driver: DRIVER_OBJECT, Routine: ULONGLONG): boolean {
  return Routine === 0n
}

/** Look at each routine of Ntfs; the answer is how many are foreign, and the first such function code. */
function Scan(Answer: PVOID): NTSTATUS {
  const object = out<PVOID>()
  // The kernel exports the variable that holds the type.
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('IoDriverObjectType'))
  const status = ObReferenceObjectByName(
    FileSystem,
    OBJ_CASE_INSENSITIVE,
    null,
    0,
    cast(OBJECT_TYPE, type.u64[0]),
    KernelMode,
    null,
    object,
  )
  if (!NT_SUCCESS(status)) return status
  const driver = cast(DRIVER_OBJECT, object.value)
  DbgPrint('Watch: Ntfs lies at %p, 0x%X bytes\n', driver.DriverStart, driver.DriverSize)
  let foreign: ULONG = 0
  let first: ULONG = 0
  for (let major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++) {
    const routine = cast(ULONG_PTR, driver.MajorFunction[major])
    if (!IsForeign(driver, routine)) continue
    if (foreign === 0) first = major
    foreign++
    DbgPrint('Watch: function %u is answered at %p\n', major, cast(PVOID, routine))
  }
  ObDereferenceObject(driver)
  Answer.u32[0] = foreign
  Answer.u32[1] = first
  return STATUS_SUCCESS
}

function WatchDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_SCAN) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 8) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  const status = Scan(Irp.AssociatedIrp.SystemBuffer)
  return Complete(Irp, status, NT_SUCCESS(status) ? 8 : 0)
}

function WatchCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function WatchUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
