import { constants, createPublicKey, publicDecrypt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import authorities from '../../../../data/indicators/authorities.json'
import publicRoots from '../../../../data/indicators/public-roots.json'
import type { AuthorityRole, Basis } from './authorities'
import { authorityOf } from './authorities'
import { parseCertificate } from './certificate'
import { buildChain } from './chain'
import { Der } from './der'
import { kindOf } from './kind'
import { fixture } from './testing/fixtures'
import { Work } from './work'

interface Listed {
  Subject: string
  Signature: string
  TBS: { SHA1: string; SHA256: string }
}

/** All certificates that an entry of LOLDrivers lists. */
function listed(entry: string): Listed[] {
  const folder = join(import.meta.dirname, '../../../../data/fixtures/loldrivers')
  const { KnownVulnerableSamples } = parse(readFileSync(join(folder, entry), 'utf8')) as {
    KnownVulnerableSamples: { Signatures?: { Certificates: Listed[] }[] }[]
  }
  return KnownVulnerableSamples.flatMap(({ Signatures }) =>
    (Signatures ?? []).flatMap(({ Certificates }) => Certificates),
  )
}

const entries: { name: string; key?: string; tbs?: string }[] = [...authorities, ...publicRoots]

describe('the list of authorities', () => {
  // Certificates of real drivers: LOLDrivers has their signatures and the digests of what was signed.
  test.each([
    [
      '2740a074-1e06-4f75-9c6a-dc57a3f85189.yaml',
      'Third Party Component CA 2014',
      'SHA256',
      'Microsoft Root Certificate Authority 2010',
    ],
    [
      '96ba5e53-6a40-4813-b6f1-ccce31a883cf.yaml',
      'Time Stamping Services CA',
      'SHA1',
      'Thawte Timestamping CA',
    ],
  ] as const)(
    '%s: %s is signed (%s) with the key that is on file for %s',
    (file, subject, digest, root) => {
      const certificate = findListed(file, subject)
      const key = entries.find(({ name, key }) => name === root && key)?.key ?? ''
      const padding = constants.RSA_PKCS1_PADDING
      const info = publicDecrypt(
        {
          key: createPublicKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'spki' }),
          padding,
        },
        Buffer.from(certificate.Signature, 'hex'),
      )
      expect(info.toString('hex').endsWith(certificate.TBS[digest])).toBe(true)
    },
  )

  test('has the digests of signed parts that LOLDrivers prints', () => {
    const { TBS } = findListed(
      '2740a074-1e06-4f75-9c6a-dc57a3f85189.yaml',
      'Third Party Component CA 2014',
    )
    expect(entries.find(({ tbs }) => tbs === TBS.SHA256)?.name).toMatch(
      /Third Party Component CA 2014/,
    )
  })

  test('has no key twice and no entry of Microsoft that a name alone could borrow', () => {
    const keys = entries.flatMap(({ key }) => (key ? [key] : []))
    expect(new Set(keys).size).toBe(keys.length)
    const borrowable = authorities.filter(
      ({ role, key, tbs }) => role === 'microsoft' && !key && !tbs,
    )
    expect(borrowable).toEqual([])
  })
})

function findListed(file: string, subject: string): Listed {
  const certificate = listed(file).find(({ Subject }) => Subject.includes(subject))
  if (!certificate) throw new Error(`${file} lists no ${subject}`)
  return certificate
}

describe('the kind of a signature', () => {
  const leafOf = (eku: string[], from: string) => {
    const parsed = parseCertificate(Der.at(fixture('signed/young.der')))
    const usages = eku.map((oid) => ({ oid, name: '' }))
    return { ...parsed, from: Date.parse(from), facts: { ...parsed.facts, from, eku: usages } }
  }
  const authority = (role: AuthorityRole, basis: Basis = 'key') => ({ name: 'A', role, basis })

  test.each([
    ['1.3.6.1.4.1.311.10.3.5', 'microsoft', '2022-01-01', 'whcp'],
    ['1.3.6.1.4.1.311.10.3.5.1', 'microsoft', '2022-01-01', 'attestation'],
    ['1.3.6.1.4.1.311.10.3.6', 'microsoft', '2022-01-01', 'windows'],
    ['1.3.6.1.5.5.7.3.3', 'microsoft', '2022-01-01', 'unknown'],
    ['1.3.6.1.4.1.311.10.3.5', 'public', '2022-01-01', 'unknown'],
    ['1.3.6.1.4.1.311.10.3.5', 'microsoft-test', '2022-01-01', 'test'],
    ['1.3.6.1.5.5.7.3.3', 'microsoft-cross', '2022-01-01', 'cross-signed'],
    ['1.3.6.1.4.1.311.61.1.1', 'public', '2022-01-01', 'cross-signed'],
    ['1.3.6.1.5.5.7.3.3', 'public', '2014-01-01', 'cross-signed'],
    ['1.3.6.1.5.5.7.3.3', 'public', '2022-01-01', 'unknown'],
  ] as const)('with key usage %s, ending at %s, issued %s, is %s', (eku, role, from, kind) => {
    const chain = { certificates: [leafOf([eku], from)], isComplete: false }
    const found = kindOf(chain, authority(role))
    expect(found.kind).toBe(kind)
    expect(found.reason).toMatch(/\.$/)
  })

  test('is unknown, with the name of the issuer, when nobody knows the issuer', () => {
    const leaf = parseCertificate(Der.at(fixture('signed/young.der')))
    const chain = buildChain(leaf, [], new Work())
    expect(authorityOf(chain, new Work())).toBeNull()
    expect(kindOf(chain, null)).toMatchObject({
      kind: 'unknown',
      reason: /Signed Fixtures Code CA/,
    })
  })
})

describe('an authority', () => {
  test('is recognised by name when its certificate is left out and no key is on file', () => {
    const leaf = parseCertificate(Der.at(fixture('signed/young.der')))
    const named = { ...leaf, facts: { ...leaf.facts, issuerName: 'UTN-USERFirst-Object' } }
    const open = { certificates: [named], isComplete: false }
    expect(authorityOf(open, new Work())).toMatchObject({ role: 'public', basis: 'name' })
  })

  test('is not recognised when its key is on file and did not sign, or when an impostor is there', () => {
    const leaf = parseCertificate(Der.at(fixture('signed/young.der')))
    const issuerName = 'Microsoft Root Certificate Authority 2010'
    const named = { ...leaf, facts: { ...leaf.facts, issuerName } }
    expect(authorityOf({ certificates: [named], isComplete: false }, new Work())).toBeNull()
    const root = parseCertificate(Der.at(fixture('signed/root.der')))
    const impostor = {
      ...root,
      facts: {
        ...root.facts,
        subjectName: 'UTN-USERFirst-Object',
        issuerName: 'UTN-USERFirst-Object',
      },
    }
    expect(authorityOf({ certificates: [leaf, impostor], isComplete: true }, new Work())).toBeNull()
  })
})
