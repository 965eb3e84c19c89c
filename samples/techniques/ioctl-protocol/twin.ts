/*
 * Cipher, the honest one: speaks the same protocol, and does for a program what the program may do.
 *
 * That a vendor encrypts its messages is no crime. What counts is what is behind them: here nothing
 * that a plain user could not do, so the order to end a process is refused to whoever gives it.
 */
import {
  CTL_CODE,
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
  KeQueryPerformanceCounter,
  METHOD_BUFFERED,
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_ACCESS_DENIED,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG,
  cast,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING, PVOID } from 'wdm'
import {
  ARGUMENT,
  MAGIC,
  MAGIC_VALUE,
  MESSAGE_BYTES,
  NUMBER,
  ORDER,
  ORDER_END,
  ORDER_HELLO,
  SESSION,
  WORDS,
  keyOf,
  streamAt,
} from './protocol'

const IOCTL_MESSAGE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DeviceName = RTL_CONSTANT_STRING('\\Device\\Cipher')
const LinkName = RTL_CONSTANT_STRING('\\??\\Cipher')

/** The session that is spoken in; there is one at a time, and 0 is none. */
let session: ULONG = 0
let sessions: ULONG = 0
let key: ULONG = 0
/** Number of the newest message: a message that was heard is not heard twice. */
let newest: ULONG = 0

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = CipherCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = CipherCreateClose
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = CipherDeviceControl
  DriverObject.DriverUnload = CipherUnload
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

/** Agree on a key: the client's number came in, the driver's goes back. */
function Greet(Message: PVOID): NTSTATUS {
  const own = cast(ULONG, KeQueryPerformanceCounter(null) & 0xffffffffn)
  key = keyOf(Message.u32[ARGUMENT], own)
  newest = Message.u32[NUMBER]
  sessions++
  session = sessions
  Message.u32[SESSION] = session
  Message.u32[ARGUMENT] = own
  return STATUS_SUCCESS
}

/** XOR the body with its stream, which both hides it and shows it. */
function Crypt(Message: PVOID): void {
  for (let i = MAGIC; i < WORDS; i++)
    Message.u32[i] = Message.u32[i] ^ streamAt(key, Message.u32[NUMBER], i)
}

function Hear(Message: PVOID): NTSTATUS {
  if (Message.u32[SESSION] === 0 && Message.u32[ORDER] === ORDER_HELLO) return Greet(Message)
  const isNew = Message.u32[SESSION] === session && Message.u32[NUMBER] > newest
  if (session === 0 || !isNew) return STATUS_INVALID_DEVICE_REQUEST
  newest = Message.u32[NUMBER]
  Crypt(Message)
  // Said without the key: that was not for us.
  if (Message.u32[MAGIC] !== MAGIC_VALUE) return STATUS_INVALID_DEVICE_REQUEST
  const status = Obey(Message.u32[ORDER], Message.u32[ARGUMENT])
  Crypt(Message)
  return status
}

/** To end what belongs to others is not for plain users, and this device is open to them. */
function Obey(Order: ULONG, Argument: ULONG): NTSTATUS {
  return Order === ORDER_END ? STATUS_ACCESS_DENIED : STATUS_INVALID_DEVICE_REQUEST
}

function CipherDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const fits =
    request.IoControlCode === IOCTL_MESSAGE &&
    request.InputBufferLength === MESSAGE_BYTES &&
    request.OutputBufferLength === MESSAGE_BYTES
  if (!fits) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  const status = Hear(Irp.AssociatedIrp.SystemBuffer)
  return Complete(Irp, status, NT_SUCCESS(status) ? MESSAGE_BYTES : 0)
}

function CipherCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: ULONG): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function CipherUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
