/* Writes two entries into the diary, then reads all of it. */
import {
  CloseHandle,
  CreateFile,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  ReadFile,
  UCHAR,
  WriteFile,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

export function main(): number {
  const access = GENERIC_READ | GENERIC_WRITE
  const diary = CreateFile('\\\\.\\Diary', access, 0, null, OPEN_EXISTING, 0, null)
  if (diary === INVALID_HANDLE_VALUE) return 1
  Write(diary, 'Dear diary, ')
  Write(diary, 'nothing happened.')
  // One byte more than is read, so that a zero ends the text.
  const text = local(array(UCHAR, 65))
  const count = out<DWORD>()
  if (ReadFile(diary, text, 64, count, null)) printf('The diary says: %s\n', text)
  else printf('Not read, error %u\n', GetLastError())
  CloseHandle(diary)
  return 0
}

function Write(diary: HANDLE, entry: string): void {
  const count = out<DWORD>()
  if (WriteFile(diary, entry, entry.length, count, null)) printf('Written: %u bytes\n', count.value)
  else printf('Not written, error %u\n', GetLastError())
}
