/*
 * Lichen, the honest one: writes down that the machine went down in good order.
 *
 * That is what shutdown notifications are for: to save what is in memory only. It goes below the
 * driver's own Parameters; whether the driver starts is for the administrator to say, and stays said.
 */
import {
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_SHUTDOWN,
  InitializeObjectAttributes,
  IoCompleteRequest,
  IoCreateDevice,
  IoDeleteDevice,
  IoRegisterShutdownNotification,
  IoUnregisterShutdownNotification,
  KEY_CREATE_SUB_KEY,
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
  ZwCreateKey,
  ZwOpenKey,
  ZwSetValueKey,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, HANDLE, IRP, NTSTATUS, PVOID } from 'wdm'

const Parameters = RTL_CONSTANT_STRING('Parameters')
const CleanName = RTL_CONSTANT_STRING('CleanShutdown')
const TAG = 'hciL'
const PATH_BYTES_MAX = 512

/** The name of the service key. */
const MEMORY = struct('MEMORY', { Path: UNICODE_STRING, Text: array(ULONG, PATH_BYTES_MAX / 4) })

let memory: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_SHUTDOWN] = LichenShutdown
  DriverObject.DriverUnload = LichenUnload
  memory = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(MEMORY), TAG)
  if (memory === null || RegistryPath.Length > PATH_BYTES_MAX) return STATUS_INSUFFICIENT_RESOURCES
  const own = cast(MEMORY, memory)
  own.Path.Length = RegistryPath.Length
  own.Path.MaximumLength = RegistryPath.Length
  own.Path.Buffer = cast(PWSTR, own.Text)
  RtlCopyMemory(own.Text, RegistryPath.Buffer, RegistryPath.Length)
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (NT_SUCCESS(status)) {
    status = IoRegisterShutdownNotification(device.value)
    if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  }
  if (!NT_SUCCESS(status)) ExFreePoolWithTag(memory, TAG)
  return status
}

function LichenShutdown(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  WriteDown()
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function WriteDown(): void {
  const attributes = local(OBJECT_ATTRIBUTES)
  const flags = OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE
  InitializeObjectAttributes(attributes, cast(MEMORY, memory).Path, flags, null, null)
  const service = out<HANDLE>()
  if (!NT_SUCCESS(ZwOpenKey(service, KEY_CREATE_SUB_KEY, attributes))) return
  InitializeObjectAttributes(attributes, Parameters, flags, service.value, null)
  const key = out<HANDLE>()
  if (NT_SUCCESS(ZwCreateKey(key, KEY_SET_VALUE, attributes, 0, null, 0, null))) {
    const value = local(array(ULONG, 1))
    value[0] = 1
    ZwSetValueKey(key.value, CleanName, 0, REG_DWORD, value, 4)
    ZwClose(key.value)
  }
  ZwClose(service.value)
}

function LichenUnload(DriverObject: DRIVER_OBJECT): void {
  IoUnregisterShutdownNotification(DriverObject.DeviceObject)
  IoDeleteDevice(DriverObject.DeviceObject)
  ExFreePoolWithTag(memory, TAG)
}
