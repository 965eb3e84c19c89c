/*
 * Wire: sends what is written to it over the serial port of the board.
 */
import {
  DO_BUFFERED_IO,
  FALSE,
  FILE_DEVICE_UNKNOWN,
  IO_NO_INCREMENT,
  IRP_MJ_CLOSE,
  IRP_MJ_CREATE,
  IRP_MJ_WRITE,
  IoCompleteRequest,
  IoCreateDevice,
  IoCreateSymbolicLink,
  IoDeleteDevice,
  IoDeleteSymbolicLink,
  IoGetCurrentIrpStackLocation,
  KeStallExecutionProcessor,
  MmMapIoSpace,
  MmNonCached,
  MmUnmapIoSpace,
  NT_SUCCESS,
  PUCHAR,
  READ_REGISTER_UCHAR,
  RTL_CONSTANT_STRING,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
  WRITE_REGISTER_UCHAR,
  cast,
  out,
} from 'wdm'
import type {
  DEVICE_OBJECT,
  DRIVER_OBJECT,
  IRP,
  NTSTATUS,
  PVOID,
  UCHAR,
  ULONG,
  UNICODE_STRING,
} from 'wdm'

/** Where the registers of the serial port lie: physical memory, on this board. */
const UART = 0x09000000
const UART_BYTES = 8

/** Registers of the device. */
const DATA = 0
const LINE_STATUS = 5

/** Of the line status: there is room for a byte. */
const TRANSMITTER_EMPTY = 0x20

/** The registers, as addresses of the kernel. */
let Registers: PVOID | null = null

const DeviceName = RTL_CONSTANT_STRING('\\Device\\Wire')
const LinkName = RTL_CONSTANT_STRING('\\??\\Wire')

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = WireCreateClose
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = WireCreateClose
  DriverObject.MajorFunction[IRP_MJ_WRITE] = WireWrite
  DriverObject.DriverUnload = WireUnload

  const device = out<DEVICE_OBJECT>()
  let status = IoCreateDevice(DriverObject, 0, DeviceName, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  device.value.Flags |= DO_BUFFERED_IO
  // Never cached: a write has to reach the device, and a read has to ask it.
  Registers = MmMapIoSpace(UART, UART_BYTES, MmNonCached)
  status = STATUS_INSUFFICIENT_RESOURCES
  if (Registers !== null) status = IoCreateSymbolicLink(LinkName, DeviceName)
  if (!NT_SUCCESS(status)) {
    if (Registers !== null) MmUnmapIoSpace(Registers, UART_BYTES)
    IoDeleteDevice(device.value)
  }
  return status
}

/** Gives a packet back: how it went, and how many bytes were moved. */
function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}

function WireCreateClose(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function ReadRegister(register: ULONG): UCHAR {
  return READ_REGISTER_UCHAR(cast(PUCHAR, Registers.add(register)))
}

function WriteRegister(register: ULONG, value: UCHAR): void {
  WRITE_REGISTER_UCHAR(cast(PUCHAR, Registers.add(register)), value)
}

function WireWrite(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const length = IoGetCurrentIrpStackLocation(Irp).Parameters.Write.Length
  const bytes = Irp.AssociatedIrp.SystemBuffer
  for (let i = 0; i < length; i++) {
    // The wire is slower than the processor: wait for the byte before.
    while ((ReadRegister(LINE_STATUS) & TRANSMITTER_EMPTY) === 0) KeStallExecutionProcessor(10)
    WriteRegister(DATA, bytes.u8[i])
  }
  return Complete(Irp, STATUS_SUCCESS, length)
}

function WireUnload(DriverObject: DRIVER_OBJECT): void {
  MmUnmapIoSpace(Registers, UART_BYTES)
  IoDeleteSymbolicLink(LinkName)
  IoDeleteDevice(DriverObject.DeviceObject)
}
