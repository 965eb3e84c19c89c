/* Waits until the others are through, then asks the dial, turns it to 7 and asks again. */
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
  Sleep,
  ULONG,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { DWORD } from 'win32'

const IOCTL_GET = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_TURN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  Sleep(10)
  const dial = CreateFile('\\\\.\\Dial', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (dial === INVALID_HANDLE_VALUE) return 1

  const number = local(ULONG)
  const returned = out<DWORD>()
  if (!DeviceIoControl(dial, IOCTL_GET, null, 0, number, sizeof(ULONG), returned, null))
    printf('Nobody has turned the dial yet: error %u\n', GetLastError())

  number[0] = 7
  DeviceIoControl(dial, IOCTL_TURN, number, sizeof(ULONG), null, 0, returned, null)
  number[0] = 0
  if (DeviceIoControl(dial, IOCTL_GET, null, 0, number, sizeof(ULONG), returned, null))
    printf('The dial shows %u\n', number[0])
  CloseHandle(dial)
  return 0
}
