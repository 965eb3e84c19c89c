// Takes down what is typed, line by line, and saves it to a file at Ctrl+Z or an empty line.
//
// The keys come a long way: keyboard, class driver, whoever is attached above it, the raw input thread
// of csrss.exe, the console, ReadConsole. A keylogger needs to stand at one of these places only.

import {
  CREATE_ALWAYS,
  CloseHandle,
  CreateFile,
  GENERIC_WRITE,
  GetStdHandle,
  INVALID_HANDLE_VALUE,
  ReadConsole,
  STD_INPUT_HANDLE,
  UCHAR,
  WCHAR,
  WriteFile,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const FILE = 'C:\\Users\\student\\Documents\\note.txt'
const LINE_CHARACTERS = 128
const CTRL_Z = 0x1a

/** Write a line of wide characters as bytes. False at the end of the text. */
function take(file: HANDLE, input: HANDLE): boolean {
  const line = local(array(WCHAR, LINE_CHARACTERS))
  const read = out<DWORD>()
  if (!ReadConsole(input, line, LINE_CHARACTERS, read, null)) return false
  const bytes = local(array(UCHAR, LINE_CHARACTERS))
  let count = 0
  let isLast = read.value <= 2
  for (let i = 0; i < read.value; i++) {
    if (line[i] === CTRL_Z) {
      isLast = true
      break
    }
    bytes[count++] = line[i]
  }
  const written = out<DWORD>()
  if (count > 2 || !isLast) WriteFile(file, bytes, count, written, null)
  return !isLast
}

export function main(): number {
  const input = GetStdHandle(STD_INPUT_HANDLE)
  const file = CreateFile(FILE, GENERIC_WRITE, 0, null, CREATE_ALWAYS, 0, null)
  if (input === INVALID_HANDLE_VALUE || file === INVALID_HANDLE_VALUE) return 1
  let lines = 0
  while (take(file, input)) lines++
  CloseHandle(file)
  printf('notepad: %u lines saved\n', lines)
  return 0
}
