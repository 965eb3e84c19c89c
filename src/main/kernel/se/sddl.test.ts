import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TestMachine } from '../testing/machine'
import { descriptorBytes, readDescriptor, type Descriptor } from './descriptor'
import { formatDacl, parseDeviceSddl, parseSddl, SddlError } from './sddl'
import { parseSid, sidBytes, sidFromBytes } from './sid'

describe('SIDs', () => {
  test.each([
    ['S-1-5-18', [1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0]],
    ['S-1-5-32-544', [1, 2, 0, 0, 0, 0, 0, 5, 32, 0, 0, 0, 32, 2, 0, 0]],
  ])('%s has the bytes that Windows has', (sid, bytes) => {
    expect([...sidBytes(sid)]).toEqual(bytes)
    expect(sidFromBytes(sidBytes(sid))).toBe(sid)
  })

  test('what is no SID is none', () => {
    for (const text of ['', 'S-1', 'S-2-5-18', 'S-1-5-x', 'S-1-5-4294967296', 'BA'])
      expect(parseSid(text)).toBeNull()
    expect(sidFromBytes(new Uint8Array([1, 15, 0, 0, 0, 0, 0, 5]))).toBeNull()
  })
})

describe('SDDL', () => {
  test('entries keep their order, flags, rights and SIDs', () => {
    const sd = parseSddl(
      'O:BAG:SYD:P(D;;GW;;;BU)(A;OICI;GRGX;;;S-1-5-21-1-2-3-1001)(A;;0x1201bf;;;WD)',
    )
    expect(sd.owner).toBe('S-1-5-32-544')
    expect(sd.group).toBe('S-1-5-18')
    expect(sd.control).toBe(0x1000)
    expect(sd.dacl).toEqual([
      { type: 'deny', flags: 0, mask: 0x4000_0000, sid: 'S-1-5-32-545' },
      { type: 'allow', flags: 3, mask: 0xa000_0000, sid: 'S-1-5-21-1-2-3-1001' },
      { type: 'allow', flags: 0, mask: 0x1201bf, sid: 'S-1-1-0' },
    ])
  })

  test('an empty DACL, none at all, and NO_ACCESS_CONTROL differ', () => {
    expect(parseSddl('D:').dacl).toEqual([])
    expect(parseSddl('O:BA').dacl).toBeNull()
    expect(parseSddl('D:NO_ACCESS_CONTROL').dacl).toBeNull()
  })

  test.each([
    'X',
    'D:P(A;;GA;;;SY',
    'D:P(A;;GA;;SY)',
    'D:P(Q;;GA;;;SY)',
    'D:P(A;;ZZ;;;SY)',
    'D:P(A;;GA;;;QQ)',
    'D:P(A;XX;GA;;;SY)',
    'D:P(A;;0x1ffffffff;;;SY)',
    'D:(A;;GA;;;SY)D:(A;;GA;;;SY)',
    'D:P(OA;;CCDC;00000000-0000-0000-0000-000000000000;;SY)',
    'D:P(A;;GA;;;SY) ',
  ])('%s is refused', (text) => {
    expect(() => parseSddl(text)).toThrow(SddlError)
  })

  test('a device takes a DACL and nothing else', () => {
    expect(() => parseDeviceSddl('O:BAD:P(A;;GA;;;SY)')).toThrow(SddlError)
    expect(parseDeviceSddl('D:P(A;;GA;;;SY)').owner).toBe('S-1-5-32-544')
    expect(formatDacl(parseDeviceSddl('D:P(A;;GA;;;SY)(D;;0x1;;;WD)'))).toBe(
      'D:P(A;;GA;;;SY)(D;;0x1;;;WD)',
    )
  })

  test('any text is read or refused, never anything else', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'OGDS:();APBUWYR0x1-5,') }), (text) => {
        try {
          parseSddl(text)
        } catch (error) {
          expect(error).toBeInstanceOf(SddlError)
        }
      }),
    )
  })
})

describe('bytes of a descriptor', () => {
  const ace = fc.record({
    type: fc.constantFrom('allow' as const, 'deny' as const, 'audit' as const),
    flags: fc.integer({ min: 0, max: 31 }),
    mask: fc.nat(),
    sid: fc.constantFrom('S-1-5-18', 'S-1-5-32-544', 'S-1-1-0', 'S-1-5-21-1-2-3-1001'),
  })

  test('are read back as they were written', () => {
    const { k } = new TestMachine()
    const at = k.pool.allocate(4096, 'Test', { system: true })
    fc.assert(
      fc.property(fc.array(ace, { maxLength: 8 }), fc.boolean(), (dacl, owned) => {
        const sd: Descriptor = {
          owner: owned ? 'S-1-5-18' : null,
          group: null,
          dacl,
          sacl: null,
          control: 0x1000,
        }
        k.memory.write(at, descriptorBytes(sd))
        expect(readDescriptor(k.memory, at)).toEqual(sd)
      }),
    )
  })

  test('are refused when they make no sense, and never read for ever', () => {
    const { k } = new TestMachine()
    const at = k.pool.allocate(4096, 'Test', { system: true })
    k.memory.fill(at, 4096, 0xff)
    expect(readDescriptor(k.memory, at)).toBe(0xc0000058)
    k.memory.write(
      at,
      new Uint8Array([1, 0, 4, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0]),
    )
    expect(readDescriptor(k.memory, at)).toBe(0xc0000077)
  })
})
