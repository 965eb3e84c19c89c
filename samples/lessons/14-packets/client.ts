/* Reads the motto three times: with room for 64 bytes, for 5, for none. */
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
import type { DWORD, HANDLE } from 'win32'

export function main(): number {
  const motto = CreateFile('\\\\.\\Motto', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (motto === INVALID_HANDLE_VALUE) {
    printf('CreateFile failed with error %u\n', GetLastError())
    return 1
  }
  Read(motto, 64)
  Read(motto, 5)
  Read(motto, 0)
  CloseHandle(motto)
  return 0
}

function Read(motto: HANDLE, room: DWORD): void {
  // One byte more than is read, so that a zero ends the text.
  const text = local(array(UCHAR, 65))
  const count = out<DWORD>()
  if (ReadFile(motto, text, room, count, null))
    printf('Room for %u, got %u: %s\n', room, count.value, text)
  else printf('Room for %u, error %u\n', room, GetLastError())
}
