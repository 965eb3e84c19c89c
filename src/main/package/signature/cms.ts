/** SignedData (CMS, PKCS #7) around some content, by one signer, with a time stamp if one is asked for. */
import { createHash, sign } from 'node:crypto'
import type { Stamp } from '../../../shared/package/signing'
import * as asn1 from '../certificates/asn1'
import { stampSignerOf } from '../certificates/authorities'
import type { Digest, Issued } from '../certificates/certificate'
import { OIDS } from '../certificates/oids'

export const digestOf = (name: Digest, bytes: Uint8Array): Uint8Array =>
  new Uint8Array(createHash(name).update(bytes).digest())

export const attribute = (id: string, ...values: asn1.Node[]): asn1.Node =>
  asn1.sequence(asn1.oid(id), asn1.set(...values))

interface SignerPlan {
  signer: Issued
  digest: Digest
  contentType: string
  /** What the signed attribute `messageDigest` is the digest of. */
  content: Uint8Array
  /** Signed attributes beside content type and digest. */
  attributes?: asn1.Node[]
}

interface Signed {
  /** The fields of SignerInfo, without unsigned attributes. */
  fields: asn1.Node[]
  signature: Uint8Array
}

function signerInfo({ signer, digest, contentType, content, attributes = [] }: SignerPlan): Signed {
  const all = [
    attribute(OIDS.contentType, asn1.oid(contentType)),
    ...attributes,
    attribute(OIDS.messageDigest, asn1.octets(digestOf(digest, content))),
  ]
  // DER orders a SET by its encoded members, and the signature covers that order.
  const sorted = all
    .map((node) => Buffer.from(asn1.bytesOf(node)))
    .sort((a, b) => Buffer.compare(a, b))
    .map((bytes) => asn1.parsed(bytes))
  const covered = asn1.bytesOf(asn1.set(...sorted))
  const signature = new Uint8Array(sign(digest, covered, signer.key.privateKey))
  const fields = [
    asn1.integer(1),
    asn1.sequence(signer.issuer, asn1.bigInteger(signer.serial)),
    asn1.algorithm(OIDS[digest]),
    asn1.tagged(0, ...sorted),
    asn1.algorithm(OIDS.rsa),
    asn1.octets(signature),
  ]
  return { fields, signature }
}

export interface MessagePlan extends SignerPlan {
  /** The content as it stands in the message. */
  inner: asn1.Node
  stamp: Stamp | null
  version?: number
}

/** The message as DER. */
export function signedMessage(plan: MessagePlan): Uint8Array {
  const { signer, digest, contentType, inner, stamp } = plan
  const { fields, signature } = signerInfo(plan)
  const stamper = stamp ? stampSignerOf(stamp) : null
  const unsigned = stamp && stamper ? [asn1.tagged(1, stampOf(stamp, stamper, signature))] : []
  // A countersignature has no place for certificates of its own.
  const extra = stamp?.kind === 'pkcs9' && stamper ? withIssuers(stamper) : []
  const data = asn1.sequence(
    asn1.integer(plan.version ?? 1),
    asn1.set(asn1.algorithm(OIDS[digest])),
    asn1.sequence(asn1.oid(contentType), asn1.tagged(0, inner)),
    asn1.tagged(0, ...[...withIssuers(signer), ...extra].map(({ bytes }) => asn1.parsed(bytes))),
    asn1.set(asn1.sequence(...fields, ...unsigned)),
  )
  return asn1.bytesOf(asn1.sequence(asn1.oid(OIDS.signedData), asn1.tagged(0, data)))
}

const withIssuers = (signer: Issued): Issued[] => [signer, ...signer.issuers]

function stampOf(stamp: Stamp, stamper: Issued, signature: Uint8Array): asn1.Node {
  const time = Date.parse(stamp.time)
  return stamp.kind === 'pkcs9'
    ? attribute(OIDS.countersignature, countersignature(stamper, signature, time))
    : attribute(OIDS.rfc3161TimeStamp, asn1.parsed(timeStampToken(stamper, signature, time)))
}

/** PKCS #9: a second signer over the bytes of the first one's signature. */
function countersignature(stamper: Issued, signature: Uint8Array, time: number): asn1.Node {
  const { fields } = signerInfo({
    signer: stamper,
    digest: 'sha1',
    contentType: OIDS.data,
    content: signature,
    attributes: [attribute(OIDS.signingTime, asn1.utcTime(time))],
  })
  return asn1.sequence(...fields)
}

/** RFC 3161: a message of its own, whose content (TSTInfo) holds digest and time. */
function timeStampToken(stamper: Issued, signature: Uint8Array, time: number): Uint8Array {
  const imprint = digestOf('sha256', signature)
  const info = asn1.bytesOf(
    asn1.sequence(
      asn1.integer(1),
      asn1.oid(OIDS.stampPolicy),
      asn1.sequence(asn1.algorithm(OIDS.sha256), asn1.octets(imprint)),
      asn1.bigInteger(imprint.subarray(0, 8)),
      asn1.generalizedTime(time),
    ),
  )
  // ESSCertIDv2: which certificate signed, so that no other can be put in its place.
  const certificateId = asn1.sequence(asn1.octets(digestOf('sha256', stamper.bytes)))
  return signedMessage({
    signer: stamper,
    digest: 'sha256',
    contentType: OIDS.tstInfo,
    content: info,
    inner: asn1.octets(info),
    version: 3,
    stamp: null,
    attributes: [
      attribute(OIDS.signingTime, asn1.utcTime(time)),
      attribute(OIDS.signingCertificateV2, asn1.sequence(asn1.sequence(certificateId))),
    ],
  })
}
