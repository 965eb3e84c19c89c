/* Looks at the board, and wants to know which number other.exe keeps there. */
import {
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  GENERIC_READ,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  Sleep,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { DWORD } from 'win32'
import { IOCTL_LOOK, NOTE } from './note'

export function main(): number {
  // other.exe comes first.
  Sleep(10)
  const board = CreateFile('\\\\.\\Board', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (board === INVALID_HANDLE_VALUE) return 1
  const note = local(NOTE)
  const returned = out<DWORD>()
  if (!DeviceIoControl(board, IOCTL_LOOK, null, 0, note, sizeof(NOTE), returned, null)) return 2
  CloseHandle(board)

  printf('client: process %u keeps it at %p\n', note.ProcessId, note.Address)
  const kept = note.Address.u32[0]
  printf('client: it is %u\n', kept)
  return 0
}
