/*
 * K022 to K028: what reaches a driver when a program opens and closes. The device Door counts; the
 * device Refuse fails every open; bare.ts is a driver that handles nothing but CREATE.
 */
import {
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  IoGetCurrentProcess,
  IoGetRequestorProcess,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlEqualUnicodeString,
  STATUS_ACCESS_DENIED,
  STATUS_SUCCESS,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, FILE_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Equal, Holds, Same } from './check'
import { IOCTL_COUNTS, IOCTL_LOOK, IOCTL_REFUSED } from './codes'

const DoorName = RTL_CONSTANT_STRING('\\Device\\Door')
const DoorLink = RTL_CONSTANT_STRING('\\??\\Door')
const RefuseName = RTL_CONSTANT_STRING('\\Device\\Refuse')
const RefuseLink = RTL_CONSTANT_STRING('\\??\\Refuse')

let Door: DEVICE_OBJECT | null = null
let Creates = 0
let Cleanups = 0
let Closes = 0
let RefuseCreates = 0
let RefuseOthers = 0
let FirstFile: FILE_OBJECT | null = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, DoorName, FILE_DEVICE_UNKNOWN, 0, false, device)
  Door = device.value
  IoCreateDevice(DriverObject, 0, RefuseName, FILE_DEVICE_UNKNOWN, 0, false, device)
  IoCreateSymbolicLink(DoorLink, DoorName)
  IoCreateSymbolicLink(RefuseLink, RefuseName)
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Create
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = Cleanup
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Close
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.DriverUnload = Unload
  return STATUS_SUCCESS
}

function Complete(Irp: IRP, Status: NTSTATUS, Information = 0): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function Create(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  if (DeviceObject !== Door) {
    RefuseCreates++
    return Complete(Irp, STATUS_ACCESS_DENIED)
  }
  Creates++
  const file = IoGetCurrentIrpStackLocation(Irp).FileObject
  if (Creates === 1) {
    const rest = RTL_CONSTANT_STRING('\\sub\\x')
    Holds('K022', 'the rest of the path', RtlEqualUnicodeString(file.FileName, rest, false))
    FirstFile = file
    file.FsContext = cast(PVOID, 0x1111)
  }
  if (Creates === 2) {
    Equal('K022', 'nothing behind the link', file.FileName.Length, 0)
    Holds('K024', 'two opens, two file objects', file !== FirstFile)
    Same('K024', 'FsContext of the second open', file.FsContext, null)
    file.FsContext = cast(PVOID, 0x2222)
    if (FirstFile !== null)
      Same('K024', 'FsContext of the first open', FirstFile.FsContext, cast(PVOID, 0x1111))
  }
  return Complete(Irp, STATUS_SUCCESS)
}

function Cleanup(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  if (DeviceObject !== Door) RefuseOthers++
  else Cleanups++
  return Complete(Irp, STATUS_SUCCESS)
}

function Close(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  if (DeviceObject !== Door) RefuseOthers++
  else {
    Holds('K023', 'CLEANUP comes before CLOSE', Cleanups === Closes + 1)
    Closes++
  }
  return Complete(Irp, STATUS_SUCCESS)
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  const code = stack.Parameters.DeviceIoControl.IoControlCode
  if (code === IOCTL_COUNTS) {
    const counts = Irp.AssociatedIrp.SystemBuffer.u32
    counts[0] = Creates
    counts[1] = Cleanups
    counts[2] = Closes
    return Complete(Irp, STATUS_SUCCESS, 12)
  }
  if (code === IOCTL_REFUSED) {
    Equal('K025', 'CREATE was sent', RefuseCreates, 1)
    Equal('K025', 'neither CLEANUP nor CLOSE was', RefuseOthers, 0)
  }
  if (code === IOCTL_LOOK) {
    Same('K026', 'DeviceObject of the location', stack.DeviceObject, DeviceObject)
    Same('K026', 'the requestor', IoGetRequestorProcess(Irp), IoGetCurrentProcess())
  }
  return Complete(Irp, STATUS_SUCCESS)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(RefuseLink)
  IoDeleteSymbolicLink(DoorLink)
  IoDeleteDevice(DriverObject.DeviceObject)
  IoDeleteDevice(DriverObject.DeviceObject)
}
