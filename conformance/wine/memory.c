/* Lists, memory descriptor lists, pool. */
#include "witness.h"

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    LIST_ENTRY head, one, two;
    UCHAR *block = ExAllocatePoolWithTag(NonPagedPool, 0x3000, 'tseT');
    UCHAR *start = block + 0x123;
    PMDL mdl;
    unsigned removed;

    (void)RegistryPath;
    InitializeListHead(&head);
    DbgPrint("empty %u\n", IsListEmpty(&head));
    InsertTailList(&head, &one);
    InsertHeadList(&head, &two);
    DbgPrint("order %u %u\n", head.Flink == &two, head.Blink == &one);
    removed = RemoveEntryList(&one);
    DbgPrint("removed %u\n", removed);
    removed = RemoveHeadList(&head) == &two;
    DbgPrint("head %u empty %u\n", removed, IsListEmpty(&head));
    mdl = IoAllocateMdl(start, 0x1456, FALSE, FALSE, NULL);
    DbgPrint("mdl offset %u start %u count %x next %u\n",
             mdl->ByteOffset == ((ULONG_PTR)start & 0xfff),
             (ULONG_PTR)mdl->StartVa == ((ULONG_PTR)start & ~(ULONG_PTR)0xfff),
             (unsigned)mdl->ByteCount, mdl->Next != NULL);
    MmBuildMdlForNonPagedPool(mdl);
    DbgPrint("flags %x mapped %u\n", mdl->MdlFlags & 7, mdl->MappedSystemVa == start);
    DbgPrint("address %u\n", MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority) == (void *)start);
    IoFreeMdl(mdl);
    RtlFillMemory(block, 16, 0x41);
    RtlMoveMemory(block + 1, block, 8);
    RtlZeroMemory(block, 2);
    DbgPrint("bytes %x %x %u\n", block[0], block[2], (unsigned)RtlCompareMemory(block + 2, block + 3, 8));
    ExFreePoolWithTag(block, 'tseT');
    return MakeDevice(DriverObject, 0);
}
