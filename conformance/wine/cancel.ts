/* Cancelling packets: with and without a routine, and what the routine sees. */
import {
  DbgPrint,
  IoAllocateIrp,
  IoCancelIrp,
  IoFreeIrp,
  IoReleaseCancelSpinLock,
  IoSetCancelRoutine,
  IoSetNextIrpStackLocation,
  KeGetCurrentIrql,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'
import { MakeDevice } from './witness'

let Calls = 0

function Cancel(DeviceObject: DEVICE_OBJECT, Irp: IRP): void {
  Calls++
  DbgPrint(
    'routine %u irql %u old %u\n',
    Irp.CancelRoutine !== null ? 1 : 0,
    KeGetCurrentIrql(),
    Irp.CancelIrql,
  )
  IoReleaseCancelSpinLock(Irp.CancelIrql)
  DbgPrint('irql %u\n', KeGetCurrentIrql())
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  let irp = IoAllocateIrp(1, false)

  let cancelled = IoCancelIrp(irp)
  DbgPrint('cancel %u flag %u\n', cancelled, irp.Cancel)
  IoFreeIrp(irp)
  irp = IoAllocateIrp(1, false)
  IoSetNextIrpStackLocation(irp)
  DbgPrint('old routine %u\n', IoSetCancelRoutine(irp, Cancel) !== null ? 1 : 0)
  DbgPrint('old routine %u\n', IoSetCancelRoutine(irp, Cancel) === Cancel ? 1 : 0)
  DbgPrint('cancel %u\n', IoCancelIrp(irp))
  cancelled = IoCancelIrp(irp)
  DbgPrint('cancel %u flag %u\n', cancelled, irp.Cancel)
  DbgPrint('old routine %u\n', IoSetCancelRoutine(irp, null) !== null ? 1 : 0)
  DbgPrint('calls %u\n', Calls)
  IoFreeIrp(irp)
  return MakeDevice(DriverObject, 0)
}
