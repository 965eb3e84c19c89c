/* Has Watch look at the code, has Mist hide miner.exe, and has Watch look once more. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  CreateToolhelp32Snapshot,
  DWORD,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  PROCESSENTRY32W,
  Process32First,
  Process32Next,
  TH32CS_SNAPPROCESS,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { HANDLE } from 'win32'

const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_PROCESS = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** The id of miner.exe in the task list; 0 when it is not there. */
function find(): DWORD {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return 0
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let id: DWORD = 0
  let more = Process32First(snapshot, entry)
  while (more && id === 0) {
    // The names of the others here begin with other letters: 'm', 'i'.
    if (entry.szExeFile[0] === 0x6d && entry.szExeFile[1] === 0x69) id = entry.th32ProcessID
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return id
}

function open(path: string): HANDLE {
  return CreateFile(path, GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
}

function scan(when: string, watch: HANDLE): void {
  const changed = local(DWORD)
  if (!DeviceIoControl(watch, IOCTL_SCAN, null, 0, changed, 4, out<DWORD>(), null))
    printf('%s: no answer\n', when)
  else if (changed[0] === 0) printf('%s: the code is as it was loaded\n', when)
  else printf('%s: the code was changed\n', when)
}

export function main(): number {
  const watch = open('\\\\.\\Watch')
  const mist = open('\\\\.\\Mist')
  if (watch === INVALID_HANDLE_VALUE || mist === INVALID_HANDLE_VALUE) return 1
  const id = local(DWORD)
  id[0] = find()
  printf('before: miner.exe is %s\n', id[0] === 0 ? 'not there' : 'there')
  scan('before', watch)
  DeviceIoControl(mist, IOCTL_PROCESS, id, 4, id, 4, out<DWORD>(), null)
  printf('after: miner.exe is %s\n', find() === 0 ? 'not there' : 'there')
  scan('after', watch)
  CloseHandle(mist)
  CloseHandle(watch)
  return 0
}
