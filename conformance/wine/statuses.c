/* Statuses of all four severities with and without Information, and statuses that the caller gets. */
#include "witness.h"

static NTSTATUS NTAPI Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    UCHAR *buffer = Irp->AssociatedIrp.SystemBuffer;
    ULONG i;

    (void)DeviceObject;
    if (buffer)
        for (i = 0; i < 8; i++) buffer[i] = 'A' + i;
    switch (FunctionOf(Irp))
    {
    case 0x800: return Complete(Irp, STATUS_SUCCESS, 3);
    case 0x801: return Complete(Irp, STATUS_UNSUCCESSFUL, 3);
    case 0x802: return Complete(Irp, STATUS_BUFFER_OVERFLOW, 3);
    case 0x803: return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 8);
    case 0x804: return Complete(Irp, STATUS_ACCESS_DENIED, 0);
    case 0x805: return Complete(Irp, STATUS_NO_MORE_ENTRIES, 0);
    case 0x806:
        IoMarkIrpPending(Irp);
        Complete(Irp, STATUS_DEVICE_NOT_READY, 0);
        return STATUS_PENDING;
    default: return Complete(Irp, STATUS_NOT_IMPLEMENTED, 0);
    }
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    return Complete(Irp, STATUS_END_OF_FILE, 0);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = MakeDevice(DriverObject, DO_BUFFERED_IO);
    (void)RegistryPath;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    DriverObject->MajorFunction[IRP_MJ_READ] = Read;
    return status;
}
