/** How good the facts of a file are, and when others of the same file take their place. */
import type { FileFacts } from '../../../shared/driver-file/facts'

/**
 * `whole`: read here from the file's bytes; `told`: from a document of this app, which nobody can
 * hold against the bytes; `lost` and `told-lost`: the same, cut short by a limit or a failure.
 */
export type Reading = 'whole' | 'told' | 'lost' | 'told-lost'

const RANK: Record<Reading, number> = { whole: 3, told: 2, lost: 1, 'told-lost': 0 }

/** Anomalies of a reading that did not come to its end. */
const LOSSES = new Set(['time-limit', 'memory-limit', 'analysis-failed'])

/** Where facts come from: a file's bytes, or a document. */
export type FactsFrom = 'bytes' | 'document'

export function readingOf({ anomalies }: FileFacts, from: FactsFrom): Reading {
  const isLost = anomalies.some(({ id }) => LOSSES.has(id))
  if (from === 'document') return isLost ? 'told-lost' : 'told'
  return isLost ? 'lost' : 'whole'
}

/** Where facts of a reading came from. */
export const fromOf = (reading: Reading | null): FactsFrom =>
  reading === 'told' || reading === 'told-lost' ? 'document' : 'bytes'

const hasCatalogue = ({ signatures }: FileFacts): boolean =>
  signatures.some(({ source }) => source === 'catalogue')

/**
 * Whether facts take the place of those that are here: a better reading, one of a newer schema, or
 * one that found a catalogue which signs the file.
 */
export function isBetter(
  next: { facts: FileFacts; reading: Reading },
  here: { schema: string | null; reading: Reading | null; facts(): FileFacts | null },
): boolean {
  if (here.reading === null) return true
  const gain = RANK[next.reading] - RANK[here.reading]
  if (gain !== 0) return gain > 0
  if (here.schema !== next.facts.schema) return true
  if (!hasCatalogue(next.facts)) return false
  const facts = here.facts()
  return facts === null || !hasCatalogue(facts)
}
