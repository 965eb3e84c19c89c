/*
 * Asks the driver of a tuning tool for two things that no program may have: where the kernel lies, and
 * where system calls enter it. What it writes there is an address of its own.
 */
import {
  CTL_CODE,
  CreateFile,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  PVOID,
  ULONG,
  ULONGLONG,
  ULONG_PTR,
  cast,
  local,
  out,
  printf,
  sizeof,
  struct,
} from 'win32'
import type { DWORD, HANDLE, Ptr } from 'win32'

const IOCTL_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_WRITE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

const REQUEST = struct('REQUEST', {
  Value: ULONGLONG,
  Register: ULONG,
})
type REQUEST = Ptr<typeof REQUEST>

const IA32_MISC_ENABLE = 0x1a0
/** Enhanced Intel SpeedStep, bit 16. */
const SPEED_STEP = 0x10000n
const IA32_LSTAR = 0xc0000082

/** Ask the driver; what it says is in the request. */
function ask(device: HANDLE, code: ULONG, request: REQUEST): boolean {
  return (
    DeviceIoControl(
      device,
      code,
      request,
      sizeof(REQUEST),
      request,
      sizeof(REQUEST),
      out<DWORD>(),
      null,
    ) !== 0
  )
}

export function main(): number {
  const device = CreateFile(
    '\\\\.\\Tuner',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const request = local(REQUEST)
  request.Register = IA32_MISC_ENABLE
  if (ask(device, IOCTL_READ, request))
    printf('SpeedStep: %s\n', (request.Value & SPEED_STEP) !== 0n ? 'on' : 'off')
  request.Register = IA32_LSTAR
  if (!ask(device, IOCTL_READ, request)) {
    printf('IA32_LSTAR: refused\n')
    return 0
  }
  printf('The kernel is entered at %p\n', cast(PVOID, request.Value))
  // Without SMEP the processor would go on here, in ring 0.
  request.Value = cast(ULONG_PTR, request)
  ask(device, IOCTL_WRITE, request)
  printf('Written\n')
  return 0
}
