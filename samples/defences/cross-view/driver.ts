/*
 * CrossView: asks several parts of the kernel the same question, and reports where they do not agree.
 *
 * Which processes are there? The list of processes has an answer, so has the table of ids, and so do
 * the threads. Which drivers? The list of modules has one, the driver objects another, the service
 * keys a third. Whoever hides takes himself out of one of them; it is hard to be out of all.
 */
import {
  DRIVER_OBJECT,
  EPROCESS,
  ExAllocatePool2,
  ExFreePoolWithTag,
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
  KEY_BASIC_INFORMATION,
  KEY_FULL_INFORMATION,
  KEY_READ,
  KernelMode,
  KeyBasicInformation,
  KeyFullInformation,
  MmGetSystemRoutineAddress,
  MmIsAddressValid,
  NT_SUCCESS,
  OBJECT_ATTRIBUTES,
  OBJECT_TYPE,
  OBJ_CASE_INSENSITIVE,
  OBJ_KERNEL_HANDLE,
  ObDereferenceObject,
  ObReferenceObjectByName,
  POOL_FLAG_PAGED,
  PVOID,
  PWSTR,
  PsGetThreadProcessId,
  PsLookupProcessByProcessId,
  PsLookupThreadByThreadId,
  RTL_CONSTANT_STRING,
  RTL_PROCESS_MODULE_INFORMATION,
  RtlCopyUnicodeString,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  SystemModuleInformation,
  ULONG_PTR,
  UNICODE_STRING,
  ZwClose,
  ZwEnumerateKey,
  ZwOpenKey,
  ZwQueryKey,
  ZwQuerySystemInformation,
  addressof,
  cast,
  local,
  offsetof,
  out,
  sizeof,
} from 'wdm'
import type { DEVICE_OBJECT, ETHREAD, HANDLE, IRP, NTSTATUS, ULONG } from 'wdm'
import {
  FINDING,
  FINDINGS_MAX,
  IOCTL_CROSS_VIEW_SCAN,
  Kind,
  LISTED,
  LISTED_MAX,
  NAME_CHARACTERS,
} from './findings'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\CrossView')
const LinkName = RTL_CONSTANT_STRING('\\??\\CrossView')
const Drivers = RTL_CONSTANT_STRING('\\Driver\\')

const TAG = 'weiV'
const IMAGE_CHARACTERS = 15
/** Ids are multiples of four; beyond the highest that is listed so many more are tried. */
const ID_STEP = 4
const IDS_BEYOND = 256
/** A list that is longer was tied into a ring without its head. */
const LIST_MAX = 1024
const MODULES_BYTES = 0x8000
const KEY_BYTES = 512
const NAME_BYTES = 512
/** EPROCESS.Flags.ProcessExiting. */
const EXITING = 4
const MZ = 0x5a4d
const BACKSLASH = 0x5c
const DOT = 0x2e

/** The key of all services: the own one without its last name. */
let services: UNICODE_STRING = null
/** What this scan found. */
let found = [{ kind: 0, id: 0, of: 0, name: [0] }]

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = CrossViewCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = CrossViewCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = CrossViewDeviceControl
  DriverObject.DriverUnload = CrossViewUnload
  const copy = ExAllocatePool2(POOL_FLAG_PAGED, sizeof(UNICODE_STRING) + RegistryPath.Length, TAG)
  if (copy === null) return STATUS_INSUFFICIENT_RESOURCES
  services = cast(UNICODE_STRING, copy)
  services.Buffer = cast(PWSTR, copy.add(sizeof(UNICODE_STRING)))
  services.MaximumLength = RegistryPath.Length
  RtlCopyUnicodeString(services, RegistryPath)
  while (services.Length > 0 && services.Buffer.u16[services.Length / 2 - 1] !== BACKSLASH)
    services.Length -= 2
  services.Length -= 2
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
  if (NT_SUCCESS(status)) {
    status = IoCreateSymbolicLink(LinkName, DeviceName)
    if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  }
  if (!NT_SUCCESS(status)) ExFreePoolWithTag(services, TAG)
  return status
}

// --- processes -------------------------------------------------------------------------------------

/** Ids by the list that begins at System. */
function ByList(): number[] {
  const ids: number[] = []
  const variable = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsInitialSystemProcess'))
  const first = cast(EPROCESS, variable.u64[0]).ActiveProcessLinks
  const back = offsetof(EPROCESS, 'ActiveProcessLinks')
  let links = first
  for (let i = 0; i < LIST_MAX; i++) {
    // The head of the list lies in the kernel's data and belongs to no process: what stands there
    // as an id is none that anybody has, and is not missed.
    ids.push(Number(cast(EPROCESS, links.add(-back)).UniqueProcessId))
    links = links.Flink
    if (links === first) break
  }
  return ids
}

function Processes(Told: number[]): void {
  const listed = ByList()
  let last = 0
  for (const id of Told) if (id > last) last = id
  last += IDS_BEYOND * ID_STEP
  for (let id = ID_STEP; id < last; id += ID_STEP) {
    const process = out<EPROCESS>()
    if (NT_SUCCESS(PsLookupProcessByProcessId(id, process))) {
      const here = process.value
      if ((here.Flags & EXITING) === 0) {
        if (listed.indexOf(id) < 0) FoundProcess(Kind.NotInList, here, id)
        else if (Told.indexOf(id) < 0) FoundProcess(Kind.NotTold, here, id)
      }
      ObDereferenceObject(here)
      continue
    }
    const thread = out<ETHREAD>()
    if (!NT_SUCCESS(PsLookupThreadByThreadId(id, thread))) continue
    const owner = Number(PsGetThreadProcessId(thread.value))
    if (owner !== 0 && listed.indexOf(owner) < 0) Found(Kind.ThreadsOnly, owner, 0, [])
    ObDereferenceObject(thread.value)
  }
}

function FoundProcess(What: Kind, Process: EPROCESS, Id: number): void {
  const name: number[] = []
  for (let i = 0; i < IMAGE_CHARACTERS && Process.ImageFileName[i] !== 0; i++)
    name.push(Process.ImageFileName[i])
  Found(What, Id, 0, name)
}

// --- drivers ---------------------------------------------------------------------------------------

/** Compare list of modules, driver objects, memory and service keys. */
function Modules(): void {
  const list = ExAllocatePool2(POOL_FLAG_PAGED, MODULES_BYTES, TAG)
  if (list === null) return
  const key = out<HANDLE>()
  const attributes = local(OBJECT_ATTRIBUTES)
  const options = OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE
  InitializeObjectAttributes(attributes, services, options, null, null)
  if (
    NT_SUCCESS(ZwQuerySystemInformation(SystemModuleInformation, list, MODULES_BYTES, null)) &&
    NT_SUCCESS(ZwOpenKey(key, KEY_READ, attributes))
  ) {
    Services(key.value, list)
    WithoutService(key.value, list)
    ZwClose(key.value)
  }
  ExFreePoolWithTag(list, TAG)
}

/** Each service: is the image of its driver in the list? And are all of them listed? */
function Services(Key: HANDLE, List: PVOID): void {
  const entry = ExAllocatePool2(POOL_FLAG_PAGED, KEY_BYTES, TAG)
  if (entry === null) return
  const length = out<ULONG>()
  let count = 0
  for (;;) {
    const status = ZwEnumerateKey(Key, count, KeyBasicInformation, entry, KEY_BYTES, length)
    if (!NT_SUCCESS(status)) break
    count++
    const basic = cast(KEY_BASIC_INFORMATION, entry)
    const name: number[] = []
    for (let i = 0; i < basic.NameLength / 2; i++) name.push(addressof(basic.Name).u16[i])
    const driver = DriverOf(name)
    if (driver === null) continue
    const image = cast(PVOID, driver.DriverStart)
    if (image !== null && MmIsAddressValid(image) && image.u16[0] === MZ && !IsListed(List, image))
      Found(Kind.ModuleNotInList, 0, 0, name)
    ObDereferenceObject(driver)
  }
  if (NT_SUCCESS(ZwQueryKey(Key, KeyFullInformation, entry, KEY_BYTES, length))) {
    const keys = cast(KEY_FULL_INFORMATION, entry).SubKeys
    if (keys !== count) Found(Kind.KeysNotListed, count, keys, [])
  }
  ExFreePoolWithTag(entry, TAG)
}

/** The driver object of a name, referenced; null when there is none. */
function DriverOf(Name: number[]): DRIVER_OBJECT {
  const text = ExAllocatePool2(POOL_FLAG_PAGED, NAME_BYTES, TAG)
  if (text === null) return null
  const path = local(UNICODE_STRING)
  path.Buffer = cast(PWSTR, text)
  path.MaximumLength = NAME_BYTES
  RtlCopyUnicodeString(path, Drivers)
  for (const sign of Name) {
    if (path.Length >= NAME_BYTES) break
    text.u16[path.Length / 2] = sign
    path.Length += 2
  }
  const type = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('IoDriverObjectType'))
  const object = out<PVOID>()
  const status = ObReferenceObjectByName(
    path,
    OBJ_CASE_INSENSITIVE,
    null,
    0,
    cast(OBJECT_TYPE, type.u64[0]),
    KernelMode,
    null,
    object,
  )
  ExFreePoolWithTag(text, TAG)
  return NT_SUCCESS(status) ? cast(DRIVER_OBJECT, object.value) : null
}

/** Whether an image begins at this address, by the list. It begins with how many there are. */
function IsListed(List: PVOID, Image: PVOID): boolean {
  for (let i = 0; i < List.u32[0]; i++) if (ModuleAt(List, i).ImageBase === Image) return true
  return false
}

function ModuleAt(List: PVOID, Index: number): RTL_PROCESS_MODULE_INFORMATION {
  const size = sizeof(RTL_PROCESS_MODULE_INFORMATION)
  return cast(RTL_PROCESS_MODULE_INFORMATION, List.add(8 + Index * size))
}

/** Each module with a driver object of its name: does a service of that name exist? */
function WithoutService(Key: HANDLE, List: PVOID): void {
  for (let i = 0; i < List.u32[0]; i++) {
    const module = ModuleAt(List, i)
    const name: number[] = []
    for (let at = module.OffsetToFileName; at < 0x100; at++) {
      const sign = module.FullPathName[at]
      if (sign === 0 || sign === DOT) break
      name.push(sign)
    }
    const driver = DriverOf(name)
    if (driver === null) continue
    if (!HasKey(Key, name)) Found(Kind.NoService, 0, 0, name)
    ObDereferenceObject(driver)
  }
}

function HasKey(Key: HANDLE, Name: number[]): boolean {
  const text = ExAllocatePool2(POOL_FLAG_PAGED, NAME_BYTES, TAG)
  if (text === null) return true
  const name = local(UNICODE_STRING)
  name.Buffer = cast(PWSTR, text)
  name.MaximumLength = NAME_BYTES
  for (const sign of Name) {
    text.u16[name.Length / 2] = sign
    name.Length += 2
  }
  const attributes = local(OBJECT_ATTRIBUTES)
  const options = OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE
  InitializeObjectAttributes(attributes, name, options, Key, null)
  const opened = out<HANDLE>()
  const status = ZwOpenKey(opened, KEY_READ, attributes)
  if (NT_SUCCESS(status)) ZwClose(opened.value)
  ExFreePoolWithTag(text, TAG)
  return NT_SUCCESS(status)
}

// --- questions -------------------------------------------------------------------------------------

function Found(What: number, Id: number, Of: number, Name: number[]): void {
  if (found.length < FINDINGS_MAX) found.push({ kind: What, id: Id, of: Of, name: Name })
}

function CrossViewDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (
    request.IoControlCode !== IOCTL_CROSS_VIEW_SCAN ||
    request.InputBufferLength < sizeof(LISTED) ||
    request.OutputBufferLength < FINDINGS_MAX * sizeof(FINDING)
  )
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  const listed = cast(LISTED, Irp.AssociatedIrp.SystemBuffer)
  const told: number[] = []
  for (let i = 0; i < listed.Count && i < LISTED_MAX; i++) told.push(listed.Ids[i])
  found = []
  Processes(told)
  Modules()
  for (let i = 0; i < found.length; i++) {
    const finding = cast(FINDING, Irp.AssociatedIrp.SystemBuffer.add(i * sizeof(FINDING)))
    const length = found[i].name.length
    finding.Kind = found[i].kind
    finding.Id = found[i].id
    finding.Of = found[i].of
    for (let at = 0; at < NAME_CHARACTERS; at++)
      finding.Name[at] = at < length && at < NAME_CHARACTERS - 1 ? found[i].name[at] : 0
  }
  return Complete(Irp, STATUS_SUCCESS, found.length * sizeof(FINDING))
}

function CrossViewCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function CrossViewUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
  ExFreePoolWithTag(services, TAG)
}
