/** The information structures of ZwQueryValueKey, ZwEnumerateKey and their kin: sizes, layout, partial answers. */
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Memory, Ptr } from '../mm/memory'
import { utf16, type Key, type RegistryValue } from './key'

/** An answer as bytes: `fixed` of them have to fit for any answer at all. */
interface Answer {
  bytes: Uint8Array
  fixed: number
}

class Writer {
  private readonly view: DataView

  constructor(
    readonly bytes: Uint8Array,
    readonly fixed: number,
  ) {
    this.view = new DataView(bytes.buffer)
  }

  u32(at: number, value: number): this {
    this.view.setUint32(at, value, true)
    return this
  }

  u64(at: number, value: number): this {
    this.view.setBigUint64(at, BigInt(value), true)
    return this
  }

  put(at: number, data: Uint8Array): this {
    this.bytes.set(data, at)
    return this
  }
}

function answer(fixed: number, total: number): Writer {
  return new Writer(new Uint8Array(total), fixed)
}

/** KEY_VALUE_INFORMATION_CLASS. */
export const KeyValueBasic = 0
export const KeyValueFull = 1
export const KeyValuePartial = 2
const KeyValueFullAlign64 = 3
const KeyValuePartialAlign64 = 4

/** KEY_INFORMATION_CLASS. */
const KeyBasic = 0
const KeyNode = 1
const KeyFull = 2
const KeyNameOnly = 3
const KeyCached = 4

/** A value in the form of a KEY_VALUE_INFORMATION_CLASS; null for an unknown class. */
export function valueInformation(value: RegistryValue, informationClass: number): Answer | null {
  const name = utf16(value.name)
  const { type, data } = value
  switch (informationClass) {
    case KeyValueBasic:
      return answer(0xc, 0xc + name.length)
        .u32(4, type)
        .u32(8, name.length)
        .put(0xc, name)
    case KeyValueFull:
    case KeyValueFullAlign64: {
      const align = informationClass === KeyValueFull ? 3 : 7
      const offset = data.length > 0 ? (0x14 + name.length + align) & ~align : 0x14 + name.length
      return answer(0x14, offset + data.length)
        .u32(4, type)
        .u32(8, data.length > 0 ? offset : 0xffff_ffff)
        .u32(0xc, data.length)
        .u32(0x10, name.length)
        .put(0x14, name)
        .put(offset, data)
    }
    case KeyValuePartial:
      return answer(0xc, 0xc + data.length)
        .u32(4, type)
        .u32(8, data.length)
        .put(0xc, data)
    case KeyValuePartialAlign64:
      return answer(8, 8 + data.length)
        .u32(0, type)
        .u32(4, data.length)
        .put(8, data)
    default:
      return null
  }
}

/** A key in the form of a KEY_INFORMATION_CLASS; null for an unknown class. */
export function keyInformation(key: Key, informationClass: number): Answer | null {
  const name = utf16(key.name)
  const className = utf16(key.className)
  const subkeys = [...key.subkeys.values()]
  const values = key.valueList()
  const longest = (lengths: number[]): number => Math.max(0, ...lengths)
  const nameMax = longest(subkeys.map((item) => item.name.length * 2))
  const valueNameMax = longest(values.map((item) => item.name.length * 2))
  const dataMax = longest(values.map((item) => item.data.length))
  switch (informationClass) {
    case KeyBasic:
      return answer(0x10, 0x10 + name.length)
        .u64(0, key.lastWrite)
        .u32(0xc, name.length)
        .put(0x10, name)
    case KeyNode: {
      const offset = (0x18 + name.length + 3) & ~3
      const total = className.length > 0 ? offset + className.length : 0x18 + name.length
      const writer = answer(0x18, total)
        .u64(0, key.lastWrite)
        .u32(0xc, className.length > 0 ? offset : 0xffff_ffff)
        .u32(0x10, className.length)
        .u32(0x14, name.length)
        .put(0x18, name)
      return className.length > 0 ? writer.put(offset, className) : writer
    }
    case KeyFull:
      return answer(0x2c, 0x2c + className.length)
        .u64(0, key.lastWrite)
        .u32(0xc, className.length > 0 ? 0x2c : 0xffff_ffff)
        .u32(0x10, className.length)
        .u32(0x14, subkeys.length)
        .u32(0x18, nameMax)
        .u32(0x1c, longest(subkeys.map((item) => item.className.length * 2)))
        .u32(0x20, values.length)
        .u32(0x24, valueNameMax)
        .u32(0x28, dataMax)
        .put(0x2c, className)
    case KeyNameOnly: {
      const path = utf16(key.path)
      return answer(4, 4 + path.length)
        .u32(0, path.length)
        .put(4, path)
    }
    case KeyCached:
      return answer(0x28, 0x28)
        .u64(0, key.lastWrite)
        .u32(0xc, subkeys.length)
        .u32(0x10, nameMax)
        .u32(0x14, values.length)
        .u32(0x18, valueNameMax)
        .u32(0x1c, dataMax)
        .u32(0x20, name.length)
    default:
      return null
  }
}

/**
 * Hand an answer out: all of it, or what fits with STATUS_BUFFER_OVERFLOW, or nothing with
 * STATUS_BUFFER_TOO_SMALL when not even the fixed part does. `writeLength` gets the full length.
 */
export function deliver(
  memory: Memory,
  result: Answer | null,
  buffer: Ptr,
  length: number,
  writeLength: (needed: number) => void,
): number {
  if (!result) return STATUS_INVALID_PARAMETER
  const { bytes, fixed } = result
  writeLength(bytes.length)
  if (length < fixed) return STATUS_BUFFER_TOO_SMALL
  memory.write(buffer, bytes.subarray(0, Math.min(length, bytes.length)))
  return length < bytes.length ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS
}
