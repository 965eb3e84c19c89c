/* Looks at the board, and wants to know which number other.exe keeps there. */
import {
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FALSE,
  GENERIC_READ,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  OpenProcess,
  PROCESS_VM_READ,
  ReadProcessMemory,
  Sleep,
  ULONG,
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
  // The address counts in the other address space. The kernel reads there, if it lets us.
  const other = OpenProcess(PROCESS_VM_READ, FALSE, note.ProcessId)
  if (other === null) return 3
  const kept = local(ULONG)
  if (!ReadProcessMemory(other, note.Address, kept, sizeof(ULONG), null)) return 4
  CloseHandle(other)
  printf('client: it is %u\n', kept[0])
  return 0
}
