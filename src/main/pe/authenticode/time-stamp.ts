/**
 * Countersignatures: the claimed time of signing, and whether the stamp covers the signature.
 * PKCS #9 (a second signer over the signature's bytes; its time is a signed attribute) and RFC 3161
 * (a token of its own; its time is TSTInfo.genTime, and the signing-time attribute of the token says
 * only when the token was put together).
 */
import { hash } from 'node:crypto'
import type { TimeStamp } from '../../../shared/driver-file/facts'
import { authorityOf } from './authorities'
import type { ParsedCertificate } from './certificate'
import { parseAlgorithm } from './certificate'
import { buildChain } from './chain'
import type { SignerInfo } from './cms'
import {
  attributeValues,
  parseSignedData,
  parseSignerInfo,
  signerCertificate,
  signerFits,
} from './cms'
import { Der, DerError, isoTime, sameBytes, TAG } from './der'
import { digestName, OID } from './oids'
import type { Work } from './work'

/** More than one is odd already; each one costs verifications. */
const STAMPS_MAX = 4

/** The first time stamp of a signer that can be read; null when there is none. */
export function readTimeStamp(
  signer: SignerInfo,
  certificates: readonly ParsedCertificate[],
  work: Work,
): TimeStamp | null {
  const { anomalies } = work
  const tokens = attributeValues(signer.unsignedAttributes, OID.rfc3161TimeStamp)
  const countersigners = attributeValues(signer.unsignedAttributes, OID.countersignature)
  const stamps = [
    ...tokens.map((node) => ({ node, read: rfc3161 })),
    ...countersigners.map((node) => ({ node, read: pkcs9 })),
  ]
    .slice(0, STAMPS_MAX)
    .map(({ node, read }) => attempt(node, () => read(node, signer, certificates, work)))
    .filter((stamp) => stamp !== null)
  if (stamps.length > 1) {
    const times = stamps.map(({ kind, time }) => `${time} (${kind})`).join(', ')
    const text = `The signature has ${stamps.length} time stamps: ${times}. The first one is shown.`
    anomalies.note('several-time-stamps', text, signer.offset)
  }
  return stamps[0] ?? null

  function attempt(node: Der, read: () => TimeStamp): TimeStamp | null {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof DerError)) throw error
      const text = `A time stamp cannot be read: ${error.message}.`
      anomalies.broken('time-stamp-broken', text, error.offset || node.start)
      return null
    }
  }
}

function pkcs9(
  node: Der,
  stamped: SignerInfo,
  certificates: readonly ParsedCertificate[],
  work: Work,
): TimeStamp {
  const signer = parseSignerInfo(node)
  const [time] = attributeValues(signer.signedAttributes, OID.signingTime)
  if (!time) throw new DerError('a countersignature without a time', node.start)
  const leaf = signerCertificate(signer, certificates)
  const verifies = leaf !== undefined && signerFits(signer, leaf, stamped.signature, work)
  const digestAlgorithm = signer.digest ?? signer.digestOid
  const rest = trust(leaf, certificates, work)
  return { kind: 'pkcs9', time: timeOf(time), verifies, digestAlgorithm, ...rest }
}

function rfc3161(
  node: Der,
  stamped: SignerInfo,
  outer: readonly ParsedCertificate[],
  work: Work,
): TimeStamp {
  const token = parseSignedData(node, work)
  const [signer] = token.signers
  if (token.contentType !== OID.tstInfo || !token.content || !signer) {
    throw new DerError('the token holds no TSTInfo', node.start)
  }
  const info = token.content.octets()
  const [, , imprint, , time] = Der.at(info).expect(TAG.sequence, 'no TSTInfo').children()
  if (!time) throw new DerError('a TSTInfo that is cut off', token.content.start)
  const [algorithm, imprinted] = imprint.children()
  const digest = algorithm ? digestName(parseAlgorithm(algorithm).oid) : null
  const covers =
    digest !== null &&
    imprinted !== undefined &&
    sameBytes(imprinted.octets(), hash(digest, stamped.signature, 'buffer'))
  // The token's own certificates first: the outer ones are the signer's.
  const certificates = [...token.certificates, ...outer]
  const leaf = signerCertificate(signer, certificates)
  const verifies = covers && leaf !== undefined && signerFits(signer, leaf, info, work)
  const digestAlgorithm = signer.digest ?? signer.digestOid
  const rest = trust(leaf, certificates, work)
  return { kind: 'rfc3161', time: timeOf(time), verifies, digestAlgorithm, ...rest }
}

function timeOf(node: Der): string {
  const time = isoTime(node.time())
  if (time === '') throw new DerError('a time that is none', node.start)
  return time
}

type Trust = Pick<TimeStamp, 'chain' | 'rootIsKnown' | 'rootName' | 'rootBasis'>

function trust(
  leaf: ParsedCertificate | undefined,
  certificates: readonly ParsedCertificate[],
  work: Work,
): Trust {
  if (!leaf) return { chain: [], rootIsKnown: false, rootName: '', rootBasis: null }
  const chain = buildChain(leaf, certificates, work)
  const authority = authorityOf(chain, work)
  const isKnown = authority !== null && authority.role !== 'microsoft-test'
  const { subjectName, issuerName } = chain.certificates[chain.certificates.length - 1].facts
  return {
    chain: chain.certificates.map(({ facts }) => facts),
    rootIsKnown: isKnown,
    rootName: chain.isComplete ? subjectName : issuerName,
    rootBasis: isKnown ? authority.basis : null,
  }
}
