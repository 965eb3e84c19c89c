import * as asn1js from 'asn1js'
import * as pkijs from 'pkijs'
import { describe, expect, test } from 'vitest'
import { expected, fixture } from './testing/fixtures'
import { distinguishedName, parseCertificate } from './certificate'
import { Der, hex } from './der'
import { isSignedBy } from './verify'
import { Work } from './work'

const files = Object.entries(expected.certificates)
const read = (name: string) => parseCertificate(Der.at(fixture(`signed/${name}`)))

describe('a certificate', () => {
  test.each(files)('%s is read as openssl reads it', (name, theirs) => {
    const { facts } = read(name)
    expect({
      subject: facts.subject.replaceAll(', ', ','),
      serial: facts.serial,
      from: facts.from,
      to: facts.to,
      ...facts.thumbprint,
    }).toEqual({
      subject: theirs.subject,
      serial: theirs.serial,
      from: theirs.from,
      to: theirs.to,
      sha1: theirs.sha1,
      sha256: theirs.sha256,
    })
    expect(facts.tbs).toMatchObject(theirs.tbs)
  })

  test.each(files)('%s has the parts that pkijs finds', (name) => {
    const bytes = fixture(`signed/${name}`)
    const theirs = new pkijs.Certificate({ schema: asn1js.fromBER(bytes).result })
    const ours = read(name)
    expect(hex(ours.tbs)).toBe(hex(new Uint8Array(theirs.tbsView)))
    expect(hex(ours.publicKey)).toBe(
      hex(new Uint8Array(theirs.subjectPublicKeyInfo.toSchema().toBER(false))),
    )
    expect(hex(ours.signature)).toBe(hex(theirs.signatureValue.valueBlock.valueHexView))
    expect(ours.algorithm.oid).toBe(theirs.signatureAlgorithm.algorithmId)
  })

  test.each([
    ['odd-md5.der', 'md5WithRSAEncryption', 'md5', 'RSA 2048'],
    ['odd-pss.der', 'rsassaPss', 'sha384', 'RSA 2048'],
    ['odd-p384.der', 'ecdsa-with-SHA384', 'sha384', 'EC P-384'],
    ['root.der', 'sha256WithRSAEncryption', 'sha256', 'RSA 2048'],
  ] as const)('%s is signed with %s, and fits its own key', (name, algorithm, digest, key) => {
    const certificate = read(name)
    expect(certificate.facts).toMatchObject({ signatureAlgorithm: algorithm, key, isCa: true })
    expect(certificate.facts.tbs.algorithm).toBe(certificate.facts.tbs[digest])
    expect(isSignedBy(certificate, certificate.publicKey, new Work())).toBe(true)
  })

  test('names its key usages', () => {
    expect(read('young.der').facts).toMatchObject({
      eku: [{ oid: '1.3.6.1.5.5.7.3.3', name: 'Code Signing' }],
      isCa: false,
      isSelfSigned: false,
      issuerName: 'Signed Fixtures Code CA',
    })
  })

  test('does not fit the key of another', () => {
    expect(isSignedBy(read('young.der'), read('root.der').publicKey, new Work())).toBe(false)
  })

  test('has its name with the special characters marked', () => {
    const pair = (type: string, value: string) =>
      new asn1js.Set({
        value: [
          new asn1js.Sequence({
            value: [new asn1js.ObjectIdentifier({ value: type }), new asn1js.BmpString({ value })],
          }),
        ],
      })
    const name = new asn1js.Sequence({
      value: [pair('2.5.4.10', 'Giga, Inc'), pair('2.5.4.3', '善君')],
    })
    const node = Der.at(new Uint8Array(name.toBER(false)))
    expect(distinguishedName(node)).toEqual({ full: 'CN=善君, O=Giga\\, Inc', short: '善君' })
  })
})
