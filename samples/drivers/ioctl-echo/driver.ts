/*
 * Echo: one driver, four control codes, one for each transfer method.
 *
 *                first buffer (input)           second buffer (output)
 *   BUFFERED     copied to SystemBuffer         copied back from SystemBuffer
 *   IN_DIRECT    copied to SystemBuffer         locked and described by an MDL, to read from
 *   OUT_DIRECT   copied to SystemBuffer         locked and described by an MDL, to write to
 *   NEITHER      the caller's own pointer       the caller's own pointer
 */
import {
  DbgPrint,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  GetExceptionCode,
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
  MdlMappingNoExecute,
  MmGetSystemAddressForMdlSafe,
  NT_SUCCESS,
  NormalPagePriority,
  ProbeForRead,
  ProbeForWrite,
  RTL_CONSTANT_STRING,
  RtlCopyMemory,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IO_STACK_LOCATION,
  IRP,
  NTSTATUS,
  UNICODE_STRING,
} from 'wdm'
import {
  IOCTL_ECHO_BUFFERED,
  IOCTL_ECHO_IN_DIRECT,
  IOCTL_ECHO_NEITHER,
  IOCTL_ECHO_OUT_DIRECT,
} from './ioctl'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Echo')
const LinkName = RTL_CONSTANT_STRING('\\??\\Echo')

/** How urgent a mapping is, and that its bytes are data and no code. */
const PRIORITY = NormalPagePriority | MdlMappingNoExecute

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = EchoCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = EchoCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = EchoDeviceControl
  DriverObject.DriverUnload = EchoUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** Gives the packet back. `Information` is the number of bytes that the caller gets. */
function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function EchoCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function EchoDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  switch (stack.Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_ECHO_BUFFERED:
      return EchoBuffered(Irp, stack)
    case IOCTL_ECHO_IN_DIRECT:
      return EchoInDirect(Irp, stack)
    case IOCTL_ECHO_OUT_DIRECT:
      return EchoOutDirect(Irp, stack)
    case IOCTL_ECHO_NEITHER:
      return EchoNeither(Irp, stack)
    default:
      // A code that the driver does not know is completed as well, or its caller would never return.
      return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  }
}

/** The shorter of the two buffers: more can neither be read nor be given back. */
function EchoLength(stack: IO_STACK_LOCATION): number {
  return Math.min(
    stack.Parameters.DeviceIoControl.InputBufferLength,
    stack.Parameters.DeviceIoControl.OutputBufferLength,
  )
}

function EchoBuffered(Irp: IRP, stack: IO_STACK_LOCATION): NTSTATUS {
  // SystemBuffer is one block of nonpaged pool for both directions. It holds the input already, and
  // the I/O manager copies `Information` bytes of it back: nothing is left to do.
  return Complete(Irp, STATUS_SUCCESS, EchoLength(stack))
}

function EchoInDirect(Irp: IRP, stack: IO_STACK_LOCATION): NTSTATUS {
  const length = stack.Parameters.DeviceIoControl.OutputBufferLength
  // Without a second buffer there is no MDL.
  if (length === 0) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)

  // The caller's pages are locked in memory. This maps them into the kernel's half of the address
  // space, where they can be reached from any thread and at any IRQL.
  const data = MmGetSystemAddressForMdlSafe(Irp.MdlAddress, PRIORITY)
  if (data === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)

  let sum = 0
  for (let i = 0; i < length; i++) sum += data.u8[i]
  DbgPrint('Echo: IN_DIRECT, %u bytes, sum 0x%X\n', length, sum)
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function EchoOutDirect(Irp: IRP, stack: IO_STACK_LOCATION): NTSTATUS {
  const length = EchoLength(stack)
  if (length === 0) return Complete(Irp, STATUS_INVALID_PARAMETER, 0)

  const output = MmGetSystemAddressForMdlSafe(Irp.MdlAddress, PRIORITY)
  if (output === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES, 0)

  // This writes straight into the caller's memory; nothing is copied afterwards.
  RtlCopyMemory(output, Irp.AssociatedIrp.SystemBuffer, length)
  return Complete(Irp, STATUS_SUCCESS, length)
}

function EchoNeither(Irp: IRP, stack: IO_STACK_LOCATION): NTSTATUS {
  const input = stack.Parameters.DeviceIoControl.Type3InputBuffer
  const output = Irp.UserBuffer
  const length = EchoLength(stack)

  // Both pointers are whatever the program passed, and nobody has looked at them. ProbeForRead and
  // ProbeForWrite make sure that they lie in user space; the handler is for pages that are not
  // there, now or a moment later. This works in the caller's own thread only.
  try {
    ProbeForRead(input, length, 1)
    ProbeForWrite(output, length, 1)
    RtlCopyMemory(output, input, length)
  } catch {
    const status = GetExceptionCode()
    DbgPrint('Echo: NEITHER, bad buffer, status 0x%08X\n', status)
    return Complete(Irp, status, 0)
  }
  return Complete(Irp, STATUS_SUCCESS, length)
}

function EchoUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
