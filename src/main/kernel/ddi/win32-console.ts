/** The console of a program: what is typed comes from `\Device\ConDrv`, a line at a time. */
import {
  OBJ_CASE_INSENSITIVE,
  STD_INPUT_HANDLE,
  SYNCHRONIZE,
} from '../../../shared/nt/generated/constants'
import { IO_STATUS_BLOCK } from '../../../shared/nt/generated/offsets'
import { ERROR_INVALID_PARAMETER } from '../../../shared/nt/generated/win32-errors'
import { CONSOLE_DEVICE } from '../input/console'
import { NtOpenFile, NtReadFile } from '../io/nt-file'
import type { Kernel } from '../kernel'
import type { Process } from '../ps/process'
import { SCRATCH } from '../ps/user'
import { INVALID_HANDLE } from './win32-file'
import {
  boolOf,
  currentUser,
  enterWin32,
  fail,
  scratchAttributes,
  scratchHandle,
  setLastError,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const GENERIC_READ = 0x8000_0000
const FILE_SYNCHRONOUS_IO_NONALERT = 0x20
const SHARE_READ_WRITE = 3

/** Standard input of a process, opened when it is asked for. */
const inputs = new WeakMap<Process, number>()

function* standardInput(k: Kernel): KernelRoutine<number> {
  const known = inputs.get(k.thread.process)
  if (known !== undefined) return known
  const { scratch } = currentUser(k)
  const status = yield* k.syscalls.call(NtOpenFile, [
    scratch + SCRATCH.handle,
    (GENERIC_READ | SYNCHRONIZE) >>> 0,
    scratchAttributes(k, CONSOLE_DEVICE, OBJ_CASE_INSENSITIVE),
    scratch + SCRATCH.iosb,
    SHARE_READ_WRITE,
    FILE_SYNCHRONOUS_IO_NONALERT,
  ])
  if ((status | 0) < 0) {
    fail(k, status)
    return INVALID_HANDLE
  }
  const handle = scratchHandle(k)
  inputs.set(k.thread.process, handle)
  return handle
}

export const WIN32_CONSOLE_DDIS = {
  GetStdHandle: ddi({
    params: { nStdHandle: w.dword },
    returns: w.handle,
    module: 'win32',
    support: 'partial',
    note: 'STD_INPUT_HANDLE only; printf writes to the standard output.',
    summary: 'Handle of the standard input; INVALID_HANDLE_VALUE on a machine without a keyboard.',
    docs: 'wincon/nf-wincon-getstdhandle',
    *run(k, a) {
      if (a.nStdHandle === STD_INPUT_HANDLE) return yield* standardInput(k)
      setLastError(k, ERROR_INVALID_PARAMETER)
      return INVALID_HANDLE
    },
  }),

  ReadConsole: ddi({
    params: {
      hConsoleInput: w.handle,
      lpBuffer: w.pvoid,
      nNumberOfCharsToRead: w.dword,
      lpNumberOfCharsRead: w.dwordOut,
      pInputControl: t.optional(w.pvoid),
    },
    returns: w.bool,
    module: 'win32',
    support: 'partial',
    note: 'Line input without echo; pInputControl counts for nothing.',
    summary: 'Waits until a line was typed and gives its characters, with CR and LF.',
    docs: 'wincon/nf-wincon-readconsolew',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'ReadConsoleW', `up to ${a.nNumberOfCharsToRead} characters`)
      const iosb = currentUser(k).scratch + SCRATCH.iosb
      const bytes = Math.min(a.nNumberOfCharsToRead, 0x8000) * 2
      const args = [a.hConsoleInput, 0, 0, 0, iosb, a.lpBuffer, bytes, 0, 0]
      const status = yield* k.syscalls.call(NtReadFile, args)
      const read = (status | 0) < 0 ? 0 : k.memory.size(iosb + IO_STATUS_BLOCK.Information) / 2
      a.lpNumberOfCharsRead.write(read)
      return boolOf(k, status)
    },
  }),
}
