/**
 * X.509 certificates: what is shown of them, and what is needed to link and verify them.
 *
 * The same few authorities sign most drivers, so what was read is kept by the bytes it was read
 * from: the second file of a batch costs a lookup.
 */
import { hash } from 'node:crypto'
import type { Certificate } from '../../../shared/driver-file/facts'
import { context, Der, DerError, hex, isoTime, TAG } from './der'
import { attributeName, curveName, digestName, ekuName, OID, signatureAlgorithm } from './oids'

export interface ParsedCertificate {
  facts: Certificate
  /** Encoded names, for comparing. */
  subject: string
  issuer: string
  /** Milliseconds since 1970. */
  from: number
  to: number
  /** Key identifiers as hex; null when the certificate names none. */
  subjectKeyId: string | null
  authorityKeyId: string | null
  /** The to-be-signed part, the algorithm that signed it and the signature. */
  tbs: Uint8Array
  algorithm: Algorithm
  signature: Uint8Array
  /** SubjectPublicKeyInfo. */
  publicKey: Uint8Array
}

/** AlgorithmIdentifier. */
export interface Algorithm {
  oid: string
  parameters: Der | null
}

const CACHE_MAX = 512
/** A certificate larger than this is no certificate. */
const SIZE_MAX = 64 * 1024
const cache = new Map<string, ParsedCertificate>()

/**
 * Read a certificate.
 * @throws DerError when it is none
 */
export function parseCertificate(node: Der): ParsedCertificate {
  if (node.next - node.start > SIZE_MAX)
    throw new DerError('a certificate of over 64 KB', node.start)
  const sha256 = digest('sha256', node.raw)
  const known = cache.get(sha256)
  if (known) return known
  // A copy: what is kept must not hold the file in memory.
  const parsed = read(Der.at(Uint8Array.from(node.raw)), sha256, node.start)
  if (cache.size >= CACHE_MAX) cache.delete([...cache.keys()][0])
  cache.set(sha256, parsed)
  return parsed
}

export function parseAlgorithm(node: Der): Algorithm {
  const [oid, parameters] = node.expect(TAG.sequence, 'no algorithm').children()
  if (!oid) throw new DerError('an algorithm without a name', node.start)
  return { oid: oid.oid(), parameters: parameters ?? null }
}

function digest(name: string, bytes: Uint8Array): string {
  return hash(name, bytes, 'hex')
}

function read(node: Der, sha256: string, offset: number): ParsedCertificate {
  const [tbs, algorithmNode, signature] = node.expect(TAG.sequence, 'no certificate').children()
  if (!signature) throw new DerError('a certificate of fewer than three parts', offset)
  const fields = tbs.children()
  if (fields[0]?.is(context(0))) fields.shift()
  const [serial, , issuer, validity, subject, publicKey, ...rest] = fields
  if (!publicKey) throw new DerError('a certificate without a key', offset)
  const [from, to] = validity.children().map((time) => time.time())
  const algorithm = parseAlgorithm(algorithmNode)
  const extensions = readExtensions(rest.find((field) => field.is(context(3))))
  const parsed = {
    subject: hex(subject.raw),
    issuer: hex(issuer.raw),
    from: from ?? Number.NaN,
    to: to ?? Number.NaN,
    subjectKeyId: extensions.subjectKeyId,
    authorityKeyId: extensions.authorityKeyId,
    tbs: tbs.raw,
    algorithm,
    signature: signature.bits(),
    publicKey: publicKey.raw,
  }
  const issuerText = distinguishedName(issuer)
  const subjectText = distinguishedName(subject)
  const { name, digest: ownDigest } = signatureAlgorithm(algorithm.oid)
  const hashes = {
    md5: digest('md5', parsed.tbs),
    sha1: digest('sha1', parsed.tbs),
    sha256: digest('sha256', parsed.tbs),
    sha384: digest('sha384', parsed.tbs),
  }
  const facts: Certificate = {
    subject: subjectText.full,
    subjectName: subjectText.short,
    issuer: issuerText.full,
    issuerName: issuerText.short,
    serial: serial.integerHex(),
    from: isoTime(parsed.from),
    to: isoTime(parsed.to),
    isCa: extensions.isCa,
    isSelfSigned: parsed.subject === parsed.issuer,
    eku: extensions.eku.map((oid) => ({ oid, name: ekuName(oid) })),
    signatureAlgorithm: name,
    key: keyText(publicKey),
    thumbprint: { sha1: digest('sha1', node.raw), sha256 },
    tbs: { ...hashes, algorithm: digest(ownDigest ?? pssDigest(algorithm), parsed.tbs) },
  }
  return { ...parsed, facts }
}

/** The digest of an RSASSA-PSS algorithm, which stands in its parameters; SHA-1 where none does. */
export function pssDigest(algorithm: Algorithm): string {
  if (algorithm.oid !== OID.rsaPss || !algorithm.parameters?.is(TAG.sequence)) return 'sha1'
  const hash = algorithm.parameters.children().find((part) => part.is(context(0)))
  return (hash && digestName(parseAlgorithm(hash.first()).oid)) ?? 'sha1'
}

interface Extensions {
  isCa: boolean
  eku: string[]
  subjectKeyId: string | null
  authorityKeyId: string | null
}

function readExtensions(node: Der | undefined): Extensions {
  const found: Extensions = { isCa: false, eku: [], subjectKeyId: null, authorityKeyId: null }
  if (!node) return found
  for (const extension of node.first().children()) {
    const parts = extension.children()
    const [oid, value] = [parts[0], parts.at(-1)]
    if (!oid || !value?.is(TAG.octetString)) continue
    readExtension(oid.oid(), value, found)
  }
  return found
}

function readExtension(oid: string, value: Der, found: Extensions): void {
  switch (oid) {
    case OID.basicConstraints: {
      const [first] = value.first().children()
      found.isCa = first?.is(TAG.boolean) === true && first.value[0] !== 0
      break
    }
    case OID.extendedKeyUsage:
      found.eku = value
        .first()
        .children()
        .slice(0, 64)
        .map((usage) => usage.oid())
      break
    case OID.subjectKeyId:
      found.subjectKeyId = hex(value.first().octets())
      break
    case OID.authorityKeyId: {
      const keyId = value
        .first()
        .children()
        .find((part) => part.is(context(0, false)))
      found.authorityKeyId = keyId ? hex(keyId.value) : null
    }
  }
}

interface Name {
  full: string
  /** The common name, or what stands in its place. */
  short: string
}

/** `CN=..., O=..., C=...`: the most specific part first, as RFC 4514 writes them. */
export function distinguishedName(node: Der): Name {
  const parts: { type: string; text: string }[] = []
  for (const set of node.expect(TAG.sequence, 'no name').children().slice(0, 64)) {
    for (const pair of set.children().slice(0, 16)) {
      const [type, value] = pair.children()
      if (type && value) parts.push({ type: attributeName(type.oid()), text: value.text() })
    }
  }
  parts.reverse()
  const short = ['CN', 'OU', 'O'].map((type) => parts.find((part) => part.type === type))
  return {
    full: parts.map(({ type, text }) => `${type}=${escape(text)}`).join(', '),
    short: short.find((part) => part)?.text ?? parts[0]?.text ?? '',
  }
}

function escape(text: string): string {
  return text.replace(/[,+"\\<>;]/g, '\\$&').replaceAll('\0', '\\00')
}

/** `RSA 2048`, `EC P-256`. */
function keyText(publicKey: Der): string {
  const [algorithmNode, key] = publicKey.children()
  if (!key) return ''
  const { oid, parameters } = parseAlgorithm(algorithmNode)
  switch (oid) {
    case OID.rsa:
    case OID.rsaPss: {
      const modulus = Der.at(key.bits()).first().value
      const start = modulus.findIndex((byte) => byte !== 0)
      if (start < 0) return 'RSA 0'
      return `RSA ${(modulus.length - start) * 8 - (Math.clz32(modulus[start]) - 24)}`
    }
    case OID.ec:
      return `EC ${parameters?.is(TAG.oid) ? curveName(parameters.oid()) : 'of its own curve'}`
    case OID.dsa:
      return 'DSA'
    default:
      return signatureAlgorithm(oid).name
  }
}
