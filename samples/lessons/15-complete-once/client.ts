/* Asks the counter, asks in two ways that are refused, and asks again. */
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
  ULONG,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const IOCTL_COUNT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_NONSENSE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  const counter = CreateFile('\\\\.\\Counter', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (counter === INVALID_HANDLE_VALUE) return 1
  Ask(counter, IOCTL_COUNT, 4)
  Ask(counter, IOCTL_COUNT, 2)
  Ask(counter, IOCTL_NONSENSE, 0)
  Ask(counter, IOCTL_COUNT, 4)
  CloseHandle(counter)
  return 0
}

function Ask(counter: HANDLE, code: DWORD, room: DWORD): void {
  const number = local(ULONG)
  const answer = room === 0 ? null : number
  const returned = out<DWORD>()
  if (DeviceIoControl(counter, code, null, 0, answer, room, returned, null))
    printf('The counter says %u, in %u bytes\n', number[0], returned.value)
  else printf('Refused, error %u\n', GetLastError())
}
