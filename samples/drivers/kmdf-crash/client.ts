/* Asks for a sum, then for the sum of nothing, then opens the device again and asks once more. */
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
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  Sleep,
  ULONG,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const IOCTL_SUM = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  const device = Open()
  if (device === INVALID_HANDLE_VALUE) return 1
  Ask(device, 'kernel', 6)
  Ask(device, '', 0)

  // A handle is good for one host process. Where that has ended, another one is started meanwhile.
  Ask(device, 'kernel', 6)
  CloseHandle(device)
  Sleep(100)
  const again = Open()
  if (again === INVALID_HANDLE_VALUE) return 1
  Ask(again, 'kernel', 6)
  CloseHandle(again)
  return 0
}

function Open(): HANDLE {
  const access = GENERIC_READ | GENERIC_WRITE
  const device = CreateFile('\\\\.\\Sums', access, 0, null, OPEN_EXISTING, 0, null)
  if (device === INVALID_HANDLE_VALUE) printf('CreateFile failed with error %u\n', GetLastError())
  return device
}

function Ask(device: HANDLE, text: string, length: number): void {
  const answer = local(array(ULONG, 1))
  const returned = out<DWORD>()
  if (DeviceIoControl(device, IOCTL_SUM, text, length, answer, 4, returned, null))
    printf('the sum is %u\n', answer[0])
  else printf('error %u\n', GetLastError())
}
