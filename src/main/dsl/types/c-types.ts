/**
 * The C types of driver code by name: how a value of each lies in memory, and what the names stand
 * for when they are used as values (`local(KEVENT)`, `struct('X', { Next: PVOID })`).
 *
 * Declarations (wdm.d.ts), compiler and runtime all read these tables.
 */
import { LAYOUTS, STRUCT_ALIASES, structNameOf, type StructName } from '../../../shared/nt/layout'
import type { FieldLayout } from '../../../shared/nt/layout'
import { DDIS } from '../../kernel/ddi/index'
import { ROUTINES, type RoutineName } from '../../kernel/ddi/types'

/**
 * How a scalar lies in memory and what driver code sees: up to 32 bits a number (`u32` unsigned,
 * `i32` signed ...), 64 bits a bigint, `handle` 8 bytes as a signed number, `bool` one byte as 0 or 1
 * that also takes true and false.
 */
export type ScalarAccess =
  'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'i64' | 'handle' | 'bool'

const WORDS: Record<ScalarAccess, string> = {
  u8: 'UCHAR BYTE UINT8 KIRQL',
  i8: 'CHAR CCHAR INT8 KPROCESSOR_MODE',
  u16: 'USHORT WORD UINT16 WCHAR',
  i16: 'SHORT CSHORT INT16',
  u32: 'ULONG DWORD UINT UINT32 ULONG32 NTSTATUS ACCESS_MASK DEVICE_TYPE POOL_TYPE POOL_FLAGS',
  i32: 'LONG INT INT32 LONG32 KPRIORITY BOOL int',
  u64: 'ULONGLONG ULONG64 UINT64 DWORD64 ULONG_PTR UINT_PTR DWORD_PTR SIZE_T KAFFINITY',
  i64: 'LONGLONG LONG64 INT64 LONG_PTR INT_PTR SSIZE_T',
  handle: 'HANDLE',
  bool: 'BOOLEAN',
}

const scalars = new Map<string, ScalarAccess>()
for (const [access, names] of Object.entries(WORDS))
  for (const name of names.split(' ')) scalars.set(name, access as ScalarAccess)
// Enumerations and other 32-bit words that only a structure or a routine names.
for (const layout of Object.values(LAYOUTS))
  for (const field of layout.fields)
    if (field.kind === 'enum' && !scalars.has(field.type)) scalars.set(field.type, 'u32')
for (const entry of Object.values(DDIS))
  for (const type of [...Object.values(entry.params), entry.returns]) {
    const scalar = type.k === 'out' ? type.of : type
    if (scalar.k === 'void' || scalar.k === 'size' || scalar.k === 'ptr' || scalar.k === 'fn')
      continue
    if (scalar.k === 'large' || scalar.k === 'wstr' || scalar.k === 'astr') continue
    if (scalar.k === 'varargs' || scalars.has(scalar.c)) continue
    // A 64-bit time handed over by value may be called LARGE_INTEGER, which is a structure.
    if (structNameOf(scalar.c) !== undefined || !/^\w+$/.test(scalar.c)) continue
    scalars.set(scalar.c, scalar.k === 'ntstatus' ? 'u32' : scalar.k)
  }

/** Scalar types by C name. */
export const SCALARS: ReadonlyMap<string, ScalarAccess> = scalars

/** Bytes of a scalar. */
export function scalarSize(access: ScalarAccess): number {
  switch (access) {
    case 'u8':
    case 'i8':
    case 'bool':
      return 1
    case 'u16':
    case 'i16':
      return 2
    case 'u32':
    case 'i32':
      return 4
    default:
      return 8
  }
}

/** What a type name stands for as a value. */
export type TypeValue =
  | { k: 'scalar'; access: ScalarAccess }
  | { k: 'struct'; name: StructName }
  /** Structure that only the kernel looks into; it has no size. */
  | { k: 'opaque'; name: string }
  /** `to` is a scalar, a structure, an opaque one, or null for PVOID. */
  | { k: 'pointer'; to: string | null }
  | { k: 'function'; routine: RoutineName }

const values = new Map<string, TypeValue>()
for (const [name, access] of scalars) {
  values.set(name, { k: 'scalar', access })
  values.set(`P${name}`, { k: 'pointer', to: name })
}
for (const name of ['PWSTR', 'PCWSTR', 'PWCH', 'LPWSTR', 'LPCWSTR'])
  values.set(name, { k: 'pointer', to: 'WCHAR' })
for (const name of ['PSTR', 'PCSTR', 'LPSTR', 'LPCSTR'])
  values.set(name, { k: 'pointer', to: 'CHAR' })
// Pointers to what only the kernel looks into are PVOID.
for (const name of [
  'PVOID',
  'LPVOID',
  'PCVOID',
  'LPCVOID',
  'PSECURITY_DESCRIPTOR',
  'PIO_TIMER',
  'PKINTERRUPT',
  'PKQUEUE',
])
  values.set(name, { k: 'pointer', to: null })
const addStruct = (alias: string, name: StructName): void => {
  values.set(alias, { k: 'struct', name })
  values.set(`P${alias}`, { k: 'pointer', to: name })
}
for (const name of Object.keys(LAYOUTS) as StructName[]) addStruct(name, name)
for (const [alias, name] of Object.entries(STRUCT_ALIASES)) addStruct(alias, name)
for (const routine of Object.keys(ROUTINES) as RoutineName[]) {
  values.set(routine, { k: 'function', routine })
  values.set(`P${routine}`, { k: 'function', routine })
}

const opaque = new Set<string>()
const addOpaque = (target: string | null): void => {
  if (target === null || values.has(target)) return
  opaque.add(target)
  values.set(target, { k: 'opaque', name: target })
  values.set(`P${target}`, { k: 'pointer', to: target })
}
for (const { params, returns } of [...Object.values(DDIS), ...Object.values(ROUTINES)])
  for (const type of [...Object.values(params), returns]) {
    const inner = type.k === 'out' ? type.of : type
    if (inner.k === 'ptr') addOpaque(inner.target)
  }

/** Structures that user-mode code knows, too. */
export const USER_STRUCTS: ReadonlySet<string> = new Set([
  'LIST_ENTRY',
  'SINGLE_LIST_ENTRY',
  'UNICODE_STRING',
  'ANSI_STRING',
  'STRING',
  'LARGE_INTEGER',
  'CLIENT_ID',
  'OBJECT_ATTRIBUTES',
  'IO_STATUS_BLOCK',
  'GUID',
  'LUID',
  ...Object.values(DDIS)
    .filter(({ module }) => module === 'win32')
    .flatMap(({ params }) => Object.values(params))
    .flatMap((type) => (type.k === 'ptr' && type.target !== null ? [type.target] : [])),
])
// Win32's own spelling.
for (const name of [...USER_STRUCTS, 'BYTE', 'WORD', 'DWORD', 'LONG', 'BOOL', 'HANDLE'])
  if (values.has(name)) values.set(`LP${name}`, { k: 'pointer', to: name })

/** Structures without a layout: pointers to them are only handed around. */
export const OPAQUE_STRUCTS: ReadonlySet<string> = opaque

/** Type names that are values as well, with what they stand for. */
export const TYPE_VALUES: ReadonlyMap<string, TypeValue> = values

/** How driver code sees a field of a structure of shared/nt; for an array, one element of it. */
export type FieldAccess =
  | { k: 'scalar'; access: ScalarAccess; type: string }
  | { k: 'struct'; name: StructName }
  /** `to` as in `TypeValue`. */
  | { k: 'pointer'; to: string | null }
  | { k: 'function'; routine: RoutineName }

/** The one place that decides how a field reads and writes. */
export function fieldAccess(field: FieldLayout): FieldAccess {
  if (field.struct !== undefined) return { k: 'struct', name: field.struct }
  if (field.kind === 'ptr') {
    if (field.target !== undefined) return { k: 'pointer', to: field.target }
    const known = values.get(field.type)
    return known?.k === 'pointer' || known?.k === 'function' ? known : { k: 'pointer', to: null }
  }
  if (field.bitWidth === undefined) {
    // KSPIN_LOCK is an integer in C, but drivers hand its address around.
    const struct = structNameOf(field.type)
    if (struct !== undefined) return { k: 'struct', name: struct }
    const access = scalars.get(field.type)
    if (access !== undefined) return { k: 'scalar', access, type: field.type }
  }
  const access = field.kind === 'enum' || field.kind === 'struct' ? 'u32' : field.kind
  return { k: 'scalar', access, type: field.type }
}
