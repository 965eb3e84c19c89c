/**
 * CMS SignedData (PKCS #7) as Authenticode uses it: content, certificates and one signer with its
 * attributes. RFC 5652; PKCS #7 1.5 differs only in how the content is wrapped.
 */
import { hash } from 'node:crypto'
import type { Algorithm, ParsedCertificate } from './certificate'
import { parseAlgorithm, parseCertificate } from './certificate'
import type { Der } from './der'
import { context, DerError, hex, sameBytes, TAG } from './der'
import { digestName, OID } from './oids'
import { signatureFits } from './verify'
import type { Work } from './work'

const CERTIFICATES_MAX = 64
const ATTRIBUTES_MAX = 64

export interface Attribute {
  oid: string
  values: Der[]
}

export interface SignerInfo {
  /** Offset in the bytes it was read from. */
  offset: number
  /** Encoded issuer name and serial number, or the key identifier; how the certificate is named. */
  issuer: string | null
  serial: string | null
  subjectKeyId: string | null
  /** Name for Node's crypto; null when it is not supported. */
  digest: string | null
  digestOid: string
  signedAttributes: Attribute[]
  /** What the signature covers when there are signed attributes. */
  signedBytes: Uint8Array | null
  algorithm: Algorithm
  signature: Uint8Array
  unsignedAttributes: Attribute[]
}

export interface SignedData {
  contentType: string
  /** The element inside the content's frame; null when the content is detached. */
  content: Der | null
  certificates: ParsedCertificate[]
  signers: SignerInfo[]
  /** Offset after the message. */
  next: number
}

/**
 * Read a ContentInfo that holds SignedData.
 * @param work gets anomalies for certificates that cannot be read; the others are kept
 * @throws DerError when it is none
 */
export function parseSignedData(node: Der, work: Work): SignedData {
  work.message(node.start)
  const [type, frame] = node.expect(TAG.sequence, 'no CMS message').children()
  if (type?.oid() !== OID.signedData || !frame?.is(context(0))) {
    throw new DerError('the message is no SignedData', node.start)
  }
  const [, , contentInfo, ...rest] = frame.first().children()
  if (!contentInfo) throw new DerError('SignedData without content', frame.start)
  const [contentType, content] = contentInfo.children()
  if (!contentType) throw new DerError('content without a type', contentInfo.start)
  const certificates = rest.find((part) => part.is(context(0)))
  const signers = rest.find((part) => part.is(TAG.set))
  return {
    contentType: contentType.oid(),
    content: content?.is(context(0)) && content.end > content.content ? content.first() : null,
    certificates: certificates ? parseCertificates(certificates, work) : [],
    signers: signers ? signers.children().slice(0, 8).map(parseSignerInfo) : [],
    next: node.next,
  }
}

function parseCertificates(node: Der, { anomalies }: Work): ParsedCertificate[] {
  const nodes = node.children()
  if (nodes.length > CERTIFICATES_MAX) {
    const text = `The message holds ${nodes.length} certificates; ${CERTIFICATES_MAX} were read.`
    anomalies.suspicious('too-many-certificates', text, node.start)
  }
  const found = new Map<string, ParsedCertificate>()
  for (const part of nodes.slice(0, CERTIFICATES_MAX)) {
    // Other choices (attribute certificates) have context tags.
    if (!part.is(TAG.sequence)) continue
    try {
      const certificate = parseCertificate(part)
      found.set(certificate.facts.thumbprint.sha256, certificate)
    } catch (error) {
      if (!(error instanceof DerError)) throw error
      const text = `A certificate of the signature cannot be read: ${error.message}.`
      anomalies.broken('certificate-broken', text, part.start)
    }
  }
  return [...found.values()]
}

/** @throws DerError when it is no SignerInfo */
export function parseSignerInfo(node: Der): SignerInfo {
  const [version, id, digestNode, ...rest] = node.expect(TAG.sequence, 'no signer').children()
  if (!version || !id || !digestNode) throw new DerError('a signer that is cut off', node.start)
  const isByKey = id.is(context(0, false))
  const [issuer, serial] = isByKey ? [] : id.children()
  const digestOid = parseAlgorithm(digestNode).oid
  const signed = rest[0]?.is(context(0)) ? rest.shift() : undefined
  const [algorithm, signature, unsigned] = rest
  if (!algorithm || !signature) throw new DerError('a signer without signature', node.start)
  return {
    offset: node.start,
    issuer: issuer ? hex(issuer.raw) : null,
    serial: serial ? serial.integerHex() : null,
    subjectKeyId: isByKey ? hex(id.value) : null,
    digest: digestName(digestOid),
    digestOid,
    signedAttributes: signed ? parseAttributes(signed) : [],
    signedBytes: signed ? asSet(signed) : null,
    algorithm: parseAlgorithm(algorithm),
    signature: signature.octets(),
    unsignedAttributes: unsigned?.is(context(1)) ? parseAttributes(unsigned) : [],
  }
}

function parseAttributes(node: Der): Attribute[] {
  return node
    .children()
    .slice(0, ATTRIBUTES_MAX)
    .flatMap((attribute) => {
      const [oid, values] = attribute.children()
      return oid && values ? [{ oid: oid.oid(), values: values.children().slice(0, 64) }] : []
    })
}

/** The signature covers the attributes with the tag of a SET, not the one they have in place. */
function asSet(node: Der): Uint8Array {
  const copy = Uint8Array.from(node.raw)
  copy[0] = TAG.set
  return copy
}

export function attributeValues(attributes: Attribute[], oid: string): Der[] {
  return attributes.filter((attribute) => attribute.oid === oid).flatMap(({ values }) => values)
}

/** The certificate that a signer names. */
export function signerCertificate(
  signer: SignerInfo,
  certificates: readonly ParsedCertificate[],
): ParsedCertificate | undefined {
  return certificates.find((certificate) =>
    signer.subjectKeyId === null
      ? certificate.issuer === signer.issuer && certificate.facts.serial === signer.serial
      : certificate.subjectKeyId === signer.subjectKeyId,
  )
}

/**
 * Does a signer's signature cover this content and fit the certificate?
 * @param content what the signed attribute `messageDigest` is the digest of
 */
export function signerFits(
  signer: SignerInfo,
  certificate: ParsedCertificate,
  content: Uint8Array,
  work: Work,
): boolean {
  const { digest, signedBytes, algorithm, signature } = signer
  if (!digest) return false
  if (signedBytes) {
    const [claimed] = attributeValues(signer.signedAttributes, OID.messageDigest)
    const actual = hash(digest, content, 'buffer')
    if (!claimed?.is(TAG.octetString) || !sameBytes(claimed.value, actual)) return false
  }
  const covered = signedBytes ?? content
  return signatureFits(certificate.publicKey, algorithm, digest, covered, signature, work)
}
