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
  UCHAR,
  array,
  local,
  out,
  printf,
} from 'win32'

/** Bytes of the configuration. */
const CONFIGURATION = 24

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
  // The greeting; the answer is a key for what follows.
  words[0] = 0x6b636f6e
  if (!DeviceIoControl(device, 0x222400, words, 4, words, 4, returned, null)) return 2
  const key = words[0]
  // Proof that the key was understood, and the command: 1 is the version, 2 the configuration.
  words[0] = (key ^ 0x5a5a5a5a) >>> 0
  words[1] = 2
  const answer = local(array(UCHAR, CONFIGURATION))
  if (!DeviceIoControl(device, 0x222404, words, 8, answer, CONFIGURATION, returned, null)) return 3
  for (let i = 0; i < CONFIGURATION; i++) answer[i] ^= key & 0xff
  printf('client: %s\n', answer)
  CloseHandle(device)
  return 0
}
