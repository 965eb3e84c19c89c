/* A program without any rights tries its luck. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GetLastError,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'

const IOCTL_SWITCH_CRASH = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  const device = CreateFile('\\\\.\\Switch', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) {
    printf('CreateFile failed with error %u\n', GetLastError())
    return 0
  }
  const returned = out<DWORD>()
  DeviceIoControl(device, IOCTL_SWITCH_CRASH, null, 0, null, 0, returned, null)
  CloseHandle(device)
  return 1
}
