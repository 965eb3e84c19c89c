/** RtlQueryRegistryValues: a table of rules for which values to read and where to put them. */
import {
  REG_EXPAND_SZ,
  REG_MULTI_SZ,
  REG_NONE,
  REG_SZ,
  RTL_QUERY_REGISTRY_DELETE,
  RTL_QUERY_REGISTRY_DIRECT,
  RTL_QUERY_REGISTRY_NOEXPAND,
  RTL_QUERY_REGISTRY_NOVALUE,
  RTL_QUERY_REGISTRY_REQUIRED,
  RTL_QUERY_REGISTRY_SUBKEY,
  RTL_QUERY_REGISTRY_TOPKEY,
  RTL_QUERY_REGISTRY_TYPECHECK,
} from '../../../shared/nt/generated/constants'
import {
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_PARAMETER,
  STATUS_NO_MEMORY,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { RTL_QUERY_REGISTRY_TABLE, UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { utf16, type Key, type RegistryValue } from './key'

/** The expected type of a checked value is in the top byte of DefaultType. */
const TYPECHECK_SHIFT = 24
const FAST_FAIL_UNSAFE_REGISTRY_ACCESS = 9
const TAG = 'RqrV'

interface Rule {
  routine: Ptr
  flags: number
  name: string | null
  context: Ptr
  defaultType: number
  defaultData: Ptr
  defaultLength: number
}

function readRule(k: Kernel, at: Ptr): Rule {
  const { memory } = k
  const name = memory.ptr(at + RTL_QUERY_REGISTRY_TABLE.Name)
  return {
    routine: memory.ptr(at + RTL_QUERY_REGISTRY_TABLE.QueryRoutine),
    flags: memory.u32(at + RTL_QUERY_REGISTRY_TABLE.Flags),
    name: name === 0 ? null : memory.wsz(name),
    context: memory.ptr(at + RTL_QUERY_REGISTRY_TABLE.EntryContext),
    defaultType: memory.u32(at + RTL_QUERY_REGISTRY_TABLE.DefaultType),
    defaultData: memory.ptr(at + RTL_QUERY_REGISTRY_TABLE.DefaultData),
    defaultLength: memory.u32(at + RTL_QUERY_REGISTRY_TABLE.DefaultLength),
  }
}

/** Go through the table on a key. */
export function* queryTable(k: Kernel, top: Key, table: Ptr, context: Ptr): KernelRoutine<number> {
  let key = top
  for (let at = table; ; at += RTL_QUERY_REGISTRY_TABLE.SIZE) {
    const rule = readRule(k, at)
    const { flags, name } = rule
    const direct = (flags & RTL_QUERY_REGISTRY_DIRECT) !== 0
    if (rule.routine === 0 && !(flags & (RTL_QUERY_REGISTRY_SUBKEY | RTL_QUERY_REGISTRY_DIRECT)))
      return STATUS_SUCCESS
    // A direct rule needs a name and must not have a routine.
    if (direct && (name === null || flags & RTL_QUERY_REGISTRY_SUBKEY || rule.routine !== 0))
      return STATUS_INVALID_PARAMETER
    if (flags & (RTL_QUERY_REGISTRY_TOPKEY | RTL_QUERY_REGISTRY_SUBKEY)) key = top
    let status: number = STATUS_SUCCESS
    if (flags & RTL_QUERY_REGISTRY_SUBKEY) {
      if (name === null) return STATUS_INVALID_PARAMETER
      const found = name.split('\\').reduce<Key | undefined>((at, part) => at?.subkey(part), top)
      if (!found) return STATUS_OBJECT_NAME_NOT_FOUND
      key = found
      if (rule.routine !== 0) status = yield* allValues(k, key, rule, context)
    } else if (name !== null) status = yield* oneValue(k, key, rule, name, context)
    else if (flags & RTL_QUERY_REGISTRY_NOVALUE)
      status = yield* callRoutine(
        k,
        rule,
        null,
        { name: '', type: REG_NONE, data: NOTHING },
        context,
      )
    else status = yield* allValues(k, key, rule, context)
    if (status >>> 31 !== 0) return status
  }
}

const NOTHING = new Uint8Array(0)

function* allValues(k: Kernel, key: Key, rule: Rule, context: Ptr): KernelRoutine<number> {
  const values = key.valueList()
  if (values.length === 0 && rule.flags & RTL_QUERY_REGISTRY_REQUIRED)
    return STATUS_OBJECT_NAME_NOT_FOUND
  for (const value of values) {
    const status = yield* give(k, key, rule, value, context)
    if (status >>> 31 !== 0) return status
    if (rule.flags & RTL_QUERY_REGISTRY_DELETE) k.registry.deleteValue(key, value.name)
  }
  return STATUS_SUCCESS
}

function* oneValue(
  k: Kernel,
  key: Key,
  rule: Rule,
  name: string,
  context: Ptr,
): KernelRoutine<number> {
  const found = k.registry.queryValue(key, name)
  if (typeof found !== 'number') {
    const status = yield* give(k, key, rule, found, context)
    if (status >>> 31 === 0 && rule.flags & RTL_QUERY_REGISTRY_DELETE)
      k.registry.deleteValue(key, name)
    return status
  }
  if (rule.flags & RTL_QUERY_REGISTRY_REQUIRED) return found
  const type = rule.defaultType & 0xff_ffff
  if (type === REG_NONE) return STATUS_SUCCESS
  return yield* give(k, key, rule, { name, type, data: defaultData(k, rule, type) }, context)
}

function defaultData(k: Kernel, rule: Rule, type: number): Uint8Array {
  const { memory } = k
  if (rule.defaultData === 0) return NOTHING
  if (rule.defaultLength > 0) return memory.read(rule.defaultData, rule.defaultLength)
  if (type === REG_SZ || type === REG_EXPAND_SZ) return utf16(memory.wsz(rule.defaultData) + '\0')
  if (type !== REG_MULTI_SZ) return NOTHING
  let end = rule.defaultData
  while (memory.u16(end) !== 0) end += memory.wsz(end).length * 2 + 2
  return memory.read(rule.defaultData, end + 2 - rule.defaultData)
}

function isText(type: number): boolean {
  return type === REG_SZ || type === REG_EXPAND_SZ || type === REG_MULTI_SZ
}

/** Hand one value over, directly or through the routine. */
function* give(
  k: Kernel,
  key: Key,
  rule: Rule,
  value: RegistryValue,
  context: Ptr,
): KernelRoutine<number> {
  if (rule.flags & RTL_QUERY_REGISTRY_DIRECT) return store(k, key, rule, value)
  if (value.type === REG_MULTI_SZ && !(rule.flags & RTL_QUERY_REGISTRY_NOEXPAND)) {
    for (const text of multiStrings(value.data)) {
      const one = { name: value.name, type: REG_SZ, data: utf16(text + '\0') }
      const status = yield* callRoutine(k, rule, value.name, one, context)
      if (status >>> 31 !== 0) return status
    }
    return STATUS_SUCCESS
  }
  // There is no environment to take variables from: the text stays as it is, and is plain text then.
  const type =
    value.type === REG_EXPAND_SZ && !(rule.flags & RTL_QUERY_REGISTRY_NOEXPAND)
      ? REG_SZ
      : value.type
  return yield* callRoutine(k, rule, value.name, { ...value, type }, context)
}

function multiStrings(data: Uint8Array): string[] {
  let text = ''
  for (let i = 0; i + 1 < data.length; i += 2)
    text += String.fromCharCode(data[i]! | (data[i + 1]! << 8))
  return text.split('\0').filter((item) => item !== '')
}

/** RTL_QUERY_REGISTRY_DIRECT: into the memory that EntryContext names. */
function store(k: Kernel, key: Key, rule: Rule, value: RegistryValue): number {
  const { memory } = k
  const { context, flags, defaultType } = rule
  const { type, data } = value
  if (flags & RTL_QUERY_REGISTRY_TYPECHECK) {
    const expected = defaultType >>> TYPECHECK_SHIFT
    if (type !== REG_NONE && expected !== type) return STATUS_OBJECT_TYPE_MISMATCH
  } else if (!isTrusted(key))
    k.bugCheck(
      0x139,
      FAST_FAIL_UNSAFE_REGISTRY_ACCESS,
      0n,
      0n,
      0n,
      `RTL_QUERY_REGISTRY_DIRECT without RTL_QUERY_REGISTRY_TYPECHECK was used on ${key.path}, which users can write to.`,
    )
  if (isText(type)) return storeText(k, context, data)
  if (data.length <= 4) {
    memory.write(context, data)
    return STATUS_SUCCESS
  }
  // A negative size there means: that many bytes, without a header. A positive one: the whole buffer.
  const room = memory.i32(context)
  if (room < 0) {
    if (data.length > -room) return STATUS_BUFFER_TOO_SMALL
    memory.write(context, data)
    return STATUS_SUCCESS
  }
  if (room < 8 + data.length) return STATUS_BUFFER_TOO_SMALL
  memory.setU32(context, data.length)
  memory.setU32(context + 4, type)
  memory.write(context + 8, data)
  return STATUS_SUCCESS
}

/** Into a UNICODE_STRING: its buffer, or one that is allocated for the caller. */
function storeText(k: Kernel, string: Ptr, data: Uint8Array): number {
  const { memory } = k
  const length = Math.min(data.length, 0xfffe) & ~1
  let buffer = memory.ptr(string + UNICODE_STRING.Buffer)
  if (buffer === 0) {
    buffer = k.pool.allocate(length, TAG, { paged: true })
    if (buffer === 0) return STATUS_NO_MEMORY
    memory.setU16(string + UNICODE_STRING.MaximumLength, length)
    memory.setPtr(string + UNICODE_STRING.Buffer, buffer)
  } else if (length > memory.u16(string + UNICODE_STRING.MaximumLength))
    return STATUS_BUFFER_TOO_SMALL
  memory.write(buffer, data.subarray(0, length))
  const terminated = length >= 2 && data[length - 1] === 0 && data[length - 2] === 0
  memory.setU16(string + UNICODE_STRING.Length, terminated ? length - 2 : length)
  return STATUS_SUCCESS
}

/** Hives that only the system and administrators write to. */
function isTrusted(key: Key): boolean {
  return /^\\REGISTRY\\MACHINE\\/i.test(key.path)
}

function* callRoutine(
  k: Kernel,
  rule: Rule,
  name: string | null,
  value: RegistryValue,
  context: Ptr,
): KernelRoutine<number> {
  const { memory } = k
  const nameBytes = name === null ? 0 : name.length * 2 + 2
  const dataAt = (nameBytes + 15) & ~15
  const block = k.pool.allocate(dataAt + value.data.length, TAG, { system: true, paged: true })
  if (block === 0) return STATUS_NO_MEMORY
  if (name !== null) memory.setText16(block, name)
  memory.write(block + dataAt, value.data)
  const status = yield* k.call(rule.routine, 'RTL_QUERY_REGISTRY_ROUTINE', [
    name === null ? 0 : block,
    value.type,
    value.data.length === 0 ? 0 : block + dataAt,
    value.data.length,
    context,
    rule.context,
  ])
  k.pool.free(block)
  // A routine that finds its buffer too small is not an error of the whole query.
  return status >>> 0 === STATUS_BUFFER_TOO_SMALL ? STATUS_SUCCESS : status >>> 0
}
