/* A program of an administrator's: tries to end agent.exe, as the task manager would. */
import {
  CloseHandle,
  CreateToolhelp32Snapshot,
  FALSE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OpenProcess,
  PROCESSENTRY32W,
  PROCESS_TERMINATE,
  Process32First,
  Process32Next,
  TH32CS_SNAPPROCESS,
  TerminateProcess,
  local,
  printf,
  sizeof,
} from 'win32'
import type { DWORD } from 'win32'

/** The id of agent.exe in the task list; 0 when it is not there. */
function find(): DWORD {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return 0
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let id: DWORD = 0
  let more = Process32First(snapshot, entry)
  while (more && id === 0) {
    // The names of the others here begin with other letters: 'a', 'g'.
    if (entry.szExeFile[0] === 0x61 && entry.szExeFile[1] === 0x67) id = entry.th32ProcessID
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return id
}

export function main(): number {
  const process = OpenProcess(PROCESS_TERMINATE, FALSE, find())
  if (process === null) {
    printf('client: not opened, error %u\n', GetLastError())
    return 1
  }
  if (TerminateProcess(process, 1)) printf('client: ended it\n')
  else printf('client: opened, but not ended, error %u\n', GetLastError())
  CloseHandle(process)
  return 0
}
