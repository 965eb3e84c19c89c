/* Sends the requests, and looks at what comes back. */
import {
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  ERROR_ACCESS_DENIED,
  ERROR_MORE_DATA,
  ERROR_SUCCESS,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  OPEN_EXISTING,
  PVOID,
  ReadFile,
  STATUS_BUFFER_OVERFLOW,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
  SetLastError,
  UCHAR,
  ULONG,
  ULONG_PTR,
  array,
  cast,
  local,
  memcmp,
  memcpy,
  out,
  struct,
} from 'win32'
import type { BOOL, DWORD, HANDLE } from 'win32'
import { Equal, Holds } from './client-check'
import {
  IOCTL_ANSWER,
  IOCTL_BUFFERED,
  IOCTL_DIRECT,
  IOCTL_EMPTY,
  IOCTL_NEITHER,
  IOCTL_WRITE,
  IOCTL_WRITES,
} from './codes'

const PATH = '\\\\.\\Control'

function Open(Access: DWORD): HANDLE {
  return CreateFile(PATH, Access, 0, null, OPEN_EXISTING, 0, null)
}

function Ask(Device: HANDLE, Code: DWORD): BOOL {
  return DeviceIoControl(Device, Code, null, 0, null, 0, out<DWORD>(), null)
}

function Rights(): void {
  const reader = Open(GENERIC_READ)
  Holds('K029', 'a code for writing is refused', Ask(reader, IOCTL_WRITE) === 0)
  Equal('K029', 'GetLastError', GetLastError(), ERROR_ACCESS_DENIED)
  Holds('K029', 'a code for any access is delivered', Ask(reader, IOCTL_WRITES) !== 0)
  CloseHandle(reader)
}

function Methods(Device: HANDLE): void {
  const buffer = local(array(UCHAR, 16))
  memcpy(buffer, 'abcd', 4)
  const returned = out<DWORD>()
  DeviceIoControl(Device, IOCTL_BUFFERED, buffer, 4, buffer, 16, returned, null)
  const address = cast(ULONG_PTR, buffer)
  Holds('K030', 'UserBuffer is the output address', buffer.u64[0] === address)
  Holds('K030', 'the block has 16 bytes', buffer.u64[1] === address)
  Equal('K030', 'bytes that came back', returned.value, 16)
  Holds('K031', 'sent', Ask(Device, IOCTL_EMPTY) !== 0)

  const output = local(array(UCHAR, 4))
  memcpy(buffer, 'abcd', 4)
  memcpy(output, '....', 4)
  DeviceIoControl(Device, IOCTL_DIRECT, buffer, 4, output, 4, returned, null)
  Holds('K032', 'the driver wrote to the output', memcmp(output, 'xy..', 4) === 0)
  DeviceIoControl(Device, IOCTL_DIRECT, buffer, 4, null, 0, returned, null)

  const low = cast(PVOID, 0x123)
  const high = cast(PVOID, 0x456)
  const done = DeviceIoControl(Device, IOCTL_NEITHER, low, 8, high, 8, returned, null)
  Holds('K033', 'nothing is probed', done !== 0)
}

const ANSWER = struct('ANSWER', { Status: ULONG, Information: ULONG, Padding: array(UCHAR, 8) })

/** One request that the driver answers with `ghijkl`; the output holds `abcdef` before. */
function Answer(Device: HANDLE, Output: PVOID, Room: DWORD, Status: DWORD, Count: DWORD): BOOL {
  const input = local(ANSWER)
  input.Status = Status
  input.Information = Count
  memcpy(Output, 'abcdef', 6)
  SetLastError(ERROR_SUCCESS)
  return DeviceIoControl(Device, IOCTL_ANSWER, input, 8, Output, Room, out<DWORD>(), null)
}

function Answers(Device: HANDLE): void {
  const output = local(array(UCHAR, 6))
  Holds('K034', 'a success', Answer(Device, output, 6, STATUS_SUCCESS, 3) !== 0)
  Holds('K034', 'exactly Information bytes', memcmp(output, 'ghidef', 6) === 0)
  Answer(Device, output, 2, STATUS_SUCCESS, 4)
  Holds('K034', 'whatever the output length is', memcmp(output, 'ghijef', 6) === 0)

  Holds('K035', 'an error', Answer(Device, output, 6, STATUS_UNSUCCESSFUL, 3) === 0)
  Holds('K035', 'the buffer is unchanged', memcmp(output, 'abcdef', 6) === 0)

  const overflow = Answer(Device, output, 6, STATUS_BUFFER_OVERFLOW, 3)
  Holds('K036', 'FALSE', overflow === 0)
  Equal('K036', 'GetLastError', GetLastError(), ERROR_MORE_DATA)
  Holds('K036', 'the data is copied', memcmp(output, 'ghidef', 6) === 0)
}

export function main(): number {
  Rights()
  const device = Open(GENERIC_READ | GENERIC_WRITE)
  Methods(device)
  Answers(device)
  const count = out<DWORD>()
  Holds('K040', 'the driver was called', ReadFile(device, null, 0, count, null) !== 0)
  Equal('K040', 'bytes read', count.value, 0)
  CloseHandle(device)
  return 0
}
