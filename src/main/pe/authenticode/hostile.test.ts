import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Image } from '../../../shared/driver-file/facts'
import { readCatalogue, readSignatures } from '.'
import { Der } from './der'
import { fixture, imageOf, signaturesOf } from './testing/fixtures'

const NAMES = ['dual', 'rfc3161', 'pkcs9', 'forged', 'curve', 'page-hashes'].map(
  (name) => `signed/${name}.sys`,
)

/** Far above what any of this takes, also on a machine that has much else to do. */
const MILLISECONDS_MAX = 60_000

function timed<T>(run: () => T): T {
  const start = performance.now()
  const result = run()
  expect(performance.now() - start).toBeLessThan(MILLISECONDS_MAX)
  return result
}

/** An image of nothing but a certificate table with one PKCS #7 message. */
function withMessage(message: Uint8Array): [Uint8Array, Image] {
  const image = imageOf(fixture('signed/unsigned.sys'))
  if (!image) throw new Error('no image')
  const bytes = new Uint8Array(8 + message.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, bytes.length, true)
  view.setUint16(4, 0x200, true)
  view.setUint16(6, 2, true)
  bytes.set(message, 8)
  return [bytes, { ...image, certificateTable: { offset: 0, size: bytes.length } }]
}

describe('hostile signatures', () => {
  test.each(NAMES)(
    '%s with bytes changed at random gives facts or anomalies, and never throws',
    (name) => {
      const original = fixture(name)
      const table = imageOf(original)?.certificateTable
      if (!table) throw new Error('no table')
      const change = fc.tuple(fc.nat(table.size - 1), fc.integer({ min: 0, max: 255 }))
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
          const bytes = Uint8Array.from(original)
          for (const [at, value] of changes) bytes[table.offset + at] = value
          timed(() => signaturesOf(bytes))
        }),
        { numRuns: 400 },
      )
    },
  )

  test.each(NAMES)('%s cut off anywhere gives facts or anomalies, and never throws', (name) => {
    const original = fixture(name)
    const table = imageOf(original)?.certificateTable
    if (!table) throw new Error('no table')
    for (let size = 0; size < table.size; size += 37) {
      timed(() => signaturesOf(original.subarray(0, table.offset + size)))
    }
  })

  test('nested in themselves end at a depth', () => {
    const [bytes, image] = withMessage(nest(outerMessage(), 40))
    const { signatures, anomalies } = timed(() => readSignatures(bytes, image))
    expect(signatures.length).toBeGreaterThan(3)
    expect(signatures.length).toBeLessThan(10)
    expect(anomalies.map(({ id }) => id)).toContain('too-many-signatures')
  })

  test('side by side by the hundred are read up to a limit', () => {
    const [bytes, image] = withMessage(nest(outerMessage(), 1, 300))
    const { signatures, anomalies } = timed(() => readSignatures(bytes, image))
    expect(signatures.length).toBeLessThanOrEqual(33)
    expect(anomalies.some(({ id }) => id === 'too-many-signatures')).toBe(true)
  })

  test('with thousands of certificates of one name are read up to a limit', () => {
    const many = rebuilt(outerMessage(), (parts) => {
      const certificates = Der.at(parts[3])
      const copies = Array.from({ length: 3_000 }, () => certificates.first().raw)
      parts[3] = element(0xa0, certificates.value, ...copies)
    })
    const [bytes, image] = withMessage(many)
    const { signatures, anomalies } = timed(() => readSignatures(bytes, image))
    expect(signatures).toHaveLength(1)
    expect(anomalies.map(({ id }) => id)).toContain('too-many-certificates')
  })

  test.each([
    ['elements without end', Buffer.from('3080'.repeat(50_000), 'hex')],
    ['a length of gigabytes', Buffer.from('30847fffffff0609', 'hex')],
    ['zeros', Buffer.alloc(100_000)],
    ['octet strings in pieces of nothing', Buffer.from(`3082fff0${'2400'.repeat(32_760)}`, 'hex')],
  ])('of %s are one anomaly', (_, message) => {
    const [bytes, image] = withMessage(Uint8Array.from(message))
    const { signatures, anomalies } = timed(() => readSignatures(bytes, image))
    expect(signatures).toEqual([])
    expect(anomalies.filter(({ severity }) => severity === 'broken')).toHaveLength(1)
  })

  test('a table of thousands of empty entries ends at a limit', () => {
    const image = imageOf(fixture('signed/unsigned.sys'))
    if (!image) throw new Error('no image')
    const bytes = new Uint8Array(80_000)
    for (let at = 0; at < bytes.length; at += 8) bytes.set([8, 0, 0, 0, 0, 2, 1, 0], at)
    const certificateTable = { offset: 0, size: bytes.length }
    const { anomalies } = timed(() => readSignatures(bytes, { ...image, certificateTable }))
    expect(anomalies.map(({ id }) => id)).toContain('too-many-certificate-entries')
    expect(anomalies.length).toBeLessThan(20)
  })
})

describe('hostile catalogues', () => {
  test('with bytes changed at random never throw', () => {
    const original = fixture('signed/catalogue-v1.cat')
    const change = fc.tuple(fc.nat(original.length - 1), fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
        const bytes = Uint8Array.from(original)
        for (const [at, value] of changes) bytes[at] = value
        timed(() => readCatalogue(bytes))
      }),
      { numRuns: 400 },
    )
  })
})

/** The message of test-ca.sys. */
function outerMessage(): Der {
  const bytes = fixture('signed/test-ca.sys')
  const table = imageOf(bytes)?.certificateTable
  if (!table) throw new Error('no table')
  return Der.at(bytes.slice(table.offset + 8, table.offset + table.size))
}

function element(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([Uint8Array.of(tag, 0x84), length, content])
}

/** The parts of the message's SignedData, put together again after a change. */
function rebuilt(message: Der, change: (parts: Uint8Array[]) => void): Uint8Array {
  const [type, frame] = message.children()
  const parts = frame
    .first()
    .children()
    .map(({ raw }) => raw)
  change(parts)
  return element(0x30, type.raw, element(0xa0, element(0x30, ...parts)))
}

/** A message that nests itself `depth` times, `count` copies on each level. */
function nest(message: Der, depth: number, count = 1): Uint8Array {
  const NESTED = Uint8Array.from(Buffer.from('060a2b060104018237020401', 'hex'))
  let inner = message.raw
  for (let level = 0; level < depth; level++) {
    const copies = Array.from({ length: count }, () => inner)
    const unsigned = element(0xa1, element(0x30, NESTED, element(0x31, ...copies)))
    inner = rebuilt(message, (parts) => {
      const signer = Der.at(parts[parts.length - 1]).first()
      parts[parts.length - 1] = element(0x31, element(0x30, signer.value, unsigned))
    })
  }
  return inner
}
