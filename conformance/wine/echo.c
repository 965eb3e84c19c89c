/* Buffers of all four methods, of reads and writes, and names behind the device's own. */
#include "witness.h"

static NTSTATUS NTAPI Create(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PFILE_OBJECT file = IoGetCurrentIrpStackLocation(Irp)->FileObject;
    (void)DeviceObject;
    DbgPrint("create %u\n", file->FileName.Length);
    return Complete(Irp, STATUS_SUCCESS, 0);
}

static NTSTATUS NTAPI Control(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    ULONG in = stack->Parameters.DeviceIoControl.InputBufferLength;
    ULONG out = stack->Parameters.DeviceIoControl.OutputBufferLength;
    UCHAR *input = Irp->AssociatedIrp.SystemBuffer, *output = input;
    ULONG i, count = in < out ? in : out;
    UCHAR copy[16];

    (void)DeviceObject;
    DbgPrint("%x: in %u out %u buffer %u mdl %u flags %x\n", FunctionOf(Irp), in, out, input != NULL,
             Irp->MdlAddress != NULL, (unsigned)(Irp->Flags & 0x70));
    switch (stack->Parameters.DeviceIoControl.IoControlCode & 3)
    {
    case METHOD_IN_DIRECT:
    case METHOD_OUT_DIRECT:
        output = MmGetSystemAddressForMdlSafe(Irp->MdlAddress, NormalPagePriority);
        break;
    case METHOD_NEITHER:
        input = stack->Parameters.DeviceIoControl.Type3InputBuffer;
        output = Irp->UserBuffer;
        break;
    }
    for (i = 0; i < count; i++) copy[i] = input[i];
    for (i = 0; i < count; i++) output[i] = copy[count - 1 - i];
    return Complete(Irp, STATUS_SUCCESS, count);
}

static NTSTATUS NTAPI Read(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    UCHAR *buffer = Irp->AssociatedIrp.SystemBuffer;

    (void)DeviceObject;
    DbgPrint("read %u at %u\n", stack->Parameters.Read.Length,
             stack->Parameters.Read.ByteOffset.LowPart);
    buffer[0] = 'o';
    buffer[1] = 'k';
    return Complete(Irp, STATUS_SUCCESS, 2);
}

static NTSTATUS NTAPI Write(PDEVICE_OBJECT DeviceObject, PIRP Irp)
{
    PIO_STACK_LOCATION stack = IoGetCurrentIrpStackLocation(Irp);
    UCHAR *buffer = Irp->AssociatedIrp.SystemBuffer;

    (void)DeviceObject;
    DbgPrint("write %u begins with %c\n", stack->Parameters.Write.Length, buffer[0]);
    return Complete(Irp, STATUS_SUCCESS, 5);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    NTSTATUS status = MakeDevice(DriverObject, DO_BUFFERED_IO);
    (void)RegistryPath;
    DriverObject->MajorFunction[IRP_MJ_CREATE] = Create;
    DriverObject->MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control;
    DriverObject->MajorFunction[IRP_MJ_READ] = Read;
    DriverObject->MajorFunction[IRP_MJ_WRITE] = Write;
    return status;
}
