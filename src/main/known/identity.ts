/** Which file a known sample is: identity of samples, and files recognised by their hashes. */
import {
  KNOWN_COMPILED_TOLERANCE_HOURS,
  KNOWN_IDENTITIES,
  type KnownEntryData,
  type KnownIdentity,
  type KnownSampleData,
} from '../../shared/driver-file/known'

/** Hashes of a file as far as they are known; lower-case hex. */
export interface FileHashes {
  sha256?: string | null
  sha1?: string | null
  md5?: string | null
  /** Authenticode digests of the image. */
  authSha256?: string | null
  authSha1?: string | null
}

/** What the user reads; the first of these that fits is the one to say. */
export type MatchedBy = 'sha256' | 'sha1' | 'md5' | 'authentihash'

/** What tells this sample from others: SHA-256, else SHA-1, MD5, authentihash; null for none. */
export function identityOf(sample: FileHashes): KnownIdentity | null {
  for (const kind of KNOWN_IDENTITIES) {
    const value = sample[kind]
    if (value) return { kind, value }
  }
  return null
}

/** The identity as one text, for sets and keys: `sha256:6f45...`. */
export function identityKey(sample: FileHashes): string | null {
  const identity = identityOf(sample)
  return identity ? `${identity.kind}:${identity.value}` : null
}

/**
 * By which hash a file is a known sample, or null when it is not. The strongest hash that both
 * have decides over the weaker ones, so that two files with one MD5 are not taken for one. The
 * authentihash is asked last: the same image under another signature, or a sample known by it alone.
 */
export function matchIdentity(sample: FileHashes, file: FileHashes): MatchedBy | null {
  for (const kind of ['sha256', 'sha1', 'md5'] as const) {
    if (!sample[kind] || !file[kind]) continue
    if (sample[kind] === file[kind]) return kind
    break
  }
  for (const kind of ['authSha256', 'authSha1'] as const) {
    if (!sample[kind] || !file[kind]) continue
    return sample[kind] === file[kind] ? 'authentihash' : null
  }
  return null
}

export interface KnownMatch {
  entry: KnownEntryData
  sample: KnownSampleData
  matchedBy: MatchedBy
}

/** Look-up of files in entries, in memory. */
export class KnownIndex {
  readonly #places = new Map<string, { entry: KnownEntryData; sample: KnownSampleData }[]>()

  constructor(entries: Iterable<KnownEntryData>) {
    for (const entry of entries) {
      for (const sample of entry.samples) {
        for (const kind of KNOWN_IDENTITIES) {
          if (sample[kind]) this.#add(`${kind}:${sample[kind]}`, entry, sample)
        }
      }
    }
  }

  #add(key: string, entry: KnownEntryData, sample: KnownSampleData): void {
    const places = this.#places.get(key)
    if (places) places.push({ entry, sample })
    else this.#places.set(key, [{ entry, sample }])
  }

  /** Every entry the file is in, once, by its strongest hash. */
  find(file: FileHashes): KnownMatch[] {
    const found = new Map<KnownEntryData, KnownMatch>()
    for (const kind of KNOWN_IDENTITIES) {
      if (!file[kind]) continue
      for (const { entry, sample } of this.#places.get(`${kind}:${file[kind]}`) ?? []) {
        const matchedBy = found.has(entry) ? null : matchIdentity(sample, file)
        if (matchedBy !== null) found.set(entry, { entry, sample, matchedBy })
      }
    }
    return [...found.values()]
  }
}

/** How many entries, rows and distinct samples there are. */
export function countKnown(entries: KnownEntryData[]): {
  entries: number
  rows: number
  samples: number
} {
  const keys = entries.flatMap((entry) => entry.samples.map(identityKey))
  const known = new Set(keys.filter((key) => key !== null))
  const nameless = keys.filter((key) => key === null).length
  return { entries: entries.length, rows: keys.length, samples: known.size + nameless }
}

/**
 * May a sample's compile time, written in local time, be this UTC time?
 * @param compiled `KnownSampleData.compiled`
 * @param utc ISO 8601 in UTC, as `Image.compiled`
 */
export function compiledAgrees(compiled: string, utc: string): boolean {
  const local = Date.parse(`${compiled.replace(' ', 'T')}Z`)
  const hours = Math.abs(local - Date.parse(utc)) / 3_600_000
  return hours <= KNOWN_COMPILED_TOLERANCE_HOURS
}
