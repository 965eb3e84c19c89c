/*
 * LabFerry: a toy of the sample's shape. Same device, same control codes, the same way to hand buffers
 * over; it redirects nothing, and keeps one port in memory.
 */
import {
  DbgPrint,
  FALSE,
  FILE_DEVICE_NETWORK,
  FILE_DEVICE_SECURE_OPEN,
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
  NT_SUCCESS,
  PVOID,
  ProbeForRead,
  ProbeForWrite,
  RTL_CONSTANT_STRING,
  STATUS_ACCESS_VIOLATION,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, ULONG, UNICODE_STRING } from 'wdm'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\LabFerry')
const LinkName = RTL_CONSTANT_STRING('\\??\\LabFerry')

/** What each request has to begin with. */
const MAGIC = 0x59525246
/** Where connections would be led to. */
let port: ULONG = 8888
let key: ULONG = 0x2f

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = FerryCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = FerryCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = FerryDeviceControl
  DriverObject.DriverUnload = FerryUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    0,
    DeviceName,
    FILE_DEVICE_NETWORK,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** The program's own buffers, neither copied nor locked: each access may fault. */
function FerryDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const code = request.IoControlCode
  if (code !== 0x12c803 && code !== 0x12c807) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.InputBufferLength < 8) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  if (code === 0x12c807 && request.OutputBufferLength < 4)
    return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  try {
    const input = cast(PVOID, request.Type3InputBuffer)
    ProbeForRead(input, 8, 4)
    const magic = input.u32[0]
    const value = input.u32[1]
    if (magic !== MAGIC) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
    if (code === 0x12c803) {
      // A port, mixed with the key; the next one is mixed with another key.
      port = (value ^ key) & 0xffff
      key = (key + 0x11) & 0xff
      DbgPrint('LabFerry: leads to port %u\n', port)
      return Complete(Irp, STATUS_SUCCESS, 0)
    }
    ProbeForWrite(Irp.UserBuffer, 4, 4)
    cast(PVOID, Irp.UserBuffer).u32[0] = (port ^ value) >>> 0
    return Complete(Irp, STATUS_SUCCESS, 4)
  } catch {
    return Complete(Irp, STATUS_ACCESS_VIOLATION, 0)
  }
}

function FerryCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function FerryUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
