/* Opens the devices of driver.ts, and asks it for what can only be looked at after DriverEntry. */
import {
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  ERROR_ACCESS_DENIED,
  ERROR_FILE_NOT_FOUND,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  out,
} from 'win32'
import type { BOOL, DWORD, HANDLE } from 'win32'
import { Equal, Holds } from './client-check'
import { IOCTL_CREATE_LATER, IOCTL_DELETE_LINK, IOCTL_LOADING } from './codes'

const ANY = GENERIC_READ | GENERIC_WRITE

function Open(Path: string): HANDLE {
  return CreateFile(Path, ANY, 0, null, OPEN_EXISTING, 0, null)
}

function Ask(Device: HANDLE, Code: DWORD): BOOL {
  const returned = out<DWORD>()
  return DeviceIoControl(Device, Code, null, 0, null, 0, returned, null)
}

export function main(): number {
  const device = Open('\\\\.\\Conformance')
  Ask(device, IOCTL_CREATE_LATER)

  const gone = Open('\\\\.\\Gone')
  Holds('K020', 'opened while the link is there', gone !== INVALID_HANDLE_VALUE)
  CloseHandle(gone)
  Ask(device, IOCTL_DELETE_LINK)
  Equal('K020', 'CreateFile on a deleted link', Open('\\\\.\\Gone'), INVALID_HANDLE_VALUE)
  Equal('K020', 'GetLastError', GetLastError(), ERROR_FILE_NOT_FOUND)

  const first = Open('\\\\.\\Once')
  Equal('K021', 'a second open', Open('\\\\.\\Once'), INVALID_HANDLE_VALUE)
  Equal('K021', 'GetLastError', GetLastError(), ERROR_ACCESS_DENIED)
  CloseHandle(first)
  const second = Open('\\\\.\\Once')
  Holds('K021', 'opened after the first is closed', second !== INVALID_HANDLE_VALUE)
  CloseHandle(second)

  Ask(device, IOCTL_LOADING)
  const permanent = Open('\\\\.\\Permanent')
  Holds('K014', 'the driver keeps working', permanent !== INVALID_HANDLE_VALUE)
  CloseHandle(permanent)
  CloseHandle(device)
  return 0
}
