/* Somebody at the machine: looks into the task list, waits, and looks again. It asks the driver nothing. */
import {
  CloseHandle,
  CreateToolhelp32Snapshot,
  INVALID_HANDLE_VALUE,
  PROCESSENTRY32W,
  Process32First,
  Process32Next,
  Sleep,
  TH32CS_SNAPPROCESS,
  local,
  printf,
  sizeof,
} from 'win32'

/** Whether guard.exe is in the task list. */
function isThere(): boolean {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return false
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let found = false
  let more = Process32First(snapshot, entry)
  while (more && !found) {
    // The names of the others here begin with other letters: 'g'.
    found = entry.szExeFile[0] === 0x67
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return found
}

export function main(): number {
  printf('Task list: guard.exe is %s\n', isThere() ? 'there' : 'not there')
  Sleep(2000)
  printf('Task list: guard.exe is %s\n', isThere() ? 'there' : 'not there')
  return 0
}
