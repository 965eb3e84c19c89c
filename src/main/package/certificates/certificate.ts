/**
 * X.509 certificates of the Lab's authorities and signers. Each says in its names, and in a comment
 * extension, that it is simulated.
 */
import { createHash, sign } from 'node:crypto'
import * as asn1 from './asn1'
import type { KeyPair } from './keys'
import { keyFrom } from './keys'
import { OIDS } from './oids'

export type Digest = 'sha1' | 'sha256'

export interface CertificatePlan {
  /** Common name; the organisation is always the Lab's. */
  name: string
  /** Milliseconds since 1970. */
  from: number
  to: number
  isCa: boolean
  eku?: readonly string[]
  digest: Digest
  /** What the key is made of. */
  seed: string
}

export interface Issued {
  name: string
  /** DER. */
  bytes: Uint8Array
  key: KeyPair
  /** Name and serial number as elements, for whoever names this certificate. */
  subject: asn1.Node
  issuer: asn1.Node
  serial: Uint8Array
  /** Who issued it, up to the root; empty for one that signed itself. */
  issuers: readonly Issued[]
}

export const ORGANISATION = 'Ring0 Lab Simulated'
const COMMENT =
  'Made by Ring0 Lab for its simulated machine. The private key is public. Trust it nowhere.'

const SIGNATURE_OIDS: Record<Digest, string> = {
  sha1: OIDS.sha1WithRsa,
  sha256: OIDS.sha256WithRsa,
}

/** @param issuer itself when left out */
export function issue(plan: CertificatePlan, issuer?: Issued): Issued {
  const key = keyFrom(plan.seed)
  const subject = nameOf(plan.name)
  const issuerName = issuer ? issuer.subject : subject
  const signedBy = asn1.algorithm(SIGNATURE_OIDS[plan.digest])
  const serial = serialOf(plan, issuer)
  const toBeSigned = asn1.sequence(
    asn1.tagged(0, asn1.integer(2)),
    asn1.bigInteger(serial),
    signedBy,
    issuerName,
    asn1.sequence(asn1.utcTime(plan.from), asn1.utcTime(plan.to)),
    subject,
    asn1.parsed(key.publicKey),
    asn1.tagged(3, asn1.sequence(...extensions(plan, key, issuer))),
  )
  const signature = sign(plan.digest, asn1.bytesOf(toBeSigned), (issuer?.key ?? key).privateKey)
  const bytes = asn1.bytesOf(asn1.sequence(toBeSigned, signedBy, asn1.bits(signature)))
  const issuers = issuer ? [issuer, ...issuer.issuers] : []
  return { name: plan.name, bytes, key, subject, issuer: issuerName, serial, issuers }
}

function nameOf(name: string): asn1.Node {
  const part = (id: string, value: asn1.Node) => asn1.set(asn1.sequence(asn1.oid(id), value))
  return asn1.sequence(
    part(OIDS.country, asn1.printable('ZZ')),
    part(OIDS.organization, asn1.utf8(ORGANISATION)),
    part(OIDS.commonName, asn1.utf8(name)),
  )
}

/** Sixteen bytes, positive, another one for everything that differs. */
function serialOf(plan: CertificatePlan, issuer?: Issued): Uint8Array {
  const { name, from, to, eku = [], digest, seed } = plan
  const text = JSON.stringify([name, from, to, eku, digest, seed, issuer?.name ?? ''])
  const serial = new Uint8Array(createHash('sha256').update(text).digest().subarray(0, 16))
  serial[0] = (serial[0]! & 0x3f) | 0x40
  return serial
}

export const keyIdOf = (key: KeyPair): Uint8Array =>
  new Uint8Array(createHash('sha1').update(key.publicKey).digest())

function extensions(plan: CertificatePlan, key: KeyPair, issuer?: Issued): asn1.Node[] {
  const extension = (id: string, value: asn1.Node, isCritical = false) =>
    asn1.sequence(
      asn1.oid(id),
      ...(isCritical ? [asn1.truth(true)] : []),
      asn1.octets(asn1.bytesOf(value)),
    )
  // keyCertSign and cRLSign, or digitalSignature.
  const usage = plan.isCa ? asn1.bits(Uint8Array.of(0x06), 1) : asn1.bits(Uint8Array.of(0x80), 7)
  const { eku = [] } = plan
  // RFC 3161 wants the purpose of a stamp's certificate critical and alone.
  const isStamp = eku.includes(OIDS.timeStamping)
  return [
    extension(OIDS.basicConstraints, asn1.sequence(...(plan.isCa ? [asn1.truth(true)] : [])), true),
    extension(OIDS.keyUsage, usage, true),
    extension(OIDS.subjectKeyId, asn1.octets(keyIdOf(key))),
    ...(issuer
      ? [extension(OIDS.authorityKeyId, asn1.sequence(asn1.taggedBytes(0, keyIdOf(issuer.key))))]
      : []),
    ...(eku.length > 0
      ? [extension(OIDS.extendedKeyUsage, asn1.sequence(...eku.map((id) => asn1.oid(id))), isStamp)]
      : []),
    extension(OIDS.netscapeComment, asn1.ia5(COMMENT)),
  ]
}
