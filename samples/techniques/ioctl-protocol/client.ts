/* A program of a plain user: greets the driver, agrees on a key, and has it end the antivirus. */
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
  GetTickCount,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  PROCESSENTRY32W,
  Process32First,
  Process32Next,
  Sleep,
  TH32CS_SNAPPROCESS,
  ULONG,
  array,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { HANDLE, DWORD } from 'win32'
import {
  ARGUMENT,
  MAGIC,
  MAGIC_VALUE,
  MESSAGE_BYTES,
  NUMBER,
  ORDER,
  ORDER_END,
  ORDER_HELLO,
  SESSION,
  WORDS,
  keyOf,
  streamAt,
} from './protocol'

const IOCTL_MESSAGE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

let session: ULONG = 0
let key: ULONG = 0
let number: ULONG = 0

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

/** Send a message, and read back what comes. */
function exchange(device: HANDLE, Order: ULONG, Argument: ULONG, encrypted: boolean): boolean {
  const message = local(array(ULONG, WORDS))
  number++
  message[SESSION] = session
  message[NUMBER] = number
  message[MAGIC] = MAGIC_VALUE
  message[ORDER] = Order
  message[ARGUMENT] = Argument
  if (encrypted)
    for (let i = MAGIC; i < WORDS; i++) message[i] = message[i] ^ streamAt(key, number, i)
  const done = DeviceIoControl(
    device,
    IOCTL_MESSAGE,
    message,
    MESSAGE_BYTES,
    message,
    MESSAGE_BYTES,
    out<DWORD>(),
    null,
  )
  if (!done) return false
  if (Order === ORDER_HELLO) {
    session = message[SESSION]
    key = keyOf(Argument, message[ARGUMENT])
  }
  return true
}

export function main(): number {
  const guard = find()
  printf('guard.exe is %s\n', guard === 0 ? 'not there' : 'there')
  const device = CreateFile(
    '\\\\.\\Cipher',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  if (!exchange(device, ORDER_HELLO, GetTickCount() + 1, false)) return 2
  const clear = exchange(device, ORDER_END, guard, false)
  printf('In clear: %s\n', clear ? 'taken' : 'refused')
  const hidden = exchange(device, ORDER_END, guard, true)
  printf('Encrypted: %s\n', hidden ? 'taken' : 'refused')
  CloseHandle(device)
  Sleep(200)
  printf('guard.exe is %s\n', find() === 0 ? 'not there' : 'there')
  return 0
}
