/** Two sources of entries into one: shipped facts and an import, or an import and a newer one. */
import type { KnownEntryData, KnownSampleData } from '../../shared/driver-file/known'
import { identityKey } from './identity'

/**
 * Entries of both, by id. What the newer source says counts; what it leaves open is taken from the
 * older one, so that newer but poorer facts do not take the description or the certificates of an
 * imported file away. Samples that the newer entry no longer lists are gone: the source took them
 * out.
 * @returns entries in the order of `older`, then the new ones
 */
export function mergeEntries(older: KnownEntryData[], newer: KnownEntryData[]): KnownEntryData[] {
  const merged = new Map(older.map((entry) => [entry.id, entry]))
  for (const entry of newer) {
    const before = merged.get(entry.id)
    merged.set(entry.id, before ? mergeEntry(before, entry) : entry)
  }
  return [...merged.values()]
}

function mergeEntry(older: KnownEntryData, newer: KnownEntryData): KnownEntryData {
  const before = new Map<string | null, KnownSampleData>()
  for (const sample of older.samples) {
    const key = identityKey(sample)
    if (key !== null && !before.has(key)) before.set(key, sample)
  }
  return {
    ...filled(newer, older),
    samples: newer.samples.map((sample) => {
      const known = before.get(identityKey(sample))
      return known ? filled(sample, known) : sample
    }),
  }
}

/** `from` with its null and empty fields taken from `other`; records are joined, `from` first. */
function filled<T extends { rest: Record<string, unknown> }>(from: T, other: T): T {
  const fields = (Object.entries(from) as [string, unknown][]).map(([key, value]) => {
    const isOpen = value === null || value === '' || (Array.isArray(value) && value.length === 0)
    return [key, isOpen ? other[key as keyof T] : value]
  })
  const rest = { ...other.rest, ...from.rest }
  return { ...from, ...(Object.fromEntries(fields) as Partial<T>), rest }
}
