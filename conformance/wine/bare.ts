/* A driver that handles nothing but CREATE. */
import { IRP_MJ_CLOSE } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
import { MakeDevice } from './witness'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const none = DriverObject.MajorFunction[IRP_MJ_CLOSE]
  const status = MakeDevice(DriverObject, 0)
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = none
  return status
}
