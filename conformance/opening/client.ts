/* Opens, duplicates and closes, and asks the driver what it saw of it. */
import {
  CloseHandle,
  CreateFile,
  DUPLICATE_SAME_ACCESS,
  DeviceIoControl,
  DuplicateHandle,
  ERROR_ACCESS_DENIED,
  ERROR_INVALID_FUNCTION,
  GENERIC_READ,
  GENERIC_WRITE,
  GetCurrentProcess,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  ReadFile,
  UCHAR,
  ULONG,
  array,
  local,
  out,
} from 'win32'
import type { BOOL, DWORD, HANDLE } from 'win32'
import { Equal, Holds } from './client-check'
import { IOCTL_COUNTS, IOCTL_LOOK, IOCTL_REFUSED } from './codes'

function Open(Path: string): HANDLE {
  return CreateFile(Path, GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
}

function Ask(Device: HANDLE, Code: DWORD): BOOL {
  return DeviceIoControl(Device, Code, null, 0, null, 0, out<DWORD>(), null)
}

/** CREATE, CLEANUP and CLOSE that the driver has seen, as one number with two digits for each. */
function Counts(Device: HANDLE): number {
  const counts = local(array(ULONG, 3))
  DeviceIoControl(Device, IOCTL_COUNTS, null, 0, counts, 12, out<DWORD>(), null)
  return counts[0] * 10000 + counts[1] * 100 + counts[2]
}

export function main(): number {
  const first = Open('\\\\.\\Door\\sub\\x')
  const second = Open('\\\\.\\Door')

  Equal('K023', 'two opens: two CREATEs', Counts(second), 20000)
  const copy = out<HANDLE>()
  const self = GetCurrentProcess()
  DuplicateHandle(self, first, self, copy, 0, 0, DUPLICATE_SAME_ACCESS)
  Equal('K023', 'a duplicate sends nothing', Counts(second), 20000)
  CloseHandle(first)
  Equal('K023', 'one of two handles closed', Counts(second), 20000)
  CloseHandle(copy.value)
  Equal('K023', 'both handles closed', Counts(second), 20101)

  Equal('K025', 'a refused open', Open('\\\\.\\Refuse'), INVALID_HANDLE_VALUE)
  Equal('K025', 'GetLastError', GetLastError(), ERROR_ACCESS_DENIED)
  Ask(second, IOCTL_REFUSED)
  Ask(second, IOCTL_LOOK)
  CloseHandle(second)

  const bare = Open('\\\\.\\Bare')
  const buffer = local(array(UCHAR, 16))
  Equal('K027', 'ReadFile', ReadFile(bare, buffer, 16, out<DWORD>(), null) ? 1 : 0, 0)
  Equal('K027', 'GetLastError', GetLastError(), ERROR_INVALID_FUNCTION)
  Holds('K028', 'CloseHandle succeeds', CloseHandle(bare) !== 0)
  Holds('K028', 'and the handle is gone', CloseHandle(bare) === 0)
  return 0
}
