/* agent.exe, the program that came with wnfilt.sys: asks the driver for its version. */
import {
  CloseHandle,
  CreateFile,
  DWORD,
  DeviceIoControl,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  array,
  local,
  out,
  printf,
} from 'win32'

export function main(): number {
  const v1 = CreateFile(
    '\\\\.\\wnfilt',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (v1 === INVALID_HANDLE_VALUE) return 1
  const v2 = local(array(DWORD, 2))
  const v3 = out<DWORD>()
  v2[0] = 0x6b636f6e
  if (!DeviceIoControl(v1, 0x222400, v2, 4, v2, 4, v3, null)) return 2
  v2[0] = (v2[0] ^ 0x5a5a5a5a) >>> 0
  v2[1] = 1
  if (!DeviceIoControl(v1, 0x222404, v2, 8, v2, 4, v3, null)) return 3
  printf('agent: %08X\n', v2[0])
  CloseHandle(v1)
  return 0
}
