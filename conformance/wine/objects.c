/* Handles and objects of kernel mode: events and threads, references, wrong types. */
#include "witness.h"

/* The headers import the variable itself, so its name stands for what *name is with the WDK. */
#define TYPE(variable) ((POBJECT_TYPE)(variable))

static unsigned Seen;

static void NTAPI Thread(void *Context)
{
    Seen = (unsigned)(ULONG_PTR)Context + KeGetCurrentIrql();
    PsTerminateSystemThread(0x1234);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    OBJECT_ATTRIBUTES attributes;
    HANDLE event, thread;
    void *one = NULL, *two = NULL;
    LARGE_INTEGER zero = {{0}};

    (void)RegistryPath;
    InitializeObjectAttributes(&attributes, NULL, OBJ_KERNEL_HANDLE, NULL, NULL);
    DbgPrint("create %x\n", ZwCreateEvent(&event, EVENT_ALL_ACCESS, &attributes, NotificationEvent, TRUE));
    DbgPrint("null %x\n", ObReferenceObjectByHandle(NULL, 0, TYPE(ExEventObjectType), KernelMode, &one, NULL));
    DbgPrint("event %x\n", ObReferenceObjectByHandle(event, 0, TYPE(ExEventObjectType), KernelMode, &one, NULL));
    DbgPrint("again %x\n", ObReferenceObjectByHandle(event, 0, NULL, KernelMode, &two, NULL));
    DbgPrint("same %u\n", one == two);
    DbgPrint("type %x\n", ObReferenceObjectByHandle(event, 0, TYPE(PsThreadType), KernelMode, &two, NULL));
    DbgPrint("state %u\n", KeReadStateEvent(one) != 0);
    DbgPrint("wait %x\n", KeWaitForSingleObject(one, Executive, KernelMode, FALSE, &zero));
    ObDereferenceObject(one);
    ObDereferenceObject(one);
    DbgPrint("close %x\n", ZwClose(event));
    DbgPrint("thread %x\n", PsCreateSystemThread(&thread, THREAD_ALL_ACCESS, NULL, NULL, NULL, Thread, (void *)7));
    DbgPrint("object %x\n", ObReferenceObjectByHandle(thread, SYNCHRONIZE, TYPE(PsThreadType), KernelMode, &one, NULL));
    DbgPrint("wait %x\n", KeWaitForSingleObject(one, Executive, KernelMode, FALSE, NULL));
    DbgPrint("context %u\n", Seen);
    ObDereferenceObject(one);
    DbgPrint("close %x\n", ZwClose(thread));
    return MakeDevice(DriverObject, 0);
}
