/* Writes one byte twenty times, sleeps, and writes one byte ten times more. */
import {
  CloseHandle,
  CreateFile,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  Sleep,
  WriteFile,
  out,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const TEXT = 'a'

export function main(): number {
  const tally = CreateFile('\\\\.\\Tally', GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
  if (tally === INVALID_HANDLE_VALUE) return 1
  Write(tally, 20)
  Sleep(200)
  Write(tally, 10)
  CloseHandle(tally)
  return 0
}

function Write(tally: HANDLE, times: number): void {
  const count = out<DWORD>()
  for (let i = 0; i < times; i++) WriteFile(tally, TEXT, TEXT.length, count, null)
}
