/* Counted strings: making, comparing, appending, numbers. */
#include "witness.h"

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    WCHAR room[8] = {0};
    UNICODE_STRING abc = RTL_CONSTANT_STRING(L"abc"), upper = RTL_CONSTANT_STRING(L"ABC");
    UNICODE_STRING prefix = RTL_CONSTANT_STRING(L"ab"), text = {0, sizeof(room), room};
    UNICODE_STRING number = RTL_CONSTANT_STRING(L"0x1f"), empty;
    ULONG value = 0;
    NTSTATUS status;

    (void)RegistryPath;
    DbgPrint("length %u maximum %u\n", abc.Length, abc.MaximumLength);
    RtlInitUnicodeString(&empty, NULL);
    DbgPrint("empty %u %u %u\n", empty.Length, empty.MaximumLength, empty.Buffer == NULL);
    DbgPrint("compare %d\n", (int)RtlCompareUnicodeString(&abc, &upper, TRUE));
    DbgPrint("compare %d\n", RtlCompareUnicodeString(&abc, &upper, FALSE) > 0);
    DbgPrint("compare %d\n", RtlCompareUnicodeString(&prefix, &abc, FALSE) < 0);
    DbgPrint("equal %u %u\n", RtlEqualUnicodeString(&abc, &upper, TRUE),
             RtlEqualUnicodeString(&abc, &upper, FALSE));
    DbgPrint("append %x\n", RtlAppendUnicodeStringToString(&text, &abc));
    DbgPrint("append %x\n", RtlAppendUnicodeToString(&text, L"defg"));
    status = RtlAppendUnicodeToString(&text, L"hij");
    DbgPrint("append %x '%ls'\n", status, text.Buffer);
    RtlCopyUnicodeString(&text, &upper);
    DbgPrint("copy '%ls' %u\n", text.Buffer, text.Length);
    DbgPrint("number %x", RtlUnicodeStringToInteger(&number, 0, &value));
    DbgPrint("value %u", value);
    status = RtlIntegerToUnicodeString(0xbeef, 16, &text);
    DbgPrint("text %x '%ls'\n", status, text.Buffer);
    DbgPrint("wide %S %ls narrow %s %c hex %08x %#x %p\n", L"wide", L"long", "narrow", 'c', 0xabc, 0xabc,
             (void *)0x1234);
    return MakeDevice(DriverObject, 0);
}
