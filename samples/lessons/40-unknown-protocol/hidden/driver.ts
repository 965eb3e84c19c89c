/*
 * wnfilt.sys, as a decompiler shows it: no names but those of the routines that it imports. What the
 * author called things is gone; sub_, dword_ and qword_ with an address stand for it.
 */
import {
  FALSE,
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
  NT_SUCCESS,
  RTL_CONSTANT_STRING,
  STATUS_ACCESS_DENIED,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_DEVICE_REQUEST,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
  out,
} from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, PVOID, ULONG, UNICODE_STRING } from 'wdm'

const off_2010 = RTL_CONSTANT_STRING('\\Device\\wnfilt')
const off_2030 = RTL_CONSTANT_STRING('\\??\\wnfilt')

let dword_3000: ULONG = 0x07c3a915
const qword_3010 = 0x30313d79616c6572n
const qword_3018 = 0x342e30332e30322en
const qword_3020 = 0x3334343a30n

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = sub_1100
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = sub_1100
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = sub_1180
  DriverObject.DriverUnload = sub_1140
  const v1 = out<DEVICE_OBJECT>()
  let v2 = IoCreateDevice(DriverObject, 0, off_2010, FILE_DEVICE_UNKNOWN, 0, FALSE, v1)
  if (!NT_SUCCESS(v2)) return v2
  v2 = IoCreateSymbolicLink(off_2030, off_2010)
  if (!NT_SUCCESS(v2)) IoDeleteDevice(v1.value)
  return v2
}

function sub_1100(a1: DEVICE_OBJECT, a2: IRP): NTSTATUS {
  dword_3000 = (dword_3000 + 0x13570246) >>> 0
  return sub_1120(a2, STATUS_SUCCESS, 0)
}

function sub_1120(a1: IRP, a2: NTSTATUS, a3: ULONG): NTSTATUS {
  a1.IoStatus.Status = a2
  a1.IoStatus.Information = a3
  IoCompleteRequest(a1, IO_NO_INCREMENT)
  return a2
}

function sub_1140(a1: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(off_2030)
  IoDeleteDevice(a1.DeviceObject)
}

function sub_1180(a1: DEVICE_OBJECT, a2: IRP): NTSTATUS {
  const v1 = IoGetCurrentIrpStackLocation(a2).Parameters.DeviceIoControl
  const v2 = a2.AssociatedIrp.SystemBuffer
  if (v1.IoControlCode === 0x222400) {
    if (v1.InputBufferLength !== 4 || v2.u32[0] !== 0x6b636f6e)
      return sub_1120(a2, STATUS_INVALID_PARAMETER, 0)
    if (v1.OutputBufferLength < 4) return sub_1120(a2, STATUS_BUFFER_TOO_SMALL, 0)
    dword_3000 = (dword_3000 + 0x13570246) >>> 0
    v2.u32[0] = dword_3000
    return sub_1120(a2, STATUS_SUCCESS, 4)
  }
  if (v1.IoControlCode !== 0x222404) return sub_1120(a2, STATUS_INVALID_DEVICE_REQUEST, 0)
  if (v1.InputBufferLength !== 8) return sub_1120(a2, STATUS_INVALID_PARAMETER, 0)
  if (v2.u32[0] !== (dword_3000 ^ 0x5a5a5a5a) >>> 0) return sub_1120(a2, STATUS_ACCESS_DENIED, 0)
  if (v2.u32[1] === 1) {
    if (v1.OutputBufferLength < 4) return sub_1120(a2, STATUS_BUFFER_TOO_SMALL, 0)
    v2.u32[0] = 0x10003
    return sub_1120(a2, STATUS_SUCCESS, 4)
  }
  if (v2.u32[1] === 2) {
    if (v1.OutputBufferLength < 24) return sub_1120(a2, STATUS_BUFFER_TOO_SMALL, 0)
    sub_1240(v2)
    return sub_1120(a2, STATUS_SUCCESS, 24)
  }
  return sub_1120(a2, STATUS_INVALID_PARAMETER, 0)
}

function sub_1240(a1: PVOID): void {
  const v1 = BigInt(dword_3000 & 0xff) * 0x101010101010101n
  a1.u64[0] = qword_3010 ^ v1
  a1.u64[1] = qword_3018 ^ v1
  a1.u64[2] = qword_3020 ^ v1
}
