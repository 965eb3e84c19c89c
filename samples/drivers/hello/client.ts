/* Opens TestDriver's device and closes it again. */
import {
  CloseHandle,
  CreateFile,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  printf,
} from 'win32'

export function main(): number {
  // \\.\ is how Win32 spells \??\: the rest is the name of the symbolic link.
  const device = CreateFile(
    '\\\\.\\TestDevice',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) {
    printf('CreateFile failed with error %u\n', GetLastError())
    return 1
  }
  printf('The device is open.\n')
  CloseHandle(device)
  return 0
}
