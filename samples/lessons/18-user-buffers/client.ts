/* Reads the meter: into its own memory, into nothing, into the kernel, into its own memory again. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GetLastError,
  INVALID_HANDLE_VALUE,
  METHOD_NEITHER,
  OPEN_EXISTING,
  PVOID,
  ULONG,
  cast,
  local,
  out,
  printf,
  sizeof,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const IOCTL_METER_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_NEITHER, FILE_ANY_ACCESS)

export function main(): number {
  const meter = CreateFile('\\\\.\\Meter', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (meter === INVALID_HANDLE_VALUE) return 1
  const answer = local(ULONG)
  if (ReadMeter(meter, answer)) printf('The meter shows %u\n', answer[0])
  if (!ReadMeter(meter, cast(PVOID, 0x10000n))) printf('Refused: error %u\n', GetLastError())
  if (!ReadMeter(meter, cast(PVOID, 0xffff800000000000n)))
    printf('Refused: error %u\n', GetLastError())
  answer[0] = 0
  if (ReadMeter(meter, answer)) printf('The meter shows %u again\n', answer[0])
  CloseHandle(meter)
  return 0
}

function ReadMeter(meter: HANDLE, answer: PVOID): boolean {
  const returned = out<DWORD>()
  return (
    DeviceIoControl(meter, IOCTL_METER_READ, null, 0, answer, sizeof(ULONG), returned, null) !== 0
  )
}
