/*
 * Tally, the honest one: has nothing to hide, and so no hurry.
 *
 * ObRegisterCallbacks tells the driver before a handle to a process is made. It stays registered for as
 * long as the driver is loaded, and a flag says whether anybody wants to know. The number is kept in a block
 * that is mapped a second time by an MDL, and IA32_LSTAR is read for the log: neither leads a call astray.
 */
import {
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
  IoAllocateMdl,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoFreeMdl,
  IoGetCurrentIrpStackLocation,
  IoWriteAccess,
  KernelMode,
  METHOD_BUFFERED,
  MmCached,
  MmGetSystemRoutineAddress,
  MmMapLockedPagesSpecifyCache,
  MmProbeAndLockPages,
  MmUnlockPages,
  MmUnmapLockedPages,
  NT_SUCCESS,
  NormalPagePriority,
  OB_CALLBACK_REGISTRATION,
  OB_FLT_REGISTRATION_VERSION,
  OB_OPERATION_HANDLE_CREATE,
  OB_OPERATION_REGISTRATION,
  OB_PREOP_SUCCESS,
  ObRegisterCallbacks,
  ObUnRegisterCallbacks,
  POOL_FLAG_NON_PAGED,
  PVOID,
  RTL_CONSTANT_STRING,
  RtlInitUnicodeString,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  __readmsr,
  cast,
  local,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IRP,
  MDL,
  OB_PRE_OPERATION_INFORMATION,
  UNICODE_STRING,
  NTSTATUS,
  ULONG,
} from 'wdm'

const IOCTL_BEGIN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_END = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Tally')
const LinkName = RTL_CONSTANT_STRING('\\??\\Tally')

const IA32_LSTAR = 0xc0000082
const TAG = 'llaT'
const BLOCK_BYTES = 4096

let isCounting = false
let block: PVOID = null
let mdl: MDL = null
/** The block by its second mapping; the number of opens is the first in it. */
let opens: PVOID = null
let registration: PVOID = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = TallyCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = TallyCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = TallyDeviceControl
  DriverObject.DriverUnload = TallyUnload
  DbgPrint('Tally: system calls enter at %p\n', cast(PVOID, __readmsr(IA32_LSTAR)))
  if (!MapBlock()) {
    UnmapBlock()
    return STATUS_INSUFFICIENT_RESOURCES
  }
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
  if (!NT_SUCCESS(status)) {
    UnmapBlock()
    return status
  }
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    IoDeleteDevice(device.value)
    UnmapBlock()
  } else {
    status = Register()
    if (!NT_SUCCESS(status)) {
      IoDeleteSymbolicLink(LinkName)
      IoDeleteDevice(device.value)
      UnmapBlock()
    }
  }
  return status
}

function MapBlock(): boolean {
  block = ExAllocatePool2(POOL_FLAG_NON_PAGED, BLOCK_BYTES, TAG)
  if (block === null) return false
  mdl = IoAllocateMdl(block, BLOCK_BYTES, FALSE, FALSE, null)
  if (mdl === null) return false
  MmProbeAndLockPages(mdl, KernelMode, IoWriteAccess)
  opens = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, null, 0, NormalPagePriority)
  return opens !== null
}

function UnmapBlock(): void {
  if (opens !== null) MmUnmapLockedPages(opens, mdl)
  if (mdl !== null) {
    MmUnlockPages(mdl)
    IoFreeMdl(mdl)
  }
  if (block !== null) ExFreePoolWithTag(block, TAG)
}

function Begin(): void {
  isCounting = true
}

function End(): void {
  isCounting = false
}

/** Ask to be told before a handle to a process is made. */
function Register(): NTSTATUS {
  const operation = local(OB_OPERATION_REGISTRATION)
  operation.ObjectType = MmGetSystemRoutineAddress(RTL_CONSTANT_STRING('PsProcessType'))
  operation.Operations = OB_OPERATION_HANDLE_CREATE
  operation.PreOperation = TallyPreOperation
  const callbacks = local(OB_CALLBACK_REGISTRATION)
  callbacks.Version = OB_FLT_REGISTRATION_VERSION
  callbacks.OperationRegistrationCount = 1
  RtlInitUnicodeString(callbacks.Altitude, '321700')
  callbacks.OperationRegistration = operation
  const handle = out<PVOID>()
  const status = ObRegisterCallbacks(callbacks, handle)
  if (NT_SUCCESS(status)) registration = handle.value
  return status
}

function TallyPreOperation(
  RegistrationContext: PVOID,
  OperationInformation: OB_PRE_OPERATION_INFORMATION,
): ULONG {
  if (isCounting && !OperationInformation.KernelHandle) opens.u32[0]++
  return OB_PREOP_SUCCESS
}

function TallyDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode === IOCTL_BEGIN) {
    opens.u32[0] = 0
    Begin()
    return Complete(Irp, STATUS_SUCCESS, 0)
  }
  if (request.IoControlCode !== IOCTL_END) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (request.OutputBufferLength < 4) return Complete(Irp, STATUS_BUFFER_TOO_SMALL, 0)
  End()
  Irp.AssociatedIrp.SystemBuffer.u32[0] = opens.u32[0]
  return Complete(Irp, STATUS_SUCCESS, 4)
}

function TallyCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function TallyUnload(DriverObject: DRIVER_OBJECT): void {
  ObUnRegisterCallbacks(registration)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
  UnmapBlock()
}
