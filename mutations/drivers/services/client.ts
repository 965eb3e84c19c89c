/* Hands an event to the Clerk device and waits until it is set. */
import {
  CTL_CODE,
  CloseHandle,
  CreateEvent,
  CreateFile,
  DeviceIoControl,
  FILE_READ_ACCESS,
  FILE_WRITE_ACCESS,
  GENERIC_READ,
  GENERIC_WRITE,
  GetCurrentProcessId,
  GetLastError,
  INFINITE,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  ULONGLONG,
  WaitForSingleObject,
  local,
  out,
  printf,
  sizeof,
  struct,
} from 'win32'
import type { DWORD } from 'win32'

const REQUEST = struct('REQUEST', { Event: ULONGLONG, Process: ULONGLONG })
const IOCTL_NOTE = CTL_CODE(0x22, 0x800, METHOD_BUFFERED, FILE_READ_ACCESS | FILE_WRITE_ACCESS)

export function main(): number {
  const access = GENERIC_READ | GENERIC_WRITE
  const device = CreateFile('\\\\.\\Clerk', access, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) return 1
  const event = CreateEvent(null, false, false, null)
  const request = local(REQUEST)
  request.Event = event
  request.Process = GetCurrentProcessId()
  const returned = out<DWORD>()
  if (!DeviceIoControl(device, IOCTL_NOTE, request, sizeof(REQUEST), null, 0, returned, null)) {
    printf('error %u\n', GetLastError())
    return 1
  }
  WaitForSingleObject(event, INFINITE)
  printf('noted\n')
  CloseHandle(event)
  CloseHandle(device)
  return 0
}
