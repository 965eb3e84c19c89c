/* One request on a synchronous handle. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  out,
} from 'win32'
import type { DWORD } from 'win32'
const IOCTL_REGIONS = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  const device = CreateFile('\\\\.\\Level', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  DeviceIoControl(device, IOCTL_REGIONS, null, 0, null, 0, out<DWORD>(), null)
  CloseHandle(device)
  return 0
}
