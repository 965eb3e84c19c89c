/* Names of devices and links, extensions of the driver object, and what DriverEntry is given. */
#include "witness.h"

static NTSTATUS Try(PDRIVER_OBJECT DriverObject, const WCHAR *Name)
{
    UNICODE_STRING name;
    PDEVICE_OBJECT device;
    RtlInitUnicodeString(&name, Name);
    return IoCreateDevice(DriverObject, 0, &name, FILE_DEVICE_UNKNOWN, 0, FALSE, &device);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING link = RTL_CONSTANT_STRING(L"\\??\\Other"), to = RTL_CONSTANT_STRING(L"\\Device\\X");
    UNICODE_STRING key = RTL_CONSTANT_STRING(L"\\Registry\\Machine\\System\\ControlSet001\\Services\\Witness");
    UNICODE_STRING name = RTL_CONSTANT_STRING(L"\\Driver\\Witness");
    static int identity;
    void *first = NULL, *second = (void *)1;
    NTSTATUS status;
    unsigned i, same = 0;

    DbgPrint("type %u size %x\n", DriverObject->Type, DriverObject->Size);
    DbgPrint("key %u\n", RtlEqualUnicodeString(RegistryPath, &key, TRUE));
    DbgPrint("name %u\n", RtlEqualUnicodeString(&DriverObject->DriverName, &name, TRUE));
    DbgPrint("back %u devices %u unload %u\n", DriverObject->DriverExtension->DriverObject == DriverObject,
             DriverObject->DeviceObject != NULL, DriverObject->DriverUnload != NULL);
    for (i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++)
        if (DriverObject->MajorFunction[i] == DriverObject->MajorFunction[0]) same++;
    DbgPrint("handlers %u\n", same);
    DbgPrint("device %x\n", Try(DriverObject, L"\\Device\\X"));
    DbgPrint("device %x\n", Try(DriverObject, L"\\Device\\X"));
    DbgPrint("device %x\n", Try(DriverObject, L"\\NoSuchDirectory\\X"));
    DbgPrint("flags %x\n", (unsigned)(DriverObject->DeviceObject->Flags & 0xc0));
    DbgPrint("link %x\n", IoCreateSymbolicLink(&link, &to));
    DbgPrint("link %x\n", IoCreateSymbolicLink(&link, &to));
    DbgPrint("delete %x\n", IoDeleteSymbolicLink(&link));
    DbgPrint("delete %x\n", IoDeleteSymbolicLink(&link));
    status = IoAllocateDriverObjectExtension(DriverObject, &identity, 16, &first);
    DbgPrint("extension %x\n", status);
    status = IoAllocateDriverObjectExtension(DriverObject, &identity, 16, &second);
    DbgPrint("extension %x %u\n", status, second == NULL);
    DbgPrint("extension %u\n", IoGetDriverObjectExtension(DriverObject, &identity) == first);
    DbgPrint("extension %u\n", IoGetDriverObjectExtension(DriverObject, &first) == NULL);
    IoDeleteDevice(DriverObject->DeviceObject);
    DbgPrint("devices %u\n", DriverObject->DeviceObject != NULL);
    return MakeDevice(DriverObject, 0);
}
