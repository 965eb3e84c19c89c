/* A program that calls itself guard.exe, and is protected by nobody. It tries what the antivirus will do. */
import {
  CloseHandle,
  CreateToolhelp32Snapshot,
  FALSE,
  INVALID_HANDLE_VALUE,
  OpenProcess,
  PROCESSENTRY32W,
  PROCESS_TERMINATE,
  Process32First,
  Process32Next,
  Sleep,
  TH32CS_SNAPPROCESS,
  TerminateProcess,
  local,
  printf,
  sizeof,
} from 'win32'
import type { DWORD } from 'win32'

/** The id of vault.exe in the task list; 0 when it is not there. */
function find(): DWORD {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return 0
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let id: DWORD = 0
  let more = Process32First(snapshot, entry)
  while (more && id === 0) {
    // The names of the others here begin with other letters: 'v', 'a'.
    if (entry.szExeFile[0] === 0x76 && entry.szExeFile[1] === 0x61) id = entry.th32ProcessID
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return id
}

export function main(): number {
  // After the intruder, before the antivirus.
  Sleep(250)
  const process = OpenProcess(PROCESS_TERMINATE, FALSE, find())
  if (process === null) {
    printf('false guard: vault.exe is not there\n')
    return 1
  }
  printf('false guard: %s\n', TerminateProcess(process, 1) ? 'ended it' : 'no use')
  CloseHandle(process)
  return 0
}
