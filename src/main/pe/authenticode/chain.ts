/**
 * From a signer's certificate to its root, as far as certificates are given. A link counts only when
 * the issuer's key made the signature: names alone are what forgers copy.
 */
import type { ParsedCertificate } from './certificate'
import { isSignedBy } from './verify'
import type { Work } from './work'

/** Real chains have three to five links. */
const LENGTH_MAX = 12

export interface Chain {
  /** Leaf first. */
  certificates: ParsedCertificate[]
  /** It ends in a certificate that signed itself. */
  isComplete: boolean
}

/** The certificate Microsoft signed public roots of driver signing with until 2021. */
export const CODE_VERIFICATION_ROOT = 'Microsoft Code Verification Root'

/** @param pool all certificates given, in any order */
export function buildChain(
  leaf: ParsedCertificate,
  pool: readonly ParsedCertificate[],
  work: Work,
): Chain {
  const certificates = [leaf]
  let last = leaf
  while (!isRoot(last, work) && certificates.length < LENGTH_MAX) {
    const issuer = issuerOf(last, pool, certificates, work)
    if (!issuer) return { certificates, isComplete: false }
    certificates.push(issuer)
    last = issuer
  }
  return { certificates, isComplete: isRoot(last, work) }
}

function isRoot(certificate: ParsedCertificate, work: Work): boolean {
  return certificate.facts.isSelfSigned && isSignedBy(certificate, certificate.publicKey, work)
}

function issuerOf(
  certificate: ParsedCertificate,
  pool: readonly ParsedCertificate[],
  used: readonly ParsedCertificate[],
  work: Work,
): ParsedCertificate | undefined {
  return pool
    .filter((candidate) => candidate.subject === certificate.issuer && !used.includes(candidate))
    .sort((a, b) => rank(a, certificate) - rank(b, certificate))
    .find((candidate) => isSignedBy(certificate, candidate.publicKey, work))
}

/**
 * An authority may come as its root and as the cross-certificate that Microsoft signed for the same
 * key. Drivers load by the latter, so it comes first; then the root itself.
 */
function rank(candidate: ParsedCertificate, child: ParsedCertificate): number {
  const { authorityKeyId } = child
  if (authorityKeyId && candidate.subjectKeyId && authorityKeyId !== candidate.subjectKeyId)
    return 3
  if (candidate.facts.issuerName === CODE_VERIFICATION_ROOT) return 0
  return candidate.facts.isSelfSigned ? 1 : 2
}
