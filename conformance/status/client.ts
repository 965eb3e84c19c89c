/* Asks for statuses, and looks at when the status block, the event and the last error change. */
import {
  CancelIo,
  CloseHandle,
  CreateEvent,
  CreateFile,
  DeviceIoControl,
  ERROR_ACCESS_DENIED,
  ERROR_GEN_FAILURE,
  ERROR_IO_INCOMPLETE,
  ERROR_IO_PENDING,
  ERROR_OPERATION_ABORTED,
  ERROR_SUCCESS,
  FALSE,
  FILE_FLAG_OVERLAPPED,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  GetOverlappedResult,
  OPEN_EXISTING,
  OVERLAPPED,
  STATUS_ACCESS_DENIED,
  STATUS_PENDING,
  STATUS_SUCCESS,
  STATUS_UNSUCCESSFUL,
  SetLastError,
  TRUE,
  ULONG,
  WAIT_OBJECT_0,
  WAIT_TIMEOUT,
  WaitForSingleObject,
  array,
  local,
  out,
} from 'win32'
import type { DWORD, HANDLE } from 'win32'
import { Equal, Holds } from './client-check'
import { IOCTL_FINISH, IOCTL_KEEP, IOCTL_PENDED, IOCTL_RETURN } from './codes'

const ANY = GENERIC_READ | GENERIC_WRITE

function Open(Flags: DWORD): HANDLE {
  return CreateFile('\\\\.\\Status', ANY, 0, null, OPEN_EXISTING, Flags, null)
}

/** The error of one request on a synchronous handle; 0 for a success. */
function ErrorOf(Device: HANDLE, Code: DWORD, InPacket: DWORD, Returned: DWORD): DWORD {
  const statuses = local(array(ULONG, 2))
  statuses[0] = InPacket
  statuses[1] = Returned
  SetLastError(ERROR_SUCCESS)
  const done = DeviceIoControl(Device, Code, statuses, 8, null, 0, out<DWORD>(), null)
  return done ? 0 : GetLastError()
}

function Synchronous(): void {
  const device = Open(0)
  const refused = ErrorOf(device, IOCTL_RETURN, STATUS_SUCCESS, STATUS_ACCESS_DENIED)
  Equal('K037', 'not pended: what the routine returned', refused, ERROR_ACCESS_DENIED)
  const passed = ErrorOf(device, IOCTL_RETURN, STATUS_UNSUCCESSFUL, STATUS_SUCCESS)
  Equal('K037', 'not pended: a success although the packet has an error', passed, 0)
  const pended = ErrorOf(device, IOCTL_PENDED, STATUS_ACCESS_DENIED, 0)
  Equal('K037', 'pended: what the packet says', pended, ERROR_ACCESS_DENIED)
  Equal('K037', 'pended: a success', ErrorOf(device, IOCTL_PENDED, STATUS_SUCCESS, 0), 0)
  CloseHandle(device)
}

function Failing(): void {
  const device = Open(FILE_FLAG_OVERLAPPED)
  const overlapped = local(OVERLAPPED)
  const statuses = local(array(ULONG, 2))
  statuses[0] = STATUS_UNSUCCESSFUL
  statuses[1] = STATUS_UNSUCCESSFUL
  overlapped.hEvent = CreateEvent(null, TRUE, FALSE, null)
  overlapped.InternalHigh = 0x1234
  const done = DeviceIoControl(device, IOCTL_RETURN, statuses, 8, null, 0, null, overlapped)
  Holds('K038', 'fails', done === 0)
  Equal('K038', 'GetLastError', GetLastError(), ERROR_GEN_FAILURE)
  Equal('K038', 'Information stays', Number(overlapped.InternalHigh), 0x1234)
  Equal('K038', 'Status stays', Number(overlapped.Internal), STATUS_PENDING)
  Equal('K038', 'the event stays', WaitForSingleObject(overlapped.hEvent, 0), WAIT_TIMEOUT)
  CloseHandle(overlapped.hEvent)
  CloseHandle(device)
}

function Pending(): void {
  const device = Open(FILE_FLAG_OVERLAPPED)
  const other = Open(0)
  const overlapped = local(OVERLAPPED)
  overlapped.hEvent = CreateEvent(null, TRUE, FALSE, null)
  const done = DeviceIoControl(device, IOCTL_KEEP, null, 0, null, 0, null, overlapped)
  Holds('K039', 'the call returns', done === 0)
  Equal('K039', 'GetLastError', GetLastError(), ERROR_IO_PENDING)
  Equal('K039', 'Status before', Number(overlapped.Internal), STATUS_PENDING)
  Equal('K039', 'the event before', WaitForSingleObject(overlapped.hEvent, 0), WAIT_TIMEOUT)
  DeviceIoControl(other, IOCTL_FINISH, null, 0, null, 0, out<DWORD>(), null)
  Equal('K039', 'Status after', Number(overlapped.Internal), STATUS_SUCCESS)
  Equal('K039', 'Information after', Number(overlapped.InternalHigh), 5)
  Equal('K039', 'the event after', WaitForSingleObject(overlapped.hEvent, 0), WAIT_OBJECT_0)
  CloseHandle(overlapped.hEvent)
  CloseHandle(other)
  CloseHandle(device)
}

function Cancelling(): void {
  const device = Open(FILE_FLAG_OVERLAPPED)
  const other = Open(FILE_FLAG_OVERLAPPED)
  const first = local(OVERLAPPED)
  const second = local(OVERLAPPED)
  const kept = local(OVERLAPPED)
  DeviceIoControl(device, IOCTL_KEEP, null, 0, null, 0, null, first)
  DeviceIoControl(device, IOCTL_KEEP, null, 0, null, 0, null, second)
  DeviceIoControl(other, IOCTL_KEEP, null, 0, null, 0, null, kept)
  Holds('K059', 'CancelIo', CancelIo(device) !== 0)
  const moved = out<DWORD>()
  Holds('K059', 'the first one failed', GetOverlappedResult(device, first, moved, TRUE) === 0)
  Equal('K059', 'GetLastError', GetLastError(), ERROR_OPERATION_ABORTED)
  Holds('K059', 'the second one failed', GetOverlappedResult(device, second, moved, TRUE) === 0)
  Equal('K059', 'GetLastError', GetLastError(), ERROR_OPERATION_ABORTED)
  Holds('K059', 'another handle', GetOverlappedResult(other, kept, moved, FALSE) === 0)
  Equal('K059', 'is left alone', GetLastError(), ERROR_IO_INCOMPLETE)
  CancelIo(other)
  CloseHandle(other)
  CloseHandle(device)
}

export function main(): number {
  Synchronous()
  Failing()
  Pending()
  Cancelling()
  return 0
}
