/* Requests that a work item completes later, on a handle that waits for them. */
#include "witness.h"

static PIO_WORKITEM Item;
static PIRP Kept;

static void NTAPI Work(PDEVICE_OBJECT DeviceObject, void *Context)
{
    PIRP irp = Kept;
    UCHAR *buffer = irp->AssociatedIrp.SystemBuffer;
    (void)DeviceObject;
    (void)Context;
    DbgPrint("work irql %u\n", KeGetCurrentIrql());
    if (buffer) buffer[0] = '!';
    Complete(irp, FunctionOf(irp) == 0x801 ? STATUS_INVALID_PARAMETER : STATUS_SUCCESS,
             buffer ? 4 : 0);
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    DbgPrint("pend %x\n", FunctionOf(Irp));
    IoMarkIrpPending(Irp);
    Kept = Irp;
    IoQueueWorkItem(Item, Work, DelayedWorkQueue, NULL);
    return STATUS_PENDING;
}

static void NTAPI UnloadItem(PDRIVER_OBJECT DriverObject)
{
    IoFreeWorkItem(Item);
    Unload(DriverObject);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = MakeDevice(DriverObject, 0);
    (void)RegistryPath;
    Item = IoAllocateWorkItem(DriverObject->DeviceObject);
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    DriverObject->DriverUnload = UnloadItem;
    return status;
}
