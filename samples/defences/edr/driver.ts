/*
 * Edr: the kernel part of an endpoint product. It keeps to what Windows offers for that: routines
 * that are told of processes, threads and images, that are asked about handles, and that are asked
 * about the registry. What it finds it tells its program, which prints it.
 *
 * What it knows of a process it writes down when the process begins, and compares later: whoever
 * changes a token or the protection in memory is not told what was written down. Whether its own
 * routines are still called it finds out by giving them something to see, once a second.
 */
import {
  CLIENT_ID,
  CmCallbackGetKeyObjectIDEx,
  CmCallbackReleaseKeyObjectIDEx,
  CmRegisterCallbackEx,
  CmUnRegisterCallback,
  EPROCESS,
  ExAllocatePool2,
  ExFreePoolWithTag,
  Executive,
  FALSE,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  InitializeObjectAttributes,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KEVENT,
  KEY_SET_VALUE,
  KeInitializeEvent,
  KeSetEvent,
  KeWaitForSingleObject,
  KernelMode,
  LARGE_INTEGER,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  NotificationEvent,
  OBJECT_ATTRIBUTES,
  OBJECT_TYPE,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  OB_CALLBACK_REGISTRATION,
  OB_FLT_REGISTRATION_VERSION,
  OB_OPERATION_HANDLE_CREATE,
  OB_OPERATION_REGISTRATION,
  OB_PREOP_SUCCESS,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  ObReferenceObjectByName,
  ObRegisterCallbacks,
  ObUnRegisterCallbacks,
  POOL_FLAG_NON_PAGED,
  POOL_FLAG_PAGED,
  PVOID,
  PROCESS_QUERY_LIMITED_INFORMATION,
  PROCESS_TERMINATE,
  PWSTR,
  PsCreateSystemThread,
  PsGetCurrentProcess,
  PsGetCurrentProcessId,
  PsGetProcessId,
  PsLookupProcessByProcessId,
  PsRemoveCreateThreadNotifyRoutine,
  PsRemoveLoadImageNotifyRoutine,
  PsSetCreateProcessNotifyRoutineEx,
  PsSetCreateThreadNotifyRoutine,
  PsSetLoadImageNotifyRoutine,
  PsTerminateSystemThread,
  REG_DELETE_KEY_INFORMATION,
  REG_DWORD,
  REG_POST_OPERATION_INFORMATION,
  REG_SET_VALUE_KEY_INFORMATION,
  RTL_CONSTANT_STRING,
  RegNtPostDeleteKey,
  RegNtPreDeleteKey,
  RegNtPreSetValueKey,
  RtlCopyUnicodeString,
  RtlEqualUnicodeString,
  RtlPrefixUnicodeString,
  STATUS_ACCESS_DENIED,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_NO_MORE_ENTRIES,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
  SYSTEM_PROCESS_INFORMATION,
  SystemProcessInformation,
  THREAD_ALL_ACCESS,
  TRUE,
  ULONG_PTR,
  UNICODE_STRING,
  ZwClose,
  ZwOpenKey,
  ZwOpenProcess,
  ZwQuerySystemInformation,
  ZwSetValueKey,
  cast,
  local,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  BOOLEAN,
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  HANDLE,
  IMAGE_INFO,
  IRP,
  NTSTATUS,
  OB_POST_OPERATION_INFORMATION,
  OB_PRE_OPERATION_INFORMATION,
  PS_CREATE_NOTIFY_INFO,
  ULONG,
} from 'wdm'
import { IOCTL_EDR_NEXT, Kind, MESSAGE, NAME_CHARACTERS } from './messages'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Edr')
const LinkName = RTL_CONSTANT_STRING('\\??\\Edr')
const CanaryValue = RTL_CONSTANT_STRING('Canary')

const TAG = 'rdE '
/** Between two looks: a second, in units of 100 ns. */
const PERIOD = -10_000_000n
/** Room for the list of processes and their threads. */
const LIST_BYTES = 0x10000
/** Messages that wait for the program; what comes after is lost. */
const WAITING_MAX = 64
/** The low bits of EPROCESS.Token count references. */
const FAST_REF_BITS = 0xfn
/** Characters of EPROCESS.ImageFileName. */
const IMAGE_CHARACTERS = 15
const SYSTEM_ID = 4
const BACKSLASH = 0x5c

const EDR = struct('EDR', {
  /** Set when the thread is to end. */
  Stop: KEVENT,
  Period: LARGE_INTEGER,
  /** What CmRegisterCallbackEx knows the routine by. */
  Cookie: LARGE_INTEGER,
  /** The own service key; its text follows. */
  Key: UNICODE_STRING,
})

let edr: PVOID = null
let thread: PVOID = null
let registration: PVOID = null
/** What was known of processes when they began: id, token, protection, threads, and what was told. */
let known = [{ id: 0, token: 0n, protection: 0, threads: 0, told: 0 }]
/** Messages that the program has not taken. */
let waiting = [{ kind: 0, id: 0, by: 0, name: [0] }]
/** What the own routines have seen of what the thread gives them to see. */
let sawThread = false
let sawHandle = false
let sawRegistry = false
/** Service whose key is being deleted while its driver is loaded. */
let deleting: number[] = []
/** The thread at its work: what it does itself is not judged. */
let isCanary = false

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = EdrCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = EdrCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = EdrDeviceControl
  DriverObject.DriverUnload = EdrUnload
  known = []
  waiting = []
  edr = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(EDR) + RegistryPath.Length, TAG)
  if (edr === null) return STATUS_INSUFFICIENT_RESOURCES
  const own = cast(EDR, edr)
  KeInitializeEvent(own.Stop, NotificationEvent, FALSE)
  own.Period.QuadPart = PERIOD
  own.Key.Buffer = cast(PWSTR, edr.add(sizeof(EDR)))
  own.Key.MaximumLength = RegistryPath.Length
  RtlCopyUnicodeString(own.Key, RegistryPath)
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
  if (NT_SUCCESS(status)) status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (NT_SUCCESS(status)) status = Register(DriverObject)
  if (!NT_SUCCESS(status)) Undo(DriverObject)
  return status
}

/** Begin to be told: first of what comes, then take down what is there already. */
function Register(DriverObject: DRIVER_OBJECT): NTSTATUS {
  let status = PsSetCreateProcessNotifyRoutineEx(OnProcess, FALSE)
  if (!NT_SUCCESS(status)) return status
  status = PsSetCreateThreadNotifyRoutine(OnThread)
  if (!NT_SUCCESS(status)) return status
  status = PsSetLoadImageNotifyRoutine(OnImage)
  if (!NT_SUCCESS(status)) return status
  status = CmRegisterCallbackEx(
    OnRegistry,
    RTL_CONSTANT_STRING('385200'),
    DriverObject,
    null,
    cast(EDR, edr).Cookie,
    null,
  )
  if (!NT_SUCCESS(status)) return status
  status = RegisterForHandles()
  if (!NT_SUCCESS(status)) return status
  TakeDown()
  const handle = out<HANDLE>()
  status = PsCreateSystemThread(handle, THREAD_ALL_ACCESS, null, null, null, EdrThread, edr)
  if (!NT_SUCCESS(status)) return status
  const object = out<PVOID>()
  ObReferenceObjectByHandle(handle.value, THREAD_ALL_ACCESS, null, KernelMode, object, null)
  thread = object.value
  ZwClose(handle.value)
  return STATUS_SUCCESS
}

function RegisterForHandles(): NTSTATUS {
  const operation = local(OB_OPERATION_REGISTRATION)
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE
  operation.PreOperation = BeforeHandle
  operation.PostOperation = AfterHandle
  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  // Above all others: it is asked first and told last.
  callbacks.Altitude.Buffer = RTL_CONSTANT_STRING('389990').Buffer
  callbacks.Altitude.Length = 12
  callbacks.Altitude.MaximumLength = 12
  callbacks.OperationRegistration = operation
  const handle = out<PVOID>()
  const status = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(status)) registration = handle.value
  return status
}

// --- processes -------------------------------------------------------------------------------------

/** Processes that began before the driver. */
function TakeDown(): void {
  const list = ExAllocatePool2(POOL_FLAG_PAGED, LIST_BYTES, TAG)
  if (list === null) return
  if (NT_SUCCESS(ZwQuerySystemInformation(SystemProcessInformation, list, LIST_BYTES, null))) {
    let entry = cast(SYSTEM_PROCESS_INFORMATION, list)
    for (;;) {
      const process = out<EPROCESS>()
      if (NT_SUCCESS(PsLookupProcessByProcessId(entry.UniqueProcessId, process))) {
        Remember(process.value, 1)
        ObDereferenceObject(process.value)
      }
      if (entry.NextEntryOffset === 0) break
      entry = cast(SYSTEM_PROCESS_INFORMATION, entry.add(entry.NextEntryOffset))
    }
  }
  ExFreePoolWithTag(list, TAG)
}

function Remember(Process: EPROCESS, Threads: number): void {
  known.push({
    id: Number(PsGetProcessId(Process)),
    token: Process.Token.Value & ~FAST_REF_BITS,
    protection: Process.Protection.Level,
    threads: Threads,
    told: 0,
  })
}

/** Place of a process among the known ones; -1 for one that is not. */
function PlaceOf(Id: number): number {
  for (let i = known.length - 1; i >= 0; i--) if (known[i].id === Id) return i
  return -1
}

function OnProcess(Process: EPROCESS, ProcessId: HANDLE, CreateInfo: PS_CREATE_NOTIFY_INFO): void {
  if (CreateInfo !== null) {
    Remember(Process, 0)
    return
  }
  const at = PlaceOf(Number(ProcessId))
  if (at < 0) return
  Compare(Process, at)
  // It began, no thread of it ever did: somebody said no. To a program that Windows protects, that is
  // worth a word.
  if (known[at].threads === 0 && known[at].protection !== 0) Tell(Kind.KeptFromStarting, Process, 0)
  known.splice(at, 1)
}

function OnThread(ProcessId: HANDLE, ThreadId: HANDLE, Create: BOOLEAN): void {
  if (isCanary) sawThread = true
  const at = PlaceOf(Number(ProcessId))
  if (Create && at >= 0) known[at].threads++
}

/** Told of images, drivers among them. It has nothing to say about any. */
function OnImage(FullImageName: UNICODE_STRING, ProcessId: HANDLE, ImageInfo: IMAGE_INFO): void {}

/** Whether a process is still what it began as; each change is told once. */
function Compare(Process: EPROCESS, At: number): void {
  const was = known[At]
  if ((Process.Token.Value & ~FAST_REF_BITS) !== was.token && (was.told & 1) === 0) {
    was.told |= 1
    Tell(Kind.TokenReplaced, Process, 0)
  }
  if (Process.Protection.Level !== was.protection && (was.told & 2) === 0) {
    was.told |= 2
    Tell(Kind.ProtectionChanged, Process, 0)
  }
}

// --- handles ---------------------------------------------------------------------------------------

/** Takes down what was asked for, so that it can be compared with what was given. */
function BeforeHandle(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  if (isCanary && PsGetCurrentProcessId() === SYSTEM_ID) sawHandle = true
  const asked = OperationInformation.Parameters.CreateHandleInformation.DesiredAccess
  OperationInformation.CallContext = cast(PVOID, BigInt(asked))
  return OB_PREOP_SUCCESS
}

function AfterHandle(
  RegistrationContext: PVOID,
  OperationInformation: OB_POST_OPERATION_INFORMATION,
): void {
  if (isCanary || !NT_SUCCESS(OperationInformation.ReturnStatus)) return
  const target = cast(EPROCESS, OperationInformation.Object)
  const granted = OperationInformation.Parameters.GrantedAccess
  const asked = Number(cast(ULONG_PTR, OperationInformation.CallContext)) as ULONG
  const opener = PsGetCurrentProcess()
  const isKernel = (OperationInformation.Flags & 1) !== 0
  if (isKernel) {
    if ((granted & PROCESS_TERMINATE) !== 0 && target.Protection.Level !== 0)
      Tell(Kind.OpenedToEnd, target, PsGetCurrentProcessId())
    return
  }
  // Callbacks may keep programs away from each other; those that Windows protects keep their rights.
  if (opener.Protection.Level !== 0 && (asked & ~granted) !== 0)
    Tell(Kind.RightsTaken, target, PsGetCurrentProcessId())
}

// --- the registry ----------------------------------------------------------------------------------

function OnRegistry(CallbackContext: PVOID, Argument1: PVOID, Argument2: PVOID): NTSTATUS {
  const notify = Number(cast(ULONG_PTR, Argument1))
  if (notify === RegNtPreSetValueKey) {
    const told = cast(REG_SET_VALUE_KEY_INFORMATION, Argument2)
    if (isCanary && RtlEqualUnicodeString(told.ValueName, CanaryValue, TRUE)) {
      sawRegistry = true
      return STATUS_SUCCESS
    }
    return AboutKey(told.Object, false)
  }
  if (notify === RegNtPostDeleteKey) {
    const after = cast(REG_POST_OPERATION_INFORMATION, Argument2)
    // Others are asked as well; what one of them refused did not happen.
    if (deleting.length > 0 && NT_SUCCESS(after.Status))
      Put(Kind.ServiceKeyDeleted, 0, Number(PsGetCurrentProcessId()), deleting)
    deleting = []
    return STATUS_SUCCESS
  }
  if (notify === RegNtPreDeleteKey)
    return AboutKey(cast(REG_DELETE_KEY_INFORMATION, Argument2).Object, true)
  return STATUS_SUCCESS
}

/** Somebody writes or deletes a key: the own one stays, the one of a driver at work is told. */
function AboutKey(Key: PVOID, IsDeleted: boolean): NTSTATUS {
  const own = cast(EDR, edr)
  const name = out<UNICODE_STRING>()
  if (!NT_SUCCESS(CmCallbackGetKeyObjectIDEx(own.Cookie, Key, null, name, 0))) return STATUS_SUCCESS
  const isOwn = RtlEqualUnicodeString(name.value, own.Key, TRUE)
  if (isOwn) TellText(Kind.OwnKeyRefused, name.value)
  else if (IsDeleted) Deleted(name.value)
  CmCallbackReleaseKeyObjectIDEx(name.value)
  return isOwn ? STATUS_ACCESS_DENIED : STATUS_SUCCESS
}

/** A service key goes. Whose driver is loaded is at work, and nothing will say by what it came. */
function Deleted(Key: UNICODE_STRING): void {
  // The own service key lies beside all others: what stands in front of its name is their folder.
  const services = local(UNICODE_STRING)
  services.Buffer = cast(EDR, edr).Key.Buffer
  services.Length = cast(EDR, edr).Key.Length
  while (services.Length > 0 && services.Buffer.u16[services.Length / 2 - 1] !== BACKSLASH)
    services.Length -= 2
  if (!RtlPrefixUnicodeString(services, Key, TRUE)) return
  const start = services.Length
  const object = local(UNICODE_STRING)
  const text = ExAllocatePool2(POOL_FLAG_PAGED, 16 + Key.Length, TAG)
  if (text === null) return
  object.Buffer = cast(PWSTR, text)
  object.MaximumLength = 16 + Key.Length
  const Folder = RTL_CONSTANT_STRING('\\Driver\\')
  RtlCopyUnicodeString(object, Folder)
  for (let i = 0; i < (Key.Length - start) / 2; i++)
    text.u16[Folder.Length / 2 + i] = Key.Buffer.u16[start / 2 + i]
  object.Length = Folder.Length + Key.Length - start
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('IoDriverObjectType'))
  const driver = out<PVOID>()
  const status = ObReferenceObjectByName(
    object,
    OBJ_CASE_INSENSITIVE,
    null,
    0,
    cast(OBJECT_TYPE, type.u64[0]),
    KernelMode,
    null,
    driver,
  )
  if (NT_SUCCESS(status)) {
    ObDereferenceObject(driver.value)
    deleting = []
    for (let i = start / 2; i < Key.Length / 2; i++) deleting.push(Key.Buffer.u16[i])
  }
  ExFreePoolWithTag(text, TAG)
}

// --- once a second ---------------------------------------------------------------------------------

function EdrThread(StartContext: PVOID): void {
  const own = cast(EDR, StartContext)
  while (
    KeWaitForSingleObject(own.Stop, Executive, KernelMode, FALSE, own.Period) === STATUS_TIMEOUT
  ) {
    LookAtProcesses()
    LookAtOneself()
  }
  PsTerminateSystemThread(STATUS_SUCCESS)
}

function LookAtProcesses(): void {
  for (let i = 0; i < known.length; i++) {
    const process = out<EPROCESS>()
    if (!NT_SUCCESS(PsLookupProcessByProcessId(known[i].id, process))) continue
    const at = PlaceOf(Number(PsGetProcessId(process.value)))
    if (at >= 0) Compare(process.value, at)
    ObDereferenceObject(process.value)
  }
}

/** Something for each of the own routines to see. One that says nothing was taken out. */
function LookAtOneself(): void {
  sawThread = false
  sawHandle = false
  sawRegistry = false
  isCanary = true
  const handle = out<HANDLE>()
  const made = PsCreateSystemThread(handle, THREAD_ALL_ACCESS, null, null, null, Canary, null)
  if (NT_SUCCESS(made)) ZwClose(handle.value)
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const client = local(CLIENT_ID)
  client.UniqueProcess = SYSTEM_ID
  const access = PROCESS_QUERY_LIMITED_INFORMATION
  const opened = ZwOpenProcess(handle, access, attributes, client)
  if (NT_SUCCESS(opened)) ZwClose(handle.value)
  const written = WriteCanary()
  isCanary = false
  if (NT_SUCCESS(made) && !sawThread) TellOnce(Kind.BlindToThreads)
  if (NT_SUCCESS(opened) && !sawHandle) TellOnce(Kind.BlindToHandles)
  if (NT_SUCCESS(written) && !sawRegistry) TellOnce(Kind.BlindToRegistry)
}

/** A value of the own service key is written; others are refused that. */
function WriteCanary(): NTSTATUS {
  const attributes = local(OBJECT_ATTRIBUTES)
  const options = OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE
  InitializeObjectAttributes(attributes, cast(EDR, edr).Key, options, null, null)
  const key = out<HANDLE>()
  const status = ZwOpenKey(key, KEY_SET_VALUE, attributes)
  if (!NT_SUCCESS(status)) return status
  const value = local(LARGE_INTEGER)
  const written = ZwSetValueKey(key.value, CanaryValue, 0, REG_DWORD, value, 4)
  ZwClose(key.value)
  return written
}

function Canary(StartContext: PVOID): void {
  PsTerminateSystemThread(STATUS_SUCCESS)
}

// --- messages --------------------------------------------------------------------------------------

function Tell(What: Kind, Process: EPROCESS, By: HANDLE): void {
  const name: number[] = []
  for (let i = 0; i < IMAGE_CHARACTERS && Process.ImageFileName[i] !== 0; i++)
    name.push(Process.ImageFileName[i])
  Put(What, Number(PsGetProcessId(Process)), Number(By), name)
}

/** With the name of a key. */
function TellText(What: Kind, Text: UNICODE_STRING): void {
  const name: number[] = []
  for (let i = 0; i < Text.Length / 2; i++) name.push(Text.Buffer.u16[i])
  Put(What, 0, Number(PsGetCurrentProcessId()), name)
}

let told = 0

function TellOnce(What: Kind): void {
  if ((told & (1 << What)) !== 0) return
  told |= 1 << What
  Put(What, 0, 0, [])
}

function Put(What: number, Id: number, By: number, Name: number[]): void {
  if (waiting.length < WAITING_MAX) waiting.push({ kind: What, id: Id, by: By, name: Name })
}

function EdrDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_EDR_NEXT || request.OutputBufferLength < sizeof(MESSAGE))
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  const next = waiting.shift()
  if (next === undefined) return Complete(Irp, STATUS_NO_MORE_ENTRIES, 0)
  const message = cast(MESSAGE, Irp.AssociatedIrp.SystemBuffer)
  message.Kind = next.kind
  message.ProcessId = next.id
  message.By = next.by
  for (let i = 0; i < NAME_CHARACTERS; i++)
    message.Name[i] = i < next.name.length && i < NAME_CHARACTERS - 1 ? next.name[i] : 0
  return Complete(Irp, STATUS_SUCCESS, sizeof(MESSAGE))
}

function EdrCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

// --- the end ---------------------------------------------------------------------------------------

function EdrUnload(DriverObject: DRIVER_OBJECT): void {
  Undo(DriverObject)
}

/** Give back what there is, in the reverse order: also after a beginning that failed halfway. */
function Undo(DriverObject: DRIVER_OBJECT): void {
  if (thread !== null) {
    KeSetEvent(cast(EDR, edr).Stop, IO_NO_INCREMENT, FALSE)
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, null)
    ObDereferenceObject(thread)
  }
  if (registration !== null) ObUnRegisterCallbacks(registration)
  if (cast(EDR, edr).Cookie.QuadPart !== 0n) CmUnRegisterCallback(cast(EDR, edr).Cookie)
  PsRemoveLoadImageNotifyRoutine(OnImage)
  PsRemoveCreateThreadNotifyRoutine(OnThread)
  PsSetCreateProcessNotifyRoutineEx(OnProcess, TRUE)
  IoDeleteSymbolicLink(LinkName)
  if (DriverObject.DeviceObject !== null) IoDeleteDevice(DriverObject.DeviceObject)
  ExFreePoolWithTag(edr, TAG)
}
