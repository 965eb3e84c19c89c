/* Asks each of the three devices for two sums, and in between for the sum of nothing. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  Sleep,
  ULONG,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD } from 'win32'

const IOCTL_SUM = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  AskAll('SumsWdm', '\\\\.\\SumsWdm')
  AskAll('SumsUmdf', '\\\\.\\SumsUmdf')
  AskAll('SumsKmdf', '\\\\.\\SumsKmdf')
  return 0
}

function AskAll(name: string, path: string): void {
  Ask(name, path, 'kernel', 6)
  Ask(name, path, '', 0)
  Ask(name, path, 'ring', 4)
}

/** A handle of its own for each question. */
function Ask(name: string, path: string, text: string, length: number): void {
  const device = CreateFile(path, GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
  const answer = local(array(ULONG, 1))
  const returned = out<DWORD>()
  if (DeviceIoControl(device, IOCTL_SUM, text, length, answer, 4, returned, null))
    printf('%s: %u\n', name, answer[0])
  else printf('%s: error %u\n', name, GetLastError())
  CloseHandle(device)
  // Time for whatever has to be started again.
  Sleep(100)
}
