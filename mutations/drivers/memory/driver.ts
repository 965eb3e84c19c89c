/*
 * Copier: MDLs of the driver's own, over nonpaged pool, over paged pool and over pages of a program.
 *
 * An MDL is allocated for a buffer, then either built (nonpaged pool) or locked (everything else);
 * what is locked can be mapped, and is unlocked before the MDL is freed. The control code gets its
 * buffers as plain pointers (METHOD_NEITHER), so the driver locks them by itself.
 */
import {
  CTL_CODE,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  ExAllocatePool2,
  ExFreePoolWithTag,
  GetExceptionCode,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IoAllocateMdl,
  IoBuildPartialMdl,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoFreeMdl,
  IoGetCurrentIrpStackLocation,
  IoModifyAccess,
  IoReadAccess,
  IoWriteAccess,
  KernelMode,
  METHOD_NEITHER,
  MdlMappingNoExecute,
  MmBuildMdlForNonPagedPool,
  MmCached,
  MmGetSystemAddressForMdlSafe,
  MmMapLockedPagesSpecifyCache,
  MmProbeAndLockPages,
  MmUnlockPages,
  MmUnmapLockedPages,
  NT_SUCCESS,
  NormalPagePriority,
  POOL_FLAG_NON_PAGED,
  POOL_FLAG_PAGED,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  RtlMoveMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  UserMode,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
  IRP,
  NTSTATUS,
  PVOID,
  UNICODE_STRING,
} from 'wdm'

const IOCTL_COPY = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

const TAG = 'ypoC'
const BYTES = 64
const PRIORITY = NormalPagePriority | MdlMappingNoExecute

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Copier')
const LinkName = RTL_CONSTANT_STRING('\\??\\Copier')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = CopierCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = CopierCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = CopierDeviceControl
  DriverObject.DriverUnload = CopierUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function CopierCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function CopierDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  if (stack.Parameters.DeviceIoControl.IoControlCode !== IOCTL_COPY)
    return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  const length = stack.Parameters.DeviceIoControl.InputBufferLength
  if (length === 0 || length > BYTES) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  if (stack.Parameters.DeviceIoControl.OutputBufferLength < length)
    return Complete(Irp, STATUS_INVALID_PARAMETER, 0)

  const work = ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG)
  if (work === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)
  let status = CopyFromProgram(stack, work, length)
  if (NT_SUCCESS(status)) status = PassThroughPaged(work, length)
  if (NT_SUCCESS(status)) status = ShowNonpaged(work, length)
  if (NT_SUCCESS(status)) status = CopyToProgram(Irp, work, length)
  ExFreePoolWithTag(work, TAG)
  return Complete(Irp, status, NT_SUCCESS(status) ? length : 0)
}

/** Locks the program's input, maps it and copies it. */
function CopyFromProgram(stack: IO_STACK_LOCATION, to: PVOID, length: number): NTSTATUS {
  const input = stack.Parameters.DeviceIoControl.Type3InputBuffer
  const mdl = IoAllocateMdl(input, length, FALSE, FALSE, null)
  if (mdl === null) return STATUS_INSUFFICIENT_RESOURCES
  try {
    MmProbeAndLockPages(mdl, UserMode, IoReadAccess)
  } catch {
    IoFreeMdl(mdl)
    return GetExceptionCode()
  }
  const from = MmGetSystemAddressForMdlSafe(mdl, PRIORITY)
  if (from !== null) RtlCopyMemory(to, from, length)
  MmUnlockPages(mdl)
  IoFreeMdl(mdl)
  return from === null ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS
}

/** The same the other way. */
function CopyToProgram(Irp: IRP, from: PVOID, length: number): NTSTATUS {
  const mdl = IoAllocateMdl(Irp.UserBuffer, length, FALSE, FALSE, null)
  if (mdl === null) return STATUS_INSUFFICIENT_RESOURCES
  try {
    MmProbeAndLockPages(mdl, UserMode, IoWriteAccess)
  } catch {
    IoFreeMdl(mdl)
    return GetExceptionCode()
  }
  const to = MmGetSystemAddressForMdlSafe(mdl, PRIORITY)
  if (to !== null) RtlCopyMemory(to, from, length)
  MmUnlockPages(mdl)
  IoFreeMdl(mdl)
  return to === null ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS
}

/** Through a paged block that is locked, mapped by hand, and looked at through a part of its MDL. */
function PassThroughPaged(work: PVOID, length: number): NTSTATUS {
  const paged = ExAllocatePool2(POOL_FLAG_PAGED, BYTES, TAG)
  if (paged === null) return STATUS_INSUFFICIENT_RESOURCES
  const mdl = IoAllocateMdl(paged, BYTES, FALSE, FALSE, null)
  const part = IoAllocateMdl(paged, BYTES, FALSE, FALSE, null)
  let status: NTSTATUS = STATUS_INSUFFICIENT_RESOURCES
  if (mdl !== null && part !== null) {
    MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess)
    IoBuildPartialMdl(mdl, part, paged, length)
    const at = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, null, 0, PRIORITY)
    if (at !== null) {
      RtlCopyMemory(at, work, length)
      RtlMoveMemory(at.add(1), at, length - 1)
      RtlCopyMemory(paged, work, length)
      MmUnmapLockedPages(at, mdl)
      status = STATUS_SUCCESS
    }
    MmUnlockPages(mdl)
  }
  if (part !== null) IoFreeMdl(part)
  if (mdl !== null) IoFreeMdl(mdl)
  ExFreePoolWithTag(paged, TAG)
  return status
}

/** Nonpaged pool is always there: its MDL is only built. */
function ShowNonpaged(work: PVOID, length: number): NTSTATUS {
  const mdl = IoAllocateMdl(work, length, FALSE, FALSE, null)
  if (mdl === null) return STATUS_INSUFFICIENT_RESOURCES
  MmBuildMdlForNonPagedPool(mdl)
  const same = MmGetSystemAddressForMdlSafe(mdl, PRIORITY)
  IoFreeMdl(mdl)
  return same === work ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER
}

function CopierUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
