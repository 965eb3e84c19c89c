/* K085, K086, K088 to K090: references and names of objects, pool, strings, lists, MDLs. */
import {
  ExAllocatePoolWithTag,
  ExFreePoolWithTag,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  InitializeListHead,
  InsertTailList,
  IoAllocateMdl,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoFreeMdl,
  IoGetCurrentIrpStackLocation,
  KernelMode,
  LIST_ENTRY,
  MDL_SOURCE_IS_NONPAGED_POOL,
  MmBuildMdlForNonPagedPool,
  MmGetSystemRoutineAddress,
  NonPagedPoolNx,
  OBJECT_NAME_INFORMATION,
  OBJECT_TYPE,
  ObDereferenceObject,
  ObQueryNameString,
  ObReferenceObjectByHandle,
  RTL_CONSTANT_STRING,
  RemoveEntryList,
  RtlAppendUnicodeToString,
  RtlCompareUnicodeString,
  RtlInitUnicodeString,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INVALID_HANDLE,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
  ULONG_PTR,
  UNICODE_STRING,
  USHORT,
  UserMode,
  array,
  cast,
  local,
  out,
  sizeof,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, ULONG } from 'wdm'
import { Equal, Holds, Same } from './check'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Objects')
const LinkName = RTL_CONSTANT_STRING('\\??\\Objects')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const named = out<DEVICE_OBJECT>()
  const unnamed = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, unnamed)
  IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, false, named)
  NamesOfObjects(named.value, unnamed.value)
  Pool()
  Strings()
  Lists()
  Mdls()
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Handles
  DriverObject.DriverUnload = Unload
  return IoCreateSymbolicLink(LinkName, DeviceName)
}

/** An exported variable, such as the object types are. */
function Exported(Name: UNICODE_STRING): OBJECT_TYPE {
  return cast(OBJECT_TYPE, MmGetSystemRoutineAddress(Name))
}

/** The program sends two handles to one file object. */
function Handles(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const handles = Irp.AssociatedIrp.SystemBuffer.u64
  const first = Number(handles[0])
  const second = Number(handles[1])
  const events = Exported(RTL_CONSTANT_STRING('ExEventObjectType'))
  const files = Exported(RTL_CONSTANT_STRING('IoFileObjectType'))
  const one = out<PVOID>()
  const two = out<PVOID>()
  const none = ObReferenceObjectByHandle(0, 0, null, KernelMode, one, null)
  Equal('K085', 'no handle', none, STATUS_INVALID_HANDLE)
  const event = ObReferenceObjectByHandle(first, 0, events, UserMode, one, null)
  Equal('K085', 'another type', event, STATUS_OBJECT_TYPE_MISMATCH)
  ObReferenceObjectByHandle(first, 0, files, UserMode, one, null)
  ObReferenceObjectByHandle(second, 0, files, UserMode, two, null)
  Same('K085', 'two handles, one object', two.value, one.value)
  Same(
    'K085',
    'which is the one of this request',
    one.value,
    IoGetCurrentIrpStackLocation(Irp).FileObject,
  )
  ObDereferenceObject(one.value)
  ObDereferenceObject(two.value)
  return Succeed(DeviceObject, Irp)
}

function Succeed(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}

function NamesOfObjects(Named: DEVICE_OBJECT, Unnamed: DEVICE_OBJECT): void {
  const length = out<ULONG>()
  const none = ObQueryNameString(Named, null, 0, length)
  Equal('K086', 'length 0', none, STATUS_INFO_LENGTH_MISMATCH)
  Equal('K086', 'the required length', length.value, 16 + DeviceName.Length + 2)
  const info = local(OBJECT_NAME_INFORMATION)
  const empty = ObQueryNameString(Unnamed, info, sizeof(OBJECT_NAME_INFORMATION), length)
  Equal('K086', 'an object without a name', empty, STATUS_SUCCESS)
  Equal('K086', 'its length', length.value, 16)
  Equal('K086', 'an empty string', info.Name.Length, 0)
}

function Pool(): void {
  const block = ExAllocatePoolWithTag(NonPagedPoolNx, 0, 'kcol')
  Holds('K088', 'zero bytes without the verifier', block !== null)
  ExFreePoolWithTag(block, 'kcol')
}

function Strings(): void {
  const text = local(array(USHORT, 8))
  text[0] = 0x61
  text[1] = 0x62
  text[2] = 0x63
  const string = local(UNICODE_STRING)
  RtlInitUnicodeString(string, text)
  Equal('K089', 'Length', string.Length, 6)
  Equal('K089', 'MaximumLength', string.MaximumLength, 8)
  Same('K089', 'Buffer', string.Buffer, text)
  RtlInitUnicodeString(string, null)
  Equal('K089', 'Length of NULL', string.Length, 0)
  Equal('K089', 'MaximumLength of NULL', string.MaximumLength, 0)
  Same('K089', 'Buffer of NULL', string.Buffer, null)

  const lower = RTL_CONSTANT_STRING('abc')
  const upper = RTL_CONSTANT_STRING('ABC')
  const prefix = RTL_CONSTANT_STRING('ab')
  Equal('K089', 'without case', RtlCompareUnicodeString(lower, upper, true), 0)
  Holds('K089', 'with case', RtlCompareUnicodeString(lower, upper, false) > 0)
  Holds('K089', 'a proper prefix is less', RtlCompareUnicodeString(prefix, lower, false) < 0)

  string.Buffer = text
  string.Length = 6
  string.MaximumLength = 8
  Equal(
    'K089',
    'appending without room',
    RtlAppendUnicodeToString(string, 'xy'),
    STATUS_BUFFER_TOO_SMALL,
  )
  Equal('K089', 'Length after that', string.Length, 6)
  Equal('K089', 'the text after that', text[2] + text[3] * 0x10000, 0x63)
}

/** RemoveEntryList of an entry; the second removal has to stop the machine, see stops/list.ts. */
function Lists(): void {
  const head = local(LIST_ENTRY)
  const first = local(LIST_ENTRY)
  const second = local(LIST_ENTRY)
  InitializeListHead(head)
  InsertTailList(head, first)
  InsertTailList(head, second)
  Equal('K090', 'removed, others are left', RemoveEntryList(first) ? 1 : 0, 0)
  Equal('K090', 'removed, none is left', RemoveEntryList(second) ? 1 : 0, 1)
}

function Mdls(): void {
  const buffer = ExAllocatePoolWithTag(NonPagedPoolNx, 0x3000, 'kcol')
  const start = buffer.add(0x123)
  const address = cast(ULONG_PTR, start)
  const mdl = IoAllocateMdl(start, 0x1456, false, false, null)
  Equal('K090', 'ByteOffset', mdl.ByteOffset, Number(address & 0xfffn))
  Holds('K090', 'StartVa', cast(ULONG_PTR, mdl.StartVa) === address - (address & 0xfffn))
  Equal('K090', 'ByteCount', mdl.ByteCount, 0x1456)
  Same('K090', 'Next', mdl.Next, null)
  MmBuildMdlForNonPagedPool(mdl)
  Equal('K090', 'flags of nonpaged pool', mdl.MdlFlags & 6, MDL_SOURCE_IS_NONPAGED_POOL)
  Same('K090', 'MappedSystemVa', mdl.MappedSystemVa, start)
  IoFreeMdl(mdl)
  ExFreePoolWithTag(buffer, 'kcol')
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
  IoDeleteDevice(DriverObject.DeviceObject)
}
