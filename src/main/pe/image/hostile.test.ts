import { describe, expect, test } from 'vitest'
import type { FileFacts } from '../../../shared/driver-file/facts'
import { FileFacts as Schema } from '../../../shared/driver-file/facts'
import { analyse } from '../analyse'
import { buildImage, field, fixture, SectionWriter } from '../testing/build-image'

// Every case is a file that someone could make. The reading goes on, and what is wrong has a name.

function read(bytes: Uint8Array): FileFacts {
  const facts = analyse(bytes)
  Schema.parse(facts)
  return facts
}

function anomalies(bytes: Uint8Array): string[] {
  return read(bytes).anomalies.map(({ id }) => id)
}

/** lantern.sys with some 32-bit numbers changed. */
function lantern(changes: Record<number, number>): Buffer {
  const bytes = fixture('lantern.sys')
  for (const [at, value] of Object.entries(changes)) bytes.writeUInt32LE(value >>> 0, Number(at))
  return bytes
}

const peOffset = fixture('lantern.sys').readUInt32LE(0x3c)
const optional = peOffset + 24
const directory = (index: number): number => optional + 112 + index * 8
const section = (index: number): number => optional + 240 + index * 40

describe('what is no image', () => {
  test.each([
    ['nothing', new Uint8Array(0), 'not-a-pe'],
    ['text', Buffer.from('#!/bin/sh\necho no driver at all\n'), 'not-a-pe'],
    ['two letters', Buffer.from('MZ'), 'header-beyond-file'],
    ['a DOS program', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(1000)]), 'not-a-pe'],
    ['e_lfanew behind the end', lantern({ 0x3c: 0x7fff_ffff }), 'header-beyond-file'],
    ['e_lfanew at the last bytes', lantern({ 0x3c: 6650 }), 'header-beyond-file'],
    ['another signature', lantern({ [peOffset]: 0x454e }), 'not-a-pe'],
  ])('has facts without an image: %s', (_, bytes, id) => {
    const facts = read(bytes)
    expect(facts.image).toBeNull()
    expect(facts.size).toBe(bytes.length)
    expect(facts.hashes.sha256).toHaveLength(64)
    expect(facts.anomalies.map((anomaly) => anomaly.id)).toContain(id)
  })
})

describe('headers', () => {
  test('cut anywhere give what is there', () => {
    const whole = fixture('lantern.sys')
    const cuts = [...Array(section(9)).keys(), ...Array.from({ length: 24 }, (_, n) => n * 277)]
    for (const cut of cuts) {
      const facts = read(whole.subarray(0, cut))
      expect(facts.anomalies.length, `cut at ${cut}`).toBeGreaterThan(0)
    }
  })

  test.each([
    [
      'an optional header that is cut',
      () => fixture('lantern.sys').subarray(0, optional + 40),
      'optional-header-truncated',
    ],
    ['an unknown magic', () => lantern({ [optional]: 0x0107 }), 'optional-header-magic'],
    ['an unknown machine', () => lantern({ [peOffset + 4]: 0x0009_0777 }), 'machine-unknown'],
    ['too many directories', () => lantern({ [optional + 108]: 0xffff_ffff }), 'directory-count'],
    [
      'no alignment',
      () => lantern({ [optional + 32]: 0, [optional + 36]: 0 }),
      'alignment-invalid',
    ],
    ['an odd alignment', () => lantern({ [optional + 36]: 0x201 }), 'alignment-invalid'],
    [
      'an entry point outside',
      () => lantern({ [optional + 16]: 0x00f0_0000 }),
      'entry-point-outside',
    ],
    [
      'an entry point in data',
      () => lantern({ [optional + 16]: 0x2000 }),
      'entry-point-not-executable',
    ],
    ['no sections', () => lantern({ [peOffset + 6]: 0 }), 'no-sections'],
    [
      'more sections than bytes',
      () => lantern({ [peOffset + 6]: 0xffff }),
      'section-table-truncated',
    ],
    ['more than 96 sections', () => lantern({ [peOffset + 6]: 120 }), 'section-count'],
    [
      'a section behind the file',
      () => lantern({ [section(0) + 20]: 0x7000_0000 }),
      'section-beyond-file',
    ],
    [
      'a section larger than the file',
      () => lantern({ [section(0) + 16]: 0xffff_ff00 }),
      'section-beyond-file',
    ],
    [
      'a section behind the image',
      () => lantern({ [section(0) + 8]: 0xffff_ff00 }),
      'section-beyond-image',
    ],
    ['overlapping sections', () => lantern({ [section(1) + 12]: 0x1000 }), 'section-overlap'],
    [
      'sections that share bytes',
      () => lantern({ [section(1) + 20]: 0x400 }),
      'section-shared-bytes',
    ],
    ['writable code', () => lantern({ [section(0) + 36]: 0xe000_0020 }), 'section-writable-code'],
    ['a wrong checksum', () => lantern({ [optional + 64]: 1 }), 'checksum-mismatch'],
    ['a PE header in the DOS header', tiny, 'header-overlap'],
  ])('tell of %s', (_, bytes, id) => {
    const facts = read(bytes())
    expect(facts.image).not.toBeNull()
    expect(facts.anomalies.map((anomaly) => anomaly.id)).toContain(id)
  })

  function tiny(): Buffer {
    const bytes = fixture('lantern.sys')
    const small = Buffer.alloc(1024)
    small.writeUInt16LE(0x5a4d, 0)
    bytes.copy(small, 0x10, peOffset, peOffset + 600)
    // The machine of the PE header lies beside; e_lfanew lies in SizeOfCode.
    small.writeUInt32LE(0x10, 0x3c)
    return small
  }

  test('with packed code say so', () => {
    let state = 1
    const data = Uint8Array.from({ length: 4096 }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state >>> 24
    })
    const code = { name: '.text', rva: 0x1000, data, characteristics: 0x6000_0020 }
    expect(anomalies(buildImage({ sections: [code] }))).toContain('section-packed')
  })
})

describe('directories', () => {
  test.each([
    ['the imports', 1],
    ['the exports', 0],
    ['the resources', 2],
    ['the debug data', 6],
  ])('that lead nowhere cost %s alone', (_, index) => {
    const facts = read(lantern({ [directory(index)]: 0x7fff_0000 }))
    expect(facts.anomalies.map(({ id }) => id)).toContain('directory-outside')
    expect(facts.image?.sections).toHaveLength(9)
  })

  test('of all zeros are none', () => {
    const facts = read(lantern({ [optional + 108]: 0 }))
    expect(facts.image?.directories).toEqual([])
    expect(facts.image?.imports).toEqual([])
    expect(facts.image?.imphash).toBeNull()
  })
})

describe('imports', () => {
  const rva = 0x1000

  /** An image whose import directory is filled by a test. */
  function importing(write: (data: SectionWriter) => void, size = 0x1000): FileFacts {
    const data = new SectionWriter(rva, size)
    write(data)
    const sections = [{ name: '.idata', rva, data: data.data }]
    return read(buildImage({ sections, directories: { 1: [rva, 40] } }))
  }

  const ids = ({ anomalies: all }: FileFacts): string[] => all.map(({ id }) => id)

  test('that never end are cut', () => {
    const facts = importing((data) => {
      data.text(0x8f_000, 'a.sys').text(0x8f_102, 'Fun').u32(0x8f_200, 0x8f_100, 0, 0, 0)
      for (let at = rva; at + 20 <= 0x8f_000; at += 20)
        data.u32(at, 0x8f_200, 0, 0, 0x8f_000, 0x8f_200)
    }, 0x8f_000)
    expect(ids(facts)).toContain('imports-too-many')
    expect(facts.image?.imports).toHaveLength(1)
  })

  test('of a table that repeats itself are none', () => {
    const facts = importing((data) => {
      data.u32(rva, 0x1100, 0, 0, 0x1f00, 0x1100).text(0x1f00, 'a.sys').text(0x1f82, 'Fun')
      for (let at = 0x1100; at < 0x1e00; at += 8) data.u32(at, 0x1f80, 0)
    })
    expect(ids(facts)).toContain('import-descriptor-invalid')
    expect(facts.image?.imports).toEqual([])
  })

  test('with impossible names leave those out', () => {
    const facts = importing((data) => {
      data.u32(rva, 0x1100, 0, 0, 0x1f00, 0x1100).text(0x1f00, 'a.sys')
      data.text(0x1f82, 'G\x01ood').text(0x1fa2, 'Good')
      data.u32(0x1100, 0x1f80, 0, 0x1fa0, 0)
    })
    expect(ids(facts)).toContain('import-name-invalid')
    expect(facts.image?.imports[0].functions).toEqual([
      { name: 'Good', ordinal: null, slot: 0x1108 },
    ])
  })

  test('with names outside end there', () => {
    const facts = importing((data) => {
      data.u32(rva, 0x1100, 0, 0, 0x1f00, 0x1100).text(0x1f00, 'a.sys').text(0x1f82, 'Fun')
      data.u32(0x1100, 0x1f80, 0, 0x90_0000, 0, 0x1f80, 0)
    })
    expect(ids(facts)).toContain('import-name-outside')
    expect(facts.image?.imports[0].functions).toHaveLength(1)
  })

  test('that run out of the file say so', () => {
    const facts = importing((data) => {
      data.u32(rva, 0x1100, 0, 0, 0x1f00, 0x1100).text(0x1f00, 'a.sys').text(0x1f82, 'Fun')
      data.u32(0x1100, 0x1f80, 0)
      for (let at = rva + 20; at + 20 <= 0x1100; at += 20) data.u32(at, 0, 0, 0, 0, 1)
    })
    expect(ids(facts)).toContain('import-descriptor-invalid')
    expect(facts.image?.imports).toHaveLength(1)
  })
})

describe('resources', () => {
  const rva = 0x1000
  const sectionsOf = (data: SectionWriter): Buffer =>
    buildImage({
      sections: [{ name: '.rsrc', rva, data: data.data }],
      directories: { 2: [rva, 0x1000] },
    })

  test('whose tree bites its tail are read once', () => {
    const data = new SectionWriter(rva, 0x1000).u16(rva + 14, 1).u32(rva + 16, 16, 0x8000_0000)
    expect(anomalies(sectionsOf(data))).toContain('resource-cycle')
  })

  test('deeper than three levels are not followed', () => {
    const data = new SectionWriter(rva, 0x1000)
    for (let level = 0; level < 8; level++) {
      const at = rva + level * 0x40
      data.u16(at + 14, 1).u32(at + 16, 1, 0x8000_0000 + (level + 1) * 0x40)
    }
    expect(anomalies(sectionsOf(data))).toContain('resource-depth')
  })

  test('in huge numbers are cut', () => {
    const data = new SectionWriter(rva, 0x6_0000).u16(rva + 12, 0xffff, 0xffff)
    for (let at = rva + 16; at + 8 < rva + 0x6_0000; at += 8) data.u32(at, 10, 0x5_ff00)
    data.u32(rva + 0x5_ff00, rva, 4)
    const facts = read(sectionsOf(data))
    expect(facts.anomalies.map(({ id }) => id)).toContain('resources-too-many')
    expect(facts.image?.resources.length).toBeLessThanOrEqual(4_096)
  })

  test('that lie outside are left out', () => {
    const data = new SectionWriter(rva, 0x1000).u16(rva + 14, 1).u32(rva + 16, 10, 0x100)
    data.u32(rva + 0x100, 0x70_0000, 4)
    const facts = read(sectionsOf(data))
    expect(facts.anomalies.map(({ id }) => id)).toContain('resource-outside')
    expect(facts.image?.resources).toEqual([])
  })

  test('of version information that is none say so', () => {
    const data = new SectionWriter(rva, 0x1000).u16(rva + 14, 1).u32(rva + 16, 16, 0x100)
    data.u32(rva + 0x100, rva + 0x200, 64)
    const facts = read(sectionsOf(data))
    expect(facts.anomalies.map(({ id }) => id)).toContain('version-invalid')
    expect(facts.image?.version).toBeNull()
  })
})

describe('the rest', () => {
  const rva = 0x1000
  const imageWith = (index: number, size: number, write: (data: SectionWriter) => void): Buffer => {
    const data = new SectionWriter(rva, 0x1000)
    write(data)
    return buildImage({
      sections: [{ name: '.data', rva, data: data.data }],
      directories: { [index]: [rva, size] },
    })
  }

  test.each([
    [
      'exports by the billion',
      0,
      40,
      (d: SectionWriter) => d.u32(rva + 20, 0xffff_ffff, 0xffff_ffff, rva, rva, rva),
      'export-table-truncated',
    ],
    [
      'a relocation block of no size',
      5,
      64,
      (d: SectionWriter) => d.u32(rva, 0x1000, 0),
      'relocation-block-invalid',
    ],
    [
      'a relocation block too large',
      5,
      64,
      (d: SectionWriter) => d.u32(rva, 0x1000, 0x7000_0000),
      'relocation-block-invalid',
    ],
    ['debug entries by the million', 6, 0x1000_0000, () => undefined, 'debug-truncated'],
    [
      'debug data outside',
      6,
      28,
      (d: SectionWriter) => d.u32(rva + 12, 2, 64, 0, 0x7000_0000),
      'debug-outside',
    ],
    [
      'a load configuration too large',
      10,
      64,
      (d: SectionWriter) => d.u32(rva, 0x7000_0000),
      'load-config-truncated',
    ],
  ])('tells of %s', (_, index, size, write, id) => {
    expect(anomalies(imageWith(index, size, write))).toContain(id)
  })

  test.each([
    ['outside', 0x70_0000, 64, 'certificate-table-outside'],
    ['that is cut', 0x1400 - 64, 0x1000, 'certificate-table-truncated'],
    ['that is not aligned', 0x1400 - 63, 63, 'certificate-table-unaligned'],
    ['in the headers', 0x200, 8, 'certificate-table-overlap'],
    ['before other data', 0x1000, 0x100, 'data-behind-certificate-table'],
  ])('tells of a certificate table %s', (_, offset, size, id) => {
    const bytes = imageWith(10, 0, () => undefined)
    bytes.writeUInt32LE(offset, field.directory(4))
    bytes.writeUInt32LE(size, field.directory(4) + 4)
    expect(anomalies(bytes)).toContain(id)
  })

  test('tells of a Rich header that was edited or has no beginning', () => {
    const edited = fixture('lantern.sys')
    edited[2] ^= 1
    expect(anomalies(edited)).toContain('rich-checksum-mismatch')
    const headless = fixture('lantern.sys')
    headless.fill(0, 0x80, 0x84)
    expect(anomalies(headless)).toContain('rich-malformed')
  })

  test('of one kind is told eight times and no more', () => {
    const bytes = lantern({ [peOffset + 6]: 0xffff })
    const counts = new Map<string, number>()
    for (const id of anomalies(bytes)) counts.set(id, (counts.get(id) ?? 0) + 1)
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(8)
  })
})

describe('the time limit', () => {
  test('ends the reading with partial facts, and the digests are there', () => {
    let milliseconds = 0
    const facts = analyse(fixture('lantern.sys'), { milliseconds: 5, now: () => milliseconds++ })
    Schema.parse(facts)
    expect(facts.anomalies.map(({ id }) => id)).toContain('time-limit')
    expect(facts.hashes.md5).toBe('883507a336112ce74bc03eb8bbdcf288')
  })

  test('is met by 32 MB of texts, of noise and of zeros', () => {
    const size = 32 << 20
    const texts = Buffer.alloc(size, 'A:\\Device\\x.exe -%s https://a.com/\0')
    const noise = Buffer.alloc(
      size,
      Uint8Array.from({ length: 4099 }, (_, n) => (n * n * 7) >>> 3),
    )
    for (const bytes of [texts, noise, Buffer.alloc(size)]) {
      fixture('lantern.sys').copy(bytes)
      const before = process.cpuUsage()
      const facts = analyse(bytes, { milliseconds: 2_000 })
      // Digests of all bytes are made in any case. Time of the processor: others may be busy here.
      expect(process.cpuUsage(before).user / 1000).toBeLessThan(3_000)
      expect(facts.strings.length).toBeLessThanOrEqual(5_000)
      expect(facts.image?.sections).toHaveLength(9)
    }
  })
})
