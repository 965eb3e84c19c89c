/** Win32 registry: keys opened, listed, read and written. What these return is the error itself. */
import {
  HKEY_CLASSES_ROOT,
  HKEY_CURRENT_USER,
  HKEY_LOCAL_MACHINE,
  HKEY_USERS,
  KeyBasicInformation,
  KeyValuePartialInformation,
  OBJ_CASE_INSENSITIVE,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_BUFFER_TOO_SMALL,
} from '../../../shared/nt/generated/ntstatus'
import {
  KEY_BASIC_INFORMATION,
  KEY_VALUE_PARTIAL_INFORMATION,
  OBJECT_ATTRIBUTES,
} from '../../../shared/nt/generated/offsets'
import { win32FromStatus } from '../../../shared/nt/ntstatus'
import { NtEnumerateKey, NtOpenKey, NtQueryValueKey, NtSetValueKey } from '../cm/nt-key'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { heapOf } from '../mm/user-memory'
import { NtClose } from '../ob/nt-object'
import { SCRATCH } from '../ps/user'
import {
  currentUser,
  enterWin32,
  scratchAttributes,
  scratchHandle,
  scratchString,
  userAccess,
  w,
} from './win32-base'
import { ddi, t, type KernelRoutine } from './types'

const ERROR_SUCCESS = 0
const ERROR_NOT_ENOUGH_MEMORY = 8
const ERROR_INVALID_PARAMETER = 87
const ERROR_MORE_DATA = 234
const ANSWER_BYTES = 0x1000

/** Where the predefined keys lead. */
const ROOTS: ReadonlyMap<number, string> = new Map([
  [HKEY_CLASSES_ROOT, '\\Registry\\Machine\\Software\\Classes'],
  [HKEY_CURRENT_USER, '\\Registry\\User\\.DEFAULT'],
  [HKEY_LOCAL_MACHINE, '\\Registry\\Machine'],
  [HKEY_USERS, '\\Registry\\User'],
])

const HKEY = { k: 'handle', c: 'HKEY' } as const
const DWORD_POINTER = { k: 'ptr', c: 'LPDWORD', target: null } as const
const LSTATUS = { k: 'i32', c: 'LSTATUS' } as const

function* open(k: Kernel, key: number, name: string, access: number): KernelRoutine<number> {
  const { scratch } = currentUser(k)
  const root = ROOTS.get(key)
  const path = root === undefined ? name : root + (name === '' ? '' : `\\${name}`)
  const attributes = scratchAttributes(k, path, OBJ_CASE_INSENSITIVE)
  if (!attributes) return ERROR_INVALID_PARAMETER
  if (root === undefined)
    k.memory.setU64(attributes + OBJECT_ATTRIBUTES.RootDirectory, BigInt.asUintN(64, BigInt(key)))
  const args = [scratch + SCRATCH.handle, access, attributes]
  return win32FromStatus(yield* k.syscalls.call(NtOpenKey, args))
}

/** Ask into a block of the heap, which `use` reads; the error. */
function* ask(
  k: Kernel,
  call: (buffer: Ptr, lengthAt: Ptr) => KernelRoutine<number>,
  use: (buffer: Ptr) => number,
): KernelRoutine<number> {
  const heap = heapOf(k, k.thread.process)
  const buffer = heap.allocate(ANSWER_BYTES, true)
  if (!buffer) return ERROR_NOT_ENOUGH_MEMORY
  const status = yield* call(buffer, currentUser(k).scratch + SCRATCH.value)
  const isCut = status === STATUS_BUFFER_OVERFLOW || status === STATUS_BUFFER_TOO_SMALL
  const error = isCut ? ERROR_MORE_DATA : (status | 0) < 0 ? win32FromStatus(status) : use(buffer)
  heap.release(buffer)
  return error
}

export const WIN32_REGISTRY_DDIS = {
  RegOpenKeyEx: ddi({
    params: {
      hKey: HKEY,
      lpSubKey: t.optional(w.wstr),
      ulOptions: w.dword,
      samDesired: w.dword,
      phkResult: { k: 'out', c: 'PHKEY', of: t.handle },
    },
    returns: LSTATUS,
    module: 'win32',
    summary: 'Opens a key; ERROR_SUCCESS (0) or the error.',
    docs: 'winreg/nf-winreg-regopenkeyexw',
    *run(k, a) {
      if (k.tracing) enterWin32(k, 'RegOpenKeyExW', a.lpSubKey ?? '', 'ADVAPI32')
      const error = yield* open(k, a.hKey, a.lpSubKey ?? '', a.samDesired)
      if (error === ERROR_SUCCESS) a.phkResult.write(scratchHandle(k))
      return error
    },
  }),

  RegEnumKeyEx: ddi({
    params: {
      hKey: HKEY,
      dwIndex: w.dword,
      lpName: w.pvoid,
      lpcchName: DWORD_POINTER,
      lpReserved: t.optional(w.pvoid),
      lpClass: t.optional(w.pvoid),
      lpcchClass: t.optional(w.pvoid),
      lpftLastWriteTime: t.optional(w.pvoid),
    },
    returns: LSTATUS,
    module: 'win32',
    support: 'partial',
    note: 'Names only: class and time are not written.',
    summary: 'Name of a subkey by its number; ERROR_NO_MORE_ITEMS behind the last.',
    docs: 'winreg/nf-winreg-regenumkeyexw',
    *run(k, a) {
      const { memory } = k
      if (k.tracing) enterWin32(k, 'RegEnumKeyExW', `number ${a.dwIndex}`, 'ADVAPI32')
      userAccess(k, a.lpcchName, 4, 'write')
      const call = (buffer: Ptr, lengthAt: Ptr): KernelRoutine<number> =>
        k.syscalls.call(NtEnumerateKey, [
          a.hKey,
          a.dwIndex,
          KeyBasicInformation,
          buffer,
          ANSWER_BYTES,
          lengthAt,
        ])
      return yield* ask(k, call, (buffer) => {
        const bytes = memory.u32(buffer + KEY_BASIC_INFORMATION.NameLength)
        const characters = bytes >>> 1
        if (characters >= memory.u32(a.lpcchName)) return ERROR_MORE_DATA
        userAccess(k, a.lpName, bytes + 2, 'write')
        memory.copy(a.lpName, buffer + KEY_BASIC_INFORMATION.Name, bytes)
        memory.setU16(a.lpName + bytes, 0)
        memory.setU32(a.lpcchName, characters)
        return ERROR_SUCCESS
      })
    },
  }),

  RegQueryValueEx: ddi({
    params: {
      hKey: HKEY,
      lpValueName: t.optional(w.wstr),
      lpReserved: t.optional(w.pvoid),
      lpType: t.optional(w.dwordOut),
      lpData: t.optional(w.pvoid),
      lpcbData: t.optional(DWORD_POINTER),
    },
    returns: LSTATUS,
    module: 'win32',
    support: 'partial',
    note: 'Values of up to 4 KiB.',
    summary: 'Type and data of a value; lpcbData has the room before and the length after.',
    docs: 'winreg/nf-winreg-regqueryvalueexw',
    *run(k, a) {
      const { memory } = k
      const name = a.lpValueName ?? ''
      if (k.tracing) enterWin32(k, 'RegQueryValueExW', name, 'ADVAPI32')
      const string = scratchString(k, name)
      if (!string) return ERROR_INVALID_PARAMETER
      const call = (buffer: Ptr, lengthAt: Ptr): KernelRoutine<number> =>
        k.syscalls.call(NtQueryValueKey, [
          a.hKey,
          string,
          KeyValuePartialInformation,
          buffer,
          ANSWER_BYTES,
          lengthAt,
        ])
      return yield* ask(k, call, (buffer) => {
        const V = KEY_VALUE_PARTIAL_INFORMATION
        a.lpType.write(memory.u32(buffer + V.Type))
        const length = Math.min(memory.u32(buffer + V.DataLength), ANSWER_BYTES - V.Data)
        if (!a.lpcbData) return a.lpData ? ERROR_INVALID_PARAMETER : ERROR_SUCCESS
        userAccess(k, a.lpcbData, 4, 'write')
        const room = memory.u32(a.lpcbData)
        memory.setU32(a.lpcbData, length)
        if (!a.lpData) return ERROR_SUCCESS
        if (room < length) return ERROR_MORE_DATA
        if (length) userAccess(k, a.lpData, length, 'write')
        memory.copy(a.lpData, buffer + V.Data, length)
        return ERROR_SUCCESS
      })
    },
  }),

  RegSetValueEx: ddi({
    params: {
      hKey: HKEY,
      lpValueName: t.optional(w.wstr),
      Reserved: w.dword,
      dwType: w.dword,
      lpData: t.optional(w.pvoid),
      cbData: w.dword,
    },
    returns: LSTATUS,
    module: 'win32',
    summary: 'Writes a value.',
    docs: 'winreg/nf-winreg-regsetvalueexw',
    *run(k, a) {
      const name = a.lpValueName ?? ''
      if (k.tracing) enterWin32(k, 'RegSetValueExW', name, 'ADVAPI32')
      const string = scratchString(k, name)
      if (!string) return ERROR_INVALID_PARAMETER
      const args = [a.hKey, string, 0, a.dwType, a.lpData, a.cbData]
      const status = yield* k.syscalls.call(NtSetValueKey, args)
      return (status | 0) < 0 ? win32FromStatus(status) : ERROR_SUCCESS
    },
  }),

  RegCloseKey: ddi({
    params: { hKey: HKEY },
    returns: LSTATUS,
    module: 'win32',
    summary: 'Closes a key.',
    docs: 'winreg/nf-winreg-regclosekey',
    *run(k, a) {
      if (ROOTS.has(a.hKey)) return ERROR_SUCCESS
      if (k.tracing) enterWin32(k, 'RegCloseKey', '', 'ADVAPI32')
      const status = yield* k.syscalls.call(NtClose, [a.hKey])
      return (status | 0) < 0 ? win32FromStatus(status) : ERROR_SUCCESS
    },
  }),
}
