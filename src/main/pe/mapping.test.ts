import { describe, expect, test } from 'vitest'
import type { Section } from '../../shared/driver-file/facts'
import type { Layout } from './mapping'
import { Mapping } from './mapping'
import { decodeUtf16, Reader } from './reader'

function section(part: Partial<Section>): Section {
  return {
    ...{ name: '.text', rva: 0x1000, virtualSize: 0x300, offset: 0x400, rawSize: 0x400 },
    ...{ entropy: 0, flags: 'RX', characteristics: 0x6000_0020 },
    ...part,
  }
}

function mapping(sections: Section[], part: Partial<Layout> = {}): Mapping {
  const bytes = new Uint8Array(0x1000).map((_, index) => index & 0xff)
  const layout = { sizeOfHeaders: 0x400, sectionAlignment: 0x1000, fileAlignment: 0x200 }
  return new Mapping(new Reader(bytes), { ...layout, sections, ...part })
}

describe('a reader', () => {
  const reader = new Reader(Uint8Array.of(1, 2, 3, 4, 0x80, 0xff, 0xff, 0xff))

  test('reads little-endian numbers', () => {
    expect(reader.u16(1)).toBe(0x0302)
    expect(reader.u32(0)).toBe(0x04030201)
    expect(reader.i32(4)).toBe(-128)
    expect(reader.u64(0)).toBe(0xffffff8004030201n)
    expect(reader.u64Number(0)).toBe(0xffffff80 * 2 ** 32 + 0x04030201)
  })

  test.each([-1, 7, 8, 2 ** 40, Number.NaN, Number.POSITIVE_INFINITY])(
    'reads zero and nothing at %d, where not all bytes exist',
    (offset) => {
      expect(reader.u16(offset)).toBe(0)
      expect(reader.u32(offset)).toBe(0)
      expect(reader.u64(offset)).toBe(0n)
      expect(reader.has(offset, 2)).toBe(false)
      expect(() => reader.text(offset) + reader.wideText(offset)).not.toThrow()
    },
  )

  test('ends a text at its NUL, its limit or the end of the file', () => {
    const text = new Reader(Buffer.from('abc\0def'))
    expect([text.text(0), text.text(0, 2), text.text(4)]).toEqual(['abc', 'ab', 'def'])
    const wide = new Reader(Buffer.from('ab\0cd', 'utf16le'))
    expect([wide.wideText(0), wide.wideText(6), wide.wideText(0, 1)]).toEqual(['ab', 'cd', 'a'])
    expect(decodeUtf16(Uint8Array.of(0x41, 0, 0x42))).toBe('A')
  })
})

describe('a mapping', () => {
  const two = mapping([
    section({}),
    section({ name: '.data', rva: 0x2000, virtualSize: 0x1800, offset: 0x800, characteristics: 0 }),
  ])

  test('finds bytes of sections and of headers, and no byte where memory is zero-filled', () => {
    expect(two.offsetOf(0x1010)).toBe(0x410)
    // Raw data after the virtual size is mapped up to the page's end.
    expect(two.offsetOf(0x13ff)).toBe(0x7ff)
    expect(two.offsetOf(0x1400)).toBeNull()
    expect(two.offsetOf(0x2000)).toBe(0x800)
    expect(two.offsetOf(0x3000)).toBeNull()
    expect(two.offsetOf(0x3c)).toBe(0x3c)
    expect(two.offsetOf(0x400)).toBeNull()
    expect(two.offsetOf(0x9000)).toBeNull()
    expect(two.offsetOf(-1)).toBeNull()
  })

  test('names the section, also for its zero-filled part, and whether it may run', () => {
    expect(two.sectionOf(0x37ff)?.name).toBe('.data')
    expect(two.sectionOf(0x4000)).toBeNull()
    expect([two.isExecutable(0x1000), two.isExecutable(0x2000), two.isExecutable(0)]).toEqual([
      ...[true, false, false],
    ])
  })

  test('goes back from offsets to addresses', () => {
    expect(two.rvaOf(0x410)).toBe(0x1010)
    expect(two.rvaOf(0x10)).toBe(0x10)
    expect(two.rvaOf(0xff0)).toBeNull()
  })

  test('hands out bytes up to the end of the data', () => {
    expect([...two.bytesAt(0x13fe, 16)]).toEqual([0xfe, 0xff])
    expect(two.available(0x13fe)).toBe(2)
    expect(two.bytesAt(0x1400, 16)).toHaveLength(0)
    expect(two.u32At(0x1000)).toBe(0x03020100)
  })

  test('rounds raw offsets down to a sector, and not in images of low alignment', () => {
    const odd = section({ offset: 0x410 })
    expect(mapping([odd]).offsetOf(0x1000)).toBe(0x400)
    const low = mapping([odd], { sectionAlignment: 0x10, fileAlignment: 0x10 })
    expect(low.offsetOf(0x1000)).toBe(0x410)
  })

  test('lets the first of overlapping sections win, whatever was asked before', () => {
    const overlapping = mapping([
      section({ rva: 0x2000, name: 'b' }),
      section({ rva: 0x1000, virtualSize: 0x1800, name: 'a' }),
    ])
    expect(overlapping.sectionOf(0x1000)?.name).toBe('a')
    expect(overlapping.sectionOf(0x2000)?.name).toBe('b')
  })

  test('takes a section that lies behind the end of the file as empty', () => {
    const beyond = mapping([section({ offset: 0x1_0000 })])
    expect(beyond.offsetOf(0x1000)).toBeNull()
    expect(beyond.bytesAt(0x1000, 4)).toHaveLength(0)
  })
})
