/* Keeps the number 42 in a page of its own, and pins the address of the page to the board. */
import {
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  GENERIC_WRITE,
  GetCurrentProcessId,
  INVALID_HANDLE_VALUE,
  MEM_COMMIT,
  MEM_RESERVE,
  OPEN_EXISTING,
  PAGE_READWRITE,
  Sleep,
  VirtualAlloc,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { DWORD } from 'win32'
import { IOCTL_PIN, NOTE } from './note'

export function main(): number {
  const page = VirtualAlloc(null, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE)
  if (page === null) return 1
  page.u32[0] = 42
  printf('other: I keep %u at %p\n', page.u32[0], page)

  const board = CreateFile('\\\\.\\Board', GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
  if (board === INVALID_HANDLE_VALUE) return 2
  const note = local(NOTE)
  note.Address = page
  note.ProcessId = GetCurrentProcessId()
  const returned = out<DWORD>()
  if (!DeviceIoControl(board, IOCTL_PIN, note, sizeof(NOTE), null, 0, returned, null)) return 3
  CloseHandle(board)
  Sleep(100)
  return 0
}
