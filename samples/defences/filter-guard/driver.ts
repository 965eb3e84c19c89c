/*
 * FilterGuard: a minifilter above all others that looks after the way to the files.
 *
 * It remembers the folders that programs list, and lists them itself, twice: through all filters, and
 * by a packet of its own for the device of the file system, below all of them. It looks whether the
 * routines of file system and keyboard are their drivers' own. And no code of the kernel writes or
 * deletes a .sys file.
 */
import {
  DELETE,
  DRIVER_OBJECT,
  ExAllocatePool2,
  ExFreePoolWithTag,
  Executive,
  FALSE,
  FILE_APPEND_DATA,
  FILE_BOTH_DIR_INFORMATION,
  FILE_DEVICE_SECURE_OPEN,
  FILE_DEVICE_UNKNOWN,
  FILE_DIRECTORY_FILE,
  FILE_LIST_DIRECTORY,
  FILE_OBJECT,
  FILE_SHARE_READ,
  FILE_SHARE_WRITE,
  FILE_SYNCHRONOUS_IO_NONALERT,
  FILE_WRITE_DATA,
  FLT_FILE_NAME_NORMALIZED,
  FLT_FILE_NAME_QUERY_DEFAULT,
  FLT_OPERATION_REGISTRATION,
  FLT_PREOP_COMPLETE,
  FLT_PREOP_SUCCESS_NO_CALLBACK,
  FLT_REGISTRATION,
  FLT_REGISTRATION_VERSION,
  FileBothDirectoryInformation,
  FltGetFileNameInformation,
  FltRegisterFilter,
  FltReleaseFileNameInformation,
  FltStartFiltering,
  FltUnregisterFilter,
  GENERIC_ALL,
  GENERIC_WRITE,
  IO_NO_INCREMENT,
  IO_SECURITY_CONTEXT,
  IO_STATUS_BLOCK,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_DIRECTORY_CONTROL,
  IRP_MJ_MAXIMUM_FUNCTION,
  IRP_MJ_OPERATION_END,
  IRP_MN_QUERY_DIRECTORY,
  InitializeObjectAttributes,
  IoAllocateIrp,
  IoCallDriver,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoFreeIrp,
  IoGetCurrentIrpStackLocation,
  IoGetNextIrpStackLocation,
  IoSetCompletionRoutine,
  KEVENT,
  KeInitializeEvent,
  KeSetEvent,
  KeWaitForSingleObject,
  KernelMode,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  NotificationEvent,
  OBJECT_ATTRIBUTES,
  OBJECT_TYPE,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  ObDereferenceObject,
  ObReferenceObjectByHandle,
  ObReferenceObjectByName,
  POOL_FLAG_NON_PAGED,
  POOL_FLAG_PAGED,
  PWSTR,
  PsGetCurrentProcessId,
  PsGetCurrentThread,
  RTL_CONSTANT_STRING,
  RTL_PROCESS_MODULE_INFORMATION,
  SL_RESTART_SCAN,
  STATUS_ACCESS_DENIED,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_MORE_PROCESSING_REQUIRED,
  STATUS_NO_MORE_ENTRIES,
  STATUS_PENDING,
  STATUS_SUCCESS,
  SYNCHRONIZE,
  SystemModuleInformation,
  TRUE,
  ULONG_PTR,
  UNICODE_STRING,
  ZwClose,
  ZwOpenFile,
  ZwQueryDirectoryFile,
  ZwQuerySystemInformation,
  addressof,
  array,
  cast,
  local,
  out,
  sizeof,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  FLT_FILE_NAME_INFORMATION,
  PVOID,
  FLT_CALLBACK_DATA,
  FLT_RELATED_OBJECTS,
  HANDLE,
  IRP,
  NTSTATUS,
  ULONG,
} from 'wdm'
import { IOCTL_GUARD_LOOK, IOCTL_GUARD_NEXT, Kind, MESSAGE, NAME_CHARACTERS } from './messages'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\FilterGuard')
const LinkName = RTL_CONSTANT_STRING('\\??\\FilterGuard')
/** Whose routines are looked at: the way to the files, and the way of the keys. */
const FileSystem = RTL_CONSTANT_STRING('\\FileSystem\\Ntfs')
const Keyboard = RTL_CONSTANT_STRING('\\Driver\\Kbdclass')
const Port = RTL_CONSTANT_STRING('\\Driver\\i8042prt')

/** Rights to change a file or take it away. */
const WRITING = FILE_WRITE_DATA | FILE_APPEND_DATA | DELETE | GENERIC_WRITE | GENERIC_ALL

const TAG = 'drGF'
const FOLDERS_MAX = 16
const ENTRIES_MAX = 256
const WAITING_MAX = 32
const LIST_BYTES = 0x1000
const MODULES_BYTES = 0x8000
const PATH_BYTES = 1024

let filter: PVOID = null
let own: DEVICE_OBJECT = null
/** Paths of the folders that programs have listed, and whether one is listed by the driver. */
let folders: number[][] = []
let isLooking = false
/** Messages that the program has not taken, and all that were ever told. */
let waiting = [{ kind: 0, number: 0, name: [0] }]
let told: number[] = []

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = GuardCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = GuardCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = GuardDeviceControl
  waiting = []
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
  own = device.value
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (NT_SUCCESS(status)) {
    status = Register(DriverObject)
    if (!NT_SUCCESS(status)) IoDeleteSymbolicLink(LinkName)
  }
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function Register(DriverObject: DRIVER_OBJECT): NTSTATUS {
  const operations = local(array(FLT_OPERATION_REGISTRATION, 3))
  operations[0].MajorFunction = IRP_MJ_CREATE
  operations[0].PreOperation = BeforeCreate
  operations[1].MajorFunction = IRP_MJ_DIRECTORY_CONTROL
  operations[1].PreOperation = BeforeDirectoryControl
  operations[2].MajorFunction = IRP_MJ_OPERATION_END
  const registration = local(FLT_REGISTRATION)
  registration.Size = sizeof(FLT_REGISTRATION)
  registration.Version = FLT_REGISTRATION_VERSION
  registration.OperationRegistration = cast(FLT_OPERATION_REGISTRATION, operations)
  registration.FilterUnloadCallback = GuardUnload
  const registered = out<PVOID>()
  let status = FltRegisterFilter(DriverObject, registration, registered)
  if (!NT_SUCCESS(status)) return status
  filter = registered.value
  status = FltStartFiltering(filter)
  if (!NT_SUCCESS(status)) FltUnregisterFilter(filter)
  return status
}

// --- what programs do --------------------------------------------------------------------------------

/**
 * No driver writes the image of a driver, or deletes one: that is for installers, whom Windows asks
 * for permission. What is done in kernel mode it does not ask.
 */
function BeforeCreate(
  Data: FLT_CALLBACK_DATA,
  FltObjects: FLT_RELATED_OBJECTS,
  CompletionContext: PVOID,
): ULONG {
  if (Data.RequestorMode !== KernelMode) return FLT_PREOP_SUCCESS_NO_CALLBACK
  const asked = cast(IO_SECURITY_CONTEXT, Data.Iopb.Parameters.Create.SecurityContext)
  const access = asked.DesiredAccess
  if ((access & WRITING) === 0) return FLT_PREOP_SUCCESS_NO_CALLBACK
  const name = NameOf(Data)
  const end = name.length
  const isImage =
    end > 4 &&
    name[end - 4] === 0x2e &&
    (name[end - 3] | 0x20) === 0x73 &&
    (name[end - 2] | 0x20) === 0x79 &&
    (name[end - 1] | 0x20) === 0x73
  if (!isImage) return FLT_PREOP_SUCCESS_NO_CALLBACK
  Tell(Kind.ImageRefused, Number(PsGetCurrentProcessId()), name)
  Data.IoStatus.Status = STATUS_ACCESS_DENIED
  Data.IoStatus.Information = 0
  return FLT_PREOP_COMPLETE
}

/** Remembers the folder; what it is told is looked at later. */
function BeforeDirectoryControl(
  Data: FLT_CALLBACK_DATA,
  FltObjects: FLT_RELATED_OBJECTS,
  CompletionContext: PVOID,
): ULONG {
  if (isLooking || folders.length >= FOLDERS_MAX) return FLT_PREOP_SUCCESS_NO_CALLBACK
  const name = NameOf(Data)
  if (name.length === 0) return FLT_PREOP_SUCCESS_NO_CALLBACK
  for (const folder of folders) if (IsSame(folder, name)) return FLT_PREOP_SUCCESS_NO_CALLBACK
  folders.push(name)
  return FLT_PREOP_SUCCESS_NO_CALLBACK
}

/** The path of the file or folder that an operation is about; empty when there is none. */
function NameOf(Data: FLT_CALLBACK_DATA): number[] {
  const text: number[] = []
  const information = out<FLT_FILE_NAME_INFORMATION>()
  const options = FLT_FILE_NAME_NORMALIZED | FLT_FILE_NAME_QUERY_DEFAULT
  if (!NT_SUCCESS(FltGetFileNameInformation(Data, options, information))) return text
  const name = information.value.Name
  for (let i = 0; i < name.Length / 2; i++) text.push(name.Buffer.u16[i])
  FltReleaseFileNameInformation(information.value)
  return text
}

function IsSame(A: number[], B: number[]): boolean {
  if (A.length !== B.length) return false
  for (let i = 0; i < A.length; i++) if (A[i] !== B[i]) return false
  return true
}

// --- folders, from above and from below ----------------------------------------------------------------

function LookAtFolder(Path: number[]): void {
  const text = ExAllocatePool2(POOL_FLAG_PAGED, PATH_BYTES, TAG)
  if (text === null) return
  const path = local(UNICODE_STRING)
  path.Buffer = cast(PWSTR, text)
  path.MaximumLength = PATH_BYTES
  for (const sign of Path) {
    if (path.Length >= PATH_BYTES) break
    text.u16[path.Length / 2] = sign
    path.Length += 2
  }
  const attributes = local(OBJECT_ATTRIBUTES)
  const options = OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE
  InitializeObjectAttributes(attributes, path, options, null, null)
  const handle = out<HANDLE>()
  const status = ZwOpenFile(
    handle,
    FILE_LIST_DIRECTORY | SYNCHRONIZE,
    attributes,
    local(IO_STATUS_BLOCK),
    FILE_SHARE_READ | FILE_SHARE_WRITE,
    FILE_DIRECTORY_FILE | FILE_SYNCHRONOUS_IO_NONALERT,
  )
  ExFreePoolWithTag(text, TAG)
  if (!NT_SUCCESS(status)) return
  const file = out<PVOID>()
  if (NT_SUCCESS(ObReferenceObjectByHandle(handle.value, 0, null, KernelMode, file, null))) {
    Compare(handle.value, cast(FILE_OBJECT, file.value))
    ObDereferenceObject(file.value)
  }
  ZwClose(handle.value)
}

/** First from below: a file that is made meanwhile is then no file that is hidden. */
function Compare(Folder: HANDLE, File: FILE_OBJECT): void {
  const buffer = ExAllocatePool2(POOL_FLAG_NON_PAGED, LIST_BYTES, TAG)
  if (buffer === null) return
  const below: number[][] = []
  let isFirst = true
  while (below.length < ENTRIES_MAX && NT_SUCCESS(AskBelow(File, buffer, isFirst))) {
    isFirst = false
    Collect(buffer, below)
  }
  const above: number[][] = []
  isFirst = true
  while (above.length < ENTRIES_MAX) {
    const status = ZwQueryDirectoryFile(
      Folder,
      null,
      null,
      null,
      local(IO_STATUS_BLOCK),
      buffer,
      LIST_BYTES,
      FileBothDirectoryInformation,
      FALSE,
      null,
      isFirst ? TRUE : FALSE,
    )
    if (!NT_SUCCESS(status)) break
    isFirst = false
    Collect(buffer, above)
  }
  for (const name of below) {
    let isThere = false
    for (const other of above) isThere = isThere || IsSame(name, other)
    if (!isThere) Tell(Kind.HiddenFile, 0, name)
  }
  ExFreePoolWithTag(buffer, TAG)
}

/** The names of a list. */
function Collect(List: PVOID, Names: number[][]): void {
  let entry = cast(FILE_BOTH_DIR_INFORMATION, List)
  for (let n = 0; n < ENTRIES_MAX; n++) {
    const name: number[] = []
    for (let i = 0; i < entry.FileNameLength / 2; i++) name.push(addressof(entry.FileName).u16[i])
    Names.push(name)
    if (entry.NextEntryOffset === 0) break
    entry = cast(FILE_BOTH_DIR_INFORMATION, entry.add(entry.NextEntryOffset))
  }
}

/** A packet for the file system's own device: it passes no filter of any kind. */
function AskBelow(File: FILE_OBJECT, Buffer: PVOID, IsFirst: boolean): NTSTATUS {
  const device = File.DeviceObject
  const irp = IoAllocateIrp(device.StackSize, FALSE)
  if (irp === null) return STATUS_NO_MORE_ENTRIES
  const event = local(KEVENT)
  KeInitializeEvent(event, NotificationEvent, FALSE)
  irp.UserBuffer = Buffer
  irp.Tail.Overlay.Thread = PsGetCurrentThread()
  const stack = IoGetNextIrpStackLocation(irp)
  stack.MajorFunction = IRP_MJ_DIRECTORY_CONTROL
  stack.MinorFunction = IRP_MN_QUERY_DIRECTORY
  stack.Flags = IsFirst ? SL_RESTART_SCAN : 0
  stack.FileObject = File
  stack.Parameters.QueryDirectory.Length = LIST_BYTES
  stack.Parameters.QueryDirectory.FileInformationClass = FileBothDirectoryInformation
  IoSetCompletionRoutine(irp, BelowDone, event, TRUE, TRUE, TRUE)
  if (IoCallDriver(device, irp) === STATUS_PENDING)
    KeWaitForSingleObject(event, Executive, KernelMode, FALSE, null)
  const status = irp.IoStatus.Status
  IoFreeIrp(irp)
  return status
}

function BelowDone(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  KeSetEvent(cast(KEVENT, Context), IO_NO_INCREMENT, FALSE)
  return STATUS_MORE_PROCESSING_REQUIRED
}

// --- drivers -------------------------------------------------------------------------------------------

/** Whose are the routines of a driver object, and what is attached to its devices? */
function LookAtDriver(Name: UNICODE_STRING, KernelStart: bigint, KernelEnd: bigint): void {
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('IoDriverObjectType'))
  const object = out<PVOID>()
  const status = ObReferenceObjectByName(
    Name,
    OBJ_CASE_INSENSITIVE,
    null,
    0,
    cast(OBJECT_TYPE, type.u64[0]),
    KernelMode,
    null,
    object,
  )
  if (!NT_SUCCESS(status)) return
  const driver = cast(DRIVER_OBJECT, object.value)
  const start = cast(ULONG_PTR, driver.DriverStart)
  const end = start + BigInt(driver.DriverSize)
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) {
    const routine = cast(ULONG_PTR, driver.MajorFunction[i])
    const isOwn = routine >= start && routine < end
    const isKernels = routine >= KernelStart && routine < KernelEnd
    if (!isOwn && !isKernels) Tell(Kind.ForeignRoutine, i, TextOf(driver.DriverName))
  }
  for (let device = driver.DeviceObject; device !== null; device = device.NextDevice) {
    if (device.DriverObject !== driver) Tell(Kind.GivenAway, 0, TextOf(driver.DriverName))
    const upper = device.AttachedDevice
    if (upper !== null) Tell(Kind.Attached, 0, TextOf(upper.DriverObject.DriverName))
  }
  ObDereferenceObject(driver)
}

function LookAtDrivers(): void {
  const list = ExAllocatePool2(POOL_FLAG_PAGED, MODULES_BYTES, TAG)
  if (list === null) return
  if (NT_SUCCESS(ZwQuerySystemInformation(SystemModuleInformation, list, MODULES_BYTES, null))) {
    // The kernel is the first of all modules.
    const kernel = cast(RTL_PROCESS_MODULE_INFORMATION, list.add(8))
    const start = cast(ULONG_PTR, kernel.ImageBase)
    const end = start + BigInt(kernel.ImageSize)
    LookAtDriver(FileSystem, start, end)
    LookAtDriver(Keyboard, start, end)
    LookAtDriver(Port, start, end)
  }
  ExFreePoolWithTag(list, TAG)
}

function TextOf(Text: UNICODE_STRING): number[] {
  const text: number[] = []
  for (let i = 0; i < Text.Length / 2; i++) text.push(Text.Buffer.u16[i])
  return text
}

// --- questions -------------------------------------------------------------------------------------------

/** Each thing is told once. */
function Tell(What: number, Of: number, Name: number[]): void {
  let mark = What * 0x1000 + Of
  for (const sign of Name) mark = (mark * 31 + sign) % 0x1fffffff
  if (waiting.length >= WAITING_MAX || told.indexOf(mark) >= 0) return
  told.push(mark)
  waiting.push({ kind: What, number: Of, name: Name })
}

function Look(): NTSTATUS {
  isLooking = true
  LookAtDrivers()
  for (const folder of folders) LookAtFolder(folder)
  isLooking = false
  return STATUS_SUCCESS
}

function GuardDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode === IOCTL_GUARD_LOOK) return Complete(Irp, Look(), 0)
  if (request.IoControlCode !== IOCTL_GUARD_NEXT || request.OutputBufferLength < sizeof(MESSAGE))
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  const next = waiting.shift()
  if (next === undefined) return Complete(Irp, STATUS_NO_MORE_ENTRIES, 0)
  const message = cast(MESSAGE, Irp.AssociatedIrp.SystemBuffer)
  message.Kind = next.kind
  message.Number = next.number
  for (let i = 0; i < NAME_CHARACTERS; i++)
    message.Name[i] = i < next.name.length && i < NAME_CHARACTERS - 1 ? next.name[i] : 0
  return Complete(Irp, STATUS_SUCCESS, sizeof(MESSAGE))
}

function GuardCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function GuardUnload(Flags: ULONG): NTSTATUS {
  FltUnregisterFilter(filter)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(own)
  return STATUS_SUCCESS
}
