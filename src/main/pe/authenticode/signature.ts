/** One SignedData of Authenticode, and the ones nested in it, as facts. */
import type { Signature } from '../../../shared/driver-file/facts'
import { authorityOf } from './authorities'
import type { ParsedCertificate } from './certificate'
import type { Chain } from './chain'
import { buildChain } from './chain'
import type { SignedData, SignerInfo } from './cms'
import { attributeValues, parseSignedData, signerCertificate, signerFits } from './cms'
import type { Der } from './der'
import { DerError } from './der'
import { kindOf } from './kind'
import { OID } from './oids'
import { parseIndirectData, programOf } from './spc'
import { readTimeStamp } from './time-stamp'
import type { Work } from './work'

/** Nesting and number of signatures in one file: real ones have two, seldom three. */
const DEPTH_MAX = 6
const SIGNATURES_MAX = 16

/** Digest of the image that a signature is held against: lower-case hex, null when there is none. */
export type ImageDigest = (algorithm: string) => string | null

/** What does not depend on the image: the signer, its chain and its stamp. */
export type Signer = Pick<
  Signature,
  | 'kind'
  | 'reason'
  | 'verifies'
  | 'programName'
  | 'programUrl'
  | 'chain'
  | 'others'
  | 'chainIsComplete'
  | 'timeStamp'
>

/**
 * Read a signature and what is nested in it.
 * @param found gets the signatures; the outer one before those inside
 */
export function readSignature(
  node: Der,
  source: 'embedded' | 'nested',
  imageDigest: ImageDigest,
  work: Work,
  found: Signature[],
  depth = 0,
): void {
  const { anomalies } = work
  if (depth > DEPTH_MAX || found.length >= SIGNATURES_MAX) {
    const text = `Signatures are nested over ${DEPTH_MAX} deep or are over ${SIGNATURES_MAX}; the rest was left.`
    anomalies.suspicious('too-many-signatures', text, node.start)
    return
  }
  try {
    const message = parseSignedData(node, work)
    const signer = onlySigner(message, node, work)
    if (message.contentType !== OID.spcIndirectData || !message.content) {
      throw new DerError(`content of type ${message.contentType}, not SpcIndirectData`, node.start)
    }
    const indirect = parseIndirectData(message.content)
    if (indirect.type !== OID.spcPeImageData) {
      const text = `The signature was made for another kind of file (${indirect.type}).`
      anomalies.suspicious('signature-of-other-file-type', text, message.content.start)
    }
    if (indirect.pageHashes) {
      const text = `The signature carries hashes of the pages (${indirect.pageHashes}).`
      anomalies.note('page-hashes', text, message.content.start)
    }
    const digestMatches = imageDigest(indirect.algorithm) === indirect.digest
    const described = describeSigner(signer, message, work)
    // A kind is a claim of trust: one that was copied from another file is told along with it.
    const doubt = digestMatches
      ? described.verifies
        ? ''
        : ' The signature does not verify, though.'
      : ' The file is not the one that was signed, though.'
    found.push({
      ...{ source, catalogue: null },
      ...{ digestAlgorithm: indirect.algorithm, digest: indirect.digest, digestMatches },
      ...{ ...described, reason: described.reason + doubt },
    })
    for (const nested of attributeValues(signer.unsignedAttributes, OID.nestedSignature)) {
      readSignature(nested, 'nested', imageDigest, work, found, depth + 1)
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    const text = `A signature cannot be read: ${error.message}.`
    anomalies.broken('signature-broken', text, error.offset)
  }
}

/** @throws DerError when there is none */
export function onlySigner(message: SignedData, node: Der, { anomalies }: Work): SignerInfo {
  const [signer, ...more] = message.signers
  if (!signer) throw new DerError('a signature without a signer', node.start)
  if (more.length > 0) {
    const text = `The signature has ${message.signers.length} signers where Authenticode has one; the first was read.`
    anomalies.suspicious('several-signers', text, more[0].offset)
  }
  return signer
}

/** Chain, kind and stamp of a signer, and whether its signature covers the message's content. */
export function describeSigner(signer: SignerInfo, message: SignedData, work: Work): Signer {
  const { certificates } = message
  const leaf = signerCertificate(signer, certificates)
  const timeStamp = readTimeStamp(signer, certificates, work)
  const program = programOf(signer.signedAttributes)
  const chain = leaf ? buildChain(leaf, certificates, work) : null
  const used = [
    ...(chain?.certificates.map(({ facts }) => facts) ?? []),
    ...(timeStamp?.chain ?? []),
  ]
  const thumbprints = new Set(used.map(({ thumbprint }) => thumbprint.sha256))
  return {
    ...kindAndChain(chain, work),
    verifies: leaf !== undefined && fits(signer, leaf, message, work),
    programName: program.name,
    programUrl: program.url,
    others: certificates
      .map(({ facts }) => facts)
      .filter(({ thumbprint }) => !thumbprints.has(thumbprint.sha256)),
    timeStamp,
  }
}

function kindAndChain(
  chain: Chain | null,
  work: Work,
): Pick<Signature, 'kind' | 'reason' | 'chain' | 'chainIsComplete'> {
  if (!chain) {
    const reason = "The signer's certificate is not in the signature."
    return { kind: 'unknown', reason, chain: [], chainIsComplete: false }
  }
  return {
    ...kindOf(chain, authorityOf(chain, work)),
    chain: chain.certificates.map(({ facts }) => facts),
    chainIsComplete: chain.isComplete,
  }
}

function fits(
  signer: SignerInfo,
  leaf: ParsedCertificate,
  { content }: SignedData,
  work: Work,
): boolean {
  // Authenticode digests the content without tag and length (PKCS #7 1.5).
  return content !== null && signerFits(signer, leaf, content.value, work)
}
