import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { FileFacts, Image } from '../../../shared/driver-file/facts'
import { analyse } from '../analyse'
import { AnomalyList } from '../anomalies'
import { buildImage, field, fixture, SectionWriter } from '../testing/build-image'
import { computeChecksum } from './checksum'
import { entropy, entropyMap } from './entropy'
import { Deadline } from '../deadline'
import { readVersion } from './version'

const rva = 0x1000

/** An image of one section that a test fills, with one or more directories. */
function imageOf(
  directories: Record<number, [number, number]>,
  write: (data: SectionWriter) => void,
  is64Bit = true,
): Image {
  const data = new SectionWriter(rva, 0x1000)
  write(data)
  const sections = [{ name: '.data', rva, data: data.data }]
  const { image } = analyse(buildImage({ is64Bit, sections, directories }))
  if (!image) throw new Error('no image')
  return image
}

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')

describe('imports', () => {
  test('by ordinal have the names that imphash knows, in PE32 too', () => {
    const image = imageOf(
      { 1: [rva, 60] },
      (data) => {
        data.u32(rva, 0x1100, 0, 0, 0x1200, 0x1180).u32(rva + 20, 0x1140, 0, 0, 0x1210, 0x11c0)
        data.text(0x1200, 'WS2_32.dll').text(0x1210, 'Other.ocx').text(0x1222, 'Named')
        data.u32(0x1100, 0x8000_0073, 0x8000_0009, 0).u32(0x1140, 0x8000_0005, 0x1220, 0)
      },
      false,
    )
    expect(image.is64Bit).toBe(false)
    expect(image.machine).toBe('I386')
    expect(image.imports.map(({ dll }) => dll)).toEqual(['WS2_32.dll', 'Other.ocx'])
    expect(image.imports[0].functions).toEqual([
      { name: null, ordinal: 115, slot: 0x1180 },
      { name: null, ordinal: 9, slot: 0x1184 },
    ])
    expect(image.imports[1].functions[1]).toEqual({ name: 'Named', ordinal: null, slot: 0x11c4 })
    expect(image.imphash).toBe(md5('ws2_32.wsastartup,ws2_32.htons,other.ord5,other.named'))
  })

  test('of one module in several descriptors are merged, and counted as they are written', () => {
    const image = imageOf({ 1: [rva, 80] }, (data) => {
      data.u32(rva, 0x1100, 0, 0, 0x1200, 0x1100).u32(rva + 20, 0x1120, 0, 0, 0x1210, 0x1120)
      data.u32(rva + 40, 0x1140, 0, 0, 0x1220, 0x1140)
      data.text(0x1200, 'a.sys').text(0x1210, 'B.exe').text(0x1220, 'A.SYS')
      for (const [index, name] of ['One', 'Two', 'Three'].entries()) {
        data.u32(0x1100 + index * 0x20, 0x1300 + index * 16, 0)
        data.text(0x1302 + index * 16, name)
      }
    })
    expect(image.importDescriptors).toBe(3)
    const shown = image.imports.map(({ dll, descriptors, functions }) => [
      ...[dll, descriptors, functions.map(({ name }) => name).join()],
    ])
    expect(shown).toEqual([
      ['a.sys', 2, 'One,Three'],
      ['B.exe', 1, 'Two'],
    ])
    // The hash goes by descriptors, as they stand in the file.
    expect(image.imphash).toBe(md5('a.one,b.exe.two,a.three'))
  })

  test('fall back on the address table when there is no lookup table', () => {
    const image = imageOf({ 1: [rva, 40] }, (data) => {
      data.u32(rva, 0, 0, 0, 0x1200, 0x1100).text(0x1200, 'a.sys').text(0x1302, 'Fun')
      data.u32(0x1100, 0x1300, 0)
    })
    expect(image.imports[0].functions).toEqual([{ name: 'Fun', ordinal: null, slot: 0x1100 }])
  })

  test.each([
    ['addresses relative to the image', 1, 0],
    ['absolute addresses, as old linkers wrote them', 0, 0x40_0000],
  ])('that are delayed are read from %s', (_, attributes, base) => {
    const image = imageOf(
      { 13: [rva, 64] },
      (data) => {
        const at = (value: number): number => value + base
        data.u32(rva, attributes, at(0x1200), 0, at(0x1100), at(0x1140))
        data.text(0x1200, 'late.dll').text(0x1302, 'Later').u32(0x1140, at(0x1300), 0x8000_0007)
      },
      false,
    )
    expect(image.imports).toEqual([
      {
        dll: 'late.dll',
        delayed: true,
        descriptors: 1,
        functions: [
          { name: 'Later', ordinal: null, slot: 0x1100 },
          { name: null, ordinal: 7, slot: 0x1104 },
        ],
      },
    ])
    expect(image.importDescriptors).toBe(0)
    expect(image.imphash).toBeNull()
  })
})

describe('the machine', () => {
  test.each([
    [0x8664, 'AMD64', true],
    [0x014c, 'I386', false],
    [0xaa64, 'ARM64', true],
    [0x0200, 'IA64', true],
    [0x01c4, 'ARMNT', false],
    [0x5064, '0x5064', true],
  ])('%i is %s', (machine, name, is64Bit) => {
    const section = { name: '.text', rva, data: new Uint8Array(16), virtualSize: 0x2000 }
    const { image } = analyse(buildImage({ machine, is64Bit, sections: [section] }))
    expect([image?.machine, image?.is64Bit]).toEqual([name, is64Bit])
    expect(image?.imageBase).toBe(is64Bit ? '0x140000000' : '0x400000')
  })
})

describe('exports', () => {
  test('have names, several or none, ordinals and forwarders', () => {
    const image = imageOf({ 0: [rva, 0x200] }, (data) => {
      data.u32(rva + 12, 0x1100, 10, 4, 3, 0x1040, 0x1060, 0x1080)
      data.u32(0x1040, 0x5000, 0, 0x1110, 0x6000)
      data.u32(0x1060, 0x1120, 0x1130, 0x1140).u16(0x1080, 0, 2, 0)
      data.text(0x1100, 'self.sys').text(0x1110, 'NTOSKRNL.Other')
      data.text(0x1120, 'First').text(0x1130, 'Away').text(0x1140, 'Again')
    })
    expect(image.exports).toEqual({
      dll: 'self.sys',
      functions: [
        { name: 'First', ordinal: 10, rva: 0x5000, forwarder: null },
        { name: 'Again', ordinal: 10, rva: 0x5000, forwarder: null },
        { name: 'Away', ordinal: 12, rva: 0x1110, forwarder: 'NTOSKRNL.Other' },
        { name: null, ordinal: 13, rva: 0x6000, forwarder: null },
      ],
    })
  })
})

describe('debug data', () => {
  const offset = 0x400

  function debugOf(write: (data: SectionWriter) => void, size: number): Image {
    return imageOf({ 6: [rva, size] }, write)
  }

  test('of Visual C++ 6 has a stamp for a GUID', () => {
    const image = debugOf((data) => {
      data.u32(rva, 0, 0x5000_0000, 0, 2, 32, 0x1100, offset + 0x100)
      data.u32(0x1100, 0x3031_424e, 0, 0x1234_abcd, 3).text(0x1110, 'old.pdb')
    }, 28)
    expect(image.debug).toEqual([
      { type: 'CODEVIEW', time: '2012-07-13T11:01:20Z', pdb: 'old.pdb', guid: '1234abcd', age: 3 },
    ])
  })

  test('has path, GUID and age; a reproducible build has no times', () => {
    const image = debugOf((data) => {
      data.u32(rva, 0, 0x5000_0000, 0, 2, 64, 0x1100, offset + 0x100)
      data.u32(rva + 28, 0, 0x5000_0000, 0, 16, 0, 0, 0).u32(rva + 56, 0, 0, 0, 99, 0, 0, 0)
      data.u32(0x1100, 0x5344_5352, 0x1122_3344, 0x7788_5566, 0x0302_0100, 0x0706_0504, 12)
      data.text(0x1118, 'C:\\b\\drv.pdb')
    }, 84)
    expect(image.debug).toEqual([
      {
        type: 'CODEVIEW',
        time: null,
        pdb: 'C:\\b\\drv.pdb',
        guid: '11223344-5566-7788-0001-020304050607',
        age: 12,
      },
      { type: 'REPRO', time: null, pdb: null, guid: null, age: null },
      { type: '99', time: null, pdb: null, guid: null, age: null },
    ])
    expect(image.timeIsHash).toBe(true)
    expect(image.compiled).toBeNull()
  })
})

describe('resources', () => {
  test('have types, names and languages, by number and by text', () => {
    const image = imageOf({ 2: [rva, 0x400] }, (data) => {
      data.u16(rva + 12, 1, 1).u32(rva + 16, 0x8000_0200, 0x8000_0040, 24, 0x8000_0060)
      data.u16(0x1040 + 14, 1).u32(0x1050, 7, 0x100)
      data.u16(0x1060 + 14, 1).u32(0x1070, 1, 0x8000_0080)
      data.u16(0x1080 + 14, 1).u32(0x1090, 1033, 0x120)
      data.u32(0x1100, 0x1300, 16).u32(0x1120, 0x1310, 8)
      data.u16(0x1200, 3, 0x4d, 0x4f, 0x46)
    })
    expect(image.resources).toEqual([
      { type: 'MOF', name: '7', language: 0, offset: 0x700, size: 16 },
      { type: 'RT_MANIFEST', name: '1', language: 1033, offset: 0x710, size: 8 },
    ])
  })

  test('of version information may name keys like properties of objects', () => {
    const string = (key: string, value: string): Buffer => {
      const head = Buffer.alloc(6)
      const body = Buffer.from(`${key}\0`, 'utf16le')
      const pad = Buffer.alloc((4 - ((6 + body.length) % 4)) % 4)
      const text = Buffer.from(`${value}\0`, 'utf16le')
      head.writeUInt16LE(6 + body.length + pad.length + text.length, 0)
      head.writeUInt16LE(value.length + 1, 2)
      return Buffer.concat([head, body, pad, text, Buffer.alloc((4 - (text.length % 4)) % 4)])
    }
    const block = (key: string, ...children: Buffer[]): Buffer => {
      const empty = string(key, '').subarray(0, 6 + (key.length + 1) * 2)
      const pad = Buffer.alloc((4 - (empty.length % 4)) % 4)
      const all = Buffer.concat([empty, pad, ...children])
      all.writeUInt16LE(all.length, 0)
      all.writeUInt16LE(0, 2)
      return all
    }
    const table = block('040904B0', string('__proto__', 'evil'), string('ProductName', 'A'))
    const bytes = block('VS_VERSION_INFO', block('StringFileInfo', table))
    const info = readVersion(bytes, 0, new AnomalyList())
    expect(Object.entries(info?.strings ?? {})).toEqual([
      ['__proto__', 'evil'],
      ['ProductName', 'A'],
    ])
    expect(info?.languages).toEqual(['040904b0'])
    expect(info?.fileVersion).toBeNull()
  })
})

describe('relocations and the load configuration', () => {
  test('count blocks and entries without padding', () => {
    const image = imageOf({ 5: [rva, 24] }, (data) => {
      data.u32(rva, 0x1000, 12).u16(rva + 8, 0xa010, 0)
      data.u32(rva + 12, 0x2000, 12).u16(rva + 20, 0xa000, 0xa008)
    })
    expect(image.relocations).toEqual({ blocks: 2, entries: 3 })
  })

  test.each([
    ['64-bit', true, [88, 0x1000, 1], [136, 5], [144, 0x0001_0500], '0x100001000'],
    ['32-bit', false, [60, 0x1000], [84, 5], [88, 0x0001_0500], '0x1000'],
  ])('show cookie and Control Flow Guard of %s images', (_, is64Bit, cookie, count, flags, hex) => {
    const image = imageOf(
      { 10: [rva, 0xa0] },
      (data) => {
        data.u32(rva, 0xa0)
        for (const [at, ...values] of [cookie, count, flags]) data.u32(rva + at, ...values)
      },
      is64Bit,
    )
    expect(image.loadConfig).toEqual({
      ...{ size: 0xa0, securityCookie: hex, cfg: true, guardFlags: 0x10500, guardFunctions: 5 },
    })
  })

  test('of an old size has no Control Flow Guard', () => {
    const image = imageOf(
      { 10: [rva, 0x48] },
      (data) => {
        data
          .u32(rva, 0x48)
          .u32(rva + 60, 0x1000)
          .u32(rva + 88, 0xffff)
      },
      false,
    )
    expect(image.loadConfig).toMatchObject({ securityCookie: '0x1000', cfg: false, guardFlags: 0 })
  })
})

describe('what lies behind the sections', () => {
  const lantern = fixture('lantern.sys')
  const unsigned = analyse(lantern).image as Image

  /** lantern.sys with a certificate table of zeros, and with bytes before and behind it. */
  function withTable(before: Uint8Array, table: number, behind: Uint8Array): FileFacts {
    const bytes = Buffer.concat([lantern, before, Buffer.alloc(table), behind])
    const entry = lantern.readUInt32LE(0x3c) + 24 + 112 + 4 * 8
    bytes.writeUInt32LE(lantern.length + before.length, entry)
    bytes.writeUInt32LE(table, entry + 4)
    return analyse(bytes)
  }

  const digest = (...pieces: Uint8Array[]): string => {
    const checksum = lantern.readUInt32LE(0x3c) + 24 + 64
    const entry = lantern.readUInt32LE(0x3c) + 24 + 112 + 4 * 8
    const hash = createHash('sha256').update(lantern.subarray(0, checksum))
    hash.update(lantern.subarray(checksum + 4, entry)).update(lantern.subarray(entry + 8))
    for (const piece of pieces) hash.update(piece)
    return hash.digest('hex')
  }

  test('is no overlay when it is the certificate table', () => {
    const { image } = withTable(new Uint8Array(0), 64, new Uint8Array(0))
    expect(image?.overlay).toBeNull()
    expect(image?.certificateTable).toEqual({ offset: 6656, size: 64 })
    expect(image?.authentihash).toEqual(unsigned.authentihash)
    expect(image?.authentihash?.sha256).toBe(digest())
    expect(image?.pageHash).toEqual(unsigned.pageHash)
  })

  test('is overlay before and behind the table, and signed', () => {
    const [before, behind] = [Buffer.alloc(16, 'before'), Buffer.from('behind!!')]
    const { image } = withTable(before, 64, behind)
    expect(image?.overlay).toMatchObject({ offset: 6656, size: 24 })
    expect(image?.authentihash?.sha256).toBe(digest(before, behind))
  })

  test('is no overlay when it only aligns the table, wherever the table lies', () => {
    expect(withTable(Buffer.alloc(5), 64, new Uint8Array(0)).image?.overlay).toBeNull()
    const odd = withTable(Buffer.from('odd'), 64, new Uint8Array(0))
    expect(odd.image?.authentihash?.sha256).toBe(digest(Buffer.from('odd')))
    expect(odd.anomalies.map(({ id }) => id)).toContain('certificate-table-unaligned')
  })

  test('is filled up to eight bytes for the digest when there is no table', () => {
    const { image } = analyse(Buffer.concat([lantern, Buffer.from('abc')]))
    expect(image?.overlay).toEqual({ offset: 6656, size: 3, entropy: 1.585 })
    expect(image?.authentihash?.sha256).toBe(digest(Buffer.from('abc'), new Uint8Array(5)))
  })
})

describe('the hash of the first page', () => {
  // As osslsigncode writes them into page hashes of lantern.sys.
  test('is the one that signatures with page hashes carry', () => {
    const { image } = analyse(fixture('lantern.sys'))
    expect(image?.pageHash?.sha256).toBe(
      '96a65c594a122052d13d1f14c9c5230b6b7eb27511ab8456b73aaddf5f8ba71b',
    )
    expect(image?.pageHash?.sha1).toBe('e08fa6b4f69e4c450f0af3477b2116fe3c419722')
  })

  test('covers no more than a page of large headers', () => {
    const bytes = fixture('lantern.sys')
    bytes.writeUInt32LE(0x4000, field.optional + 60 - 0x80 + bytes.readUInt32LE(0x3c))
    expect(analyse(bytes).image?.pageHash?.sha256).toHaveLength(64)
  })
})

describe('checksum and entropy', () => {
  test('of odd lengths count the last byte', () => {
    const bytes = Uint8Array.of(1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff, 5)
    // 0x0201 + 0x0403 + 0x0005, and the length; the four bytes of the checksum count as zero.
    expect(computeChecksum(bytes, 4)).toBe(0x0609 + 9)
    expect(computeChecksum(bytes.fill(0xff), 100)).toBe(0xff + 9)
  })

  test('are the same at every alignment in memory', () => {
    const lantern = fixture('lantern.sys')
    for (const shift of [0, 1, 2, 3]) {
      const moved = new Uint8Array(lantern.length + 4)
      moved.set(lantern, shift)
      const view = moved.subarray(shift, shift + lantern.length)
      expect(computeChecksum(view, lantern.readUInt32LE(0x3c) + 88)).toBe(39163)
    }
  })

  test('are between no bits and eight', () => {
    const all = Uint8Array.from({ length: 256 }, (_, value) => value)
    expect([entropy(), entropy(new Uint8Array(9)), entropy(all), entropy(all, all)]).toEqual([
      ...[0, 0, 8, 8],
    ])
    expect(entropy(Uint8Array.of(1, 1, 2, 2), Uint8Array.of(3, 3, 4, 4))).toBe(2)
  })

  test('are mapped in at most 512 blocks', () => {
    const map = entropyMap(new Uint8Array(1_000_000), new Deadline(60_000))
    expect(map.blockSize).toBe(2_048)
    expect(map.values).toHaveLength(489)
    expect(entropyMap(new Uint8Array(0), new Deadline(60_000)).values).toEqual([])
    expect(entropyMap(new Uint8Array(8 << 20), new Deadline(-1)).values.length).toBeLessThan(512)
  })
})
