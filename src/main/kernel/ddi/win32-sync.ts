/** Win32 events, waits and time. */
import { EVENT_ALL_ACCESS, OBJ_OPENIF } from '../../../shared/nt/generated/constants'
import {
  STATUS_NAME_TOO_LONG,
  STATUS_OBJECT_NAME_EXISTS,
  STATUS_USER_APC,
} from '../../../shared/nt/generated/ntstatus'
import {
  ERROR_ALREADY_EXISTS,
  ERROR_INVALID_PARAMETER,
  ERROR_SUCCESS,
} from '../../../shared/nt/generated/win32-errors'
import { hex } from '../../../shared/nt/format'
import { NtDelayExecution, NtWaitForMultipleObjects, NtWaitForSingleObject } from '../ke/nt-wait'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { NtCreateEvent, NtResetEvent, NtSetEvent } from '../ob/nt-object'
import { SCRATCH } from '../ps/user'
import { inheritance } from './win32-file'
import {
  boolOf,
  currentUser,
  enterWin32,
  fail,
  scratchAttributes,
  scratchHandle,
  scratchTimeout,
  setLastError,
  userAccess,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const WAIT_FAILED = 0xffff_ffff
const MAXIMUM_WAIT_OBJECTS = 64
const NOTIFICATION_EVENT = 0
const SYNCHRONIZATION_EVENT = 1

/** Status of a wait as a result: the same number, or WAIT_FAILED with the last error set. */
function waitResult(k: Kernel, status: number): number {
  if ((status | 0) >= 0) return status
  fail(k, status)
  return WAIT_FAILED
}

/** Sleep. */
export function* sleep(k: Kernel, milliseconds: number): KernelRoutine<void> {
  if (k.tracing) enterWin32(k, 'Sleep', `${milliseconds} ms`)
  // INFINITE is the longest time there is.
  const at = scratchTimeout(k, milliseconds) || longest(k)
  yield* k.syscalls.call(NtDelayExecution, [0, at])
}

/** SleepEx: 0, or WAIT_IO_COMPLETION when an APC cut the time short. */
function* sleepEx(k: Kernel, milliseconds: number, alertable: boolean): KernelRoutine<number> {
  if (k.tracing) enterWin32(k, 'SleepEx', `${milliseconds} ms`)
  const at = scratchTimeout(k, milliseconds) || longest(k)
  const status = yield* k.syscalls.call(NtDelayExecution, [alertable ? 1 : 0, at])
  return status === STATUS_USER_APC ? STATUS_USER_APC : 0
}

function longest(k: Kernel): Ptr {
  const at = currentUser(k).scratch + SCRATCH.large
  k.memory.setU64(at, 1n << 63n)
  return at
}

const eventCreator = (name: typeof w.wstr | typeof w.astr, summary: string) =>
  ddi({
    params: {
      lpEventAttributes: t.optional(w.security),
      bManualReset: w.bool,
      bInitialState: w.bool,
      lpName: t.optional(name),
    },
    returns: w.handle,
    module: 'win32',
    summary,
    docs: 'synchapi/nf-synchapi-createeventw',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'CreateEventW', a.lpName ?? 'no name')
      const inherit = inheritance(k, a.lpEventAttributes)
      const path = a.lpName === null ? null : objectPath(a.lpName)
      const attributes = scratchAttributes(k, path, OBJ_OPENIF | inherit)
      if (!attributes) return fail(k, STATUS_NAME_TOO_LONG)
      const status = yield* k.syscalls.call(NtCreateEvent, [
        currentUser(k).scratch + SCRATCH.handle,
        EVENT_ALL_ACCESS,
        attributes,
        a.bManualReset ? NOTIFICATION_EVENT : SYNCHRONIZATION_EVENT,
        a.bInitialState ? 1 : 0,
      ])
      if ((status | 0) < 0) return fail(k, status)
      setLastError(k, status === STATUS_OBJECT_NAME_EXISTS ? ERROR_ALREADY_EXISTS : ERROR_SUCCESS)
      return scratchHandle(k)
    },
  })

/** Named objects of programs live in one directory here; `Global\` and `Local\` both mean it. */
function objectPath(name: string): string {
  return `\\BaseNamedObjects\\${name.replace(/^(?:Global|Local)\\/i, '')}`
}

export const WIN32_SYNC_DDIS = {
  CreateEvent: eventCreator(
    w.wstr,
    'Makes an event, or opens the one of that name; NULL when it fails.',
  ),
  CreateEventW: eventCreator(w.wstr, 'CreateEvent with a name of wide characters.'),
  CreateEventA: eventCreator(w.astr, 'CreateEvent with a name of ANSI characters.'),

  SetEvent: ddi({
    params: { hEvent: w.handle },
    returns: w.bool,
    module: 'win32',
    summary: 'Signals an event.',
    docs: 'synchapi/nf-synchapi-setevent',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'SetEvent', `handle ${hex(a.hEvent >>> 0)}`)
      return boolOf(k, yield* k.syscalls.call(NtSetEvent, [a.hEvent, 0]))
    },
  }),

  ResetEvent: ddi({
    params: { hEvent: w.handle },
    returns: w.bool,
    module: 'win32',
    summary: 'Clears an event.',
    docs: 'synchapi/nf-synchapi-resetevent',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'ResetEvent', `handle ${hex(a.hEvent >>> 0)}`)
      return boolOf(k, yield* k.syscalls.call(NtResetEvent, [a.hEvent, 0]))
    },
  }),

  WaitForSingleObject: ddi({
    params: { hHandle: w.handle, dwMilliseconds: w.dword },
    returns: w.dword,
    module: 'win32',
    summary: 'Waits until an object is signalled: WAIT_OBJECT_0, WAIT_TIMEOUT or WAIT_FAILED.',
    docs: 'synchapi/nf-synchapi-waitforsingleobject',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'WaitForSingleObject', `handle ${hex(a.hHandle >>> 0)}`)
      const timeout = scratchTimeout(k, a.dwMilliseconds)
      return waitResult(k, yield* k.syscalls.call(NtWaitForSingleObject, [a.hHandle, 0, timeout]))
    },
  }),

  WaitForMultipleObjects: ddi({
    params: { nCount: w.dword, lpHandles: w.pvoid, bWaitAll: w.bool, dwMilliseconds: w.dword },
    returns: w.dword,
    module: 'win32',
    summary:
      'Waits for one or all of an array of objects: WAIT_OBJECT_0 plus the index, WAIT_TIMEOUT or WAIT_FAILED.',
    docs: 'synchapi/nf-synchapi-waitformultipleobjects',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'WaitForMultipleObjects', `${a.nCount} objects`)
      if (a.nCount < 1 || a.nCount > MAXIMUM_WAIT_OBJECTS) {
        setLastError(k, ERROR_INVALID_PARAMETER)
        return WAIT_FAILED
      }
      userAccess(k, a.lpHandles, a.nCount * 8, 'read')
      const handles = currentUser(k).scratch + SCRATCH.handles
      k.memory.copy(handles, a.lpHandles, a.nCount * 8)
      const timeout = scratchTimeout(k, a.dwMilliseconds)
      const type = a.bWaitAll ? 0 : 1
      return waitResult(
        k,
        yield* k.syscalls.call(NtWaitForMultipleObjects, [a.nCount, handles, type, 0, timeout]),
      )
    },
  }),

  Sleep: ddi({
    params: { dwMilliseconds: w.dword },
    returns: t.void,
    module: 'win32',
    summary: 'Gives up the processor for a time; 0 gives other threads their turn.',
    docs: 'synchapi/nf-synchapi-sleep',
    run: (k, a) => sleep(k, a.dwMilliseconds),
  }),

  SleepEx: ddi({
    params: { dwMilliseconds: w.dword, bAlertable: w.bool },
    returns: w.dword,
    module: 'win32',
    summary: 'Sleep that an asynchronous procedure call may end: WAIT_IO_COMPLETION (0xC0) then.',
    docs: 'synchapi/nf-synchapi-sleepex',
    run: (k, a) => sleepEx(k, a.dwMilliseconds, a.bAlertable !== 0),
  }),

  GetTickCount: ddi({
    params: {},
    returns: w.dword,
    module: 'win32',
    summary: 'Milliseconds since the machine was started.',
    docs: 'sysinfoapi/nf-sysinfoapi-gettickcount',
    traced: false,
    run: (k) => Math.floor(k.tick / 10_000) >>> 0,
  }),

  GetTickCount64: ddi({
    params: {},
    returns: { k: 'u64', c: 'ULONGLONG' },
    module: 'win32',
    summary: 'Milliseconds since the machine was started, in 64 bits.',
    docs: 'sysinfoapi/nf-sysinfoapi-gettickcount64',
    traced: false,
    run: (k) => BigInt(Math.floor(k.tick / 10_000)),
  }),
}
