import { describe, expect, test } from 'vitest'
import { CatalogueFacts } from '../../../shared/driver-file/package-facts'
import { readCatalogue } from '.'
import { expected, fixture, signaturesOf } from './testing/fixtures'

const catalogues = Object.entries(expected.catalogues)

describe('a catalogue', () => {
  test.each(catalogues)(
    '%s names its members with digest, algorithm and attributes',
    (name, theirs) => {
      const { members, attributes, problems } = readCatalogue(fixture(`signed/${name}`))
      const { digest, digestAlgorithm } = theirs
      expect(members).toEqual([
        {
          digest: digest.replaceAll(/./g, '0'),
          algorithm: digestAlgorithm,
          file: 'beacon.inf',
          attributes: { File: 'beacon.inf' },
        },
        {
          digest,
          algorithm: digestAlgorithm,
          file: 'catalogued.sys',
          attributes: { File: 'catalogued.sys', OSAttr: '2:10.0' },
        },
      ])
      expect(attributes).toEqual({ HWID1: 'root\\beacon', OS: '_v100_X64' })
      expect(problems).toEqual([])
    },
  )

  test.each(catalogues)('%s has a signature of its own that verifies', (name, theirs) => {
    const reading = readCatalogue(fixture(`signed/${name}`))
    expect(reading.signatures).toMatchObject([
      { source: 'catalogue', kind: 'test', verifies: true, chainIsComplete: true },
    ])
    expect(reading.signatures[0].chain[0].serial).toBe(theirs.serial)
    expect(CatalogueFacts.safeParse(reading).error).toBeUndefined()
  })

  test.each(catalogues)('%s lends its signature to the driver it names', (name, theirs) => {
    const bytes = fixture(`signed/${name}`)
    const catalogues = [{ name, bytes }]
    const { signatures, evidence } = signaturesOf(fixture('signed/catalogued.sys'), { catalogues })
    expect(theirs.lists).toBe(true)
    expect(signatures).toMatchObject([
      {
        source: 'catalogue',
        catalogue: name,
        digest: theirs.digest,
        digestAlgorithm: theirs.digestAlgorithm,
        digestMatches: true,
        verifies: true,
      },
    ])
    // The image is of 2019, and SHA-1 in the catalogue is as weak as in the file.
    const weak = theirs.digestAlgorithm === 'sha1' ? ['sha1-digest'] : []
    expect(evidence.map(({ id }) => id)).toEqual(weak)
    expect(signaturesOf(fixture('signed/unsigned.sys'), { catalogues }).signatures).toEqual([])
  })

  test('that was changed does not verify', () => {
    const bytes = fixture('signed/catalogue-v2.cat')
    const at = Buffer.from(bytes).indexOf(Buffer.from('beacon.inf', 'utf16le'))
    bytes[at] ^= 1
    const { signatures, members } = readCatalogue(bytes)
    expect(members[0].file).toBe('ceacon.inf')
    expect(signatures[0].verifies).toBe(false)
  })

  test.each([
    ['nothing', new Uint8Array()],
    ['a driver', fixture('signed/unsigned.sys')],
    ['half a catalogue', fixture('signed/catalogue-v2.cat').subarray(0, 900)],
  ])('that is %s is told as a problem with its offset', (_, bytes) => {
    const { members, signatures, problems, anomalies } = readCatalogue(bytes)
    expect([members, signatures]).toEqual([[], []])
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/cannot be read: .*\(offset \d+\)/)
    expect(anomalies).toMatchObject([{ id: 'catalogue-broken', severity: 'broken' }])
  })
})
