/* Looks for another process in the task list and opens it; then one that does not exist. */
import {
  CloseHandle,
  CreateToolhelp32Snapshot,
  FALSE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OpenProcess,
  PROCESSENTRY32W,
  PROCESS_QUERY_INFORMATION,
  PROCESS_VM_READ,
  Process32First,
  Process32Next,
  TH32CS_SNAPPROCESS,
  local,
  printf,
  sizeof,
} from 'win32'
import type { DWORD } from 'win32'

/** The id of target.exe; 0 when it is not there. */
function find(): DWORD {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return 0
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let id: DWORD = 0
  let more = Process32First(snapshot, entry)
  while (more && id === 0) {
    // Nobody else here has a name that begins with 't'.
    if (entry.szExeFile[0] === 0x74) id = entry.th32ProcessID
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return id
}

export function main(): number {
  const id = find()
  const process = OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, id)
  if (process === null) return 1
  printf('Process %u is open\n', id)
  CloseHandle(process)

  // The whole way down and back, and a status that becomes an error of Win32.
  if (OpenProcess(PROCESS_QUERY_INFORMATION, FALSE, 0xfffc) !== null) return 2
  printf('There is no process 0xFFFC: error %u\n', GetLastError())
  return 0
}
