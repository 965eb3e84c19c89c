/* The intruder: tries to end vault.exe by a handle, then by a second handle that it makes from a weak one. */
import {
  CloseHandle,
  CreateToolhelp32Snapshot,
  DuplicateHandle,
  FALSE,
  GetCurrentProcess,
  INVALID_HANDLE_VALUE,
  OpenProcess,
  PROCESSENTRY32W,
  PROCESS_QUERY_LIMITED_INFORMATION,
  PROCESS_TERMINATE,
  Process32First,
  Process32Next,
  TH32CS_SNAPPROCESS,
  TerminateProcess,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

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

/** Ask for the right to end it, and use it. */
function endDirectly(id: DWORD): void {
  const process = OpenProcess(PROCESS_TERMINATE, FALSE, id)
  printf('intruder: first handle: %s\n', TerminateProcess(process, 1) ? 'ended it' : 'no use')
  if (process !== null) CloseHandle(process)
}

/** Ask for nearly nothing, then for a copy of that handle with more rights. */
function endByCopy(id: DWORD): void {
  const weak = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, id)
  if (weak === null) {
    printf('intruder: second handle: vault.exe is not there\n')
    return
  }
  const copy = out<HANDLE>()
  const self = GetCurrentProcess()
  const made = DuplicateHandle(self, weak, self, copy, PROCESS_TERMINATE, FALSE, 0)
  const ended = made && TerminateProcess(copy.value, 1)
  printf('intruder: second handle: %s\n', ended ? 'ended it' : 'no use')
  if (made) CloseHandle(copy.value)
  CloseHandle(weak)
}

export function main(): number {
  const id = find()
  endDirectly(id)
  endByCopy(id)
  return 0
}
