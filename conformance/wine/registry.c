/* The service key, a subkey of the driver's own, values of several types. */
#include "witness.h"

static UCHAR Buffer[128];

static void Query(HANDLE key, const WCHAR *name)
{
    KEY_VALUE_PARTIAL_INFORMATION *info = (void *)Buffer;
    UNICODE_STRING string;
    ULONG length = 0;
    NTSTATUS status;

    RtlInitUnicodeString(&string, name);
    status = ZwQueryValueKey(key, &string, KeyValuePartialInformation, Buffer, sizeof(Buffer), &length);
    if (status) DbgPrint("query %x\n", status);
    else DbgPrint("query type %u length %u first %u\n", info->Type, info->DataLength, info->Data[0]);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    UNICODE_STRING sub = RTL_CONSTANT_STRING(L"Own"), value = RTL_CONSTANT_STRING(L"Number");
    UNICODE_STRING text = RTL_CONSTANT_STRING(L"Text"), nobody = RTL_CONSTANT_STRING(L"Nobody");
    OBJECT_ATTRIBUTES attributes;
    HANDLE key, own;
    ULONG number = 42, disposition = 0;
    NTSTATUS status;

    InitializeObjectAttributes(&attributes, RegistryPath, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, NULL, NULL);
    status = ZwOpenKey(&key, KEY_ALL_ACCESS, &attributes);
    DbgPrint("open %x\n", status);
    Query(key, L"Type");
    Query(key, L"Start");
    Query(key, L"Nothing");
    InitializeObjectAttributes(&attributes, &nobody, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, key, NULL);
    status = ZwOpenKey(&own, KEY_READ, &attributes);
    DbgPrint("open %x\n", status);
    InitializeObjectAttributes(&attributes, &sub, OBJ_CASE_INSENSITIVE | OBJ_KERNEL_HANDLE, key, NULL);
    status = ZwCreateKey(&own, KEY_ALL_ACCESS, &attributes, 0, NULL, REG_OPTION_VOLATILE, &disposition);
    DbgPrint("create %x %u\n", status, disposition);
    DbgPrint("set %x\n", ZwSetValueKey(own, &value, 0, REG_DWORD, &number, 4));
    DbgPrint("set %x\n", ZwSetValueKey(own, &text, 0, REG_SZ, L"hi", 6));
    Query(own, L"number");
    Query(own, L"Text");
    DbgPrint("delete %x\n", ZwDeleteValueKey(own, &value));
    DbgPrint("delete %x\n", ZwDeleteValueKey(own, &value));
    DbgPrint("delete key %x\n", ZwDeleteKey(own));
    Query(own, L"Text");
    DbgPrint("close %x\n", ZwClose(own));
    DbgPrint("close %x\n", ZwClose(key));
    return MakeDevice(DriverObject, 0);
}
