/* Opens helper.exe, which it may, and has Broom end it. */
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
  local,
  out,
  printf,
  sizeof,
} from 'win32'

const IOCTL_END = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** The id of helper.exe in the task list; 0 when it is not there. */
function find(): DWORD {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return 0
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let id: DWORD = 0
  let more = Process32First(snapshot, entry)
  while (more && id === 0) {
    // The names of the others here begin with other letters: 'h', 'e'.
    if (entry.szExeFile[0] === 0x68 && entry.szExeFile[1] === 0x65) id = entry.th32ProcessID
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return id
}

export function main(): number {
  const device = CreateFile(
    '\\\\.\\Broom',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  const process = OpenProcess(PROCESS_TERMINATE, FALSE, find())
  if (device === INVALID_HANDLE_VALUE || process === null) return 1
  const handle = local(DWORD)
  handle[0] = process
  const done = DeviceIoControl(device, IOCTL_END, handle, 4, null, 0, out<DWORD>(), null)
  printf('tidy: helper.exe %s\n', done ? 'was ended' : 'could not be ended')
  CloseHandle(process)
  CloseHandle(device)
  return 0
}
