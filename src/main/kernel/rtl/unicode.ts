/** Counted strings in simulated memory: the work behind the Rtl*String routines. */
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_PARAMETER,
  STATUS_INVALID_PARAMETER_2,
  STATUS_NO_MEMORY,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { UNICODE_STRING } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Memory, Ptr } from '../mm/memory'
import { upcase } from './upcase'

const { Length, MaximumLength, Buffer } = UNICODE_STRING
const TAG_STRING = 'Strg'
/** Largest even length that fits a USHORT with its terminator. */
const UNICODE_MAX = 0xfffc
const ANSI_MAX = 0xfffe

/** Text of a UNICODE_STRING; empty for NULL. */
export function unicodeText(memory: Memory, string: Ptr): string {
  if (string === 0) return ''
  const length = memory.u16(string + Length)
  return length < 2 ? '' : memory.text16(memory.ptr(string + Buffer), length)
}

/** Text of an ANSI_STRING, byte by byte; empty for NULL. */
export function ansiText(memory: Memory, string: Ptr): string {
  if (string === 0) return ''
  const length = memory.u16(string + Length)
  if (length === 0) return ''
  let text = ''
  for (const unit of memory.read(memory.ptr(string + Buffer), length))
    text += String.fromCharCode(unit)
  return text
}

/** RtlInitUnicodeString, RtlInitAnsiString: point at a zero-terminated string. */
export function initString(memory: Memory, string: Ptr, source: Ptr, wide: boolean): void {
  let length = 0
  let max = 0
  if (source !== 0) {
    length = wide
      ? Math.min(memory.wsz(source, UNICODE_MAX / 2).length * 2, UNICODE_MAX)
      : memory.sz(source, ANSI_MAX).length
    max = length + (wide ? 2 : 1)
  }
  memory.setU16(string + Length, length)
  memory.setU16(string + MaximumLength, max)
  memory.setPtr(string + Buffer, source)
}

/** RtlCopyUnicodeString, RtlCopyString: as much as fits; a terminator if there is room. */
export function copyString(memory: Memory, target: Ptr, source: Ptr, wide: boolean): void {
  if (source === 0) {
    memory.setU16(target + Length, 0)
    return
  }
  const max = memory.u16(target + MaximumLength)
  const length = Math.min(memory.u16(source + Length), max)
  const to = memory.ptr(target + Buffer)
  memory.copy(to, memory.ptr(source + Buffer), length)
  memory.setU16(target + Length, length)
  if (wide && length + 2 <= max) memory.setU16(to + (length & ~1), 0)
}

/** Below zero, zero or above zero; the difference of the first units that differ, else of the lengths. */
export function compareText(a: string, b: string, ignoreCase: boolean, unitBytes: number): number {
  const left = ignoreCase ? upcase(a) : a
  const right = ignoreCase ? upcase(b) : b
  const common = Math.min(left.length, right.length)
  for (let i = 0; i < common; i++)
    if (left[i] !== right[i]) return left.charCodeAt(i) - right.charCodeAt(i)
  return (left.length - right.length) * unitBytes
}

/** Append text. @returns STATUS_BUFFER_TOO_SMALL, with nothing changed, when there is no room */
export function appendText(memory: Memory, target: Ptr, text: string): number {
  const length = memory.u16(target + Length)
  const max = memory.u16(target + MaximumLength)
  const grown = length + text.length * 2
  if (grown > max) return STATUS_BUFFER_TOO_SMALL
  const to = memory.ptr(target + Buffer)
  memory.setText16(to + length, text)
  if (grown + 2 <= max) memory.setU16(to + grown, 0)
  memory.setU16(target + Length, grown)
  return STATUS_SUCCESS
}

/** A buffer that a routine allocates for its caller, who frees it: it counts for the driver. */
function allocateString(k: Kernel, bytes: number): Ptr {
  return k.pool.allocate(bytes, TAG_STRING, { paged: true })
}

/** Store `text` in a UNICODE_STRING, allocated for the caller if asked. */
export function storeUnicode(
  k: Kernel,
  target: Ptr,
  text: string,
  options: { allocate: boolean; terminated: boolean; short: number },
): number {
  const { memory } = k
  const bytes = text.length * 2
  const needed = bytes + (options.terminated ? 2 : 0)
  if (needed > 0xffff) return STATUS_INVALID_PARAMETER_2
  let to: Ptr
  let max = needed
  if (options.allocate) {
    to = allocateString(k, needed)
    if (to === 0) return STATUS_NO_MEMORY
  } else {
    to = memory.ptr(target + Buffer)
    max = memory.u16(target + MaximumLength)
    if (needed > max) return options.short
  }
  memory.setText16(to, text)
  if (options.terminated || bytes + 2 <= max) memory.setU16(to + bytes, 0)
  memory.setU16(target + Length, bytes)
  if (options.allocate) {
    memory.setU16(target + MaximumLength, max)
    memory.setPtr(target + Buffer, to)
  }
  return STATUS_SUCCESS
}

/** Code page 1252 where it differs from Latin-1, from 0x80 on; NUL: undefined there, stays as it is. */
const CP1252 =
  '\u20ac\0\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\0\u017d\0\0\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\0\u017e\u0178'

/** The byte of a character in the system's ANSI code page; `?` for one that it lacks. */
function toAnsi(code: number): number {
  if (code < 0x80 || (code >= 0xa0 && code <= 0xff)) return code
  const at = CP1252.indexOf(String.fromCharCode(code))
  if (at >= 0) return 0x80 + at
  return code < 0xa0 ? code : 0x3f
}

/** Text as one string of bytes in the system's ANSI code page. */
export function encodeAnsi(text: string): string {
  let bytes = ''
  for (let i = 0; i < text.length; i++) bytes += String.fromCharCode(toAnsi(text.charCodeAt(i)))
  return bytes
}

/** Text of a string of bytes in the system's ANSI code page. */
export function decodeAnsi(bytes: string): string {
  let text = ''
  for (const byte of bytes) {
    const code = byte.charCodeAt(0)
    const mapped = code >= 0x80 && code < 0xa0 ? CP1252[code - 0x80]! : '\0'
    text += mapped === '\0' ? byte : mapped
  }
  return text
}

/** RtlUnicodeStringToAnsiString. A destination without room gets what fits. */
export function storeAnsi(k: Kernel, target: Ptr, text: string, allocate: boolean): number {
  const { memory } = k
  let bytes = encodeAnsi(text)
  let status: number = STATUS_SUCCESS
  if (bytes.length + 1 > 0xffff) return STATUS_INVALID_PARAMETER_2
  let to: Ptr
  if (allocate) {
    to = allocateString(k, bytes.length + 1)
    if (to === 0) return STATUS_NO_MEMORY
    memory.setU16(target + MaximumLength, bytes.length + 1)
    memory.setPtr(target + Buffer, to)
  } else {
    to = memory.ptr(target + Buffer)
    const max = memory.u16(target + MaximumLength)
    if (max === 0) return STATUS_BUFFER_OVERFLOW
    if (bytes.length + 1 > max) {
      bytes = bytes.slice(0, max - 1)
      status = STATUS_BUFFER_OVERFLOW
    }
  }
  writeBytes(memory, to, bytes + '\0')
  memory.setU16(target + Length, bytes.length)
  return status
}

/** Write a string of bytes. */
export function writeBytes(memory: Memory, to: Ptr, bytes: string): void {
  for (let i = 0; i < bytes.length; i++) memory.setU8(to + i, bytes.charCodeAt(i) & 0xff)
}

/** RtlFreeUnicodeString, RtlFreeAnsiString: free the buffer and forget it. */
export function freeString(k: Kernel, string: Ptr): void {
  const { memory } = k
  const buffer = memory.ptr(string + Buffer)
  if (buffer === 0) return
  k.pool.free(buffer)
  memory.fill(string, UNICODE_STRING.SIZE, 0)
}

const BASES = new Map([
  [0, 10],
  [2, 2],
  [8, 8],
  [10, 10],
  [16, 16],
])

/** RtlIntegerToUnicodeString. @returns STATUS_BUFFER_OVERFLOW without room, STATUS_INVALID_PARAMETER for an odd base */
export function integerToUnicode(k: Kernel, value: bigint, base: number, target: Ptr): number {
  const radix = BASES.get(base)
  if (radix === undefined) return STATUS_INVALID_PARAMETER
  return storeUnicode(k, target, value.toString(radix).toUpperCase(), {
    allocate: false,
    terminated: false,
    short: STATUS_BUFFER_OVERFLOW,
  })
}

const PREFIXES: Readonly<Record<string, number>> = { x: 16, o: 8, b: 2 }

/**
 * RtlUnicodeStringToInteger: blanks, a sign, a prefix (0x, 0o, 0b, for base 0), digits up to the
 * first that is none. Null for an odd base.
 */
export function textToInteger(text: string, base: number): number | null {
  let at = 0
  while (at < text.length && text.charCodeAt(at) <= 0x20) at++
  let negative = false
  if (text[at] === '-' || text[at] === '+') negative = text[at++] === '-'
  let radix = BASES.get(base)
  if (radix === undefined) return null
  if (base === 0 && text[at] === '0') {
    const prefix = PREFIXES[text[at + 1] ?? '']
    if (prefix !== undefined) {
      radix = prefix
      at += 2
    }
  }
  let value = 0
  for (; at < text.length; at++) {
    const digit = parseInt(text[at]!, 36)
    if (Number.isNaN(digit) || digit >= radix) break
    value = (Math.imul(value, radix) + digit) >>> 0
  }
  return (negative ? -value : value) >>> 0
}
