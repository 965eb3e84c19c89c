/* What all drivers of the witness share: a device \Device\Witness with a link, and completion. */
#include <ntifs.h>

static inline NTSTATUS Complete(PIRP Irp, NTSTATUS Status, ULONG_PTR Information)
{
    Irp->IoStatus.Status = Status;
    Irp->IoStatus.Information = Information;
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    return Status;
}

/* The function number of a control code, 0x800 and on. */
static inline ULONG FunctionOf(PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    return (stack->Parameters.DeviceIoControl.IoControlCode >> 2) & 0xfff;
}

static NTSTATUS NTAPI Succeed(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    (void)DeviceObject;
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static void NTAPI Unload(PDRIVER_OBJECT DriverObject)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\??\\Witness");
    DbgPrint("unload\n");
    IoDeleteSymbolicLink(&link);
    IoDeleteDevice(DriverObject->DeviceObject);
}

static inline NTSTATUS MakeDevice(PDRIVER_OBJECT DriverObject, ULONG Flags)
{
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Device\\Witness");
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\??\\Witness");
    PDEVICE_OBJECT device;
    NTSTATUS status;

    status = IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
    if (status) return status;
    device->Flags |= Flags;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Succeed;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = Succeed;
    DriverObject->DriverUnload = Unload;
    return IoCreateSymbolicLink(&link, &name);
}
