/* Opens explorer.exe three times, and asks the driver how often it noticed. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DWORD,
  DeviceIoControl,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  OpenProcess,
  PROCESS_QUERY_LIMITED_INFORMATION,
  local,
  out,
  printf,
} from 'win32'

const IOCTL_COUNT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/** The id of explorer.exe on this machine. */
const EXPLORER = 3644

export function main(): number {
  for (let i = 0; i < 3; i++) {
    const process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, EXPLORER)
    if (process !== null) CloseHandle(process)
  }
  const device = CreateFile(
    '\\\\.\\Stile',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const opens = local(DWORD)
  const done = DeviceIoControl(device, IOCTL_COUNT, null, 0, opens, 4, out<DWORD>(), null)
  CloseHandle(device)
  if (!done) return 2
  printf('The driver noticed %u opens\n', opens[0])
  return 0
}
