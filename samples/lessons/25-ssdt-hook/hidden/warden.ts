/*
 * Warden with another entry of the table of system services: it hooks NtQuerySystemInformation, and passes
 * every call on.
 */
import {
  CTL_CODE,
  DbgPrint,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoAllocateMdl,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoFreeMdl,
  IoGetCurrentIrpStackLocation,
  IoReadAccess,
  KernelMode,
  LONG,
  METHOD_BUFFERED,
  MmCached,
  MmMapLockedPagesSpecifyCache,
  MmProbeAndLockPages,
  MmUnlockPages,
  MmUnmapLockedPages,
  NT_SUCCESS,
  NormalPagePriority,
  PVOID,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_NOT_FOUND,
  STATUS_SUCCESS,
  SYSTEM_SERVICE,
  ULONG,
  ULONGLONG,
  ULONG_PTR,
  __readmsr,
  cast,
  out,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, MDL, UNICODE_STRING, NTSTATUS } from 'wdm'

const IOCTL_PROTECT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

const IA32_LSTAR = 0xc0000082
/** Number of NtQuerySystemInformation in this build. */
const NT_QUERY_SYSTEM_INFORMATION = 0x36
/** How far into KiSystemCall64 to look. */
const SEARCH_BYTES = 64

/** KSERVICE_TABLE_DESCRIPTOR, as KeServiceDescriptorTable is one. */
const SERVICE_TABLE = struct('SERVICE_TABLE', {
  Base: ULONGLONG,
  Count: ULONGLONG,
  Limit: ULONGLONG,
  Number: ULONGLONG,
})
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Warden')
const LinkName = RTL_CONSTANT_STRING('\\??\\Warden')

/** Second mapping of KiServiceTable, one that can be written; null while the table is as it was. */
let table: PVOID = null
let tableBase: ULONGLONG = 0n
let mdl: MDL = null
let originalEntry: ULONG = 0
/** NtQuerySystemInformation itself. */
let original: SYSTEM_SERVICE = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = WardenCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = WardenCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = WardenDeviceControl
  DriverObject.DriverUnload = WardenUnload
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

/**
 * The table is exported to nobody, but KiSystemCall64 has to know it: `lea r10,
 * [KeServiceDescriptorTable]`, 4C 8D 15 and a distance that counts from the end of the instruction.
 */
function FindTable(): ULONGLONG {
  const entry = __readmsr(IA32_LSTAR)
  const code = cast(PVOID, entry)
  for (let i = 0; i < SEARCH_BYTES; i++) {
    if (code.u8[i] !== 0x4c || code.u8[i + 1] !== 0x8d || code.u8[i + 2] !== 0x15) continue
    const distance = cast(LONG, cast(PVOID, entry + BigInt(i + 3)).u32[0])
    const descriptor = cast(PVOID, entry + BigInt(i + 7) + BigInt(distance))
    return cast(SERVICE_TABLE, descriptor).Base
  }
  return 0n
}

function Install(): NTSTATUS {
  if (table !== null) return STATUS_SUCCESS
  tableBase = FindTable()
  if (tableBase === 0n) return STATUS_NOT_FOUND
  DbgPrint('Warden: KiServiceTable is at %p\n', cast(PVOID, tableBase))

  // The page is read-only where the kernel has it. An MDL maps the same page a second time.
  const bytes = (NT_QUERY_SYSTEM_INFORMATION + 1) * 4
  mdl = IoAllocateMdl(cast(PVOID, tableBase), bytes, FALSE, FALSE, null)
  if (mdl === null) return STATUS_INSUFFICIENT_RESOURCES
  MmProbeAndLockPages(mdl, KernelMode, IoReadAccess)
  const mapped = MmMapLockedPagesSpecifyCache(
    mdl,
    KernelMode,
    MmCached,
    null,
    0,
    NormalPagePriority,
  )
  if (mapped === null) {
    Unmap()
    return STATUS_INSUFFICIENT_RESOURCES
  }

  // An entry: the distance from the table, above four bits with the number of arguments on the stack.
  originalEntry = mapped.u32[NT_QUERY_SYSTEM_INFORMATION]
  const distance = cast(LONG, originalEntry) >> 4
  original = cast(SYSTEM_SERVICE, tableBase + BigInt(distance))
  const hook: SYSTEM_SERVICE = WardenQuerySystemInformation
  const there = cast(ULONG, cast(ULONG_PTR, hook) - tableBase)
  mapped.u32[NT_QUERY_SYSTEM_INFORMATION] = (there << 4) | (originalEntry & 0xf)
  table = mapped
  DbgPrint('Warden: entry 0x%X leads to the driver\n', NT_QUERY_SYSTEM_INFORMATION)
  return STATUS_SUCCESS
}

/** NtQuerySystemInformation, as every program calls it from now on. */
function WardenQuerySystemInformation(
  SystemInformationClass: PVOID,
  SystemInformation: PVOID,
  SystemInformationLength: PVOID,
  ReturnLength: PVOID,
): NTSTATUS {
  return original(
    SystemInformationClass,
    SystemInformation,
    SystemInformationLength,
    ReturnLength,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
  )
}

function Unmap(): void {
  MmUnlockPages(mdl)
  IoFreeMdl(mdl)
}

/** Put the entry back. A call that is under way in the driver is lucky; rootkits do not unload. */
function Remove(): void {
  if (table === null) return
  table.u32[NT_QUERY_SYSTEM_INFORMATION] = originalEntry
  MmUnmapLockedPages(table, mdl)
  Unmap()
  table = null
}

function WardenDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_PROTECT)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  return Complete(Irp, Install(), 0)
}

function WardenCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function WardenUnload(DriverObject: DRIVER_OBJECT): void {
  Remove()
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
