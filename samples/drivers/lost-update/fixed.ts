/*
 * Tally, mended: the counters change in one step that no other processor can come into.
 */
import {
  DbgPrint,
  ExAllocatePoolWithTag,
  ExFreePoolWithTag,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_WRITE,
  InterlockedDecrement,
  InterlockedIncrement,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  LONG,
  NT_SUCCESS,
  NonPagedPoolNx,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  addressof,
  cast,
  out,
  pointer,
  sizeof,
  struct,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, Ptr, UNICODE_STRING } from 'wdm'

/** Shared by all writers; whoever gives up the last reference frees it. */
const TALLY = struct('TALLY', {
  References: LONG,
  Writes: LONG,
})
type PTALLY = Ptr<typeof TALLY>

const EXTENSION = struct('EXTENSION', {
  /** The device holds one reference for as long as it lives. */
  Tally: pointer(TALLY),
})

const TAG = 'ylaT'
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Tally')
const LinkName = RTL_CONSTANT_STRING('\\??\\Tally')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = TallyCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = TallyCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = TallyWrite
  DriverObject.DriverUnload = TallyUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(EXTENSION),
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status

  const tally = cast(TALLY, ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(TALLY), TAG))
  if (tally === null) {
    IoDeleteDevice(device.value)
    return STATUS_INSUFFICIENT_RESOURCES
  }
  tally.References = 1
  tally.Writes = 0
  cast(EXTENSION, device.value.DeviceExtension).Tally = tally

  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    Dereference(tally)
    IoDeleteDevice(device.value)
  }
  return status
}

function Reference(tally: PTALLY): void {
  InterlockedIncrement(addressof(tally.References))
}

function Dereference(tally: PTALLY): void {
  // The result of the step itself decides; reading the counter again would be too late.
  if (InterlockedDecrement(addressof(tally.References)) === 0) ExFreePoolWithTag(tally, TAG)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function TallyCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function TallyWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const tally = cast(EXTENSION, DeviceObject.DeviceExtension).Tally
  Reference(tally)
  InterlockedIncrement(addressof(tally.Writes))
  Dereference(tally)
  return Complete(Irp, STATUS_SUCCESS)
}

function TallyUnload(DriverObject: DRIVER_OBJECT): void {
  const tally = cast(EXTENSION, DriverObject.DeviceObject.DeviceExtension).Tally
  DbgPrint('Tally: %d writes\n', tally.Writes)
  Dereference(tally)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
