/** Authenticode: sign an image that was built here, and put the signature where Windows looks for it. */
import type { SigningPlan } from '../../../shared/package/signing'
import * as asn1 from '../certificates/asn1'
import type { Digest, Issued } from '../certificates/certificate'
import { OIDS } from '../certificates/oids'
import { checksumOf, IMAGE_FIELDS } from '../image/layout'
import { attribute, digestOf, signedMessage } from './cms'

const WIN_CERT_REVISION_2 = 0x200
const WIN_CERT_TYPE_PKCS_SIGNED_DATA = 2
const HEADER = 8

/** The digest that a signature of an unsigned image is over: all of it but three fields. */
export function imageDigest(image: Uint8Array, digest: Digest): Uint8Array {
  const { checksum, securityEntry } = IMAGE_FIELDS
  const pieces = [
    image.subarray(0, checksum),
    image.subarray(checksum + 4, securityEntry),
    image.subarray(securityEntry + 8),
  ]
  return digestOf(digest, Buffer.concat(pieces))
}

/** `SpcIndirectDataContent`: what kind of file, and its digest. */
export function indirectData(digest: Digest, value: Uint8Array, isImage = true): asn1.Node {
  const obsolete = asn1.taggedBytes(0, utf16be('<<<Obsolete>>>'))
  const file = asn1.tagged(2, obsolete)
  const data = isImage
    ? asn1.sequence(
        asn1.oid(OIDS.spcPeImageData),
        asn1.sequence(asn1.bits(new Uint8Array(0)), asn1.tagged(0, file)),
      )
    : asn1.sequence(asn1.oid(OIDS.spcCabData), file)
  return asn1.sequence(data, asn1.sequence(asn1.algorithm(OIDS[digest]), asn1.octets(value)))
}

/**
 * Sign an unsigned image.
 * @param image as `buildImage` makes it: a multiple of eight bytes, no certificate table
 * @returns the image with its signature at the end
 */
export function signImage(image: Uint8Array, plan: SigningPlan, signer: Issued): Uint8Array {
  const inner = indirectData(plan.digest, imageDigest(image, plan.digest))
  const message = signedMessage({
    signer,
    digest: plan.digest,
    contentType: OIDS.spcIndirectData,
    content: asn1.contentOf(asn1.bytesOf(inner)),
    inner,
    stamp: plan.stamp,
    attributes: programAttributes(plan.subject),
  })
  return withCertificateTable(image, message)
}

/** Name of the program (SpcSpOpusInfo): on a driver that Microsoft signed, who made it. */
export function programAttributes(name: string): asn1.Node[] {
  const programName = asn1.tagged(0, asn1.taggedBytes(0, utf16be(name)))
  return [
    attribute(OIDS.spcSpOpusInfo, asn1.sequence(programName)),
    attribute(OIDS.spcStatementType, asn1.sequence(asn1.oid(OIDS.individualCodeSigning))),
  ]
}

function withCertificateTable(image: Uint8Array, message: Uint8Array): Uint8Array {
  const size = Math.ceil((HEADER + message.length) / 8) * 8
  const signed = new Uint8Array(image.length + size)
  signed.set(image)
  signed.set(message, image.length + HEADER)
  const view = new DataView(signed.buffer)
  view.setUint32(image.length, size, true)
  view.setUint16(image.length + 4, WIN_CERT_REVISION_2, true)
  view.setUint16(image.length + 6, WIN_CERT_TYPE_PKCS_SIGNED_DATA, true)
  view.setUint32(IMAGE_FIELDS.securityEntry, image.length, true)
  view.setUint32(IMAGE_FIELDS.securityEntry + 4, size, true)
  view.setUint32(IMAGE_FIELDS.checksum, checksumOf(signed), true)
  return signed
}

const utf16be = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'utf16le').swap16())
