// The user part of the filter guard: twice a second it has its driver look, and prints what is new.
import type { DWORD, HANDLE } from 'win32'
import {
  CreateFile,
  DeviceIoControl,
  GENERIC_READ,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  Sleep,
  UCHAR,
  array,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import { IOCTL_GUARD_LOOK, IOCTL_GUARD_NEXT, Kind, MESSAGE, NAME_CHARACTERS } from './messages'

/** Between two looks, in ms. */
const PERIOD = 500

export function main(): number {
  const device = CreateFile('\\\\.\\FilterGuard', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) return 1
  const returned = out<DWORD>()
  for (;;) {
    DeviceIoControl(device, IOCTL_GUARD_LOOK, null, 0, null, 0, returned, null)
    while (printNext(device));
    Sleep(PERIOD)
  }
}

/** Print one piece of news. @returns whether there was one */
function printNext(device: HANDLE): boolean {
  const message = local(MESSAGE)
  const returned = out<DWORD>()
  const size = sizeof(MESSAGE)
  if (!DeviceIoControl(device, IOCTL_GUARD_NEXT, null, 0, message, size, returned, null))
    return false
  const name = local(array(UCHAR, NAME_CHARACTERS))
  for (let i = 0; i < NAME_CHARACTERS; i++) name[i] = message.Name[i]
  const number = message.Number
  switch (message.Kind) {
    case Kind.ForeignRoutine:
      printf('ALERT routine %u of %s lies neither in it nor in the kernel\n', number, name)
      break
    case Kind.HiddenFile:
      printf('ALERT %s is on the volume, and not in the list of its folder\n', name)
      break
    case Kind.Attached:
      printf('guard: a device of %s is attached without the filter manager\n', name)
      break
    case Kind.GivenAway:
      printf('ALERT a device of %s was given to another driver\n', name)
      break
    case Kind.ImageRefused:
      printf('ALERT kernel mode, in process %u, may not write %s\n', number, name)
      break
  }
  return true
}
