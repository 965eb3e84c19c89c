/**
 * How a signature stands on the machine: under which root, for what purpose, at what time. From what
 * `pe/authenticode` reads; roots of the Lab count like those whose part they play.
 */
import type { Certificate, Signature } from '../../../shared/driver-file/facts'
import { SIMULATED_ROOTS } from './roots'

export interface Standing {
  /** `platform`: Microsoft's; `cross`: a public authority that Microsoft cross-certified. */
  root: 'platform' | 'cross' | 'none'
  rootName: string
  /** What a platform signature was made for. */
  purpose: 'whcp' | 'attestation' | 'windows' | null
  leaf: Certificate | null
  /** One that verifies; what it claims and whether its root is known. */
  stamp: { time: string; isKnown: boolean; rootName: string } | null
}

const WHCP = '1.3.6.1.4.1.311.10.3.5'
const ATTESTATION = '1.3.6.1.4.1.311.10.3.5.1'

export function standingOf(signature: Signature): Standing {
  const { chain, timeStamp } = signature
  const leaf = chain[0] ?? null
  const last = chain.at(-1)
  const simulated = signature.chainIsComplete ? roleOf(last) : undefined
  const rootName = last
    ? signature.chainIsComplete
      ? last.subjectName
      : last.issuerName
    : 'nobody that is given'
  return {
    root: rootOf(signature, simulated),
    rootName,
    purpose: purposeOf(signature, simulated),
    leaf,
    stamp:
      timeStamp?.verifies === true
        ? {
            time: timeStamp.time,
            isKnown: timeStamp.rootIsKnown || roleOf(timeStamp.chain.at(-1)) === 'time-stamp',
            rootName: timeStamp.rootName,
          }
        : null,
  }
}

const roleOf = (certificate: Certificate | undefined) =>
  certificate && SIMULATED_ROOTS.get(certificate.thumbprint.sha256)

function rootOf({ kind }: Signature, simulated: ReturnType<typeof roleOf>): Standing['root'] {
  if (simulated === 'platform' || simulated === 'cross') return simulated
  if (kind === 'whcp' || kind === 'attestation' || kind === 'windows') return 'platform'
  return kind === 'cross-signed' ? 'cross' : 'none'
}

function purposeOf(
  { kind, chain }: Signature,
  simulated: ReturnType<typeof roleOf>,
): Standing['purpose'] {
  if (kind === 'whcp' || kind === 'attestation' || kind === 'windows') return kind
  if (simulated !== 'platform') return null
  const usages = new Set(chain[0]?.eku.map(({ oid }) => oid))
  if (usages.has(WHCP)) return 'whcp'
  return usages.has(ATTESTATION) ? 'attestation' : null
}
