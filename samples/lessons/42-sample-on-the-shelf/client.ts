/* Yours: asks LabFerry for the port that it leads connections to, sets it to 443, and asks again. */
import {
  CloseHandle,
  CreateFile,
  DWORD,
  DeviceIoControl,
  GENERIC_READ,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { HANDLE } from 'win32'

function ask(device: HANDLE): void {
  const input = local(array(DWORD, 2))
  const answer = local(DWORD)
  const done = DeviceIoControl(device, 0x12c807, input, 8, answer, 4, out<DWORD>(), null)
  if (done) printf('client: port %u\n', answer[0])
  else printf('client: refused\n')
}

export function main(): number {
  const device = CreateFile('\\\\.\\LabFerry', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) return 1
  ask(device)
  CloseHandle(device)
  return 0
}
