/*
 * Watch: looks whether all system services lead into the kernel.
 */
import {
  CTL_CODE,
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
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
  LONG,
  METHOD_BUFFERED,
  NT_SUCCESS,
  POOL_FLAG_PAGED,
  PVOID,
  RTL_CONSTANT_STRING,
  RTL_PROCESS_MODULE_INFORMATION,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_NOT_FOUND,
  STATUS_SUCCESS,
  SystemModuleInformation,
  ULONGLONG,
  ZwQuerySystemInformation,
  __readmsr,
  cast,
  out,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING, ULONG } from 'wdm'

const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Watch')
const LinkName = RTL_CONSTANT_STRING('\\??\\Watch')

const IA32_LSTAR = 0xc0000082
/** How far into KiSystemCall64 to look for the table. */
const SEARCH_BYTES = 64
const TAG = 'hctW'
/** Room for the list of modules. */
const LIST_BYTES = 0x8000

/** KSERVICE_TABLE_DESCRIPTOR. */
const SERVICE_TABLE = struct('SERVICE_TABLE', {
  Base: ULONGLONG,
  Counts: ULONGLONG,
  Limit: ULONGLONG,
  Number: ULONGLONG,
})

/** Where the image of the kernel lies, and how many bytes it has. */
let kernelBase: ULONGLONG = 0n
let kernelSize: ULONG = 0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = WatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = WatchCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = WatchDeviceControl
  DriverObject.DriverUnload = WatchUnload
  let status = FindKernel()
  if (!NT_SUCCESS(status)) return status
  const device = out<DEVICE_OBJECT>()
  status = IoCreateDevice(
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

/** The kernel is the first of all modules. The list begins with how many there are, in eight bytes. */
function FindKernel(): NTSTATUS {
  const list = ExAllocatePool2(POOL_FLAG_PAGED, LIST_BYTES, TAG)
  if (list === null) return STATUS_INSUFFICIENT_RESOURCES
  const status = ZwQuerySystemInformation(SystemModuleInformation, list, LIST_BYTES, null)
  if (NT_SUCCESS(status)) {
    const kernel = cast(RTL_PROCESS_MODULE_INFORMATION, list.add(8))
    kernelBase = cast(ULONGLONG, kernel.ImageBase)
    kernelSize = kernel.ImageSize
    DbgPrint('Watch: the kernel is at %p, 0x%X bytes\n', kernel.ImageBase, kernelSize)
  }
  ExFreePoolWithTag(list, TAG)
  return status
}

/** KeServiceDescriptorTable, found as rootkits find it: by `lea r10, [...]` in KiSystemCall64. */
function FindTable(): PVOID {
  const entry = __readmsr(IA32_LSTAR)
  const code = cast(PVOID, entry)
  for (let i = 0; i < SEARCH_BYTES; i++) {
    if (code.u8[i] !== 0x4c || code.u8[i + 1] !== 0x8d || code.u8[i + 2] !== 0x15) continue
    const distance = cast(LONG, cast(PVOID, entry + BigInt(i + 3)).u32[0])
    return cast(PVOID, entry + BigInt(i + 7) + BigInt(distance))
  }
  return null
}

/** Whether a service leads to code that is not the kernel's. */
function IsForeign(Target: ULONGLONG): boolean {
  return Target < kernelBase || Target >= kernelBase + BigInt(kernelSize)
}

/** Look at each entry; the answer is how many are foreign, and the number of the first of them. */
function Scan(Answer: PVOID): NTSTATUS {
  const found = FindTable()
  if (found === null) return STATUS_NOT_FOUND
  const descriptor = cast(SERVICE_TABLE, found)
  const base = descriptor.Base
  const table = cast(PVOID, base)
  const limit = Number(descriptor.Limit)
  let foreign: ULONG = 0
  let first: ULONG = 0
  for (let i = 0; i < limit; i++) {
    // An entry is a distance from the table, above four bits with the number of arguments on the stack.
    const target = base + BigInt(cast(LONG, table.u32[i]) >> 4)
    if (!IsForeign(target)) continue
    if (foreign === 0) first = i
    foreign++
    DbgPrint('Watch: service 0x%X leads to %p\n', i, cast(PVOID, target))
  }
  DbgPrint('Watch: looked at %u services\n', limit)
  Answer.u32[0] = foreign
  Answer.u32[1] = first
  return STATUS_SUCCESS
}

function WatchDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_SCAN) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 8) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  const status = Scan(Irp.AssociatedIrp.SystemBuffer)
  return Complete(Irp, status, NT_SUCCESS(status) ? 8 : 0)
}

function WatchCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function WatchUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
