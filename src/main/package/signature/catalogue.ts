/**
 * A catalogue (.cat): a signed list of the digests of a package's files (a Certificate Trust List of
 * Microsoft's). Version 1 has SHA-1 digests and names members by their text, version 2 has SHA-256.
 */
import type { SigningPlan } from '../../../shared/package/signing'
import * as asn1 from '../certificates/asn1'
import type { Issued } from '../certificates/certificate'
import { OIDS } from '../certificates/oids'
import { indirectData } from './authenticode'
import { attribute, digestOf, signedMessage } from './cms'

/** Flags of a name and value: text, in place. */
const NAME_VALUE_FLAGS = 0x10010001

export interface CatalogueMember {
  file: string
  /** Of an image what its signature is over, of any other file all of it. */
  digest: Uint8Array
  isImage: boolean
}

export interface CataloguePlan {
  members: readonly CatalogueMember[]
  /** Hardware ids that the package is for. */
  hardwareIds: readonly string[]
  /** When the list was made, in milliseconds since 1970. */
  time: number
}

/** The catalogue as DER. */
export function buildCatalogue(
  { members, hardwareIds, time }: CataloguePlan,
  plan: SigningPlan,
  signer: Issued,
): Uint8Array {
  const isV1 = plan.digest === 'sha1'
  const subjects = members.map(({ file, digest, isImage }) =>
    asn1.sequence(
      asn1.octets(isV1 ? wide(Buffer.from(digest).toString('hex').toUpperCase()) : digest),
      asn1.set(
        attribute(OIDS.catalogueNameValue, nameValue('File', file)),
        attribute(OIDS.catalogueNameValue, nameValue('OSAttr', '2:10.0')),
        attribute(OIDS.spcIndirectData, indirectData(plan.digest, digest, isImage)),
      ),
    ),
  )
  const attributes = [
    ['OS', '_v100_X64'],
    ...hardwareIds.map((id, index) => [`HWID${index + 1}`, id.toLowerCase()]),
  ] as const
  const list = asn1.sequence(
    asn1.sequence(asn1.oid(OIDS.catalogueList)),
    asn1.octets(
      digestOf('sha256', Buffer.concat(members.map(({ digest }) => digest))).subarray(0, 16),
    ),
    asn1.utcTime(time),
    asn1.algorithm(isV1 ? OIDS.catalogueMember : OIDS.catalogueMemberV2),
    asn1.sequence(...subjects),
    asn1.tagged(
      0,
      asn1.sequence(
        ...attributes.map(([name, value]) =>
          asn1.sequence(
            asn1.oid(OIDS.catalogueNameValue),
            asn1.octets(asn1.bytesOf(nameValue(name!, value!))),
          ),
        ),
      ),
    ),
  )
  return signedMessage({
    signer,
    digest: plan.digest,
    contentType: OIDS.certificateTrustList,
    content: asn1.contentOf(asn1.bytesOf(list)),
    inner: list,
    stamp: plan.stamp,
  })
}

const wide = (text: string): Uint8Array => new Uint8Array(Buffer.from(`${text}\0`, 'utf16le'))

const nameValue = (name: string, value: string): asn1.Node =>
  asn1.sequence(asn1.bmp(name), asn1.integer(NAME_VALUE_FLAGS), asn1.octets(wide(value)))
