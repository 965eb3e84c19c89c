/**
 * Names and thumbprints of certificates that were reported in forged signatures: home-made
 * authorities that stamp any time asked for, and signers whose keys leaked. The list is
 * data/indicators/certificates.json; callers may add their own.
 */
import reported from '../../../../data/indicators/certificates.json'
import type { Certificate } from '../../../shared/driver-file/facts'

export interface Indicator {
  id: string
  /** Held against common names, upper and lower case alike. */
  name: string
  match: 'equals' | 'contains'
  /** Thumbprint, where it is known: then the name is not asked. */
  sha256?: string
  use: 'time-stamp' | 'signer'
  /** What was reported, in a sentence. */
  what: string
  references: string[]
}

export const REPORTED: readonly Indicator[] = reported as Indicator[]

export interface IndicatorMatch {
  indicator: Indicator
  /** `name` or `thumbprint`, and the value that met. */
  by: string
  value: string
}

/** The first indicator that a chain meets. */
export function findIndicator(
  chain: readonly Certificate[],
  use: Indicator['use'],
  indicators: readonly Indicator[],
): IndicatorMatch | null {
  for (const indicator of indicators) {
    if (indicator.use !== use) continue
    const value = meeting(chain, indicator)
    if (value !== undefined)
      return { indicator, by: indicator.sha256 ? 'thumbprint' : 'name', value }
  }
  return null
}

function meeting(chain: readonly Certificate[], indicator: Indicator): string | undefined {
  if (indicator.sha256) {
    return chain.find(({ thumbprint }) => thumbprint.sha256 === indicator.sha256)?.thumbprint.sha256
  }
  const wanted = indicator.name.toLowerCase()
  return chain
    .flatMap(({ subjectName, issuerName }) => [subjectName, issuerName])
    .find((name) => {
      const given = name.toLowerCase()
      return indicator.match === 'contains' ? given.includes(wanted) : given === wanted
    })
}
