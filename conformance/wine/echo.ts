/* Buffers of all four methods, of reads and writes, and names behind the device's own. */
import {
  DO_BUFFERED_IO,
  DbgPrint,
  IRP_MJ_CREATE,
  IRP_MJ_DEVICE_CONTROL,
  IRP_MJ_READ,
  IRP_MJ_WRITE,
  IoGetCurrentIrpStackLocation,
  METHOD_IN_DIRECT,
  METHOD_NEITHER,
  METHOD_OUT_DIRECT,
  MmGetSystemAddressForMdlSafe,
  NormalPagePriority,
  STATUS_SUCCESS,
  UCHAR,
  array,
  local,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, UNICODE_STRING } from 'wdm'
import { Complete, FunctionOf, MakeDevice } from './witness'

function Create(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const file = IoGetCurrentIrpStackLocation(Irp).FileObject
  DbgPrint('create %u\n', file.FileName.Length)
  return Complete(Irp, STATUS_SUCCESS, 0)
}

function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const request = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl
  const inputLength = request.InputBufferLength
  const outputLength = request.OutputBufferLength
  let input: PVOID = Irp.AssociatedIrp.SystemBuffer
  let output: PVOID = input
  const count = Math.min(inputLength, outputLength)
  const copy = local(array(UCHAR, 16))
  DbgPrint(
    '%x: in %u out %u buffer %u mdl %u flags %x\n',
    FunctionOf(Irp),
    inputLength,
    outputLength,
    input !== null ? 1 : 0,
    Irp.MdlAddress !== null ? 1 : 0,
    Irp.Flags & 0x70,
  )
  switch (request.IoControlCode & 3) {
    case METHOD_IN_DIRECT:
    case METHOD_OUT_DIRECT:
      output = MmGetSystemAddressForMdlSafe(Irp.MdlAddress, NormalPagePriority)
      break
    case METHOD_NEITHER:
      input = request.Type3InputBuffer
      output = Irp.UserBuffer
      break
  }
  for (let i = 0; i < count; i++) copy[i] = input.u8[i]
  for (let i = 0; i < count; i++) output.u8[i] = copy[count - 1 - i]
  return Complete(Irp, STATUS_SUCCESS, count)
}

function Read(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const read = IoGetCurrentIrpStackLocation(Irp).Parameters.Read
  const buffer = Irp.AssociatedIrp.SystemBuffer
  DbgPrint('read %u at %u\n', read.Length, read.ByteOffset.LowPart)
  buffer.u8[0] = 0x6f
  buffer.u8[1] = 0x6b
  return Complete(Irp, STATUS_SUCCESS, 2)
}

function Write(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const write = IoGetCurrentIrpStackLocation(Irp).Parameters.Write
  DbgPrint('write %u begins with %c\n', write.Length, Irp.AssociatedIrp.SystemBuffer.u8[0])
  return Complete(Irp, STATUS_SUCCESS, 5)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const status = MakeDevice(DriverObject, DO_BUFFERED_IO)
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Create
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  DriverObject.MajorFunction[IRP_MJ_READ] = Read
  DriverObject.MajorFunction[IRP_MJ_WRITE] = Write
  return status
}
