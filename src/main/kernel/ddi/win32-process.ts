/** Win32 processes, threads, handles between them, drivers. */
import {
  CREATE_SUSPENDED,
  OBJ_INHERIT,
  THREAD_ALL_ACCESS,
} from '../../../shared/nt/generated/constants'
import { CLIENT_ID } from '../../../shared/nt/generated/offsets'
import { ERROR_NOT_SUPPORTED } from '../../../shared/nt/generated/win32-errors'
import { hex } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { heapOf } from '../mm/user-memory'
import { CURRENT_PROCESS, CURRENT_THREAD } from '../ob/handle'
import { NtDuplicateObject } from '../ob/nt-object'
import {
  NtCreateThreadEx,
  NtLoadDriver,
  NtOpenProcess,
  NtQueryInformationProcess,
  NtQueryInformationThread,
  NtTerminateProcess,
  NtTerminateThread,
  NtUnloadDriver,
} from '../ps/nt-process'
import type { Process } from '../ps/process'
import type { Service } from '../ps/service'
import { SCRATCH } from '../ps/user'
import { inheritance } from './win32-file'
import {
  boolOf,
  currentUser,
  enterWin32,
  fail,
  FALSE,
  getLastError,
  scratchAttributes,
  scratchHandle,
  setLastError,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const PS_ATTRIBUTE_CLIENT_ID = 0x1_0003
/** PS_ATTRIBUTE_LIST with one attribute. */
const PS_LIST_BYTES = 8 + 32
const BASIC_INFORMATION_BYTES = 48

/** Where QueryInformation services put their answer: behind the words and strings of other calls. */
const ANSWER = SCRATCH.handles

/** PS_ATTRIBUTE_LIST that asks for the new thread's CLIENT_ID. */
function clientIdRequest(k: Kernel): Ptr {
  const { memory } = k
  const { scratch } = currentUser(k)
  const at = scratch + SCRATCH.psAttributes
  memory.setSize(at, PS_LIST_BYTES)
  memory.setSize(at + 8, PS_ATTRIBUTE_CLIENT_ID)
  memory.setSize(at + 16, CLIENT_ID.SIZE)
  memory.setPtr(at + 24, scratch + SCRATCH.clientId)
  memory.setPtr(at + 32, 0)
  return at
}

/** First word of what a QueryInformation service says: an exit status. */
function* exitStatusOf(k: Kernel, service: Service, handle: number): KernelRoutine<number | null> {
  const answer = currentUser(k).scratch + ANSWER
  const status = yield* k.syscalls.call(service, [handle, 0, answer, BASIC_INFORMATION_BYTES, 0])
  if ((status | 0) >= 0) return k.memory.u32(answer)
  fail(k, status)
  return null
}

const pseudo = (handle: number, summary: string, docs: string) =>
  ddi({
    params: {},
    returns: w.handle,
    module: 'win32',
    summary,
    docs,
    traced: false,
    run: () => handle,
  })

const driverCall = (service: Service, summary: string) =>
  ddi({
    params: { DriverServiceName: t.ptr('UNICODE_STRING') },
    returns: t.ntstatus,
    module: 'win32',
    summary,
    run: (k, a) => k.syscalls.call(service, [a.DriverServiceName]),
  })

const commandLines = new WeakMap<Process, Ptr>()

/** The command line as bytes on the heap of the program, made when it is first asked for. */
function commandLine(k: Kernel): Ptr {
  const { process } = k.thread
  let at = commandLines.get(process) ?? 0
  if (at) return at
  const text = `${process.name}${process.arguments ? ` ${process.arguments}` : ''}\0`
  at = heapOf(k, process).allocate(text.length, true)
  if (!at) return 0
  k.memory.write(
    at,
    Uint8Array.from(text, (char) => char.charCodeAt(0) & 0xff),
  )
  commandLines.set(process, at)
  return at
}

export const WIN32_PROCESS_DDIS = {
  GetLastError: ddi({
    params: {},
    returns: w.dword,
    module: 'win32',
    summary: 'Error code of the last Win32 call of this thread that failed.',
    docs: 'errhandlingapi/nf-errhandlingapi-getlasterror',
    traced: false,
    run: (k) => getLastError(k),
  }),

  GetCommandLineA: ddi({
    params: {},
    returns: { k: 'ptr', c: 'LPSTR', target: null },
    module: 'win32',
    summary: 'The command line of the program: its name, a space, and what the scenario says.',
    docs: 'processenv/nf-processenv-getcommandlinea',
    traced: false,
    run: (k) => commandLine(k),
  }),

  SetLastError: ddi({
    params: { dwErrCode: w.dword },
    returns: t.void,
    module: 'win32',
    summary: 'Sets what GetLastError returns.',
    docs: 'errhandlingapi/nf-errhandlingapi-setlasterror',
    traced: false,
    run: (k, a) => setLastError(k, a.dwErrCode),
  }),

  GetCurrentProcess: pseudo(
    CURRENT_PROCESS,
    'Pseudo handle of the calling process.',
    'processthreadsapi/nf-processthreadsapi-getcurrentprocess',
  ),
  GetCurrentThread: pseudo(
    CURRENT_THREAD,
    'Pseudo handle of the calling thread.',
    'processthreadsapi/nf-processthreadsapi-getcurrentthread',
  ),

  GetCurrentProcessId: ddi({
    params: {},
    returns: w.dword,
    module: 'win32',
    summary: 'Id of the calling process.',
    docs: 'processthreadsapi/nf-processthreadsapi-getcurrentprocessid',
    traced: false,
    run: (k) => k.thread.process.id,
  }),

  GetCurrentThreadId: ddi({
    params: {},
    returns: w.dword,
    module: 'win32',
    summary: 'Id of the calling thread.',
    docs: 'processthreadsapi/nf-processthreadsapi-getcurrentthreadid',
    traced: false,
    run: (k) => k.thread.id,
  }),

  OpenProcess: ddi({
    params: { dwDesiredAccess: w.dword, bInheritHandle: w.bool, dwProcessId: w.dword },
    returns: w.handle,
    module: 'win32',
    summary: 'Opens a process by its id; NULL when it fails.',
    docs: 'processthreadsapi/nf-processthreadsapi-openprocess',
    *run(k, a) {
      if (k.tracing)
        enterWin32(k, 'OpenProcess', `process ${a.dwProcessId}, access ${hex(a.dwDesiredAccess)}`)
      const { scratch } = currentUser(k)
      const clientId = scratch + SCRATCH.clientId
      k.memory.setSize(clientId + CLIENT_ID.UniqueProcess, a.dwProcessId)
      k.memory.setSize(clientId + CLIENT_ID.UniqueThread, 0)
      const status = yield* k.syscalls.call(NtOpenProcess, [
        scratch + SCRATCH.handle,
        a.dwDesiredAccess,
        scratchAttributes(k, null, a.bInheritHandle ? OBJ_INHERIT : 0),
        clientId,
      ])
      return (status | 0) < 0 ? fail(k, status) : scratchHandle(k)
    },
  }),

  TerminateProcess: ddi({
    params: { hProcess: w.handle, uExitCode: w.uint },
    returns: w.bool,
    module: 'win32',
    summary: 'Ends a process and all its threads.',
    docs: 'processthreadsapi/nf-processthreadsapi-terminateprocess',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'TerminateProcess', `handle ${hex(a.hProcess >>> 0)}`)
      return boolOf(k, yield* k.syscalls.call(NtTerminateProcess, [a.hProcess, a.uExitCode]))
    },
  }),

  ExitProcess: ddi({
    params: { uExitCode: w.uint },
    returns: t.void,
    module: 'win32',
    summary: 'Ends the calling process. Does not return.',
    docs: 'processthreadsapi/nf-processthreadsapi-exitprocess',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'ExitProcess', `exit code ${a.uExitCode}`)
      yield* k.syscalls.call(NtTerminateProcess, [CURRENT_PROCESS, a.uExitCode])
    },
  }),

  GetExitCodeProcess: ddi({
    params: { hProcess: w.handle, lpExitCode: w.dwordOut },
    returns: w.bool,
    module: 'win32',
    summary: 'Exit code of a process; STILL_ACTIVE (259) while it runs.',
    docs: 'processthreadsapi/nf-processthreadsapi-getexitcodeprocess',
    *run(k, a) {
      const status = yield* exitStatusOf(k, NtQueryInformationProcess, a.hProcess)
      if (status === null) return FALSE
      a.lpExitCode.write(status)
      return 1
    },
  }),

  CreateThread: ddi({
    params: {
      lpThreadAttributes: t.optional(w.security),
      dwStackSize: t.size,
      lpStartAddress: t.fn('THREAD_START_ROUTINE'),
      lpParameter: t.optional(w.pvoid),
      dwCreationFlags: w.dword,
      lpThreadId: t.optional(w.dwordOut),
    },
    returns: w.handle,
    module: 'win32',
    support: 'partial',
    note: 'CREATE_SUSPENDED is not supported, and every stack has 64 KiB.',
    summary: 'Starts a thread in the calling process; NULL when it fails.',
    docs: 'processthreadsapi/nf-processthreadsapi-createthread',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'CreateThread', k.images.symbol(a.lpStartAddress))
      if (a.dwCreationFlags & CREATE_SUSPENDED) {
        setLastError(k, ERROR_NOT_SUPPORTED)
        return 0
      }
      const { scratch } = currentUser(k)
      const inherit = inheritance(k, a.lpThreadAttributes)
      const status = yield* k.syscalls.call(NtCreateThreadEx, [
        scratch + SCRATCH.handle,
        THREAD_ALL_ACCESS,
        scratchAttributes(k, null, inherit),
        CURRENT_PROCESS,
        a.lpStartAddress,
        a.lpParameter,
        0,
        0,
        a.dwStackSize,
        0,
        clientIdRequest(k),
      ])
      if ((status | 0) < 0) return fail(k, status)
      a.lpThreadId.write(k.memory.u32(scratch + SCRATCH.clientId + CLIENT_ID.UniqueThread))
      return scratchHandle(k)
    },
  }),

  ExitThread: ddi({
    params: { dwExitCode: w.dword },
    returns: t.void,
    module: 'win32',
    summary: 'Ends the calling thread. Does not return.',
    docs: 'processthreadsapi/nf-processthreadsapi-exitthread',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'ExitThread', `exit code ${a.dwExitCode}`)
      yield* k.syscalls.call(NtTerminateThread, [0, a.dwExitCode])
    },
  }),

  TerminateThread: ddi({
    params: { hThread: w.handle, dwExitCode: w.dword },
    returns: w.bool,
    module: 'win32',
    summary: 'Ends a thread wherever it is.',
    docs: 'processthreadsapi/nf-processthreadsapi-terminatethread',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'TerminateThread', `handle ${hex(a.hThread >>> 0)}`)
      return boolOf(k, yield* k.syscalls.call(NtTerminateThread, [a.hThread, a.dwExitCode]))
    },
  }),

  GetExitCodeThread: ddi({
    params: { hThread: w.handle, lpExitCode: w.dwordOut },
    returns: w.bool,
    module: 'win32',
    summary: 'Exit code of a thread; STILL_ACTIVE (259) while it runs.',
    docs: 'processthreadsapi/nf-processthreadsapi-getexitcodethread',
    *run(k, a) {
      const status = yield* exitStatusOf(k, NtQueryInformationThread, a.hThread)
      if (status === null) return FALSE
      a.lpExitCode.write(status)
      return 1
    },
  }),

  DuplicateHandle: ddi({
    params: {
      hSourceProcessHandle: w.handle,
      hSourceHandle: w.handle,
      hTargetProcessHandle: w.handle,
      lpTargetHandle: t.optional(w.handleOut),
      dwDesiredAccess: w.dword,
      bInheritHandle: w.bool,
      dwOptions: w.dword,
    },
    returns: w.bool,
    module: 'win32',
    summary: 'Makes a second handle to the object behind a handle, in this process or another.',
    docs: 'handleapi/nf-handleapi-duplicatehandle',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'DuplicateHandle', `handle ${hex(a.hSourceHandle >>> 0)}`)
      const at = currentUser(k).scratch + SCRATCH.handle
      const status = yield* k.syscalls.call(NtDuplicateObject, [
        a.hSourceProcessHandle,
        a.hSourceHandle,
        a.hTargetProcessHandle,
        at,
        a.dwDesiredAccess,
        a.bInheritHandle ? OBJ_INHERIT : 0,
        a.dwOptions,
      ])
      if ((status | 0) >= 0 && a.hTargetProcessHandle) a.lpTargetHandle.write(scratchHandle(k))
      return boolOf(k, status)
    },
  }),

  NtLoadDriver: driverCall(
    NtLoadDriver,
    'Loads the driver of a service key, `\\Registry\\Machine\\System\\CurrentControlSet\\Services\\X`. Needs SeLoadDriverPrivilege.',
  ),
  NtUnloadDriver: driverCall(NtUnloadDriver, 'Unloads the driver of a service key.'),
}
