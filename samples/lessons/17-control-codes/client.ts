/* Has the Adder add, then calls it in three ways that are wrong, then has it add again. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  ULONG,
  array,
  local,
  out,
  printf,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'

const IOCTL_ADD = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)

export function main(): number {
  const adder = CreateFile('\\\\.\\Adder', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (adder === INVALID_HANDLE_VALUE) return 1
  Add(adder, 2, 3)
  Call(adder, 'Half the input', 4, 4)
  Call(adder, 'Half the room', 8, 2)
  Call(adder, 'No buffers', 0, 0)
  Add(adder, 1000, 234)
  CloseHandle(adder)
  return 0
}

function Add(adder: HANDLE, a: ULONG, b: ULONG): void {
  const numbers = local(array(ULONG, 2))
  const sum = local(ULONG)
  const returned = out<DWORD>()
  numbers[0] = a
  numbers[1] = b
  if (DeviceIoControl(adder, IOCTL_ADD, numbers, 8, sum, 4, returned, null))
    printf('%u + %u = %u, %u bytes\n', a, b, sum[0], returned.value)
  else printf('%u + %u: refused\n', a, b)
}

/** Calls with lengths that do not fit the code. */
function Call(adder: HANDLE, what: string, input: DWORD, output: DWORD): void {
  const numbers = local(array(ULONG, 2))
  const sum = local(ULONG)
  const returned = out<DWORD>()
  const done = DeviceIoControl(
    adder,
    IOCTL_ADD,
    input === 0 ? null : numbers,
    input,
    output === 0 ? null : sum,
    output,
    returned,
    null,
  )
  if (done) printf('%s: done, %u bytes\n', what, returned.value)
  else printf('%s: refused\n', what)
}
