/*
 * Cipher: takes its orders over one control code, in messages that nobody else can read.
 *
 * The device is open to everybody, and whoever looks at its requests sees always the same code, always
 * as many bytes, never the same content. Who speaks without the key is refused like one who has asked
 * for something that there is not. An order is carried out later, by a thread of the system: while the
 * request is under way nothing happens.
 */
import {
  CLIENT_ID,
  CTL_CODE,
  ExAllocatePool2,
  ExFreePoolWithTag,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  InitializeObjectAttributes,
  IoAllocateWorkItem,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoFreeWorkItem,
  IoGetCurrentIrpStackLocation,
  IoQueueWorkItem,
  KeQueryPerformanceCounter,
  METHOD_BUFFERED,
  NT_SUCCESS,
  DelayedWorkQueue,
  OBJECT_ATTRIBUTES,
  OBJ_KERNEL_HANDLE,
  PIO_WORKITEM,
  POOL_FLAG_NON_PAGED,
  PROCESS_TERMINATE,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_SUCCESS,
  ULONG,
  ZwClose,
  ZwOpenProcess,
  ZwTerminateProcess,
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
  PVOID,
} from 'wdm'
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
const TAG = 'hpiC'

/** An order that a thread of the system carries out. */
const JOB = struct('JOB', { Item: PIO_WORKITEM, Process: ULONG })

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
  // No characteristics and no descriptor: every program may open it.
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
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

function Hear(DeviceObject: DEVICE_OBJECT, Message: PVOID): NTSTATUS {
  if (Message.u32[SESSION] === 0 && Message.u32[ORDER] === ORDER_HELLO) return Greet(Message)
  const isNew = Message.u32[SESSION] === session && Message.u32[NUMBER] > newest
  if (session === 0 || !isNew) return STATUS_INVALID_DEVICE_REQUEST
  newest = Message.u32[NUMBER]
  Crypt(Message)
  // Said without the key: that was not for us.
  if (Message.u32[MAGIC] !== MAGIC_VALUE) return STATUS_INVALID_DEVICE_REQUEST
  const status = Obey(DeviceObject, Message.u32[ORDER], Message.u32[ARGUMENT])
  Crypt(Message)
  return status
}

/** Leave an order to a thread of the system: it asks nobody on whose behalf. */
function Obey(DeviceObject: DEVICE_OBJECT, Order: ULONG, Argument: ULONG): NTSTATUS {
  if (Order !== ORDER_END) return STATUS_INVALID_DEVICE_REQUEST
  const job = cast(JOB, ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(JOB), TAG))
  if (job === null) return STATUS_INSUFFICIENT_RESOURCES
  const item = IoAllocateWorkItem(DeviceObject)
  if (item === null) {
    ExFreePoolWithTag(job, TAG)
    return STATUS_INSUFFICIENT_RESOURCES
  }
  job.Item = item
  job.Process = Argument
  IoQueueWorkItem(item, CipherWork, DelayedWorkQueue, job)
  return STATUS_SUCCESS
}

/** Runs later, in the System process. */
function CipherWork(DeviceObject: DEVICE_OBJECT, Context: PVOID): void {
  const job = cast(JOB, Context)
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const client = local(CLIENT_ID)
  client.UniqueProcess = job.Process
  const process = out<HANDLE>()
  if (NT_SUCCESS(ZwOpenProcess(process, PROCESS_TERMINATE, attributes, client))) {
    ZwTerminateProcess(process.value, STATUS_SUCCESS)
    ZwClose(process.value)
  }
  IoFreeWorkItem(job.Item)
  ExFreePoolWithTag(job, TAG)
}

function CipherDeviceControl(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const fits =
    request.IoControlCode === IOCTL_MESSAGE &&
    request.InputBufferLength === MESSAGE_BYTES &&
    request.OutputBufferLength === MESSAGE_BYTES
  if (!fits) return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST, 0)
  const status = Hear(DeviceObject, Irp.AssociatedIrp.SystemBuffer)
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
