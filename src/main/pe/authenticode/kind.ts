/**
 * What kind of driver signature it is. The words in a certificate count only as far as the chain
 * that stands behind them: anyone can write Microsoft's key usages into a certificate of his own.
 */
import type { SignatureKind } from '../../../shared/driver-file/facts'
import type { Authority, AuthorityRole } from './authorities'
import type { ParsedCertificate } from './certificate'
import type { Chain } from './chain'
import { CODE_VERIFICATION_ROOT } from './chain'
import { ekuName, OID } from './oids'

export interface KindAndReason {
  kind: SignatureKind
  reason: string
}

/**
 * Microsoft's cross-certificates for kernel drivers had all expired by then
 * (learn.microsoft.com, "Deprecation of Software Publisher Certificates").
 */
const CROSS_CERTIFICATES_END = Date.UTC(2021, 6, 1)

const MICROSOFT_KINDS: [string, SignatureKind][] = [
  [OID.ekuWhcp, 'whcp'],
  [OID.ekuAttestation, 'attestation'],
  [OID.ekuWindows, 'windows'],
]

export function kindOf(chain: Chain, authority: Authority | null): KindAndReason {
  const [leaf] = chain.certificates
  const claim = MICROSOFT_KINDS.find(([oid]) => leaf.facts.eku.some((usage) => usage.oid === oid))
  const claimed = claim ? ` It has the key usage "${ekuName(claim[0])}" all the same.` : ''
  if (authority?.role === 'microsoft') return microsoft(leaf, authority, claim)
  if (chain.certificates.length === 1 && chain.isComplete) {
    const reason = `${quoted(leaf.facts.subjectName)} signed its own certificate.${claimed}`
    return { kind: 'self-signed', reason }
  }
  if (authority?.role === 'microsoft-test') {
    return { kind: 'test', reason: `The chain ends at ${told(authority)}, made for tests.` }
  }
  const crossed = crossedBy(chain, authority)
  if (crossed) return { kind: 'cross-signed', reason: crossed + claimed }
  if (authority) {
    const { kind, reason } = publicKind(leaf, authority)
    return { kind, reason: reason + claimed }
  }
  const last = chain.certificates[chain.certificates.length - 1].facts
  if (chain.isComplete) {
    const root = quoted(last.subjectName)
    const reason = `The chain ends at ${root}, a root of no public authority known here: Windows loads such a driver in test mode only.`
    return { kind: 'test', reason: reason + claimed }
  }
  const reason = `The issuer ${quoted(last.issuerName)} is not given and is no authority known here.`
  return { kind: 'unknown', reason: reason + claimed }
}

function microsoft(
  leaf: ParsedCertificate,
  authority: Authority,
  claim: [string, SignatureKind] | undefined,
): KindAndReason {
  if (!claim) {
    const reason = `The chain ends at ${told(authority)}, and the signer has no key usage for drivers.`
    return { kind: 'unknown', reason }
  }
  const [oid, kind] = claim
  const signer = quoted(leaf.facts.subjectName)
  const reason = `${signer} has the key usage "${ekuName(oid)}" (${oid}), and the chain ends at ${told(authority)}.`
  return { kind, reason }
}

/**
 * Why a chain counts as going through a cross-certificate of Microsoft's; null when it does not. The
 * root of these certificates never comes along, so but for those on file its name is all there is.
 */
function crossedBy(
  { certificates, isComplete }: Chain,
  authority: Authority | null,
): string | null {
  if (authority?.role === 'microsoft-cross' && authority.basis !== 'name') {
    return `The chain goes through Microsoft's cross-certificate for kernel drivers: ${told(authority)}.`
  }
  const last = certificates[certificates.length - 1].facts
  if (isComplete || last.issuerName !== CODE_VERIFICATION_ROOT) return null
  const key = authority?.role === 'public' ? ` The crossed key is that of ${told(authority)}.` : ''
  return `The chain goes through a cross-certificate of ${quoted(last.subjectName)} whose issuer is called "${CODE_VERIFICATION_ROOT}", recognised by name only.${key}`
}

function publicKind(leaf: ParsedCertificate, authority: Authority): KindAndReason {
  if (leaf.facts.eku.some(({ oid }) => oid === OID.ekuKernelMode)) {
    const reason = `The signer may sign kernel-mode code (${OID.ekuKernelMode}), and the chain ends at ${told(authority)}.`
    return { kind: 'cross-signed', reason }
  }
  if (leaf.from < CROSS_CERTIFICATES_END) {
    const reason = `The chain ends at ${told(authority)}; the signer's certificate is from ${leaf.facts.from.slice(0, 10)}, when Microsoft's cross-certificates let drivers of public authorities load. The cross-certificate itself is not given.`
    return { kind: 'cross-signed', reason }
  }
  const reason = `The chain ends at ${told(authority)}; the signer's certificate is from ${leaf.facts.from.slice(0, 10)}, after the last cross-certificate for drivers expired.`
  return { kind: 'unknown', reason }
}

const ROLES: Record<AuthorityRole, string> = {
  microsoft: "Microsoft's",
  'microsoft-cross': 'the authority',
  'microsoft-test': "Microsoft's",
  'time-stamp': 'the time-stamp authority',
  public: 'the public authority',
}

const BASES: Record<Authority['basis'], string> = {
  thumbprint: 'by thumbprint',
  tbs: 'by the digest of its signed part',
  key: 'by its key',
  name: 'by name only: its certificate is not given',
}

function told({ name, role, basis }: Authority): string {
  return `${ROLES[role]} ${quoted(name)} (recognised ${BASES[basis]})`
}

function quoted(name: string): string {
  return `"${name}"`
}
