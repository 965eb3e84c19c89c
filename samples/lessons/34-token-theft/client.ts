/* A plain user: is turned away, has Lift make it SYSTEM, is let in. Watch looks before and after. */
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
  GetCurrentProcessId,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  OpenProcess,
  PROCESS_VM_WRITE,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { HANDLE } from 'win32'

const IOCTL_RISE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
/** The id of winlogon.exe on this machine. */
const WINLOGON = 1764

function open(path: string): HANDLE {
  return CreateFile(path, GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
}

function attempt(): void {
  const process = OpenProcess(PROCESS_VM_WRITE, FALSE, WINLOGON)
  printf('winlogon.exe: %s\n', process === null ? 'refused' : 'opened for writing')
  if (process !== null) CloseHandle(process)
}

function scan(when: string, watch: HANDLE): void {
  const answer = local(array(DWORD, 2))
  if (!DeviceIoControl(watch, IOCTL_SCAN, null, 0, answer, 8, out<DWORD>(), null))
    printf('%s: no answer\n', when)
  else if (answer[0] === 0) printf('%s: each process has a token of its own\n', when)
  else
    printf(
      '%s: %u borrowed, %s\n',
      when,
      answer[0],
      answer[1] === GetCurrentProcessId() ? 'by this program' : 'by another program',
    )
}

export function main(): number {
  const lift = open('\\\\.\\Lift')
  const watch = open('\\\\.\\Watch')
  if (lift === INVALID_HANDLE_VALUE || watch === INVALID_HANDLE_VALUE) return 1
  attempt()
  scan('before', watch)
  DeviceIoControl(lift, IOCTL_RISE, null, 0, null, 0, out<DWORD>(), null)
  attempt()
  scan('after', watch)
  CloseHandle(watch)
  CloseHandle(lift)
  return 0
}
