/* Device queues: who is busy, who waits, in which order. */
#include "witness.h"

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KDEVICE_QUEUE queue;
    KDEVICE_QUEUE_ENTRY first, second, third;
    PKDEVICE_QUEUE_ENTRY entry;
    BOOLEAN inserted;
    KIRQL irql;

    (void)RegistryPath;
    KeInitializeDeviceQueue(&queue);
    DbgPrint("type %u size %u busy %u\n", queue.Type, queue.Size, queue.Busy);
    KeRaiseIrql(DISPATCH_LEVEL, &irql);
    inserted = KeInsertDeviceQueue(&queue, &first);
    DbgPrint("insert %u busy %u in %u\n", inserted, queue.Busy, first.Inserted);
    inserted = KeInsertDeviceQueue(&queue, &second);
    DbgPrint("insert %u busy %u in %u\n", inserted, queue.Busy, second.Inserted);
    inserted = KeInsertDeviceQueue(&queue, &third);
    DbgPrint("insert %u in %u\n", inserted, third.Inserted);
    entry = KeRemoveDeviceQueue(&queue);
    DbgPrint("removed second %u busy %u in %u\n", entry == &second, queue.Busy, second.Inserted);
    entry = KeRemoveDeviceQueue(&queue);
    DbgPrint("removed third %u busy %u in %u\n", entry == &third, queue.Busy, third.Inserted);
    entry = KeRemoveDeviceQueue(&queue);
    DbgPrint("empty %u busy %u\n", entry == NULL, queue.Busy);
    KeLowerIrql(irql);
    return MakeDevice(DriverObject, 0);
}
