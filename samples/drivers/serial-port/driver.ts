/*
 * Serial: a driver for a serial port, with the three parts that drivers of interrupting devices have.
 *
 *   interrupt service routine   DIRQL            takes bytes out of the device, asks for a DPC
 *   DPC                         DISPATCH_LEVEL   completes the packet that waited for them
 *   dispatch routine            PASSIVE_LEVEL    leaves a packet for the DPC, or sends bytes itself
 *
 * What the service routine touches nobody else may touch at the same time. KeSynchronizeExecution runs
 * a routine at the level of the interrupt and with its lock held, so that it cannot come in between.
 */
import {
  DEVICE_OBJECT,
  DO_BUFFERED_IO,
  FALSE,
  FILE_DEVICE_SERIAL_PORT,
  HalGetInterruptVector,
  IO_NO_INCREMENT,
  IO_SERIAL_INCREMENT,
  IRP,
  IRP_MJ_CLEANUP,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  InterlockedCompareExchangePointer,
  InterlockedExchangePointer,
  IoCompleteRequest,
  IoConnectInterrupt,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoDisconnectInterrupt,
  IoGetCurrentIrpStackLocation,
  IoInitializeDpcRequest,
  IoMarkIrpPending,
  IoRequestDpc,
  Isa,
  KeFlushQueuedDpcs,
  KeStallExecutionProcessor,
  KeSynchronizeExecution,
  LevelSensitive,
  NT_SUCCESS,
  PIRP,
  PKINTERRUPT,
  PUCHAR,
  PVOID,
  READ_PORT_UCHAR,
  RTL_CONSTANT_STRING,
  STATUS_CANCELLED,
  STATUS_DEVICE_BUSY,
  STATUS_INVALID_PARAMETER,
  STATUS_PENDING,
  STATUS_SUCCESS,
  TRUE,
  UCHAR,
  ULONG,
  WRITE_PORT_UCHAR,
  addressof,
  array,
  cast,
  out,
  sizeof,
  struct,
} from 'wdm'
import type {
  BOOLEAN,
  DRIVER_OBJECT,
  KAFFINITY,
  KDPC,
  KINTERRUPT,
  KIRQL,
  NTSTATUS,
  Ptr,
  UNICODE_STRING,
} from 'wdm'

/** COM1 of a PC: its ports, and its line of the interrupt controller. */
const COM1 = 0x3f8
const COM1_LINE = 4

/** Registers of a 16550. */
const DATA = 0
const INTERRUPT_ENABLE = 1
const INTERRUPT_IDENTIFY = 2
const MODEM_CONTROL = 4
const LINE_STATUS = 5

const ENABLE_RECEIVED = 1
/** Connects the device's interrupt output to the line. */
const OUT2 = 8
/** No interrupt is pending. */
const NONE_PENDING = 1
const DATA_READY = 1
const TRANSMITTER_EMPTY = 0x20

const RING_BYTES = 64

const SERIAL = struct('SERIAL', {
  Interrupt: PKINTERRUPT,
  /** The read that waits for bytes; NULL when there is none. */
  Waiting: PIRP,
  /** Bytes that came and were not read yet. The service routine writes here. */
  First: ULONG,
  Count: ULONG,
  Lost: ULONG,
  Ring: array(UCHAR, RING_BYTES),
  /** Where bytes go that SerialTakeBytes takes, and how many there may be and were. */
  Target: PVOID,
  Room: ULONG,
  Taken: ULONG,
})
type PSERIAL = Ptr<typeof SERIAL>

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Serial0')
const LinkName = RTL_CONSTANT_STRING('\\??\\COM1')

function Port(register: ULONG): PUCHAR {
  return cast(PUCHAR, COM1 + register)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = SerialCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = SerialCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLEANUP] = SerialCleanup
  DriverObject.MajorFunction[IRP_MJ_READ] = SerialRead
  DriverObject.MajorFunction[IRP_MJ_WRITE] = SerialWrite
  DriverObject.DriverUnload = SerialUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(
    DriverObject,
    sizeof(SERIAL),
    DeviceName,
    FILE_DEVICE_SERIAL_PORT,
    0,
    FALSE,
    device,
  )
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO
  // The DPC that every device object has inside. It has to be there before the first interrupt.
  IoInitializeDpcRequest(device.value, SerialDpc)

  status = Connect(device.value)
  if (NT_SUCCESS(status)) {
    status = IoCreateSymbolicLink(LinkName, DeviceName)
    if (!NT_SUCCESS(status)) Disconnect(device.value)
  }
  if (!NT_SUCCESS(status)) IoDeleteDevice(device.value)
  return status
}

/** Connect the service routine, then let the device interrupt: not the other way round. */
function Connect(DeviceObject: DEVICE_OBJECT): NTSTATUS {
  const serial = cast(SERIAL, DeviceObject.DeviceExtension)
  const irql = out<KIRQL>()
  const affinity = out<KAFFINITY>()
  const vector = HalGetInterruptVector(Isa, 0, COM1_LINE, COM1_LINE, irql, affinity)
  const status = IoConnectInterrupt(
    addressof(serial.Interrupt),
    SerialIsr,
    DeviceObject,
    null,
    vector,
    irql.value,
    irql.value,
    LevelSensitive,
    TRUE,
    affinity.value,
    FALSE,
  )
  if (!NT_SUCCESS(status)) return status
  WRITE_PORT_UCHAR(Port(MODEM_CONTROL), OUT2)
  WRITE_PORT_UCHAR(Port(INTERRUPT_ENABLE), ENABLE_RECEIVED)
  return status
}

function Disconnect(DeviceObject: DEVICE_OBJECT): void {
  WRITE_PORT_UCHAR(Port(INTERRUPT_ENABLE), 0)
  IoDisconnectInterrupt(cast(SERIAL, DeviceObject.DeviceExtension).Interrupt)
  // The last interrupt may have left a DPC behind.
  KeFlushQueuedDpcs()
}

// --- at the level of the device --------------------------------------------------------------------

function SerialIsr(Interrupt: KINTERRUPT, ServiceContext: PVOID): BOOLEAN {
  const device = cast(DEVICE_OBJECT, ServiceContext)
  const serial = cast(SERIAL, device.DeviceExtension)
  // The line may be shared: whoever is not the reason says so.
  if (READ_PORT_UCHAR(Port(INTERRUPT_IDENTIFY)) & NONE_PENDING) return FALSE
  // Taking the bytes out is what lets the line fall.
  while (READ_PORT_UCHAR(Port(LINE_STATUS)) & DATA_READY) {
    const byte = READ_PORT_UCHAR(Port(DATA))
    if (serial.Count === RING_BYTES) serial.Lost++
    else {
      serial.Ring[(serial.First + serial.Count) % RING_BYTES] = byte
      serial.Count++
    }
  }
  IoRequestDpc(device, null, null)
  return TRUE
}

/** Called by KeSynchronizeExecution: no interrupt of the device comes meanwhile. */
function SerialTakeBytes(SynchronizeContext: PVOID): BOOLEAN {
  const serial = cast(SERIAL, SynchronizeContext)
  const target = cast(PUCHAR, serial.Target)
  let taken = 0
  while (taken < serial.Room && serial.Count > 0) {
    target[taken] = serial.Ring[serial.First]
    serial.First = (serial.First + 1) % RING_BYTES
    serial.Count--
    taken++
  }
  serial.Taken = taken
  return taken > 0 ? TRUE : FALSE
}

// --- below -----------------------------------------------------------------------------------------

function SerialDpc(Dpc: KDPC, DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): void {
  Answer(cast(SERIAL, DeviceObject.DeviceExtension))
}

/** Complete the waiting read if there are bytes for it. */
function Answer(serial: PSERIAL): void {
  const place = addressof(serial.Waiting)
  for (;;) {
    // Whoever takes the packet out of its place owns it.
    const irp = cast(IRP, InterlockedExchangePointer(place, null))
    if (irp === null) return
    serial.Target = irp.AssociatedIrp.SystemBuffer
    serial.Room = IoGetCurrentIrpStackLocation(irp).Parameters.Read.Length
    if (KeSynchronizeExecution(serial.Interrupt, SerialTakeBytes, serial)) {
      irp.IoStatus.Status = STATUS_SUCCESS
      irp.IoStatus.Information = serial.Taken
      IoCompleteRequest(irp, IO_SERIAL_INCREMENT)
      return
    }
    InterlockedExchangePointer(place, irp)
    // Bytes that came while the packet was not in its place would wait for the next interrupt.
    if (serial.Count === 0) return
  }
}

function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function SerialCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function SerialRead(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const serial = cast(SERIAL, DeviceObject.DeviceExtension)
  if (IoGetCurrentIrpStackLocation(Irp).Parameters.Read.Length === 0)
    return Complete(Irp, STATUS_INVALID_PARAMETER, 0)
  // Before the packet is where others find it: afterwards it may be gone at any time.
  IoMarkIrpPending(Irp)
  if (InterlockedCompareExchangePointer(addressof(serial.Waiting), Irp, null) !== null) {
    Complete(Irp, STATUS_DEVICE_BUSY, 0)
    return STATUS_PENDING
  }
  // Bytes may be there already.
  Answer(serial)
  return STATUS_PENDING
}

function SerialWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  const bytes = cast(PUCHAR, Irp.AssociatedIrp.SystemBuffer)
  for (let i = 0; i < length; i++) {
    while (!(READ_PORT_UCHAR(Port(LINE_STATUS)) & TRANSMITTER_EMPTY)) KeStallExecutionProcessor(20)
    WRITE_PORT_UCHAR(Port(DATA), bytes[i])
  }
  return Complete(Irp, STATUS_SUCCESS, length)
}

/** The last handle is closed: nobody will want the answer any more. */
function SerialCleanup(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const serial = cast(SERIAL, DeviceObject.DeviceExtension)
  const waiting = cast(IRP, InterlockedExchangePointer(addressof(serial.Waiting), null))
  if (waiting !== null) Complete(waiting, STATUS_CANCELLED, 0)
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function SerialUnload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LinkName)
  Disconnect(DriverObject.DeviceObject)
  IoDeleteDevice(DriverObject.DeviceObject)
}
