// The user part of the EDR: four times a second it asks its driver for news and prints them. A line
// that begins with ALERT is what somebody at the desk of a security team would see.
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
import { IOCTL_EDR_NEXT, Kind, MESSAGE, NAME_CHARACTERS } from './messages'

/** Between two questions, in ms. */
const PERIOD = 250

export function main(): number {
  const device = CreateFile('\\\\.\\Edr', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) return 1
  for (;;) {
    while (printNext(device));
    Sleep(PERIOD)
  }
}

/** Print one piece of news. @returns whether there was one */
function printNext(device: HANDLE): boolean {
  const message = local(MESSAGE)
  const returned = out<DWORD>()
  const size = sizeof(MESSAGE)
  if (!DeviceIoControl(device, IOCTL_EDR_NEXT, null, 0, message, size, returned, null)) return false
  const name = local(array(UCHAR, NAME_CHARACTERS))
  for (let i = 0; i < NAME_CHARACTERS; i++) name[i] = message.Name[i]
  const id = message.ProcessId
  switch (message.Kind) {
    case Kind.TokenReplaced:
      printf('ALERT %s (%u) has another token than it began with\n', name, id)
      break
    case Kind.ProtectionChanged:
      printf('ALERT the protection of %s (%u) was changed in memory\n', name, id)
      break
    case Kind.KeptFromStarting:
      printf('ALERT %s (%u), which Windows protects, was kept from starting\n', name, id)
      break
    case Kind.OpenedToEnd:
      printf(
        'ALERT kernel mode opened %s (%u), which Windows protects, to end it, in process %u\n',
        name,
        id,
        message.By,
      )
      break
    case Kind.RightsTaken:
      printf(
        'ALERT process %u, which Windows protects, opened %s (%u) and was kept from its rights\n',
        message.By,
        name,
        id,
      )
      break
    case Kind.ServiceKeyDeleted:
      printf('ALERT the service key of %s is deleted while its driver is loaded\n', name)
      break
    case Kind.OwnKeyRefused:
      printf('edr: process %u may not change my service key\n', message.By)
      break
    case Kind.BlindToThreads:
      printf('ALERT I am not told of threads any more\n')
      break
    case Kind.BlindToHandles:
      printf('ALERT I am not asked about handles any more\n')
      break
    case Kind.BlindToRegistry:
      printf('ALERT I am not asked about the registry any more\n')
      break
  }
  return true
}
