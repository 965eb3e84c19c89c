/* Cancelling packets: with and without a routine, and what the routine sees. */
#include "witness.h"

static unsigned Calls;

static void NTAPI Cancel(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    Calls++;
    DbgPrint("routine %u irql %u old %u\n", Irp->CancelRoutine != NULL, KeGetCurrentIrql(),
             Irp->CancelIrql);
    IoReleaseCancelSpinLock(Irp->CancelIrql);
    DbgPrint("irql %u\n", KeGetCurrentIrql());
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PIRP irp = IoAllocateIrp(1, FALSE);
    BOOLEAN cancelled;

    (void)RegistryPath;
    cancelled = IoCancelIrp(irp);
    DbgPrint("cancel %u flag %u\n", cancelled, irp->Cancel);
    IoFreeIrp(irp);
    irp = IoAllocateIrp(1, FALSE);
    IoSetNextIrpStackLocation(irp);
    DbgPrint("old routine %u\n", IoSetCancelRoutine(irp, Cancel) != NULL);
    DbgPrint("old routine %u\n", IoSetCancelRoutine(irp, Cancel) == Cancel);
    DbgPrint("cancel %u\n", IoCancelIrp(irp));
    cancelled = IoCancelIrp(irp);
    DbgPrint("cancel %u flag %u\n", cancelled, irp->Cancel);
    DbgPrint("old routine %u\n", IoSetCancelRoutine(irp, NULL) != NULL);
    DbgPrint("calls %u\n", Calls);
    IoFreeIrp(irp);
    return MakeDevice(DriverObject, 0);
}
