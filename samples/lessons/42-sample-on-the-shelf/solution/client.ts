/* Yours: asks LabFerry for the port that it leads connections to, sets it to 443, and asks again. */
import {
  CloseHandle,
  CreateFile,
  DWORD,
  DeviceIoControl,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { HANDLE } from 'win32'

/** What each request begins with. */
const MAGIC = 0x59525246

function ask(device: HANDLE): void {
  const input = local(array(DWORD, 2))
  input[0] = MAGIC
  // The answer is mixed with this number; with zero it is plain.
  input[1] = 0
  const answer = local(DWORD)
  const done = DeviceIoControl(device, 0x12c807, input, 8, answer, 4, out<DWORD>(), null)
  if (done) printf('client: port %u\n', answer[0])
  else printf('client: refused\n')
}

function set(device: HANDLE, port: number, key: number): boolean {
  const input = local(array(DWORD, 2))
  input[0] = MAGIC
  input[1] = (port ^ key) >>> 0
  return DeviceIoControl(device, 0x12c803, input, 8, null, 0, out<DWORD>(), null) !== 0
}

export function main(): number {
  const access = GENERIC_READ | GENERIC_WRITE
  const device = CreateFile('\\\\.\\LabFerry', access, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) return 1
  ask(device)
  if (!set(device, 443, 0x2f)) return 2
  ask(device)
  CloseHandle(device)
  return 0
}
