/*
 * Flash, mended: maps the registers of its chip, and nothing else.
 *
 * A driver knows where its device is: plug and play tells it, in the resources of IRP_MN_START_DEVICE.
 * What a program names is checked against that. Virtual addresses are nobody's business.
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
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  METHOD_BUFFERED,
  MmMapIoSpace,
  MmNonCached,
  MmUnmapIoSpace,
  NT_SUCCESS,
  PVOID,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  ULONG,
  ULONGLONG,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, Ptr, UNICODE_STRING, NTSTATUS } from 'wdm'

const IOCTL_WHERE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_WRITE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)

const REQUEST = struct('REQUEST', {
  /** A virtual address for IOCTL_WHERE, a physical one for the others. */
  Address: ULONGLONG,
  Byte: ULONG,
})
type REQUEST = Ptr<typeof REQUEST>
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Flash')
const LinkName = RTL_CONSTANT_STRING('\\??\\Flash')

/** Where the registers of the chip lie. */
const CHIP = 0xfebf0000n
const CHIP_BYTES = 0x1000n

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = FlashCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = FlashCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = FlashDeviceControl
  DriverObject.DriverUnload = FlashUnload
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

/** Read or write a byte of physical memory. */
function Access(Request: REQUEST, IsWrite: boolean): NTSTATUS {
  if (Request.Address < CHIP || Request.Address >= CHIP + CHIP_BYTES) {
    DbgPrint('Flash: %p is not in the chip\n', cast(PVOID, Request.Address))
    return STATUS_INVALID_PARAMETER
  }
  const mapped = MmMapIoSpace(Request.Address, 1, MmNonCached)
  if (mapped === null) return STATUS_INSUFFICIENT_RESOURCES
  if (IsWrite) mapped.u8[0] = Request.Byte
  else Request.Byte = mapped.u8[0]
  MmUnmapIoSpace(mapped, 1)
  return STATUS_SUCCESS
}

function FlashDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const call = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const size = sizeof(REQUEST)
  if (call.InputBufferLength < size || call.OutputBufferLength < size)
    return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  const request = cast(REQUEST, Irp.AssociatedIrp.SystemBuffer)
  let status: NTSTATUS = STATUS_INVALID_DEVICE_REQUEST
  if (call.IoControlCode === IOCTL_READ) status = Access(request, false)
  if (call.IoControlCode === IOCTL_WRITE) status = Access(request, true)
  return Complete(Irp, status, NT_SUCCESS(status) ? size : 0)
}

function FlashCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function FlashUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
