import * as asn1js from 'asn1js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Der, DerError, isoTime, TAG } from './der'

const der = (hex: string): Der =>
  Der.at(Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex')))

describe('DER', () => {
  test('is walked by tags and offsets', () => {
    const node = der('30 08 02 01 05 04 03 61 62 63')
    expect(node.is(TAG.sequence)).toBe(true)
    const [number, text] = node.children()
    expect([number.integer(), number.start, text.start, text.next]).toEqual([5, 2, 5, 10])
    expect(Buffer.from(text.octets()).toString()).toBe('abc')
  })

  test('of indefinite length is followed to its end mark', () => {
    const node = der('30 80 24 80 04 01 61 04 02 62 63 00 00 02 01 07 00 00 ff')
    const [text, number] = node.children()
    expect(Buffer.from(text.octets()).toString()).toBe('abc')
    expect(number.integer()).toBe(7)
    expect(node.next).toBe(18)
  })

  test.each([
    ['30', 0, /ends/],
    ['30 05 02 01', 0, /beyond/],
    ['30 85 00 00 00 00 01', 0, /length of 5 bytes/],
    ['30 82 01', 0, /cut off/],
    ['1f 81 01 00', 0, /several bytes/],
    ['04 80 00 00', 0, /without a length/],
    ['30 80 02 01 07', 0, /end mark/],
    ['30 80'.repeat(200), 130, /deeply/],
  ])('%s is refused with its offset', (bytes, offset, message) => {
    const read = () => der(bytes)
    expect(read).toThrow(DerError)
    expect(read).toThrow(message)
    try {
      read()
    } catch (error) {
      expect((error as DerError).offset).toBe(offset)
    }
  })

  test.each([
    '1.2.840.113549.1.7.2',
    '1.3.6.1.4.1.311.10.3.5.1',
    '2.5.29.37',
    '2.16.840.1.101.3.4.2.1',
  ])('has the identifier %s that asn1js writes', (value) => {
    const bytes = new Uint8Array(new asn1js.ObjectIdentifier({ value }).toBER(false))
    expect(Der.at(bytes).oid()).toBe(value)
  })

  test.each([
    ['17 0d 313330343039303030303030 5a', '2013-04-09T00:00:00Z'],
    ['17 0d 393730313031303030303030 5a', '1997-01-01T00:00:00Z'],
    ['18 0f 3230323430323130313230303030 5a', '2024-02-10T12:00:00Z'],
    ['18 13 3230323430323130313230303030 2e313233 5a', '2024-02-10T12:00:00Z'],
    ['17 11 313330343039303230303030 2b30323030', '2013-04-09T00:00:00Z'],
    ['17 03 616263', ''],
    ['04 0d 313330343039303030303030 5a', ''],
  ])('time %s is %s', (bytes, time) => {
    expect(isoTime(der(bytes).time())).toBe(time)
  })

  test('fails on any bytes with a DerError or not at all', () => {
    const walk = (node: Der, depth: number): void => {
      node.text()
      node.time()
      if (depth < 8 && (node.tag & 0x20) !== 0)
        for (const child of node.children()) walk(child, depth + 1)
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        try {
          walk(Der.at(bytes), 0)
        } catch (error) {
          expect(error).toBeInstanceOf(DerError)
        }
      }),
    )
  })
})
