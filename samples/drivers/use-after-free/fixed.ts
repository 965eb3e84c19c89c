/*
 * Session, mended: the pointer dies together with the block.
 */
import {
  CTL_CODE,
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  METHOD_BUFFERED,
  NT_SUCCESS,
  POOL_FLAG_NON_PAGED,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_DEVICE_STATE,
  STATUS_SUCCESS,
  ULONG,
  cast,
  out,
  pointer,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, Ptr, UNICODE_STRING } from 'wdm'

const IOCTL_SESSION_COUNT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_SESSION_END = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

// C compilers turn four characters into a number with the first one on top; in memory it comes last.
// Written backwards, the tag reads "Sess" in the pool.
const TAG = 'sseS'

const SESSION = struct('SESSION', { Requests: ULONG })
const EXTENSION = struct('EXTENSION', { Session: pointer(SESSION) })

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Session')
const LinkName = RTL_CONSTANT_STRING('\\??\\Session')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = SessionCreate
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = SessionClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = SessionDeviceControl
  DriverObject.DriverUnload = SessionUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(EXTENSION),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
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

function SessionCreate(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
  const block = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(SESSION), TAG)
  if (block === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)
  extension.Session = cast(SESSION, block)
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function SessionDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const extension = cast(EXTENSION, DeviceObject.DeviceExtension)
  const stack = IoGetCurrentIrpStackLocation(Irp)
  switch (stack.Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_SESSION_COUNT:
      // The session may have ended already.
      if (extension.Session === null) return Complete(Irp, STATUS_INVALID_DEVICE_STATE, 0)
      extension.Session.Requests += 1
      DbgPrint('Session: request number %u\n', extension.Session.Requests)
      return Complete(Irp, STATUS_SUCCESS, 0)
    case IOCTL_SESSION_END:
      EndSession(extension)
      return Complete(Irp, STATUS_SUCCESS, 0)
    default:
      return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  }
}

/** Free the session, once. */
function EndSession(extension: Ptr<typeof EXTENSION>): void {
  if (extension.Session === null) return
  ExFreePoolWithTag(extension.Session, TAG)
  // No copy of the address is left: whoever comes later finds NULL.
  extension.Session = null
}

function SessionClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  EndSession(cast(EXTENSION, DeviceObject.DeviceExtension))
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function SessionUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
