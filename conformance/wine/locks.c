/* Mutexes and semaphores: counts, owners, limits. */
#include "witness.h"

static KMUTEX Mutex;

static NTSTATUS Wait0(void *Object)
{
    LARGE_INTEGER zero = {{0}};
    return KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, &zero);
}

static void NTAPI Other(void *Context)
{
    NTSTATUS status = Wait0(&Mutex);
    DbgPrint("other %x\n", status);
    if (!status) KeReleaseMutex(&Mutex, FALSE);
    (void)Context;
    PsTerminateSystemThread(STATUS_SUCCESS);
}

static void Elsewhere(void)
{
    HANDLE handle;
    PsCreateSystemThread(&handle, SYNCHRONIZE, NULL, NULL, NULL, Other, NULL);
    ZwWaitForSingleObject(handle, FALSE, NULL);
    ZwClose(handle);
}

NTSTATUS NTAPI DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath)
{
    KSEMAPHORE semaphore;

    (void)RegistryPath;
    KeInitializeMutex(&Mutex, 0);
    DbgPrint("mutex %x\n", Wait0(&Mutex));
    DbgPrint("mutex %x\n", Wait0(&Mutex));
    Elsewhere();
    DbgPrint("release %d\n", (int)KeReleaseMutex(&Mutex, FALSE));
    Elsewhere();
    DbgPrint("release %d\n", (int)KeReleaseMutex(&Mutex, FALSE));
    Elsewhere();
    KeInitializeSemaphore(&semaphore, 0, 5);
    DbgPrint("semaphore %x\n", Wait0(&semaphore));
    DbgPrint("release %d\n", (int)KeReleaseSemaphore(&semaphore, 0, 1, FALSE));
    DbgPrint("semaphore %x\n", Wait0(&semaphore));
    DbgPrint("release %d\n", (int)KeReleaseSemaphore(&semaphore, 0, 2, FALSE));
    DbgPrint("release %d\n", (int)KeReleaseSemaphore(&semaphore, 0, 1, FALSE));
    DbgPrint("semaphore %x\n", Wait0(&semaphore));
    return MakeDevice(DriverObject, 0);
}
