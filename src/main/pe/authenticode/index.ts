/**
 * Authenticode: the signatures of an image (embedded, nested, by catalogue), their chains and time
 * stamps, and what speaks against the times they claim. Reads bytes and computes; asks no clock and
 * no certificate store, so the same file gives the same facts everywhere. Never throws: what cannot
 * be read becomes an anomaly with its offset.
 */
import { createHash } from 'node:crypto'
import type { Anomaly, Evidence, Image, Signature } from '../../../shared/driver-file/facts'
import type { AnomalyList } from '../anomalies'
import { authenticodePieces } from '../image/digests'
import { Reader } from '../reader'
import { catalogueSignature } from './catalogue'
import { evidenceOf } from './evidence'
import type { Indicator } from './indicators'
import { findIndicator, REPORTED } from './indicators'
import { readSignature } from './signature'
import { readCertificateTable } from './win-certificate'
import { Work } from './work'

export { readCatalogue } from './catalogue'
export type { CatalogueReading } from './catalogue'
export type { Indicator } from './indicators'

export interface SignatureOptions {
  /** Catalogues that came with the file. */
  catalogues?: readonly { name: string; bytes: Uint8Array }[]
  /** Further indicators, beside those of data/indicators/certificates.json. */
  indicators?: readonly Indicator[]
}

export interface SignatureFacts {
  signatures: Signature[]
  evidence: Evidence[]
  anomalies: Anomaly[]
}

type SignedImage = Pick<
  Image,
  'certificateTable' | 'authentihash' | 'compiled' | 'timeIsHash' | 'is64Bit'
>

const CATALOGUES_MAX = 64

/**
 * All signatures of an image, outer before nested, embedded before catalogues.
 * @param bytes the whole file
 * @param image what was read of it
 */
export function readSignatures(
  bytes: Uint8Array,
  image: SignedImage,
  options: SignatureOptions = {},
): SignatureFacts {
  const work = new Work()
  const { anomalies } = work
  const signatures: Signature[] = []
  const imageDigest = digestsOf(bytes, image)
  if (image.certificateTable) {
    const messages = readCertificateTable(new Reader(bytes), image.certificateTable, anomalies)
    for (const node of messages) {
      readSignature(node, 'embedded', imageDigest, work, signatures)
    }
  }
  for (const catalogue of (options.catalogues ?? []).slice(0, CATALOGUES_MAX)) {
    const signature = catalogueSignature(catalogue, imageDigest)
    if (signature) signatures.push(signature)
  }
  const indicators = [...REPORTED, ...(options.indicators ?? [])]
  for (const signature of signatures) reportedSigner(signature, indicators, anomalies)
  return {
    signatures,
    evidence: signatures.flatMap((_, index) => evidenceOf(signatures, index, image, indicators)),
    anomalies: anomalies.items,
  }
}

/** Digests of the image as Authenticode computes them, by name; the usual ones are there already. */
function digestsOf(bytes: Uint8Array, image: SignedImage): (algorithm: string) => string | null {
  const known = new Map<string, string>(Object.entries(image.authentihash ?? {}))
  return (algorithm) => {
    const there = known.get(algorithm)
    if (there !== undefined) return there
    if (!image.authentihash || !/^sha(224|384|512)$/.test(algorithm)) return null
    const hash = createHash(algorithm)
    for (const piece of authenticodePieces(bytes, places(bytes, image), image.certificateTable)) {
      hash.update(piece)
    }
    const digest = hash.digest('hex')
    known.set(algorithm, digest)
    return digest
  }
}

/** Offsets of the fields that Authenticode leaves out, in the optional header. */
function places(
  bytes: Uint8Array,
  image: SignedImage,
): { checksumOffset: number; securityEntryOffset: number | null } {
  const reader = new Reader(bytes)
  const optionalHeader = reader.u32(0x3c) + 24
  const countOffset = optionalHeader + (image.is64Bit ? 108 : 92)
  const SECURITY = 4
  return {
    checksumOffset: optionalHeader + 64,
    securityEntryOffset: reader.u32(countOffset) > SECURITY ? countOffset + 4 + SECURITY * 8 : null,
  }
}

function reportedSigner(
  { chain }: Signature,
  indicators: readonly Indicator[],
  anomalies: AnomalyList,
): void {
  const match = findIndicator(chain.slice(0, 1), 'signer', indicators)
  if (!match) return
  const { indicator, by } = match
  const how = {
    tbs: 'the digest of its signed part',
    serial: 'name and serial number',
    name: 'name only',
  }
  const text = `The signer is on the indicator list, recognised by ${how[by]}: "${indicator.name}". ${indicator.what} See ${indicator.references.join(' ')}`
  anomalies.suspicious('signer-on-indicator-list', text)
}
