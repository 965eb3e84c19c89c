/* The program that talks to every driver of the witness: the same requests as client.c, line by line. */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  GENERIC_READ,
  GENERIC_WRITE,
  GetLastError,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  METHOD_IN_DIRECT,
  METHOD_NEITHER,
  METHOD_OUT_DIRECT,
  OPEN_EXISTING,
  ReadFile,
  SetLastError,
  UCHAR,
  WriteFile,
  array,
  local,
  memcpy,
  memset,
  out,
  printf,
} from 'win32'
import type { BOOL, DWORD, HANDLE, PVOID } from 'win32'

function Show(what: string, done: BOOL, count: DWORD, bytes: PVOID, size: DWORD): void {
  const error = done ? 0 : GetLastError()
  printf('%s: %d error %u count %u', what, done ? 1 : 0, error, count)
  if (size !== 0) printf(' bytes ')
  for (let i = 0; i < size; i++) printf('%02x', bytes.u8[i])
  printf('\n')
}

function Control(
  device: HANDLE,
  what: string,
  code: DWORD,
  inputLength: DWORD,
  outputLength: DWORD,
): void {
  const input = local(array(UCHAR, 16))
  const output = local(array(UCHAR, 16))
  const count = out<DWORD>()
  memcpy(input, 'ping-pong-abcdef', 16)
  memset(output, 0x2e, 16)
  count.value = 0
  SetLastError(0)
  const done = DeviceIoControl(device, code, input, inputLength, output, outputLength, count, null)
  Show(what, done, count.value, output, 16)
}

export function main(): number {
  const any = GENERIC_READ | GENERIC_WRITE
  const device = CreateFile('\\\\.\\Witness', any, 0, null, OPEN_EXISTING, 0, null)
  const buffer = local(array(UCHAR, 8))
  const count = out<DWORD>()

  printf('open: %d\n', device !== INVALID_HANDLE_VALUE ? 1 : 0)
  Control(device, '800', CTL_CODE(0x22, 0x800, METHOD_BUFFERED, 0), 9, 16)
  Control(device, '801', CTL_CODE(0x22, 0x801, METHOD_BUFFERED, 0), 9, 16)
  Control(device, '802', CTL_CODE(0x22, 0x802, METHOD_BUFFERED, 0), 9, 16)
  Control(device, '803', CTL_CODE(0x22, 0x803, METHOD_BUFFERED, 0), 4, 8)
  Control(device, '804', CTL_CODE(0x22, 0x804, METHOD_BUFFERED, 0), 0, 0)
  Control(device, '805 in direct', CTL_CODE(0x22, 0x805, METHOD_IN_DIRECT, 0), 4, 8)
  Control(device, '806 out direct', CTL_CODE(0x22, 0x806, METHOD_OUT_DIRECT, 0), 4, 8)
  Control(device, '807 neither', CTL_CODE(0x22, 0x807, METHOD_NEITHER, 0), 4, 8)
  memset(buffer, 0x2e, 8)
  count.value = 0
  SetLastError(0)
  let done = ReadFile(device, buffer, 8, count, null)
  Show('read', done, count.value, buffer, 8)
  memcpy(buffer, 'write me', 8)
  count.value = 0
  SetLastError(0)
  done = WriteFile(device, buffer, 8, count, null)
  Show('write', done, count.value, buffer, 0)
  const other = CreateFile('\\\\.\\Witness\\a\\b', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  printf('open below: %d\n', other !== INVALID_HANDLE_VALUE ? 1 : 0)
  CloseHandle(other)
  CloseHandle(device)
  return 0
}
