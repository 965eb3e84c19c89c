/* K054: a packet that is sent on although it has no stack location left. */
import {
  FILE_DEVICE_UNKNOWN,
  IoAllocateIrp,
  IoCallDriver,
  IoCreateDevice,
  IoSetNextIrpStackLocation,
  ULONG_PTR,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
import { Stops } from './check'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, false, device)
  const irp = IoAllocateIrp(1, false)
  IoSetNextIrpStackLocation(irp)
  Stops('K054', 0x35, cast(ULONG_PTR, irp))
  return IoCallDriver(device.value, irp)
}
