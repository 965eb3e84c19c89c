/* K055: a packet that is completed twice. */
import {
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IO_STATUS_BLOCK,
  IRP_MJ_FLUSH_BUFFERS,
  IoBuildSynchronousFsdRequest,
  IoCallDriver,
  IoCompleteRequest,
  IoCreateDevice,
  KEVENT,
  KeInitializeEvent,
  NotificationEvent,
  STATUS_SUCCESS,
  ULONG_PTR,
  cast,
  local,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Stops } from './check'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  DriverObject.MajorFunction[IRP_MJ_FLUSH_BUFFERS] = Flush
  const event = local(KEVENT)
  const block = local(IO_STATUS_BLOCK)
  KeInitializeEvent(event, NotificationEvent, false)
  const flush = IRP_MJ_FLUSH_BUFFERS
  const irp = IoBuildSynchronousFsdRequest(flush, device.value, null, 0, null, event, block)
  return IoCallDriver(device.value, irp)
}

function Flush(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  Stops('K055', 0x44, cast(ULONG_PTR, Irp))
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}
