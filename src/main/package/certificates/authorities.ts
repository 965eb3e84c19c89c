/**
 * The simulated authorities. Their keys never change, so that a policy knows them again by the
 * thumbprint of the root (`policy/roots.ts`); their names copy nobody's.
 */
import type { SignerKind, SigningPlan, Stamp } from '../../../shared/package/signing'
import { issue, type Digest, type Issued } from './certificate'
import { OIDS } from './oids'

const FROM = Date.UTC(2006, 0, 1)
const TO = Date.UTC(2046, 0, 1)

const SIMULATED = 'Ring0 Lab Simulated'

function once<T>(make: () => T): () => T {
  let made: { value: T } | undefined
  return () => (made ??= { value: make() }).value
}

function authority(name: string, issuer?: () => Issued, digest: Digest = 'sha256'): () => Issued {
  const full = `${SIMULATED} ${name}`
  return once(() =>
    issue({ name: full, from: FROM, to: TO, isCa: true, digest, seed: full }, issuer?.()),
  )
}

/** Plays the root that Microsoft signs drivers under. */
export const platformRoot = authority('Platform Root')
export const hardwareCa = authority('Hardware CA', platformRoot)
/** Plays the root of the cross-certificates, under which public authorities signed until 2021. */
export const verificationRoot = authority('Verification Root')
export const crossCertificate = authority('Public Root', verificationRoot)
export const publicCa = authority('Public Code CA', crossCertificate)
/** Whoever develops drivers makes such a one. */
export const testRoot = authority('Test Root')
export const stampRoot = authority('Time Stamp Root')
/** What forgers of times make themselves. */
export const homemadeRoot = authority('Homemade Stamp Root')

const stampSigner = (name: string, root: () => Issued): (() => Issued) =>
  once(() => {
    const full = `${SIMULATED} ${name}`
    const plan = { from: FROM, to: TO, isCa: false, digest: 'sha256' as const }
    return issue({ ...plan, name: full, eku: [OIDS.timeStamping], seed: full }, root())
  })

const STAMP_SIGNERS: Record<Stamp['authority'], () => Issued> = {
  known: stampSigner('Time Stamp Signer', stampRoot),
  homemade: stampSigner('Homemade Stamp Signer', homemadeRoot),
}

export const stampSignerOf = ({ authority: which }: Stamp): Issued => STAMP_SIGNERS[which]()

const ISSUERS: Record<Exclude<SignerKind, 'none'>, (() => Issued) | null> = {
  whcp: hardwareCa,
  attestation: hardwareCa,
  'cross-signed': publicCa,
  test: testRoot,
  self: null,
}

const PURPOSES: Record<Exclude<SignerKind, 'none'>, readonly string[]> = {
  whcp: [OIDS.codeSigning, OIDS.whcp],
  attestation: [OIDS.codeSigning, OIDS.attestation],
  'cross-signed': [OIDS.codeSigning],
  test: [OIDS.codeSigning],
  self: [OIDS.codeSigning],
}

/** The certificate that a plan signs with; null for a plan that signs nothing. */
export function signerOf(plan: SigningPlan): Issued | null {
  const { by, subject, digest, validity } = plan
  if (by === 'none') return null
  // Microsoft signs in its own name and tells the company beside it.
  const isPlatform = by === 'whcp' || by === 'attestation'
  const name = isPlatform ? `${SIMULATED} Hardware Publisher` : `${subject} (simulated)`
  return issue(
    {
      name,
      from: Date.parse(validity.from),
      to: Date.parse(validity.to),
      isCa: false,
      eku: PURPOSES[by],
      digest,
      seed: `signer ${by} ${name}`,
    },
    ISSUERS[by]?.(),
  )
}
