/* Has the driver count for a moment, opens explorer.exe three times meanwhile, and asks what it saw. */
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

const IOCTL_BEGIN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_END = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** The id of explorer.exe on this machine. */
const EXPLORER = 3644

export function main(): number {
  const device = CreateFile(
    '\\\\.\\Heron',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const returned = out<DWORD>()
  if (!DeviceIoControl(device, IOCTL_BEGIN, null, 0, null, 0, returned, null)) return 2
  for (let i = 0; i < 3; i++) {
    const process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, EXPLORER)
    if (process !== null) CloseHandle(process)
  }
  const opens = local(DWORD)
  if (!DeviceIoControl(device, IOCTL_END, null, 0, opens, 4, returned, null)) return 3
  printf('The driver noticed %u opens\n', opens[0])
  CloseHandle(device)
  return 0
}
