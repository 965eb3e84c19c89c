/* K029 to K036 and K040: how the buffers of a request reach the driver, and what goes back. */
import {
  DO_BUFFERED_IO,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_READ,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  MDL_PAGES_LOCKED,
  MmGetSystemAddressForMdlSafe,
  NormalPagePriority,
  RTL_CONSTANT_STRING,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG_PTR,
  cast,
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
import { Equal, Holds, Same } from './check'
import {
  IOCTL_ANSWER,
  IOCTL_BUFFERED,
  IOCTL_DIRECT,
  IOCTL_EMPTY,
  IOCTL_NEITHER,
  IOCTL_WRITE,
  IOCTL_WRITES,
} from './codes'

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Control')
const LinkName = RTL_CONSTANT_STRING('\\??\\Control')

/** IRP_BUFFERED_IO, IRP_DEALLOCATE_BUFFER and IRP_INPUT_OPERATION. */
const BUFFER_FLAGS = 0x70

let Writes = 0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, false, device)
  device.value.Flags |= DO_BUFFERED_IO
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_READ] = Read
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.DriverUnload = Unload
  return IoCreateSymbolicLink(LinkName, DeviceName)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information = 0): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function Succeed(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS)
}

function Read(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  Equal('K040', 'Length', stack.Parameters.Read.Length, 0)
  Same('K040', 'SystemBuffer', Irp.AssociatedIrp.SystemBuffer, null)
  return Complete(Irp, STATUS_SUCCESS)
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const stack = IoGetCurrentIrpStackLocation(Irp)
  switch (stack.Parameters.DeviceIoControl.IoControlCode) {
    case IOCTL_BUFFERED:
      return Buffered(Irp)
    case IOCTL_EMPTY:
      Same('K031', 'SystemBuffer', Irp.AssociatedIrp.SystemBuffer, null)
      Equal('K031', 'Flags', Irp.Flags & BUFFER_FLAGS, 0)
      return Complete(Irp, STATUS_SUCCESS)
    case IOCTL_DIRECT:
      return Direct(Irp, stack)
    case IOCTL_NEITHER:
      Equal(
        'K033',
        'Type3InputBuffer',
        Address(stack.Parameters.DeviceIoControl.Type3InputBuffer),
        0x123,
      )
      Equal('K033', 'UserBuffer', Address(Irp.UserBuffer), 0x456)
      Same('K033', 'SystemBuffer', Irp.AssociatedIrp.SystemBuffer, null)
      Same('K033', 'MdlAddress', Irp.MdlAddress, null)
      return Complete(Irp, STATUS_SUCCESS)
    case IOCTL_ANSWER:
      return Answer(Irp)
    case IOCTL_WRITE:
      Writes++
      return Complete(Irp, STATUS_SUCCESS)
    case IOCTL_WRITES:
      Equal('K029', 'requests for writing that arrived', Writes, 0)
      return Complete(Irp, STATUS_SUCCESS)
    default:
      return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST)
  }
}

function Address(Pointer: PVOID): number {
  return Number(cast(ULONG_PTR, Pointer))
}

/** The program sends `abcd`, with room for 16 bytes whose address is the input as well. */
function Buffered(Irp: IRP): NTSTATUS {
  const buffer = Irp.AssociatedIrp.SystemBuffer
  Equal('K030', 'the input', buffer.u32[0], 0x64636261)
  Equal('K030', 'Flags', Irp.Flags & BUFFER_FLAGS, BUFFER_FLAGS)
  // All 16 bytes are there to be written, and what is written goes back to the program.
  for (let i = 0; i < 2; i++) buffer.u64[i] = cast(ULONG_PTR, Irp.UserBuffer)
  return Complete(Irp, STATUS_SUCCESS, 16)
}

function Direct(Irp: IRP, stack: IO_STACK_LOCATION): NTSTATUS {
  if (stack.Parameters.DeviceIoControl.OutputBufferLength === 0) {
    Same('K032', 'MdlAddress without an output', Irp.MdlAddress, null)
    return Complete(Irp, STATUS_SUCCESS)
  }
  Equal('K032', 'the input', Irp.AssociatedIrp.SystemBuffer.u32[0], 0x64636261)
  Holds('K032', 'the pages are locked', (Irp.MdlAddress.MdlFlags & MDL_PAGES_LOCKED) !== 0)
  const output = MmGetSystemAddressForMdlSafe(Irp.MdlAddress, NormalPagePriority)
  output.u16[0] = 0x7978
  return Complete(Irp, STATUS_SUCCESS, 2)
}

/** Writes `ghijkl` and completes with the status and the Information that the input says. */
function Answer(Irp: IRP): NTSTATUS {
  const buffer = Irp.AssociatedIrp.SystemBuffer
  const status: NTSTATUS = buffer.u32[0]
  const information = buffer.u32[1]
  for (let i = 0; i < 6; i++) buffer.u8[i] = 0x67 + i
  return Complete(Irp, status, information)
}

function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
