/** Rules against the facts of one file. */
import type { CapabilityMatch } from '../../../shared/driver-file/facts'
import type { BaseRates } from './base-rates'
import { Features, type CapabilityFacts, type Finding } from './features'
import type { CapabilityRule, Statement } from './rule'
import { wantedTexts } from './wanted'

const EVIDENCE_MAX = 20

/**
 * Every capability the facts show, in the order of the rules.
 *
 * The base rate of a match is exact for one function alone: of the imported functions among its
 * evidence, the one that the fewest known samples import, which stands first in `evidence`. The rule
 * as a whole can only be rarer. A match that rests on no import the reference data counts has none.
 */
export function evaluate(
  facts: CapabilityFacts,
  rules: readonly CapabilityRule[],
  baseRates: BaseRates,
): CapabilityMatch[] {
  const features = new Features(facts, wantedTexts(rules))
  const matches: CapabilityMatch[] = []
  for (const rule of rules) {
    const found = all(rule.features, features)
    if (found === null || found.length === 0) continue
    const { features: _statements, ...meta } = rule
    matches.push({ ...meta, ...weighed(found, baseRates) })
  }
  return matches
}

function weighed(
  found: Finding[],
  baseRates: BaseRates,
): Pick<CapabilityMatch, 'evidence' | 'baseRate'> {
  const counted = found.flatMap((finding) => {
    const rate = finding.imported === undefined ? undefined : baseRates.get(finding.imported)
    return rate ? [{ finding, rate }] : []
  })
  const rarest = counted.sort((a, b) => a.rate.samples - b.rate.samples)[0]
  const first = rarest ? [rarest.finding] : []
  const ordered = new Map([...first, ...found].map((finding) => [placeOf(finding), finding]))
  const places = [...ordered.values()].slice(0, EVIDENCE_MAX)
  return {
    evidence: places.map(({ text, rva, offset }) => ({ text, rva, offset })),
    baseRate: rarest
      ? { vulnerable: rarest.rate.vulnerable, malicious: rarest.rate.malicious }
      : null,
  }
}

const placeOf = ({ text, rva, offset }: Finding): string => `${text} ${rva} ${offset}`

/** Evidence when a statement holds (none for an absence), null when it does not. */
function holds(statement: Statement, features: Features): Finding[] | null {
  switch (statement.kind) {
    case 'and':
      return all(statement.of, features)
    case 'or':
      return some(statement.of, features, 1)
    case 'at least':
      return some(statement.of, features, statement.count)
    case 'optional':
      // Evidence, but the rule does not rest on it, so it has no part in the base rate.
      return (some(statement.of, features, 0) ?? []).map(({ text, rva, offset }) => ({
        text,
        rva,
        offset,
      }))
    case 'not':
      return holds(statement.of, features) === null ? [] : null
    case 'leaf':
      return orNull(features.find(statement.leaf, statement.pattern))
    case 'string class':
      return orNull(features.ofClass(statement.class, statement.count))
    case 'ioctl':
      return orNull(features.ioctls(statement.words))
  }
}

const orNull = (found: Finding[]): Finding[] | null => (found.length > 0 ? found : null)

function all(statements: Statement[], features: Features): Finding[] | null {
  const found: Finding[] = []
  for (const statement of statements) {
    const part = holds(statement, features)
    if (part === null) return null
    found.push(...part)
  }
  return found
}

/** All alternatives are looked at, so that the evidence is whole. */
function some(statements: Statement[], features: Features, least: number): Finding[] | null {
  const found: Finding[] = []
  let count = 0
  for (const statement of statements) {
    const part = holds(statement, features)
    if (part === null) continue
    count++
    found.push(...part)
  }
  return count < least ? null : found
}
