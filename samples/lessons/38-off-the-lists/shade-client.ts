/* Looks for the driver among the loaded ones, has it hide, and looks again. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  EnumDeviceDrivers,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  GetDeviceDriverBaseName,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  PVOID,
  WCHAR,
  array,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { DWORD } from 'win32'

const IOCTL_HIDE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const DRIVERS_MAX = 64
const NAME_CHARACTERS = 32

/** Whether a driver whose name begins like `Shade` is on the list. */
function isListed(): boolean {
  const bases = local(array(PVOID, DRIVERS_MAX))
  const needed = out<DWORD>()
  if (!EnumDeviceDrivers(bases, sizeof(bases), needed)) return false
  const name = local(array(WCHAR, NAME_CHARACTERS))
  for (let i = 0; i < needed.value / 8 && i < DRIVERS_MAX; i++) {
    const length = GetDeviceDriverBaseName(bases[i], name, NAME_CHARACTERS)
    // 'S', 'h': the names of the others begin with other letters.
    if (length > 1 && name[0] === 0x53 && name[1] === 0x68) return true
  }
  return false
}

function look(): void {
  printf('List of drivers: Shade is %s\n', isListed() ? 'there' : 'not there')
}

export function main(): number {
  look()
  const device = CreateFile(
    '\\\\.\\Shade',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const done = DeviceIoControl(device, IOCTL_HIDE, null, 0, null, 0, out<DWORD>(), null)
  CloseHandle(device)
  if (!done) return 2
  look()
  return 0
}
