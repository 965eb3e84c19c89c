/**
 * What runs on the machine, as programs ask for it: snapshots of the processes and the list of loaded
 * drivers. Both are NtQuerySystemInformation, so whoever unlinks, hooks or filters below it decides
 * what programs see.
 */
import {
  SystemModuleInformation,
  SystemProcessInformation,
  TH32CS_SNAPPROCESS,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_NO_MEMORY,
} from '../../../shared/nt/generated/ntstatus'
import {
  PROCESSENTRY32W,
  RTL_PROCESS_MODULE_INFORMATION,
  SYSTEM_PROCESS_INFORMATION,
  UNICODE_STRING,
} from '../../../shared/nt/generated/offsets'
import {
  ERROR_INVALID_HANDLE,
  ERROR_INVALID_PARAMETER,
  ERROR_NOT_SUPPORTED,
} from '../../../shared/nt/generated/win32-errors'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { heapOf } from '../mm/user-memory'
import { NtCreateEvent } from '../ob/nt-object'
import { NtQuerySystemInformation } from '../ps/system-information'
import type { Process } from '../ps/process'
import { SCRATCH } from '../ps/user'
import {
  currentUser,
  enterWin32,
  fail,
  FALSE,
  scratchAttributes,
  scratchHandle,
  setLastError,
  TRUE,
  userAccess,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const ERROR_NO_MORE_FILES = 18
const ERROR_BAD_LENGTH = 24
const INVALID_HANDLE = -1
const EVENT_ALL_ACCESS = 0x1f_0003
/** First try for an answer, and the most that is tried. */
const FIRST_BYTES = 0x4000
const BYTES_MAX = 0x20_0000
/** Characters of the longest name in PROCESSENTRY32W, without the zero at its end. */
const EXE_NAME_MAX = 259

/**
 * The answer of an information class in a block of the process's heap, which the caller frees.
 * @returns NULL with the last error set when there is none
 */
function* query(k: Kernel, kind: number): KernelRoutine<Ptr> {
  const heap = heapOf(k, k.thread.process)
  const lengthAt = currentUser(k).scratch + SCRATCH.value
  let status = STATUS_NO_MEMORY
  for (let bytes = FIRST_BYTES; bytes <= BYTES_MAX; bytes *= 2) {
    const at = heap.allocate(bytes, false)
    if (!at) break
    status = yield* k.syscalls.call(NtQuerySystemInformation, [kind, at, bytes, lengthAt])
    if ((status | 0) >= 0) return at
    heap.release(at)
    if (status !== STATUS_INFO_LENGTH_MISMATCH) break
  }
  return fail(k, status)
}

// --- processes ---------------------------------------------------------------------------------------

interface Snapshot {
  /** The answer, and the entry that comes next; 0 behind the last. */
  start: Ptr
  next: Ptr
}

const snapshots = new WeakMap<Process, Map<number, Snapshot>>()

function snapshotsOf(process: Process): Map<number, Snapshot> {
  let found = snapshots.get(process)
  if (!found) snapshots.set(process, (found = new Map<number, Snapshot>()))
  return found
}

/**
 * Take a snapshot. On Windows a section holds it; here a block of the heap does, and the handle is
 * that of an event.
 */
function* createSnapshot(k: Kernel): KernelRoutine<number> {
  const start = yield* query(k, SystemProcessInformation)
  if (!start) return INVALID_HANDLE
  const { scratch } = currentUser(k)
  const status = yield* k.syscalls.call(NtCreateEvent, [
    scratch + SCRATCH.handle,
    EVENT_ALL_ACCESS,
    scratchAttributes(k, null, 0),
    0,
    0,
  ])
  if ((status | 0) < 0) {
    fail(k, status)
    return INVALID_HANDLE
  }
  const handle = scratchHandle(k)
  const all = snapshotsOf(k.thread.process)
  const before = all.get(handle)
  // Its handle was closed: the number is used anew.
  if (before) heapOf(k, k.thread.process).release(before.start)
  all.set(handle, { start, next: start })
  return handle
}

/** Process32First and Process32Next: the entry at `next`, as PROCESSENTRY32W has it. */
function readEntry(k: Kernel, snapshot: Snapshot, to: Ptr): number {
  const { memory } = k
  const P = PROCESSENTRY32W
  const I = SYSTEM_PROCESS_INFORMATION
  userAccess(k, to, P.SIZE, 'write')
  if (memory.u32(to + P.dwSize) < P.SIZE) {
    setLastError(k, ERROR_BAD_LENGTH)
    return FALSE
  }
  const at = snapshot.next
  if (!at) {
    setLastError(k, ERROR_NO_MORE_FILES)
    return FALSE
  }
  userAccess(k, at, I.SIZE, 'read')
  const offset = memory.u32(at + I.NextEntryOffset)
  snapshot.next = offset ? at + offset : 0
  const length = Math.min(memory.u16(at + I.ImageName), EXE_NAME_MAX * 2)
  const buffer = memory.ptr(at + I.ImageName + UNICODE_STRING.Buffer)
  if (length) userAccess(k, buffer, length, 'read')
  memory.fill(to + P.cntUsage, P.SIZE - P.cntUsage, 0)
  memory.setU32(to + P.th32ProcessID, memory.u32(at + I.UniqueProcessId))
  memory.setU32(to + P.cntThreads, memory.u32(at + I.NumberOfThreads))
  memory.setU32(to + P.th32ParentProcessID, memory.u32(at + I.InheritedFromUniqueProcessId))
  memory.setU32(to + P.pcPriClassBase, memory.u32(at + I.BasePriority))
  if (length) memory.copy(to + P.szExeFile, buffer, length)
  return TRUE
}

const walker = (first: boolean, summary: string) =>
  ddi({
    params: {
      hSnapshot: w.handle,
      lppe: { k: 'ptr', c: 'LPPROCESSENTRY32W', target: 'PROCESSENTRY32W' },
    },
    returns: w.bool,
    module: 'win32',
    summary,
    docs: `tlhelp32/nf-tlhelp32-process32${first ? 'first' : 'next'}w`,
    traced: false,
    run(k, a) {
      const snapshot = snapshotsOf(k.thread.process).get(a.hSnapshot)
      if (!snapshot) {
        setLastError(k, ERROR_INVALID_HANDLE)
        return FALSE
      }
      if (first) snapshot.next = snapshot.start
      return readEntry(k, snapshot, a.lppe)
    },
  })

// --- drivers -----------------------------------------------------------------------------------------

const MODULES_OFFSET = 8

/** EnumDeviceDrivers: base addresses of what is loaded, in load order, as many as fit. */
function* enumerateDrivers(
  k: Kernel,
  to: Ptr,
  bytes: number,
): KernelRoutine<{ ok: number; needed: number }> {
  const { memory } = k
  const answer = yield* query(k, SystemModuleInformation)
  if (!answer) return { ok: FALSE, needed: 0 }
  const count = memory.u32(answer)
  const fit = Math.min(count, bytes >>> 3)
  if (fit) userAccess(k, to, fit * 8, 'write')
  const M = RTL_PROCESS_MODULE_INFORMATION
  for (let i = 0; i < fit; i++)
    memory.setU64(to + i * 8, memory.u64(answer + MODULES_OFFSET + i * M.SIZE + M.ImageBase))
  heapOf(k, k.thread.process).release(answer)
  return { ok: TRUE, needed: count * 8 }
}

/** GetDeviceDriverBaseName: characters that were written, 0 with the last error when there is no such driver. */
function* driverName(k: Kernel, base: bigint, to: Ptr, characters: number): KernelRoutine<number> {
  const { memory } = k
  const answer = yield* query(k, SystemModuleInformation)
  if (!answer) return 0
  const M = RTL_PROCESS_MODULE_INFORMATION
  const count = memory.u32(answer)
  let name = ''
  for (let i = 0; i < count && name === ''; i++) {
    const at = answer + MODULES_OFFSET + i * M.SIZE
    if (memory.u64(at + M.ImageBase) !== base) continue
    name = memory.sz(at + M.FullPathName + memory.u16(at + M.OffsetToFileName), 256)
  }
  heapOf(k, k.thread.process).release(answer)
  if (name === '') {
    setLastError(k, ERROR_INVALID_HANDLE)
    return 0
  }
  const written = name.slice(0, Math.max(characters - 1, 0))
  userAccess(k, to, characters * 2, 'write')
  memory.setText16(to, written)
  memory.setU16(to + written.length * 2, 0)
  return written.length
}

export const WIN32_TOOLHELP_DDIS = {
  CreateToolhelp32Snapshot: ddi({
    params: { dwFlags: w.dword, th32ProcessID: w.dword },
    returns: w.handle,
    module: 'win32',
    support: 'partial',
    note: 'TH32CS_SNAPPROCESS only. The handle is that of an event instead of a section.',
    summary: 'Takes a snapshot of the processes; INVALID_HANDLE_VALUE when it fails.',
    docs: 'tlhelp32/nf-tlhelp32-createtoolhelp32snapshot',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'CreateToolhelp32Snapshot', 'of the processes')
      if (a.dwFlags === TH32CS_SNAPPROCESS) return yield* createSnapshot(k)
      const isKnown = (a.dwFlags & ~0xf) === 0 && a.dwFlags !== 0
      setLastError(k, isKnown ? ERROR_NOT_SUPPORTED : ERROR_INVALID_PARAMETER)
      return INVALID_HANDLE
    },
  }),
  Process32First: walker(true, 'First process of a snapshot; dwSize has to be set.'),
  Process32Next: walker(false, 'Next process of a snapshot; FALSE behind the last.'),
  Process32FirstW: walker(true, 'Process32First.'),
  Process32NextW: walker(false, 'Process32Next.'),

  EnumDeviceDrivers: ddi({
    params: { lpImageBase: t.optional(w.pvoid), cb: w.dword, lpcbNeeded: w.dwordOut },
    returns: w.bool,
    module: 'win32',
    summary: 'Base addresses of the kernel and of all loaded drivers, eight bytes each.',
    docs: 'psapi/nf-psapi-enumdevicedrivers',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'EnumDeviceDrivers', `room for ${a.cb >>> 3}`)
      const { ok, needed } = yield* enumerateDrivers(k, a.lpImageBase, a.lpImageBase ? a.cb : 0)
      if (ok) a.lpcbNeeded.write(needed)
      return ok
    },
  }),

  GetDeviceDriverBaseName: ddi({
    params: { ImageBase: w.pvoid, lpBaseName: w.pvoid, nSize: w.dword },
    returns: w.dword,
    module: 'win32',
    summary: 'File name of the driver at a base address; the number of characters, 0 for none.',
    docs: 'psapi/nf-psapi-getdevicedriverbasenamew',
    *run(k, a) {
      const base = k.memory.address(a.ImageBase)
      if (k.tracing) enterWin32(k, 'GetDeviceDriverBaseNameW', k.memory.format(a.ImageBase))
      return yield* driverName(k, base, a.lpBaseName, a.nSize)
    },
  }),

  NtQuerySystemInformation: ddi({
    params: {
      SystemInformationClass: t.enum('SYSTEM_INFORMATION_CLASS'),
      SystemInformation: t.optional(w.pvoid),
      SystemInformationLength: w.dword,
      ReturnLength: t.optional(w.dwordOut),
    },
    returns: t.ntstatus,
    module: 'win32',
    support: 'partial',
    note: 'Classes 0, 5, 11 and 64, as ZwQuerySystemInformation.',
    summary: 'Tells about the machine, its processes and its modules.',
    docs: 'winternl/nf-winternl-ntquerysysteminformation',
    *run(k, a) {
      const lengthAt = currentUser(k).scratch + SCRATCH.value
      k.memory.setU32(lengthAt, 0)
      const { SystemInformationClass: kind, SystemInformation: buffer } = a
      const length = a.SystemInformationLength
      const status = yield* k.syscalls.call(NtQuerySystemInformation, [
        kind,
        buffer,
        length,
        lengthAt,
      ])
      a.ReturnLength.write(k.memory.u32(lengthAt))
      return status
    },
  }),
}
