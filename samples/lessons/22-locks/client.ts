/* Asks the driver for its two numbers, when the other programs sleep and when they have ended. */
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
  LONG,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  Sleep,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const IOCTL_TALLY = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  const tally = CreateFile('\\\\.\\Tally', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (tally === INVALID_HANDLE_VALUE) return 1
  Sleep(100)
  Ask(tally)
  Sleep(200)
  Ask(tally)
  CloseHandle(tally)
  return 0
}

function Ask(tally: HANDLE): void {
  const numbers = local(array(LONG, 2))
  const returned = out<DWORD>()
  if (DeviceIoControl(tally, IOCTL_TALLY, null, 0, numbers, 8, returned, null))
    printf('%d writes, %d bytes\n', numbers[0], numbers[1])
  else printf('No answer, error %u\n', GetLastError())
}
