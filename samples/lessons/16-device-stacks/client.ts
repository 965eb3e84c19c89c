/* Reads a line from the Poem device, and cannot tell that there is a filter on top of it. */
import {
  CloseHandle,
  CreateFile,
  GENERIC_READ,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  ReadFile,
  UCHAR,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'

export function main(): number {
  const device = CreateFile('\\\\.\\Poem', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) {
    printf('CreateFile failed with error %u\n', GetLastError())
    return 1
  }
  // One byte more than is read, so that a zero ends the text.
  const line = local(array(UCHAR, 65))
  const count = out<DWORD>()
  if (ReadFile(device, line, 64, count, null)) printf('%u bytes: %s\n', count.value, line)
  else printf('ReadFile failed with error %u\n', GetLastError())
  CloseHandle(device)
  return 0
}
