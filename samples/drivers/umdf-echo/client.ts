/* Sends the same six bytes by each transfer method, then two requests that have to fail. */
import {
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  OPEN_EXISTING,
  PVOID,
  UCHAR,
  array,
  cast,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD, HANDLE, ULONG } from 'win32'
import {
  IOCTL_ECHO_BUFFERED,
  IOCTL_ECHO_IN_DIRECT,
  IOCTL_ECHO_NEITHER,
  IOCTL_ECHO_OUT_DIRECT,
} from './ioctl'

const TEXT_BYTES = 6

export function main(): number {
  const device = CreateFile(
    '\\\\.\\Echo',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) {
    printf('CreateFile failed with error %u\n', GetLastError())
    return 1
  }
  Echo(device, 'BUFFERED', IOCTL_ECHO_BUFFERED)
  Echo(device, 'OUT_DIRECT', IOCTL_ECHO_OUT_DIRECT)
  Echo(device, 'NEITHER', IOCTL_ECHO_NEITHER)
  Echo(device, 'unknown code', IOCTL_ECHO_NEITHER + 4)

  // With METHOD_IN_DIRECT the second buffer is input, too: it is only read, so it may be constant.
  const returned = out<DWORD>()
  if (!DeviceIoControl(device, IOCTL_ECHO_IN_DIRECT, null, 0, 'kernel', TEXT_BYTES, returned, null))
    printf('IN_DIRECT: error %u\n', GetLastError())

  // Nothing is mapped at this address. With METHOD_NEITHER the driver finds out, not the I/O manager.
  const nowhere = cast(PVOID, 0x10000n)
  if (
    !DeviceIoControl(
      device,
      IOCTL_ECHO_NEITHER,
      'kernel',
      TEXT_BYTES,
      nowhere,
      TEXT_BYTES,
      returned,
      null,
    )
  )
    printf('bad pointer: error %u\n', GetLastError())

  CloseHandle(device)
  return 0
}

function Echo(device: HANDLE, name: string, code: ULONG): void {
  // Zeroed, and longer than the text: so there is always a zero behind it.
  const answer = local(array(UCHAR, 16))
  const returned = out<DWORD>()
  if (DeviceIoControl(device, code, 'kernel', TEXT_BYTES, answer, TEXT_BYTES, returned, null))
    printf('%s: %u bytes back: "%s"\n', name, returned.value, answer)
  else printf('%s: error %u\n', name, GetLastError())
}
