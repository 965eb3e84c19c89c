/* Knocks: opens \\.\Door and closes it again. */
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
  const door = CreateFile(
    '\\\\.\\Door',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (door === INVALID_HANDLE_VALUE) {
    printf('CreateFile failed with error %u\n', GetLastError())
    return 1
  }
  printf('The door is open.\n')
  CloseHandle(door)
  return 0
}
