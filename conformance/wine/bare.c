/* A driver that handles nothing but CREATE. */
#include "witness.h"

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    PDRIVER_DISPATCH none = DriverObject->MajorFunction[IRP_MJ_CLOSE];
    NTSTATUS status = MakeDevice(DriverObject, 0);
    (void)RegistryPath;
    DriverObject->MajorFunction[IRP_MJ_CLOSE] = none;
    return status;
}
