/*
 * Asks the kernel for itself, then writes sixteen letters to a tape.
 */
import {
  CloseHandle,
  CopyMemory,
  CreateFile,
  FALSE,
  GENERIC_WRITE,
  GetCurrentProcessId,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  OpenProcess,
  PROCESS_QUERY_INFORMATION,
  PVOID,
  UCHAR,
  WriteFile,
  array,
  cast,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'

const TEXT = 'sixteen letters!'

export function main(): number {
  // A number that Windows keeps in the program's own memory.
  const self = GetCurrentProcessId()

  const process = OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, self)
  if (process !== null) {
    printf('I am process %u\n', self)
    CloseHandle(process)
  }

  const tape = CreateFile('\\\\.\\Tape', GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
  if (tape === INVALID_HANDLE_VALUE) return 1
  const letters = local(array(UCHAR, TEXT.length))
  CopyMemory(letters, TEXT, TEXT.length)

  const written = out<DWORD>()
  for (let i = 0; i < TEXT.length; i++) {
    if (!WriteFile(tape, cast(PVOID, letters).add(i), 1, written, null)) return 2
  }
  CloseHandle(tape)
  return 0
}
