// A project that makes echo requests: METHOD_BUFFERED, 12 bytes there and back, made by a scenario.

/** The driver. */
export const ECHO = `
import {
  CTL_CODE, FALSE, FILE_ANY_ACCESS, FILE_DEVICE_UNKNOWN, IO_NO_INCREMENT, IRP_MJ_CLOSE, IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL, IoCompleteRequest, IoCreateDevice, IoCreateSymbolicLink, IoDeleteDevice,
  IoDeleteSymbolicLink, IoGetCurrentIrpStackLocation, METHOD_BUFFERED, NT_SUCCESS, RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST, STATUS_SUCCESS, out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

const name = RTL_CONSTANT_STRING('\\\\Device\\\\Echo')
const link = RTL_CONSTANT_STRING('\\\\DosDevices\\\\Echo')
const IOCTL_ECHO = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

function complete(Irp: IRP, status: NTSTATUS, information: number): NTSTATUS {
  Irp.IoStatus.Status = status
  Irp.IoStatus.Information = information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return status
}

function Open(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return complete(Irp, STATUS_SUCCESS, 0)
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  const request = stack.Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_ECHO) return complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  return complete(Irp, STATUS_SUCCESS, request.InputBufferLength)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(link)
  IoDeleteDevice(DriverObject.DeviceObject)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  const status = IoCreateDevice(DriverObject, 0, name, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Open
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Open
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.DriverUnload = Unload
  return IoCreateSymbolicLink(link, name)
}
`

/**
 * The folder's files by name.
 * @param {number} requests
 */
export function echoProject(requests) {
  const steps = [
    { do: 'open', path: '\\\\.\\Echo' },
    {
      do: 'ioctl',
      code: (0x22 << 16) | (0x800 << 2),
      input: { text: 'Hello, ring0' },
      outputLength: 12,
      repeat: requests,
    },
    { do: 'close' },
  ]
  return { 'driver.ts': ECHO, 'scenario.json': JSON.stringify({ steps }, null, 2) }
}
