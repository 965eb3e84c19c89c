/* Makes an event, hands it to the bell, closes its own handle, and lets the bell ring. */
import {
  CloseHandle,
  CreateEvent,
  CreateFile,
  DeviceIoControl,
  FALSE,
  GENERIC_READ,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  TRUE,
  ULONGLONG,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'
import { IOCTL_HANG_UP, IOCTL_RING } from './ioctl'

export function main(): number {
  const bell = CreateFile('\\\\.\\Bell', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (bell === INVALID_HANDLE_VALUE) return 1

  const event = CreateEvent(null, TRUE, FALSE, null)
  const handle = local(ULONGLONG)
  handle[0] = BigInt(event)
  const returned = out<DWORD>()
  if (!DeviceIoControl(bell, IOCTL_HANG_UP, handle, 8, null, 0, returned, null)) return 2

  // The program has no more use for it. Has somebody else?
  CloseHandle(event)
  if (DeviceIoControl(bell, IOCTL_RING, null, 0, null, 0, returned, null)) printf('It rang.\n')
  CloseHandle(bell)
  return 0
}
