/* Asks both framework drivers for the sum of four other bytes. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
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
  // After the client of the lesson, which waits between its questions.
  Sleep(5000)
  Ask('SumsUmdf', '\\\\.\\SumsUmdf')
  Ask('SumsKmdf', '\\\\.\\SumsKmdf')
  return 0
}

function Ask(name: string, path: string): void {
  const device = CreateFile(path, GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)
  const answer = local(array(ULONG, 1))
  const returned = out<DWORD>()
  if (DeviceIoControl(device, IOCTL_SUM, 'zero', 4, answer, 4, returned, null))
    printf('%s adds %u\n', name, answer[0])
  CloseHandle(device)
}
