import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hex, hex32, parseHex32, parsePointer, pointer } from './format'

describe('hex32', () => {
  it('writes eight upper-case digits', () => {
    expect(hex32(0xc0000010)).toBe('0xC0000010')
    expect(hex32(-1073741808)).toBe('0xC0000010')
    expect(hex32(0)).toBe('0x00000000')
    expect(hex(0xd1)).toBe('0xD1')
    expect(hex(0xffff_9a01_0000_3060n)).toBe('0xFFFF9A0100003060')
  })

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), (value) => {
        expect(parseHex32(hex32(value))).toBe(value)
      }),
    )
  })

  it.each(['', '0x', 'C0000010', '0x100000000', '0xG', ' 0x1', '-0x1'])('refuses %j', (text) => {
    expect(parseHex32(text)).toBeUndefined()
  })
})

describe('pointer', () => {
  it('writes sixteen upper-case digits', () => {
    expect(pointer(0xffff_9a01_0000_3060n)).toBe('0xFFFF9A0100003060')
    expect(pointer(0n)).toBe('0x0000000000000000')
    expect(pointer(-1n)).toBe('0xFFFFFFFFFFFFFFFF')
  })

  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), (address) => {
        expect(pointer(address)).toMatch(/^0x[0-9A-F]{16}$/)
        expect(parsePointer(pointer(address))).toBe(address)
      }),
    )
  })

  it('reads the debugger spelling', () => {
    expect(parsePointer('ffff9a01`00003060')).toBe(0xffff_9a01_0000_3060n)
    expect(parsePointer('0xffff9a01`00003060')).toBe(0xffff_9a01_0000_3060n)
    expect(parsePointer('0x30')).toBe(0x30n)
  })

  it.each(['', '0x', '1234', '0x10000000000000000', 'ffff`0000', '0x1`0'])('refuses %j', (text) => {
    expect(parsePointer(text)).toBeUndefined()
  })
})
