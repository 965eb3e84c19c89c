import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Image } from '../../../shared/driver-file/facts'
import { FileFacts } from '../../../shared/driver-file/facts'
import { analyse } from '../analyse'
import { fixture } from '../testing/build-image'

interface Expected {
  size: number
  md5: string
  sha1: string
  sha256: string
  imphash: string
  authentihash: { md5: string; sha1: string; sha256: string }
  rich_md5_cleardata: string
  rich_entries: [number, number, number][]
  rich_checksum_ok: boolean
  machine: string
  subsystem: number
  checksum: number
  checksum_ok: boolean
  sections: { name: string; vsize: number; rsize: number; entropy: number; flags: string }[]
  imports: Record<string, string[]>
  import_descriptors: number
  pdb: string | null
  version: Record<string, string>
  overlay: number
  device_names: string[]
  symlinks: string[]
  compiled: string
}

const expectedFile = new URL('../../../../data/fixtures/pe/expected.json', import.meta.url)
const expected = JSON.parse(readFileSync(expectedFile, 'utf8')) as Record<string, Expected>

function imageOf(bytes: Uint8Array): Image {
  const { image } = analyse(bytes)
  if (!image) throw new Error('no image')
  return image
}

describe.each(Object.entries(expected))('what is read from %s', (name, wanted) => {
  const facts = analyse(fixture(name))
  const image = imageOf(fixture(name))

  test('is of the shape that others expect', () => {
    expect(() => FileFacts.parse(facts)).not.toThrow()
  })

  test('has size and digests of the file', () => {
    expect(facts.size).toBe(wanted.size)
    expect(facts.hashes).toEqual({ md5: wanted.md5, sha1: wanted.sha1, sha256: wanted.sha256 })
    expect(facts.tlsh).toMatch(/^T1/)
  })

  test('has the digests that pefile and osslsigncode compute', () => {
    expect(image.imphash).toBe(wanted.imphash)
    expect(image.authentihash).toEqual(wanted.authentihash)
    expect(image.rich?.hash.md5).toBe(wanted.rich_md5_cleardata)
  })

  test('has the headers', () => {
    expect(image.machine).toBe(wanted.machine)
    expect(image.subsystem).toBe(wanted.subsystem)
    expect(image.compiled).toBe(wanted.compiled)
    expect(image.checksum.reported).toBe(wanted.checksum)
    expect(image.checksum.matches).toBe(wanted.checksum_ok)
    expect(facts.anomalies.some(({ id }) => id === 'checksum-mismatch')).toBe(!wanted.checksum_ok)
  })

  test('has the sections', () => {
    const sections = image.sections.map((section) => ({
      name: section.name,
      vsize: section.virtualSize,
      rsize: section.rawSize,
      entropy: section.entropy,
      flags: section.flags,
    }))
    expect(sections).toEqual(wanted.sections)
  })

  test('has the imports', () => {
    const imports = image.imports.map(({ dll, functions }) => [dll, functions.map((f) => f.name)])
    expect(Object.fromEntries(imports)).toEqual(wanted.imports)
    expect(image.importDescriptors).toBe(wanted.import_descriptors)
  })

  test('has version, symbols, Rich header and overlay', () => {
    expect(image.version?.strings).toEqual(wanted.version)
    expect(image.version?.fileVersion).toBe(wanted.version['FileVersion'])
    expect(image.debug.find(({ type }) => type === 'CODEVIEW')?.pdb ?? null).toBe(wanted.pdb)
    const entries = image.rich?.entries.map(({ product, build, count }) => [product, build, count])
    expect(entries).toEqual(wanted.rich_entries)
    expect(image.rich?.checksumMatches).toBe(wanted.rich_checksum_ok)
    expect(image.overlay?.size ?? 0).toBe(wanted.overlay)
  })

  test('has the names of devices and links among its strings', () => {
    const texts = (wantedClass: string): string[] =>
      facts.strings.flatMap(({ text, classes }) =>
        classes.some((one) => one === wantedClass) ? [text] : [],
      )
    expect(texts('device')).toEqual(wanted.device_names)
    expect(texts('symbolic-link')).toEqual(wanted.symlinks)
  })

  test('has one value of entropy for each block', () => {
    const { blockSize, values } = facts.entropy
    expect(values).toHaveLength(Math.ceil(wanted.size / blockSize))
    expect(values.every((value) => value >= 0 && value <= 8)).toBe(true)
  })
})
