/* Opens two files that are both there, and asks Watch who answers for the file system. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DWORD,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  FILE_SHARE_READ,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  array,
  local,
  out,
  printf,
} from 'win32'

const IOCTL_SCAN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

function attempt(what: string, path: string): void {
  const file = CreateFile(path, GENERIC_READ, FILE_SHARE_READ, null, OPEN_EXISTING, 0, null)
  if (file === INVALID_HANDLE_VALUE) {
    printf('%s: error %u\n', what, GetLastError())
    return
  }
  printf('%s: opened\n', what)
  CloseHandle(file)
}

export function main(): number {
  attempt('letter.txt', 'C:\\Users\\student\\Documents\\letter.txt')
  attempt('plan.txt', 'C:\\Users\\student\\Documents\\plan.txt')
  const watch = CreateFile(
    '\\\\.\\Watch',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (watch === INVALID_HANDLE_VALUE) return 1
  const answer = local(array(DWORD, 2))
  if (!DeviceIoControl(watch, IOCTL_SCAN, null, 0, answer, 8, out<DWORD>(), null))
    printf('Watch: no answer\n')
  else printf('Watch: %u foreign routines, the first for %u\n', answer[0], answer[1])
  CloseHandle(watch)
  return 0
}
