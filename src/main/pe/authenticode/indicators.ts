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
  /** SHA-256 of the certificate's signed part, where it is known: then the name is not asked. */
  tbs?: string
  /** Serial number, where it is known: then the name and it must both be met. */
  serial?: string
  use: 'time-stamp' | 'signer'
  /** What was reported, in a sentence. */
  what: string
  references: string[]
}

export const REPORTED: readonly Indicator[] = reported as Indicator[]

export interface IndicatorMatch {
  indicator: Indicator
  /** What met: the digest of the signed part, name and serial number, or nothing but a name. */
  by: 'tbs' | 'serial' | 'name'
  value: string
}

/** The first indicator that a chain meets. */
export function findIndicator(
  chain: readonly Certificate[],
  use: Indicator['use'],
  indicators: readonly Indicator[],
): IndicatorMatch | null {
  for (const indicator of indicators) {
    const match = indicator.use === use ? meeting(chain, indicator) : null
    if (match) return { indicator, ...match }
  }
  return null
}

function meeting(
  chain: readonly Certificate[],
  { tbs, serial, name, match }: Indicator,
): Pick<IndicatorMatch, 'by' | 'value'> | null {
  if (tbs) return chain.some((one) => one.tbs.sha256 === tbs) ? { by: 'tbs', value: tbs } : null
  const wanted = name.toLowerCase()
  const isMet = (text: string): boolean =>
    match === 'contains' ? text.toLowerCase().includes(wanted) : text.toLowerCase() === wanted
  if (serial) {
    const both = chain.some((one) => one.serial === serial && isMet(one.subjectName))
    return both ? { by: 'serial', value: serial } : null
  }
  const value = chain.flatMap((one) => [one.subjectName, one.issuerName]).find(isMet)
  return value === undefined ? null : { by: 'name', value }
}
