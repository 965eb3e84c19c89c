/* Has Watch look at the table, has Warden hook it, and has Watch look once more. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
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
  PROCESS_QUERY_LIMITED_INFORMATION,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { HANDLE } from 'win32'

const IOCTL_PROTECT = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

/** The id of explorer.exe on this machine. */
const EXPLORER = 3644

function open(path: string): HANDLE {
  return CreateFile(path, GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
}

function scan(when: string, watch: HANDLE): void {
  const answer = local(array(DWORD, 2))
  if (!DeviceIoControl(watch, IOCTL_SCAN, null, 0, answer, 8, out<DWORD>(), null))
    printf('%s: no answer\n', when)
  else if (answer[0] === 0) printf('%s: all services lead into the kernel\n', when)
  else printf('%s: %u foreign, the first is 0x%X\n', when, answer[0], answer[1])
}

function attempt(when: string): void {
  const process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, EXPLORER)
  printf('%s: explorer.exe %s\n', when, process === null ? 'cannot be opened' : 'can be opened')
  if (process !== null) CloseHandle(process)
}

export function main(): number {
  const warden = open('\\\\.\\Warden')
  const watch = open('\\\\.\\Watch')
  if (warden === INVALID_HANDLE_VALUE || watch === INVALID_HANDLE_VALUE) return 1
  attempt('before')
  scan('before', watch)
  const id = local(DWORD)
  id[0] = EXPLORER
  DeviceIoControl(warden, IOCTL_PROTECT, id, 4, null, 0, out<DWORD>(), null)
  attempt('after')
  scan('after', watch)
  CloseHandle(watch)
  CloseHandle(warden)
  return 0
}
