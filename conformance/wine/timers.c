/* Timers of both kinds, armed, elapsed and cancelled. */
#include "witness.h"

static NTSTATUS Wait(void *Object, LONGLONG Time)
{
    LARGE_INTEGER time;
    time.QuadPart = Time;
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &time);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KTIMER timer, single;
    LARGE_INTEGER due;

    (void)RegistryPath;
    due.QuadPart = -20 * 10000;
    KeInitializeTimerEx(&timer, NotificationTimer);
    KeInitializeTimerEx(&single, SynchronizationTimer);
    DbgPrint("set %u\n", KeSetTimer(&timer, due, NULL));
    DbgPrint("set again %u\n", KeSetTimer(&timer, due, NULL));
    DbgPrint("wait %x\n", Wait(&timer, 0));
    DbgPrint("wait %x\n", Wait(&timer, -10000000));
    DbgPrint("wait %x\n", Wait(&timer, 0));
    DbgPrint("cancel %u\n", KeCancelTimer(&timer));
    DbgPrint("set %u\n", KeSetTimer(&timer, due, NULL));
    DbgPrint("cancel %u\n", KeCancelTimer(&timer));
    DbgPrint("cancel %u\n", KeCancelTimer(&timer));
    DbgPrint("wait %x\n", Wait(&timer, -1000000));
    KeSetTimer(&single, due, NULL);
    DbgPrint("single %x\n", Wait(&single, -10000000));
    DbgPrint("single %x\n", Wait(&single, 0));
    DbgPrint("delay %x\n", KeDelayExecutionThread(KernelMode, FALSE, &due));
    return MakeDevice(DriverObject, 0);
}
