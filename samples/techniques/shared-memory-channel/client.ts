/* Asks the driver which process it works in: by memory that both have, or else by a request. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DWORD,
  DeviceIoControl,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  OPEN_EXISTING,
  PVOID,
  Sleep,
  array,
  cast,
  local,
  out,
  printf,
  struct,
} from 'win32'

const IOCTL_OPEN = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_ASK = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const WHERE_ARE_YOU = 1

/** What lies in the shared page; the driver has the same. */
const CHANNEL = struct('CHANNEL', { Order: DWORD, Answer: DWORD })

export function main(): number {
  const device = CreateFile(
    '\\\\.\\Murmur',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  const reply = local(array(DWORD, 2))
  const returned = out<DWORD>()
  if (DeviceIoControl(device, IOCTL_OPEN, null, 0, reply, 8, returned, null)) {
    const channel = cast(CHANNEL, cast(PVOID, reply.u64[0]))
    channel.Order = WHERE_ARE_YOU
    for (let i = 0; i < 50 && channel.Answer === 0; i++) Sleep(20)
    printf('By memory: process %u\n', channel.Answer)
  } else if (DeviceIoControl(device, IOCTL_ASK, null, 0, reply, 4, returned, null))
    printf('By request: process %u\n', reply[0])
  CloseHandle(device)
  return 0
}
