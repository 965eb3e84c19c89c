import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { PAGE_SIZE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { inDriver, scratch } from '../testing/in-driver'
import type { DriverApi } from '../testing/machine'

/** Address of a zero-terminated wide string. */
const wide = (d: DriverApi, text: string): Ptr => d.k.memory.ptr(d.string(text) + 8)

describe('counted strings', () => {
  test('init, compare, append', () => {
    inDriver(function* (d) {
      const { memory } = d.k
      const [a, b] = [scratch(d, 16), scratch(d, 16)]
      yield* d.ddi('RtlInitUnicodeString', a, wide(d, 'abc'))
      expect([memory.u16(a), memory.u16(a + 2), memory.ptr(a + 8)]).toEqual([6, 8, wide(d, 'abc')])
      yield* d.ddi('RtlInitUnicodeString', b, null)
      expect([memory.u16(b), memory.u16(b + 2), memory.ptr(b + 8)]).toEqual([0, 0, 0])
      const compare = (x: string, y: string, ignore: boolean) =>
        d.ddi('RtlCompareUnicodeString', d.string(x), d.string(y), ignore)
      expect(yield* compare('abc', 'ABC', true)).toBe(0)
      expect((yield* compare('abc', 'ABC', false)) | 0).toBeGreaterThan(0)
      expect((yield* compare('ab', 'abc', false)) | 0).toBeLessThan(0)
      const text = scratch(d, 32)
      yield* d.ddi('RtlInitEmptyUnicodeString', text, text + 16, 6)
      expect(yield* d.ddi('RtlAppendUnicodeToString', text, 'abcd')).toBe(STATUS_BUFFER_TOO_SMALL)
      expect([memory.u16(text), memory.u16(text + 16)]).toEqual([0, 0])
      expect(yield* d.ddi('RtlAppendUnicodeToString', text, 'abc')).toBe(STATUS_SUCCESS)
      expect(yield* d.ddi('RtlAppendUnicodeStringToString', text, d.string('d'))).toBe(
        STATUS_BUFFER_TOO_SMALL,
      )
      expect(yield* d.ddi('RtlEqualUnicodeString', text, d.string('ABC'), true)).toBe(1)
      expect(yield* d.ddi('RtlPrefixUnicodeString', d.string('AB'), text, true)).toBe(1)
      expect(yield* d.ddi('RtlPrefixUnicodeString', d.string('abcd'), text, true)).toBe(0)
      return 0
    })
  })

  test('a converted string is the driver’s to free: forgotten, it is a leak', () => {
    for (const free of [true, false]) {
      const machine = inDriver(function* (d) {
        const target = scratch(d, 16)
        expect(yield* d.ddi('RtlUnicodeStringToAnsiString', target, d.string('toy'), true)).toBe(0)
        expect(d.k.memory.sz(d.k.memory.ptr(target + 8))).toBe('toy')
        if (free) yield* d.ddi('RtlFreeAnsiString', target)
        expect(d.k.pool.blocksOf('toy')).toHaveLength(free ? 0 : 1)
        return 0
      })
      expect(machine.bugCheck).toBeNull()
    }
  })

  test('numbers', () => {
    inDriver(function* (d) {
      const text = scratch(d, 64)
      yield* d.ddi('RtlInitEmptyUnicodeString', text, text + 16, 40)
      yield* d.ddi('RtlIntegerToUnicodeString', 0xbeef, 16, text)
      expect(yield* d.ddi('RtlEqualUnicodeString', text, d.string('BEEF'), false)).toBe(1)
      const value = d.out()
      expect(yield* d.ddi('RtlUnicodeStringToInteger', text, 16, value)).toBe(STATUS_SUCCESS)
      expect(value.value).toBe(0xbeef)
      expect(yield* d.ddi('RtlUnicodeStringToInteger', text, 5, value)).toBe(
        STATUS_INVALID_PARAMETER,
      )
      return 0
    })
  })
})

describe('safe strings', () => {
  test('RtlStringCbPrintfW counts bytes, RtlStringCchPrintfW characters', () => {
    inDriver(function* (d) {
      const { memory } = d.k
      const to = scratch(d, 64)
      expect(yield* d.ddi('RtlStringCbPrintfW', to, 64, 'x=%d', 42)).toBe(STATUS_SUCCESS)
      expect(memory.wsz(to)).toBe('x=42')
      expect(yield* d.ddi('RtlStringCbPrintfW', to, 8, 'abcdef')).toBe(STATUS_BUFFER_OVERFLOW)
      expect(memory.wsz(to)).toBe('abc')
      expect(yield* d.ddi('RtlStringCchPrintfW', to, 5, 'abcdef')).toBe(STATUS_BUFFER_OVERFLOW)
      expect(memory.wsz(to)).toBe('abcd')
      expect(yield* d.ddi('RtlStringCbPrintfW', to, 0, 'a')).toBe(STATUS_INVALID_PARAMETER)
      expect(yield* d.ddi('RtlStringCbPrintfA', to, 6, '%s', 'narrow')).toBe(STATUS_BUFFER_OVERFLOW)
      expect(memory.sz(to)).toBe('narro')
      return 0
    })
  })

  test('copy, append, length', () => {
    inDriver(function* (d) {
      const { memory } = d.k
      const to = scratch(d, 64)
      expect(yield* d.ddi('RtlStringCbCopyW', to, 16, 'abc')).toBe(STATUS_SUCCESS)
      expect(yield* d.ddi('RtlStringCbCatW', to, 16, 'def')).toBe(STATUS_SUCCESS)
      expect(memory.wsz(to)).toBe('abcdef')
      expect(yield* d.ddi('RtlStringCbCatW', to, 16, 'xyz')).toBe(STATUS_BUFFER_OVERFLOW)
      expect(memory.wsz(to)).toBe('abcdefx')
      const length = d.out()
      expect(yield* d.ddi('RtlStringCbLengthW', to, 64, length)).toBe(STATUS_SUCCESS)
      expect(length.value).toBe(14n)
      expect(yield* d.ddi('RtlStringCchLengthW', to, 7, length)).toBe(STATUS_INVALID_PARAMETER)
      expect(yield* d.ddi64('wcslen', to)).toBe(7n)
      return 0
    })
  })

  test('the C library copies and appends', () => {
    inDriver(function* (d) {
      const { memory } = d.k
      const to = scratch(d, 64)
      expect(yield* d.ddi('strcpy', to, 'abc')).toBe(to)
      expect(yield* d.ddi('strcat', to, 'déf')).toBe(to)
      expect([...memory.read(to, 8)]).toEqual([0x61, 0x62, 0x63, 0x64, 0xe9, 0x66, 0, 0])
      yield* d.ddi('wcscpy', to, 'wide')
      yield* d.ddi('wcscat', to, '\u4e2d')
      expect(memory.wsz(to)).toBe('wide\u4e2d')
      return 0
    })
  })

  test('never writes beyond the size that is given', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.integer({ min: 1, max: 20 }), (text, size) => {
        inDriver(function* (d) {
          const to = scratch(d, 64)
          d.k.memory.fill(to, 64, 0xcc)
          yield* d.ddi('RtlStringCchCopyW', to, size, text)
          expect([...d.k.memory.read(to + size * 2, 8)]).toEqual(new Array(8).fill(0xcc))
          expect(d.k.memory.wsz(to)).toBe(text.slice(0, size - 1).split('\0')[0])
          return 0
        })
      }),
      { numRuns: 20 },
    )
  })
})

describe('memory', () => {
  test('copy, overlapping or not, over pages, against an array', () => {
    fc.assert(
      fc.property(fc.nat(9000), fc.nat(9000), fc.nat(9000), (from, to, length) => {
        inDriver(function* (d) {
          const { memory } = d.k
          const block = scratch(d, 5 * PAGE_SIZE)
          const model = new Uint8Array(5 * PAGE_SIZE).map((_, i) => (i * 7) ^ (i >> 8))
          memory.write(block, model)
          yield* d.ddi('RtlMoveMemory', block + to, block + from, length)
          model.copyWithin(to, from, from + length)
          expect(Buffer.compare(memory.read(block, model.length), model)).toBe(0)
          return 0
        })
      }),
      { numRuns: 15 },
    )
  })

  test('fill, zero, compare', () => {
    inDriver(function* (d) {
      const [a, b] = [scratch(d, 64), scratch(d, 64)]
      yield* d.ddi('RtlFillMemory', a, 64, 0xab)
      yield* d.ddi('RtlCopyMemory', b, a, 64)
      expect(yield* d.ddi64('RtlCompareMemory', a, b, 64)).toBe(64n)
      expect(yield* d.ddi('RtlEqualMemory', a, b, 64)).toBe(1)
      d.k.memory.setU8(b + 10, 0xac)
      expect(yield* d.ddi64('RtlCompareMemory', a, b, 64)).toBe(10n)
      expect((yield* d.ddi('memcmp', a, b, 64)) | 0).toBeLessThan(0)
      yield* d.ddi('RtlZeroMemory', a, 64)
      expect(d.k.memory.read(a, 64).every((byte) => byte === 0)).toBe(true)
      return 0
    })
  })

  test.each(['RtlZeroMemory', 'RtlCopyMemory'])(
    'a wild length in %s ends in a fault and not in the host',
    (routine) => {
      const machine = inDriver(function* (d) {
        const [a, b] = [scratch(d, 64), scratch(d, 64)]
        yield* routine === 'RtlZeroMemory'
          ? d.ddi(routine, a, 0x7fff_ffff)
          : d.ddi(routine, a, b, 0x7fff_ffff)
        return 0
      })
      expect(machine.bugCheck?.code).toBe(0x50)
    },
  )
})

describe('DbgPrint', () => {
  test('one event for each call, the last newline kept out', () => {
    const machine = inDriver(function* (d) {
      yield* d.ddi('DbgPrint', 'two\nlines %d\n', 1)
      yield* d.ddi('DbgPrint', 'no newline')
      yield* d.ddi('DbgPrintEx', 77, 3, '%wZ\r\n', d.k.memory.address(d.string('\\Device\\Toy')))
      yield* d.ddi('KdPrint', 'x'.repeat(600))
      return 0
    })
    const [first, second, third, fourth] = machine.of('dbgprint').map((event) => event.text)
    expect([first, second]).toEqual(['two\nlines 1', 'no newline'])
    expect(third).toBe('\\Device\\Toy')
    expect(fourth).toHaveLength(512)
    expect(machine.of('ddi.called').filter((event) => event.name === 'DbgPrint')).toEqual([])
  })

  test('at any IRQL', () => {
    const machine = inDriver(function* (d) {
      const old = d.out()
      yield* d.ddi('KeRaiseIrql', 15, old)
      yield* d.ddi('DbgPrint', 'high')
      yield* d.ddi('KeLowerIrql', 0)
      return 0
    })
    expect(machine.of('dbgprint')[0]).toMatchObject({ text: 'high', irql: 15 })
    expect(machine.bugCheck).toBeNull()
  })
})
