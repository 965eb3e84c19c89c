/* Opens itself as an attacker would: before it is protected, and afterwards. */
import {
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FALSE,
  GENERIC_READ,
  GENERIC_WRITE,
  GetCurrentProcessId,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  OpenProcess,
  PROCESS_QUERY_INFORMATION,
  PROCESS_TERMINATE,
  TerminateProcess,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'
import { IOCTL_GUARD_PROTECT_ME } from './ioctl'

export function main(): number {
  const device = CreateFile(
    '\\\\.\\Guard',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const returned = out<DWORD>()
  if (!DeviceIoControl(device, IOCTL_GUARD_PROTECT_ME, null, 0, null, 0, returned, null)) return 2
  CloseHandle(device)

  // The handle comes, but without the right to end the process.
  const process = OpenProcess(
    PROCESS_TERMINATE | PROCESS_QUERY_INFORMATION,
    FALSE,
    GetCurrentProcessId(),
  )
  printf('OpenProcess: %s\n', process === null ? 'no handle' : 'a handle')
  if (TerminateProcess(process, 9)) return 3
  printf('TerminateProcess failed with error %u\n', GetLastError())
  CloseHandle(process)
  return 0
}
