/* K037 to K039 and K059: which status a caller gets, when, and how a waiting request is cancelled. */
import {
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
  IoMarkIrpPending,
  IoReleaseCancelSpinLock,
  IoSetCancelRoutine,
  RTL_CONSTANT_STRING,
  STATUS_CANCELLED,
  STATUS_PENDING,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Holds } from './check'
import { IOCTL_FINISH, IOCTL_KEEP, IOCTL_PENDED, IOCTL_RETURN } from './codes'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Status')
const LinkName = RTL_CONSTANT_STRING('\\??\\Status')

let Kept: IRP | null = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, false, device)
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.DriverUnload = Unload
  return IoCreateSymbolicLink(LinkName, DeviceName)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information = 0): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function Succeed(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  const code = stack.Parameters.DeviceIoControl.IoControlCode
  if (code === IOCTL_FINISH) {
    if (Kept !== null) Complete(Kept, STATUS_SUCCESS, 5)
    Kept = null
    return Complete(Irp, STATUS_SUCCESS)
  }
  if (code === IOCTL_KEEP) {
    Kept = Irp
    IoMarkIrpPending(Irp)
    IoSetCancelRoutine(Irp, Cancel)
    return STATUS_PENDING
  }
  const statuses = Irp.AssociatedIrp.SystemBuffer.u32
  const inPacket: NTSTATUS = statuses[0]
  const returned: NTSTATUS = statuses[1]
  if (code === IOCTL_PENDED) {
    IoMarkIrpPending(Irp)
    Complete(Irp, inPacket)
    return STATUS_PENDING
  }
  Complete(Irp, inPacket, 77)
  return returned
}

function Cancel(DeviceObject: DEVICE_OBJECT, Irp: IRP): void {
  IoReleaseCancelSpinLock(Irp.CancelIrql)
  Holds('K059', 'the packet says that it is cancelled', Irp.Cancel)
  Complete(Irp, STATUS_CANCELLED)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
