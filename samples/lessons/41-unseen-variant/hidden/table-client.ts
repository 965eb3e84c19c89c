/* Opens miner.exe to end it, has the driver protect it, and tries to end it. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  CreateToolhelp32Snapshot,
  DWORD,
  DeviceIoControl,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  OpenProcess,
  PROCESSENTRY32W,
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

const IOCTL_PROTECT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

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

/** Whether a process can be opened, and ended. */
function canEnd(id: DWORD, ends: boolean): boolean {
  const process = OpenProcess(PROCESS_TERMINATE, FALSE, id)
  if (process === null) return false
  const ended = !ends || TerminateProcess(process, 0) !== 0
  CloseHandle(process)
  return ended
}

export function main(): number {
  const miner = find()
  if (miner === 0) return 1
  printf('Before: miner.exe %s be ended\n', canEnd(miner, false) ? 'can' : 'cannot')
  const device = CreateFile(
    '\\\\.\\Kestrel',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 2
  const id = local(DWORD)
  id[0] = miner
  const done = DeviceIoControl(device, IOCTL_PROTECT, id, 4, null, 0, out<DWORD>(), null)
  CloseHandle(device)
  if (!done) return 3
  printf('After: miner.exe %s be ended\n', canEnd(miner, true) ? 'can' : 'cannot')
  return 0
}
