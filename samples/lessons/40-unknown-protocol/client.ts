/* Yours: speaks with wnfilt.sys, and prints what it is configured to do. */
import {
  CloseHandle,
  CreateFile,
  DWORD,
  DeviceIoControl,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  Sleep,
  array,
  local,
  out,
  printf,
} from 'win32'

export function main(): number {
  // agent.exe speaks first; the driver can deal with one at a time.
  Sleep(5)
  const device = CreateFile(
    '\\\\.\\wnfilt',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const words = local(array(DWORD, 2))
  const returned = out<DWORD>()
  // What agent.exe sent, as the trace has it.
  words[0] = 0x1e6f7597
  words[1] = 1
  const done = DeviceIoControl(device, 0x222404, words, 8, words, 4, returned, null)
  printf(done ? 'client: version %08X\n' : 'client: refused\n', words[0])
  CloseHandle(device)
  return 0
}
