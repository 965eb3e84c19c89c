/* Has a few bytes copied by the Copier device. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  METHOD_NEITHER,
  OPEN_EXISTING,
  UCHAR,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'

const IOCTL_COPY = CTL_CODE(0x22, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

export function main(): number {
  const access = GENERIC_READ | GENERIC_WRITE
  const device = CreateFile('\\\\.\\Copier', access, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) return 1
  const answer = local(array(UCHAR, 64))
  const returned = out<DWORD>()
  const isDone = DeviceIoControl(device, IOCTL_COPY, 'twelve bytes', 12, answer, 64, returned, null)
  if (isDone) printf('%u bytes: %s\n', returned.value, answer)
  else printf('error %u\n', GetLastError())
  CloseHandle(device)
  return isDone ? 0 : 1
}
