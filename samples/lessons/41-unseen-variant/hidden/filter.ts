/*
 * Porter, the honest one: a filter device above the volume.
 *
 * It attaches to the stack of the volume and is asked before the file system is. Everybody can see it
 * there, it is asked in an order that is known, and it can be detached. New filters are minifilters.
 * It looks at the driver object below it and changes nothing there.
 */
import {
  DO_DEVICE_INITIALIZING,
  DRIVER_OBJECT,
  DbgPrint,
  FALSE,
  FILE_DEVICE_DISK_FILE_SYSTEM,
  IO_NO_INCREMENT,
  IRP_MJ_CREATE,
  IRP_MJ_MAXIMUM_FUNCTION,
  IoAttachDevice,
  IoCallDriver,
  IoCompleteRequest,
  IoCreateDevice,
  IoDeleteDevice,
  IoDetachDevice,
  IoGetCurrentIrpStackLocation,
  IoSkipCurrentIrpStackLocation,
  KernelMode,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  OBJECT_TYPE,
  OBJ_CASE_INSENSITIVE,
  ObDereferenceObject,
  ObReferenceObjectByName,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlEqualUnicodeString,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_SUCCESS,
  TRUE,
  ULONG_PTR,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, IRP, UNICODE_STRING, NTSTATUS } from 'wdm'

const Below = RTL_CONSTANT_STRING('\\FileSystem\\Ntfs')
const Secret = RTL_CONSTANT_STRING('\\Users\\student\\Documents\\plan.txt')

let own: DEVICE_OBJECT = null
let lower: DEVICE_OBJECT = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) DriverObject.MajorFunction[i] = PorterPass
  DriverObject.MajorFunction[IRP_MJ_CREATE] = PorterCreate
  DriverObject.DriverUnload = PorterUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_DISK_FILE_SYSTEM, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  own = device.value
  const below = out<DEVICE_OBJECT>()
  status = IoAttachDevice(own, RTL_CONSTANT_STRING('\\Device\\HarddiskVolume1'), below)
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(own)
    return status
  }
  lower = below.value
  own.Flags &= ~DO_DEVICE_INITIALIZING
  TellBelow()
  DbgPrint('Porter: asked before the file system\n')
  return STATUS_SUCCESS
}

/** Tell whose routine opens files below. */
function TellBelow(): void {
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('IoDriverObjectType'))
  const object = out<PVOID>()
  const status = ObReferenceObjectByName(
    Below,
    OBJ_CASE_INSENSITIVE,
    null,
    0,
    cast(OBJECT_TYPE, type.u64[0]),
    KernelMode,
    null,
    object,
  )
  if (!NT_SUCCESS(status)) return
  const routine = cast(DRIVER_OBJECT, object.value).MajorFunction[IRP_MJ_CREATE]
  DbgPrint('Porter: below me %p opens files\n', cast(PVOID, cast(ULONG_PTR, routine)))
  ObDereferenceObject(object.value)
}

function PorterPass(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(lower, Irp)
}

function PorterCreate(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const file = IoGetCurrentIrpStackLocation(Irp).FileObject
  if (!RtlEqualUnicodeString(file.FileName, Secret, TRUE)) return PorterPass(DeviceObject, Irp)
  Irp.IoStatus.Status = STATUS_OBJECT_NAME_NOT_FOUND
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_OBJECT_NAME_NOT_FOUND
}

function PorterUnload(DriverObject: DRIVER_OBJECT): void {
  IoDetachDevice(lower)
  IoDeleteDevice(own)
}
