/**
 * What the Win32 routines share. They are user-mode code: they build the arguments of a system call
 * in user memory, make the call, and turn its status into a result and a last error.
 */
import { STATUS_ACCESS_VIOLATION } from '../../../shared/nt/generated/ntstatus'
import { OBJECT_ATTRIBUTES, TEB, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import { win32FromStatus } from '../../../shared/nt/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { readHandle } from '../ob/attributes'
import { NAME_MAX, SCRATCH, type UserThread } from '../ps/user'
import { assert, NtException } from '../stop'
import { t } from './types'

/** BOOL results. */
export const TRUE = 1
export const FALSE = 0

/** C types of this border. */
export const w = {
  bool: t.i32('BOOL'),
  dword: t.u32('DWORD'),
  uint: t.u32('UINT'),
  int: t.i32('int'),
  handle: t.handle,
  pvoid: { k: 'ptr', c: 'LPVOID', target: null },
  wstr: { k: 'wstr', c: 'LPCWSTR' },
  astr: { k: 'astr', c: 'LPCSTR' },
  overlapped: { k: 'ptr', c: 'LPOVERLAPPED', target: 'OVERLAPPED' },
  security: { k: 'ptr', c: 'LPSECURITY_ATTRIBUTES', target: 'SECURITY_ATTRIBUTES' },
  dwordOut: { k: 'out', c: 'LPDWORD', of: t.u32('DWORD') },
  handleOut: { k: 'out', c: 'LPHANDLE', of: t.handle },
} as const

/** User-mode side of the current thread. */
export function currentUser(k: Kernel): UserThread {
  const { user } = k.thread
  assert(user, 'a Win32 routine outside a program')
  return user
}

/** Say that a program called a Win32 routine; the hops that follow are caused by it. */
export function enterWin32(k: Kernel, name: string, detail: string, dll = 'KERNEL32'): void {
  k.thread.cause = k.emit({
    t: 'hop',
    layer: 'win32',
    name: `${dll}!${name}`,
    detail,
    mode: 'user',
  })
}

// --- last error --------------------------------------------------------------------------------------

export function setLastError(k: Kernel, error: number): void {
  k.memory.setU32(currentUser(k).teb + TEB.LastErrorValue, error)
}

export function getLastError(k: Kernel): number {
  return k.memory.u32(currentUser(k).teb + TEB.LastErrorValue)
}

/** BaseSetLastNTError. Returns FALSE, for the caller to return. */
export function fail(k: Kernel, status: number): typeof FALSE {
  const { teb } = currentUser(k)
  k.memory.setU32(teb + TEB.LastStatusValue, status)
  k.memory.setU32(teb + TEB.LastErrorValue, win32FromStatus(status))
  return FALSE
}

/** TRUE for a status that NT_SUCCESS accepts; else FALSE with the last error set. */
export function boolOf(k: Kernel, status: number): number {
  return (status | 0) >= 0 ? TRUE : fail(k, status)
}

// --- memory ------------------------------------------------------------------------------------------

/** Check memory that user-mode code is about to touch; raises what the processor would. */
export function userAccess(k: Kernel, at: Ptr, bytes: number, access: 'read' | 'write'): void {
  k.io.probeUser(at, bytes, access)
}

/** A NULL pointer was written to. */
export function nullWrite(): never {
  throw new NtException(STATUS_ACCESS_VIOLATION, 0n, 'write')
}

/** HANDLE field of a structure of the program. */
export function handleField(k: Kernel, at: Ptr): number {
  return readHandle(k, at)
}

/** UNICODE_STRING with `text` in the scratch area; 0 when it is too long. */
export function scratchString(k: Kernel, text: string): Ptr {
  if (text.length >= NAME_MAX) return 0
  const { memory } = k
  const { scratch } = currentUser(k)
  const at = scratch + SCRATCH.string
  memory.setText16(scratch + SCRATCH.text, text)
  memory.setU16(scratch + SCRATCH.text + text.length * 2, 0)
  memory.setU16(at + UNICODE_STRING.Length, text.length * 2)
  memory.setU16(at + UNICODE_STRING.MaximumLength, text.length * 2 + 2)
  memory.setPtr(at + UNICODE_STRING.Buffer, scratch + SCRATCH.text)
  return at
}

/** OBJECT_ATTRIBUTES in the scratch area; 0 when the name is too long. */
export function scratchAttributes(k: Kernel, name: string | null, attributes: number): Ptr {
  const { memory } = k
  const string = name === null ? 0 : scratchString(k, name)
  if (name !== null && string === 0) return 0
  const at = currentUser(k).scratch + SCRATCH.attributes
  memory.fill(at, OBJECT_ATTRIBUTES.SIZE, 0)
  memory.setU32(at + OBJECT_ATTRIBUTES.Length, OBJECT_ATTRIBUTES.SIZE)
  memory.setPtr(at + OBJECT_ATTRIBUTES.ObjectName, string)
  memory.setU32(at + OBJECT_ATTRIBUTES.Attributes, attributes)
  return at
}

const INFINITE = 0xffff_ffff

/** LARGE_INTEGER for a time-out in milliseconds; NULL for INFINITE. */
export function scratchTimeout(k: Kernel, milliseconds: number): Ptr {
  if (milliseconds === INFINITE) return 0
  const at = currentUser(k).scratch + SCRATCH.large
  k.memory.setU64(at, BigInt.asUintN(64, BigInt(Math.round(milliseconds * 10_000)) * -1n))
  return at
}

/** Handle that a service left in the scratch area. */
export function scratchHandle(k: Kernel): number {
  return readHandle(k, currentUser(k).scratch + SCRATCH.handle)
}
