/* Opens a process before the driver is asked to act and once more afterwards: does the antivirus hear of it? */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  GetCurrentProcessId,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  OpenProcess,
  PROCESS_QUERY_LIMITED_INFORMATION,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'

const IOCTL_ACT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** Open a process, which guard.sys is asked about, and close it again. */
function touch(): void {
  const process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentProcessId())
  if (process !== null) CloseHandle(process)
}

export function main(): number {
  touch()
  const device = CreateFile(
    '\\\\.\\Lull',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const done = DeviceIoControl(device, IOCTL_ACT, null, 0, null, 0, out<DWORD>(), null)
  CloseHandle(device)
  printf('The driver: %s\n', done ? 'done' : 'failed')
  touch()
  return done ? 0 : 2
}
