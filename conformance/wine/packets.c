/* Packets of the driver's own: fields, stack locations, completion routines on the way up. */
#include "witness.h"

static PDEVICE_OBJECT Low, High;

static NTSTATUS NTAPI Done(PDEVICE_OBJECT DeviceObject, PIRP Irp, void *Context)
{
    DbgPrint("done %u device %u status %x pending %u location %u\n", (unsigned)(ULONG_PTR)Context,
             DeviceObject == High ? 2 : DeviceObject == Low ? 1 : 0, (unsigned)Irp->IoStatus.Status,
             Irp->PendingReturned != 0, Irp->CurrentLocation);
    if (Context == (void *)9) return STATUS_MORE_PROCESSING_REQUIRED;
    return STATUS_SUCCESS;
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    DbgPrint("read device %u location %u own %u key %u\n", DeviceObject == High ? 2 : 1,
             Irp->CurrentLocation, stack->DeviceObject == DeviceObject, stack->Parameters.Read.Key);
    if (DeviceObject == High)
    {
        IoCopyCurrentIrpStackLocationToNext(Irp);
        IoSetCompletionRoutine(Irp, Done, (void *)1, TRUE, TRUE, TRUE);
        return IoCallDriver(Low, Irp);
    }
    return Complete(Irp, STATUS_DEVICE_BUSY, 0);
}

static void DeleteAll(void)
{
    IoDetachDevice(Low);
    IoDeleteDevice(High);
    IoDeleteDevice(Low);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PIRP irp = IoAllocateIrp(3, FALSE);
    PDRIVER_DISPATCH none = DriverObject->MajorFunction[IRP_MJ_READ];
    NTSTATUS status;

    (void)RegistryPath;
    DbgPrint("type %u count %u location %u first %u\n", (unsigned)irp->Type, irp->StackCount,
             irp->CurrentLocation,
             (unsigned)((char *)irp->Tail.Overlay.CurrentStackLocation - (char *)irp));
    IoSetNextIrpStackLocation(irp);
    DbgPrint("location %u\n", irp->CurrentLocation);
    IoReuseIrp(irp, STATUS_DEVICE_BUSY);
    DbgPrint("reused %u %x\n", irp->CurrentLocation, (unsigned)irp->IoStatus.Status);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &Low);
    IoCreateDevice(DriverObject, 0, NULL, FILE_DEVICE_UNKNOWN, 0, FALSE, &High);
    DbgPrint("attached to low %u\n", IoAttachDeviceToDeviceStack(High, Low) == Low);
    DbgPrint("stack sizes %u %u\n", Low->StackSize, High->StackSize);
    DbgPrint("list %u %u\n", DriverObject->DeviceObject == High, High->NextDevice == Low);
    DriverObject->MajorFunction[IRP_MJ_READ] = Read;
    IoGetNextIrpStackLocation(irp)->MajorFunction = IRP_MJ_READ;
    IoGetNextIrpStackLocation(irp)->Parameters.Read.Key = 77;
    IoSetCompletionRoutine(irp, Done, (void *)9, TRUE, TRUE, TRUE);
    status = IoCallDriver(High, irp);
    DbgPrint("returned %x\n", (unsigned)status);
    IoFreeIrp(irp);
    DeleteAll();
    DriverObject->MajorFunction[IRP_MJ_READ] = none;
    return MakeDevice(DriverObject, 0);
}
