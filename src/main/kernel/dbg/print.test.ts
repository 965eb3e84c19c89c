import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { VarArg } from '../ddi/types'
import { PTE, REGIONS } from '../mm/layout'
import { Memory, plainBacking } from '../mm/memory'
import { formatPrintf } from './print'

const memory = new Memory(plainBacking())
const page = REGIONS.nonpagedPool.start
memory.commit(page, 2, PTE.read | PTE.write)

const int = (v: bigint | number): VarArg => ({ k: 'int', v: BigInt(v) })
const str = (v: string): VarArg => ({ k: 'str', v })
const ptr = (v: number): VarArg => ({ k: 'ptr', v })
const printf = (format: string, ...args: VarArg[]): string => formatPrintf(memory, format, args)

/** A zero-terminated string in memory. */
function ansi(text: string, at = page): number {
  for (let i = 0; i < text.length; i++) memory.setU8(at + i, text.charCodeAt(i))
  memory.setU8(at + text.length, 0)
  return at
}

function wide(text: string, at = page + 0x200): number {
  memory.setText16(at, text)
  memory.setU16(at + text.length * 2, 0)
  return at
}

/** UNICODE_STRING or ANSI_STRING whose characters lie at `buffer`. */
function counted(length: number, buffer: number, at = page + 0x400): number {
  memory.setU16(at, length)
  memory.setU16(at + 2, length)
  memory.setPtr(at + 8, buffer)
  return at
}

describe('integers', () => {
  test.each<[string, VarArg[], string]>([
    ['%d', [int(-5)], '-5'],
    ['%i', [int(0xffff_ffffn)], '-1'],
    ['%u', [int(-1)], '4294967295'],
    ['%x', [int(0xc000_0010n)], 'c0000010'],
    ['%X', [int(0xbeef)], 'BEEF'],
    ['%08x', [int(0xbeef)], '0000beef'],
    ['%#x', [int(255)], '0xff'],
    ['%#010x', [int(255)], '0x000000ff'],
    ['%#x', [int(0)], '0'],
    ['%#o', [int(8)], '010'],
    ['%o', [int(8)], '10'],
    ['%5d|%-5d|', [int(42), int(42)], '   42|42   |'],
    ['%05d', [int(-42)], '-0042'],
    ['%+d % d', [int(7), int(7)], '+7  7'],
    ['%.3d', [int(7)], '007'],
    ['%05.3d', [int(7)], '  007'],
    ['%.0d', [int(0)], ''],
    ['%*d', [int(4), int(1)], '   1'],
    ['%-*d|', [int(4), int(1)], '1   |'],
    ['%*d|', [int(-4), int(1)], '1   |'],
    ['%.*d', [int(3), int(1)], '001'],
    ['%hd', [int(0x1ffff)], '-1'],
    ['%hu', [int(0x1ffff)], '65535'],
    ['%hhx', [int(0x1234)], '34'],
    ['%ld', [int(0x1_0000_0001n)], '1'],
    ['%lu', [int(-1)], '4294967295'],
    ['%lld', [int(-1)], '-1'],
    ['%llu', [int(-1)], '18446744073709551615'],
    ['%I64x', [int(0xffff_8000_0000_0000n)], 'ffff800000000000'],
    ['%I64d', [int(-9_000_000_000n)], '-9000000000'],
    ['%I32u', [int(-1)], '4294967295'],
    ['%Iu', [int(1n << 40n)], '1099511627776'],
    ['%zu', [int(1n << 33n)], '8589934592'],
    ['%d', [], '0'],
  ])('%s %#', (format, args, expected) => {
    expect(printf(format, ...args)).toBe(expected)
  })

  test('a percent sign, unknown conversions and floating point come out as they stand', () => {
    expect(printf('100%% %f %y %', int(1))).toBe('100% %f %y %')
  })

  test('any 32-bit number reads back in every radix', () => {
    fc.assert(
      fc.property(fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }), (value) => {
        expect(Number(printf('%d', int(value)))).toBe(value)
        expect(parseInt(printf('%x', int(value)), 16)).toBe(value >>> 0)
        expect(parseInt(printf('%o', int(value)), 8)).toBe(value >>> 0)
        expect(Number(printf('%u', int(value)))).toBe(value >>> 0)
      }),
    )
  })

  test('the width is a minimum and never cuts', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.nat(40),
        fc.constantFrom('', '-', '0', '+'),
        (value, width, flag) => {
          const plain = printf(flag === '+' ? '%+d' : '%d', int(value))
          const padded = printf(`%${flag}${width === 0 ? '' : width}d`, int(value))
          expect(padded.length).toBe(Math.max(width, plain.length))
          expect(Number(padded)).toBe(Number(plain))
        },
      ),
    )
  })
})

describe('pointers and characters', () => {
  test('a pointer is 16 upper-case digits', () => {
    expect(printf('%p', ptr(page))).toBe(memory.format(page).slice(2))
    expect(printf('%p', int(0))).toBe('0000000000000000')
    expect(printf('%20p|', int(0xabc))).toBe('    0000000000000ABC|')
  })

  test('%c takes a byte, %C and %wc a wide character', () => {
    expect(printf('%c%C%wc%lc', int(0x141), int(0x141), int(0x141), int(0x41))).toBe('AŁŁA')
    expect(formatPrintf(memory, '%c%C', [int(0x141), int(0x141)], true)).toBe('ŁA')
  })
})

describe('strings', () => {
  test('from memory, by the width of the conversion', () => {
    expect(printf('%s', ptr(ansi('hello')))).toBe('hello')
    expect(printf('%S|%ws|%ls', ptr(wide('weit')), ptr(wide('weit')), ptr(wide('weit')))).toBe(
      'weit|weit|weit',
    )
    expect(printf('%hs', ptr(ansi('narrow')))).toBe('narrow')
    expect(formatPrintf(memory, '%s %S', [ptr(wide('w')), ptr(ansi('a'))], true)).toBe('w a')
  })

  test('script strings serve every conversion', () => {
    expect(printf('%s %S %ws %wZ %Z', str('a'), str('b'), str('c'), str('d'), str('e'))).toBe(
      'a b c d e',
    )
  })

  test('NULL is (null)', () => {
    expect(printf('%s %ws %wZ', int(0), ptr(0), ptr(0))).toBe('(null) (null) (null)')
    expect(printf('%wZ', ptr(counted(0, 0)))).toBe('(null)')
  })

  test('precision limits what is read: an unterminated string does not fault', () => {
    const end = page + 2 * 4096
    memory.fill(end - 4, 4, 0x41)
    expect(printf('%.4s', ptr(end - 4))).toBe('AAAA')
    expect(() => printf('%s', ptr(end - 4))).toThrow()
  })

  test('counted strings print Length bytes, embedded zeros or not', () => {
    expect(printf('%wZ', ptr(counted(4, wide('Device'))))).toBe('De')
    expect(printf('%Z', ptr(counted(3, ansi('Device'))))).toBe('Dev')
    expect(printf('%.2wZ', ptr(counted(12, wide('Device'))))).toBe('De')
    expect(printf('%8wZ|%-8wZ|', str('abc'), str('abc'))).toBe('     abc|abc     |')
  })

  test('a number given for a string is an address', () => {
    expect(printf('%s', int(memory.address(ansi('there'))))).toBe('there')
  })
})
