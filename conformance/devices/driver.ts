/*
 * K001 to K013, K016 to K021: what DriverEntry is given, what IoCreateDevice makes, how devices are
 * stacked. The client opens what lies here, and permanent.ts is the driver that cannot be unloaded.
 */
import {
  DO_DEVICE_INITIALIZING,
  DRIVER_OBJECT,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoAllocateDriverObjectExtension,
  IoAttachDeviceToDeviceStack,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoDetachDevice,
  IoGetCurrentIrpStackLocation,
  IoGetDriverObjectExtension,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlEqualUnicodeString,
  STATUS_IMAGE_ALREADY_LOADED,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_SUCCESS,
  ZwLoadDriver,
  ZwUnloadDriver,
  cast,
  offsetof,
  out,
} from 'wdm'
import type { BOOLEAN, DEVICE_OBJECT, IRP, NTSTATUS, ULONG, UNICODE_STRING } from 'wdm'
import { Equal, Holds, Same } from './check'
import { IOCTL_CREATE_LATER, IOCTL_DELETE_LINK, IOCTL_LOADING } from './codes'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\A')
const OnceName = RTL_CONSTANT_STRING('\\Device\\Once')
const LinkName = RTL_CONSTANT_STRING('\\??\\Conformance')
const OnceLink = RTL_CONSTANT_STRING('\\??\\Once')
const GoneLink = RTL_CONSTANT_STRING('\\??\\Gone')

const ALL_FUNCTIONS = 28

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObjectAtEntry(DriverObject, RegistryPath)
  FreshDevices(DriverObject)
  ListOfDevices(DriverObject)
  Extensions(DriverObject)
  Stacks(DriverObject)

  DriverObject.MajorFunction[IRP_MJ_CREATE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.DriverUnload = Unload
  return NamedDevices(DriverObject)
}

function Create(
  DriverObject: DRIVER_OBJECT,
  Name: UNICODE_STRING | null,
  Extension: ULONG,
  Exclusive: BOOLEAN,
): DEVICE_OBJECT {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, Extension, Name, FILE_DEVICE_UNKNOWN, 0, Exclusive, device)
  return device.value
}

function Try(DriverObject: DRIVER_OBJECT, Name: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  return IoCreateDevice(DriverObject, 0, Name, FILE_DEVICE_UNKNOWN, 0, false, device)
}

function DriverObjectAtEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): void {
  const extension = DriverObject.DriverExtension
  Equal('K009', 'Type', DriverObject.Type, 4)
  Equal('K009', 'Size', DriverObject.Size, 0x150)
  Same('K009', 'DeviceObject', DriverObject.DeviceObject, null)
  Same('K009', 'DriverExtension', extension, DriverObject.add(0x150))
  Same('K009', 'DriverExtension.DriverObject', extension.DriverObject, DriverObject)
  Holds('K009', 'AddDevice is NULL', extension.AddDevice === null)
  Equal('K009', 'Count', extension.Count, 0)
  Same('K009', 'FastIoDispatch', DriverObject.FastIoDispatch, null)
  Holds('K009', 'DriverUnload is NULL', DriverObject.DriverUnload === null)

  const handlers = DriverObject.add(offsetof(DRIVER_OBJECT, 'MajorFunction')).u64
  let same = handlers[0] !== 0n
  for (let i = 1; i < ALL_FUNCTIONS; i++) same = same && handlers[i] === handlers[0]
  Holds('K010', 'all 28 entries hold the same address, which is not NULL', same)

  const database = RTL_CONSTANT_STRING('\\REGISTRY\\MACHINE\\HARDWARE\\DESCRIPTION\\SYSTEM')
  const key = RTL_CONSTANT_STRING('\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\Foo')
  const name = RTL_CONSTANT_STRING('\\Driver\\Foo')
  const service = RTL_CONSTANT_STRING('Foo')
  Holds('K011', 'DriverName', RtlEqualUnicodeString(DriverObject.DriverName, name, false))
  Holds('K011', 'ServiceKeyName', RtlEqualUnicodeString(extension.ServiceKeyName, service, false))
  Holds(
    'K011',
    'HardwareDatabase',
    RtlEqualUnicodeString(DriverObject.HardwareDatabase, database, true),
  )
  Holds('K012', 'RegistryPath', RtlEqualUnicodeString(RegistryPath, key, true))
  Equal('K013', 'Flags in DriverEntry', DriverObject.Flags & 0x13, 0x02)
}

function FreshDevices(DriverObject: DRIVER_OBJECT): void {
  const named = Create(DriverObject, DeviceName, 0x20, false)
  Equal('K003', 'Type', named.Type, 3)
  Equal('K003', 'Size', named.Size, 0x170)
  Equal('K003', 'ReferenceCount', named.ReferenceCount, 0)
  Same('K003', 'AttachedDevice', named.AttachedDevice, null)
  Same('K003', 'CurrentIrp', named.CurrentIrp, null)
  Equal('K003', 'StackSize', named.StackSize, 1)
  Equal('K003', 'ActiveThreadCount', named.ActiveThreadCount, 0)
  Same('K003', 'DeviceExtension', named.DeviceExtension, named.add(0x150))
  let sum = 0
  for (let i = 0; i < 0x20; i++) sum += named.DeviceExtension.u8[i]
  Equal('K003', 'bytes of the extension', sum, 0)
  Equal('K003', 'Flags', named.Flags, 0xc0)

  const before = DriverObject.DeviceObject
  Equal('K001', 'the name again', Try(DriverObject, DeviceName), STATUS_OBJECT_NAME_COLLISION)
  Same('K001', 'no device is made', DriverObject.DeviceObject, before)
  const nowhere = RTL_CONSTANT_STRING('\\NoSuchDirectory\\A')
  Equal('K002', 'a directory that is not there', Try(DriverObject, nowhere), 0xc000003a)

  const unnamed = Create(DriverObject, null, 0x20, false)
  Equal('K004', 'Flags without a name', unnamed.Flags, 0x80)
  const exclusive = Create(DriverObject, null, 0, true)
  Equal('K004', 'Flags when exclusive', exclusive.Flags, 0x88)

  Equal('K005', 'DeviceObjectExtension.Type', named.DeviceObjectExtension.Type, 13)
  Same('K005', 'points back', named.DeviceObjectExtension.DeviceObject, named)

  IoDeleteDevice(exclusive)
  IoDeleteDevice(unnamed)
  IoDeleteDevice(named)
}

function ListOfDevices(DriverObject: DRIVER_OBJECT): void {
  const first = Create(DriverObject, DeviceName, 0, false)
  const second = Create(DriverObject, null, 0, false)
  Same('K006', 'the driver points at the new device', DriverObject.DeviceObject, second)
  Same('K006', 'which points at the first', second.NextDevice, first)
  IoDeleteDevice(second)
  IoDeleteDevice(first)
  Same('K007', 'no device is left', DriverObject.DeviceObject, null)
  Equal('K007', 'the name is free again', Try(DriverObject, DeviceName), STATUS_SUCCESS)
  IoDeleteDevice(DriverObject.DeviceObject)
}

function Extensions(DriverObject: DRIVER_OBJECT): void {
  const address = cast(PVOID, 0x1234)
  const block = out<PVOID>()
  const again = out<PVOID>()
  again.value = DriverObject
  IoAllocateDriverObjectExtension(DriverObject, address, 64, block)
  const status = IoAllocateDriverObjectExtension(DriverObject, address, 64, again)
  Equal('K016', 'the address again', status, STATUS_OBJECT_NAME_COLLISION)
  Same('K016', 'nothing is given then', again.value, null)
  Same('K016', 'the first block', IoGetDriverObjectExtension(DriverObject, address), block.value)
  const unknown = cast(PVOID, 0x9999)
  Same('K016', 'another address', IoGetDriverObjectExtension(DriverObject, unknown), null)
}

function Stacks(DriverObject: DRIVER_OBJECT): void {
  const one = Create(DriverObject, null, 0, false)
  const two = Create(DriverObject, null, 0, false)
  const three = Create(DriverObject, null, 0, false)
  Same('K017', 'attaching 2 to 1', IoAttachDeviceToDeviceStack(two, one), one)
  Same('K017', 'attaching 3 to 1', IoAttachDeviceToDeviceStack(three, one), two)
  Equal('K017', 'StackSize of 1', one.StackSize, 1)
  Equal('K017', 'StackSize of 2', two.StackSize, 2)
  Equal('K017', 'StackSize of 3', three.StackSize, 3)
  Same('K017', 'AttachedDevice of 1', one.AttachedDevice, two)
  Same('K017', 'AttachedDevice of 2', two.AttachedDevice, three)
  IoDetachDevice(two)
  Same('K018', 'AttachedDevice of 2', two.AttachedDevice, null)
  Equal('K018', 'StackSize of 1', one.StackSize, 1)
  Equal('K018', 'StackSize of 2', two.StackSize, 2)
  Equal('K018', 'StackSize of 3', three.StackSize, 3)
  IoDetachDevice(one)
  IoDeleteDevice(three)
  IoDeleteDevice(two)
  IoDeleteDevice(one)
}

function NamedDevices(DriverObject: DRIVER_OBJECT): NTSTATUS {
  const device = Create(DriverObject, DeviceName, 0, false)
  Create(DriverObject, OnceName, 0, true)
  Equal('K008', 'initializing in DriverEntry', device.Flags & DO_DEVICE_INITIALIZING, 0x80)
  IoCreateSymbolicLink(LinkName, DeviceName)
  IoCreateSymbolicLink(OnceLink, OnceName)
  const nobody = RTL_CONSTANT_STRING('\\Device\\Nobody')
  Equal('K019', 'the target need not exist', IoCreateSymbolicLink(GoneLink, nobody), STATUS_SUCCESS)
  Equal('K019', 'the link again', IoCreateSymbolicLink(LinkName, DeviceName), 0xc0000035)
  IoDeleteSymbolicLink(GoneLink)
  return IoCreateSymbolicLink(GoneLink, DeviceName)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function Succeed(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  const code = stack.Parameters.DeviceIoControl.IoControlCode
  if (code === IOCTL_CREATE_LATER) CreatedLater(DeviceObject)
  if (code === IOCTL_DELETE_LINK) {
    Equal('K020', 'a link that is there', IoDeleteSymbolicLink(GoneLink), STATUS_SUCCESS)
    Equal('K020', 'a link that is not', IoDeleteSymbolicLink(GoneLink), 0xc0000034)
  }
  if (code === IOCTL_LOADING) Loading()
  return Complete(Irp, STATUS_SUCCESS)
}

function CreatedLater(DeviceObject: DEVICE_OBJECT): void {
  const DriverObject = DeviceObject.DriverObject
  const busy = DO_DEVICE_INITIALIZING
  Equal('K008', 'clear after DriverEntry', DeviceObject.Flags & busy, 0)
  Equal('K013', 'Flags after DriverEntry', DriverObject.Flags & 0x13, 0x12)
  const late = Create(DriverObject, null, 0, false)
  Equal('K008', 'a device made later keeps it', late.Flags & busy, busy)
  late.Flags &= ~busy
  Equal('K008', 'until the driver clears it', late.Flags & busy, 0)
  IoDeleteDevice(late)
}

function Loading(): void {
  const permanent = RTL_CONSTANT_STRING(
    '\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Permanent',
  )
  const nobody = RTL_CONSTANT_STRING(
    '\\Registry\\Machine\\System\\CurrentControlSet\\Services\\Nobody',
  )
  Equal('K014', 'no DriverUnload', ZwUnloadDriver(permanent), STATUS_INVALID_DEVICE_REQUEST)
  Equal('K015', 'loaded already', ZwLoadDriver(permanent), STATUS_IMAGE_ALREADY_LOADED)
  Equal('K015', 'no service key', ZwLoadDriver(nobody), STATUS_OBJECT_NAME_NOT_FOUND)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  Equal('K013', 'Flags in DriverUnload', DriverObject.Flags & 0x13, 0x13)
  IoDeleteSymbolicLink(OnceLink)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
  IoDeleteDevice(DriverObject.DeviceObject)
}
