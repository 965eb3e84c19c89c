/* Events: what setting, clearing and waiting return, and what is consumed. */
#include "witness.h"

static NTSTATUS Wait0(void *Object)
{
    LARGE_INTEGER zero = {{0}};
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &zero);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KEVENT one = {{{{0}}}}, two = {{{{0}}}};
    void *objects[2] = {&one, &two};
    LARGE_INTEGER zero = {{0}};

    (void)RegistryPath;
    KeInitializeEvent(&one, NotificationEvent, FALSE);
    KeInitializeEvent(&two, SynchronizationEvent, FALSE);
    DbgPrint("types %u %u sizes %u %u\n", one.Header.Type, two.Header.Type, one.Header.Size,
             two.Header.Size);
    DbgPrint("set %u\n", KeSetEvent(&one, 0, FALSE) != 0);
    DbgPrint("set %u\n", KeSetEvent(&one, 0, FALSE) != 0);
    DbgPrint("state %u\n", KeReadStateEvent(&one) != 0);
    DbgPrint("wait %x\n", Wait0(&one));
    DbgPrint("wait %x\n", Wait0(&one));
    DbgPrint("reset %u\n", KeResetEvent(&one) != 0);
    DbgPrint("reset %u\n", KeResetEvent(&one) != 0);
    DbgPrint("wait %x\n", Wait0(&one));
    KeSetEvent(&two, 0, FALSE);
    DbgPrint("wait %x\n", Wait0(&two));
    DbgPrint("wait %x\n", Wait0(&two));
    KeSetEvent(&two, 0, FALSE);
    KeClearEvent(&two);
    DbgPrint("cleared %x\n", Wait0(&two));
    KeSetEvent(&two, 0, FALSE);
    DbgPrint("all %x\n", KeWaitForMultipleObjects(2, objects, WaitAll, Executive, KernelMode, FALSE,
                                                  &zero, NULL));
    DbgPrint("any %x\n", KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE,
                                                  &zero, NULL));
    DbgPrint("any %x\n", KeWaitForMultipleObjects(2, objects, WaitAny, Executive, KernelMode, FALSE,
                                                  &zero, NULL));
    return MakeDevice(DriverObject, 0);
}
