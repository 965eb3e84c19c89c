import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Ptr } from '../mm/memory'
import { TestMachine } from '../testing/machine'
import {
  appendText,
  compareText,
  copyString,
  decodeAnsi,
  encodeAnsi,
  freeString,
  initString,
  integerToUnicode,
  storeAnsi,
  storeUnicode,
  textToInteger,
  unicodeText,
} from './unicode'
import { upcase } from './upcase'

const { k } = new TestMachine()
const { memory } = k

/** A UNICODE_STRING or ANSI_STRING with a buffer of `max` bytes. */
function buffer(max: number, text = ''): Ptr {
  const block = k.pool.allocate(16 + max + 2, 'Test', { system: true })
  memory.setU16(block, text.length * 2)
  memory.setU16(block + 2, max)
  memory.setPtr(block + 8, block + 16)
  memory.setText16(block + 16, text)
  return block
}

const length = (string: Ptr): number => memory.u16(string)
const max = (string: Ptr): number => memory.u16(string + 2)

describe('strings', () => {
  test('RtlInitUnicodeString: lengths in bytes, the pointer as it was', () => {
    const source = memory.ptr(buffer(8, 'abc') + 8)
    const target = buffer(0)
    initString(memory, target, source, true)
    expect([length(target), max(target), memory.ptr(target + 8)]).toEqual([6, 8, source])
    initString(memory, target, 0, true)
    expect([length(target), max(target), memory.ptr(target + 8)]).toEqual([0, 0, 0])
  })

  test('RtlCompareUnicodeString', () => {
    expect(compareText('abc', 'ABC', true, 2)).toBe(0)
    expect(compareText('abc', 'ABC', false, 2)).toBeGreaterThan(0)
    expect(compareText('ab', 'abc', false, 2)).toBeLessThan(0)
    expect(compareText('', '', false, 2)).toBe(0)
  })

  test('RtlAppendUnicodeToString without room changes nothing', () => {
    const target = buffer(8, 'abc')
    const before = memory.read(target, 26)
    expect(appendText(memory, target, 'de')).toBe(STATUS_BUFFER_TOO_SMALL)
    expect(memory.read(target, 26)).toEqual(before)
    expect(appendText(memory, target, 'd')).toBe(STATUS_SUCCESS)
    expect(unicodeText(memory, target)).toBe('abcd')
  })
})

test('RtlAppendUnicodeToString terminates only where there is room', () => {
  const target = buffer(8, 'ab')
  memory.setText16(target + 16, 'abXXY')
  expect(appendText(memory, target, 'c')).toBe(STATUS_SUCCESS)
  expect(memory.u16(target + 16 + 6)).toBe(0)
  expect(appendText(memory, target, 'd')).toBe(STATUS_SUCCESS)
  expect(memory.u16(target + 16 + 8)).toBe('Y'.charCodeAt(0))
})

test('RtlCopyUnicodeString cuts off without an error', () => {
  const target = buffer(4)
  copyString(memory, target, buffer(10, 'abcde'), true)
  expect(unicodeText(memory, target)).toBe('ab')
  copyString(memory, target, 0, true)
  expect(length(target)).toBe(0)
})

test('RtlUnicodeStringToAnsiString allocates, fits, or cuts off', () => {
  const target = buffer(0)
  expect(storeAnsi(k, target, 'h€llo', true)).toBe(STATUS_SUCCESS)
  const text = memory.ptr(target + 8)
  expect([length(target), max(target)]).toEqual([5, 6])
  expect([...memory.read(text, 6)]).toEqual([0x68, 0x80, 0x6c, 0x6c, 0x6f, 0])
  freeString(k, target)
  expect(memory.ptr(target + 8)).toBe(0)
  expect(k.pool.block(text)).toBeUndefined()
  const small = buffer(3)
  expect(storeAnsi(k, small, 'hello', false)).toBe(STATUS_BUFFER_OVERFLOW)
  expect(memory.sz(small + 16)).toBe('he')
})

test('RtlAnsiStringToUnicodeString needs room for the terminator', () => {
  const options = { allocate: false, terminated: true, short: STATUS_BUFFER_OVERFLOW }
  expect(storeUnicode(k, buffer(6), 'abc', options)).toBe(STATUS_BUFFER_OVERFLOW)
  const target = buffer(8)
  expect(storeUnicode(k, target, 'abc', options)).toBe(STATUS_SUCCESS)
  expect(unicodeText(memory, target)).toBe('abc')
})

test('the ANSI code page keeps what it has and shows ? for the rest', () => {
  expect(decodeAnsi(encodeAnsi('Žluťoučký kůň €'))).toBe('Žlu?ou?ký k?? €'.replace('ň', '?'))
  fc.assert(
    fc.property(fc.nat(0xff), (code) => {
      const byte = String.fromCharCode(code)
      expect(encodeAnsi(decodeAnsi(byte))).toBe(byte)
    }),
  )
})

test('integers go there and back in every base', () => {
  const target = buffer(80)
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.constantFrom(0, 2, 8, 10, 16), (value, base) => {
      expect(integerToUnicode(k, BigInt(value), base, target)).toBe(STATUS_SUCCESS)
      expect(textToInteger(unicodeText(memory, target), base)).toBe(value)
    }),
  )
  expect(integerToUnicode(k, 1n, 7, target)).toBe(STATUS_INVALID_PARAMETER)
  expect(integerToUnicode(k, 100n, 10, buffer(4))).toBe(STATUS_BUFFER_OVERFLOW)
})

test.each([
  ['  42', 0, 42],
  ['0x1F', 0, 31],
  ['0b101', 0, 5],
  ['0o17', 0, 15],
  ['-1', 10, 0xffff_ffff],
  ['12abc', 10, 12],
  ['ff', 16, 255],
  ['', 10, 0],
  ['0x1F', 16, 0],
])('RtlUnicodeStringToInteger of "%s" in base %i is %i', (text, base, value) => {
  expect(textToInteger(text, base)).toBe(value)
})

test('upper case maps one unit to one and never into ASCII from outside', () => {
  expect(upcase('straße ÿ ı ſ λ')).toBe('STRAßE Ÿ ı ſ Λ')
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(upcase(text)).toHaveLength(text.length)
      expect(upcase(upcase(text))).toBe(upcase(text))
    }),
  )
})
