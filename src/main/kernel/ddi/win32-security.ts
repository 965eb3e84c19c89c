/** Win32 tokens and privileges: what a program does before SeDebugPrivilege and its like count. */
import {
  SE_PRIVILEGE_ENABLED,
  TOKEN_ADJUST_PRIVILEGES,
  TOKEN_QUERY,
} from '../../../shared/nt/generated/constants'
import { LUID_AND_ATTRIBUTES, TOKEN_PRIVILEGES } from '../../../shared/nt/generated/offsets'
import {
  STATUS_NOT_ALL_ASSIGNED,
  STATUS_PRIVILEGE_NOT_HELD,
} from '../../../shared/nt/generated/ntstatus'
import {
  ERROR_NOT_ALL_ASSIGNED,
  ERROR_NO_SUCH_PRIVILEGE,
  ERROR_SUCCESS,
} from '../../../shared/nt/generated/win32-errors'
import type { Kernel } from '../kernel'
import { CURRENT_PROCESS } from '../ob/handle'
import { NtClose } from '../ob/nt-object'
import { SCRATCH } from '../ps/user'
import { NtAdjustPrivilegesToken, NtOpenProcessToken } from '../se/nt-token'
import { privilegeNumber } from '../se/privileges'
import {
  boolOf,
  currentUser,
  enterWin32,
  fail,
  FALSE,
  scratchHandle,
  setLastError,
  userAccess,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const STATE = t.ptr('TOKEN_PRIVILEGES')
const DLL = 'ADVAPI32'

export const WIN32_SECURITY_DDIS = {
  OpenProcessToken: ddi({
    params: { ProcessHandle: w.handle, DesiredAccess: w.dword, TokenHandle: w.handleOut },
    returns: w.bool,
    module: 'win32',
    summary: 'Opens the access token of a process.',
    docs: 'processthreadsapi/nf-processthreadsapi-openprocesstoken',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'OpenProcessToken', '', DLL)
      const at = currentUser(k).scratch + SCRATCH.handle
      const status = yield* k.syscalls.call(NtOpenProcessToken, [
        a.ProcessHandle,
        a.DesiredAccess,
        at,
      ])
      if ((status | 0) < 0) return fail(k, status)
      a.TokenHandle.write(scratchHandle(k))
      return 1
    },
  }),

  LookupPrivilegeValue: ddi({
    params: { lpSystemName: t.optional(w.wstr), lpName: w.wstr, lpLuid: t.ptr('LUID') },
    returns: w.bool,
    module: 'win32',
    summary: 'The number of a privilege, by its name: `SeDebugPrivilege`.',
    docs: 'winbase/nf-winbase-lookupprivilegevaluew',
    run(k, a) {
      if (k.tracing) enterWin32(k, 'LookupPrivilegeValueW', a.lpName ?? '', DLL)
      const luid = privilegeNumber(a.lpName ?? '')
      if (luid === undefined) {
        setLastError(k, ERROR_NO_SUCH_PRIVILEGE)
        return FALSE
      }
      userAccess(k, a.lpLuid, 8, 'write')
      k.memory.setU64(a.lpLuid, BigInt(luid))
      return 1
    },
  }),

  AdjustTokenPrivileges: ddi({
    params: {
      TokenHandle: w.handle,
      DisableAllPrivileges: w.bool,
      NewState: t.optional(STATE),
      BufferLength: w.dword,
      PreviousState: t.optional(STATE),
      ReturnLength: t.optional({ k: 'ptr', c: 'PDWORD', target: null }),
    },
    returns: w.bool,
    module: 'win32',
    summary:
      'Enables or disables privileges that a token holds. Succeeds with ERROR_NOT_ALL_ASSIGNED when it does not hold one.',
    docs: 'securitybaseapi/nf-securitybaseapi-adjusttokenprivileges',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'AdjustTokenPrivileges', '', DLL)
      const status = yield* k.syscalls.call(NtAdjustPrivilegesToken, [
        a.TokenHandle,
        a.DisableAllPrivileges ? 1 : 0,
        a.NewState,
        a.BufferLength,
        a.PreviousState,
        a.ReturnLength,
      ])
      if ((status | 0) >= 0)
        setLastError(k, status === STATUS_NOT_ALL_ASSIGNED ? ERROR_NOT_ALL_ASSIGNED : ERROR_SUCCESS)
      return boolOf(k, status)
    },
  }),

  RtlAdjustPrivilege: ddi({
    params: {
      Privilege: w.dword,
      Enable: t.boolean,
      CurrentThread: t.boolean,
      Enabled: t.optional(t.out(t.boolean)),
    },
    returns: t.ntstatus,
    module: 'win32',
    summary:
      'Enables or disables one privilege of the own process in one call, and says what it was.',
    support: 'partial',
    note: 'Threads have no tokens of their own: CurrentThread counts for nothing.',
    run: (k, a) => adjustOwn(k, a),
  }),
}

/** ntdll's way: open the token, adjust, close. */
function* adjustOwn(
  k: Kernel,
  a: { Privilege: number; Enable: boolean; Enabled: { write(value: boolean): void } },
): KernelRoutine<number> {
  if (k.tracing) enterWin32(k, 'RtlAdjustPrivilege', '', 'ntdll')
  const { memory } = k
  const { scratch } = currentUser(k)
  const access = TOKEN_ADJUST_PRIVILEGES | TOKEN_QUERY
  const opened = yield* k.syscalls.call(NtOpenProcessToken, [
    CURRENT_PROCESS,
    access,
    scratch + SCRATCH.handle,
  ])
  if ((opened | 0) < 0) return opened
  const token = scratchHandle(k)
  const state = scratch + SCRATCH.handles
  const previous = state + TOKEN_PRIVILEGES.SIZE
  const length = previous + TOKEN_PRIVILEGES.SIZE
  const first = state + TOKEN_PRIVILEGES.Privileges
  memory.setU32(state + TOKEN_PRIVILEGES.PrivilegeCount, 1)
  memory.setU64(first + LUID_AND_ATTRIBUTES.Luid, BigInt(a.Privilege))
  memory.setU32(first + LUID_AND_ATTRIBUTES.Attributes, a.Enable ? SE_PRIVILEGE_ENABLED : 0)
  const status = yield* k.syscalls.call(NtAdjustPrivilegesToken, [
    token,
    0,
    state,
    TOKEN_PRIVILEGES.SIZE,
    previous,
    length,
  ])
  const changed = memory.u32(previous + TOKEN_PRIVILEGES.PrivilegeCount)
  const before = memory.u32(previous + TOKEN_PRIVILEGES.Privileges + LUID_AND_ATTRIBUTES.Attributes)
  yield* k.syscalls.call(NtClose, [token])
  if (status === STATUS_NOT_ALL_ASSIGNED) return STATUS_PRIVILEGE_NOT_HELD
  // What did not change was already so.
  a.Enabled.write(changed === 0 ? a.Enable : (before & SE_PRIVILEGE_ENABLED) !== 0)
  return status
}
