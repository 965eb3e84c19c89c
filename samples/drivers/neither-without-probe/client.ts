/* Asks for the counter twice: with a place of its own for the answer, then with no place at all. */
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
  METHOD_NEITHER,
  OPEN_EXISTING,
  PVOID,
  ULONG,
  cast,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const IOCTL_COUNTER_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

export function main(): number {
  const device = CreateFile('\\\\.\\Counter', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) {
    printf('CreateFile failed with error %u\n', GetLastError())
    return 1
  }
  const answer = local(ULONG)
  if (ReadCounter(device, answer)) printf('request number %u\n', answer[0])

  // Nothing is mapped at this address: a mistake, or an attack.
  if (!ReadCounter(device, cast(PVOID, 0x10000n))) printf('error %u\n', GetLastError())
  CloseHandle(device)
  return 0
}

function ReadCounter(device: HANDLE, answer: PVOID): boolean {
  const returned = out<DWORD>()
  return (
    DeviceIoControl(device, IOCTL_COUNTER_READ, null, 0, answer, sizeof(ULONG), returned, null) !==
    0
  )
}
