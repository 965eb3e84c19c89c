/* Sends two handles to one file object. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DUPLICATE_SAME_ACCESS,
  DeviceIoControl,
  DuplicateHandle,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GetCurrentProcess,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  ULONGLONG,
  array,
  local,
  out,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const IOCTL_HANDLES = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  const device = CreateFile('\\\\.\\Objects', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  const copy = out<HANDLE>()
  const self = GetCurrentProcess()
  DuplicateHandle(self, device, self, copy, 0, 0, DUPLICATE_SAME_ACCESS)
  const handles = local(array(ULONGLONG, 2))
  handles[0] = BigInt(device)
  handles[1] = BigInt(copy.value)
  DeviceIoControl(device, IOCTL_HANDLES, handles, 16, null, 0, out<DWORD>(), null)
  CloseHandle(copy.value)
  CloseHandle(device)
  return 0
}
