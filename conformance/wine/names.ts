/* Names of devices and links, extensions of the driver object, and what DriverEntry is given. */
import {
  DRIVER_OBJECT,
  DbgPrint,
  FILE_DEVICE_UNKNOWN,
  IRP_MJ_MAXIMUM_FUNCTION,
  IoAllocateDriverObjectExtension,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetDriverObjectExtension,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlEqualUnicodeString,
  RtlInitUnicodeString,
  UNICODE_STRING,
  cast,
  local,
  offsetof,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, NTSTATUS } from 'wdm'
import { MakeDevice } from './witness'

function Try(DriverObject: DRIVER_OBJECT, Name: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  return IoCreateDevice(DriverObject, 0, Name, FILE_DEVICE_UNKNOWN, 0, false, device)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const link = RTL_CONSTANT_STRING('\\??\\Other')
  const to = RTL_CONSTANT_STRING('\\Device\\X')
  const services = '\\Registry\\Machine\\System\\ControlSet001\\Services\\Witness'
  const key = local(UNICODE_STRING)
  RtlInitUnicodeString(key, services)
  const name = RTL_CONSTANT_STRING('\\Driver\\Witness')
  const identity = cast(PVOID, 0x1000)
  const first = out<PVOID>()
  const second = out<PVOID>()
  second.value = DriverObject

  DbgPrint('type %u size %x\n', DriverObject.Type, DriverObject.Size)
  DbgPrint('key %u\n', RtlEqualUnicodeString(RegistryPath, key, true))
  DbgPrint('name %u\n', RtlEqualUnicodeString(DriverObject.DriverName, name, true))
  DbgPrint(
    'back %u devices %u unload %u\n',
    DriverObject.DriverExtension.DriverObject === DriverObject ? 1 : 0,
    DriverObject.DeviceObject !== null ? 1 : 0,
    DriverObject.DriverUnload !== null ? 1 : 0,
  )
  const handlers = DriverObject.add(offsetof(DRIVER_OBJECT, 'MajorFunction')).u64
  let same = 0
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) if (handlers[i] === handlers[0]) same++
  DbgPrint('handlers %u\n', same)
  DbgPrint('device %x\n', Try(DriverObject, to))
  DbgPrint('device %x\n', Try(DriverObject, to))
  DbgPrint('device %x\n', Try(DriverObject, RTL_CONSTANT_STRING('\\NoSuchDirectory\\X')))
  DbgPrint('flags %x\n', DriverObject.DeviceObject.Flags & 0xc0)
  DbgPrint('link %x\n', IoCreateSymbolicLink(link, to))
  DbgPrint('link %x\n', IoCreateSymbolicLink(link, to))
  DbgPrint('delete %x\n', IoDeleteSymbolicLink(link))
  DbgPrint('delete %x\n', IoDeleteSymbolicLink(link))
  let status = IoAllocateDriverObjectExtension(DriverObject, identity, 16, first)
  DbgPrint('extension %x\n', status)
  status = IoAllocateDriverObjectExtension(DriverObject, identity, 16, second)
  DbgPrint('extension %x %u\n', status, second.value === null ? 1 : 0)
  const found = IoGetDriverObjectExtension(DriverObject, identity)
  DbgPrint('extension %u\n', found === first.value ? 1 : 0)
  const none = IoGetDriverObjectExtension(DriverObject, cast(PVOID, 0x2000))
  DbgPrint('extension %u\n', none === null ? 1 : 0)
  IoDeleteDevice(DriverObject.DeviceObject)
  DbgPrint('devices %u\n', DriverObject.DeviceObject !== null ? 1 : 0)
  return MakeDevice(DriverObject, 0)
}
