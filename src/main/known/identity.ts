/** Which file a known sample is: identity of samples, and files recognised by their hashes. */
import {
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
  authMd5?: string | null
}

/** What the user reads; the first of these that fits is the one to say. */
export type MatchedBy = 'sha256' | 'sha1' | 'md5' | 'authentihash'

/** Hashes that files are recognised by, strongest first. */
export const MATCHING_HASHES = [
  ['sha256', 'sha256'],
  ['sha1', 'sha1'],
  ['md5', 'md5'],
  ['authSha256', 'authentihash'],
  ['authSha1', 'authentihash'],
  ['authMd5', 'authentihash'],
] as const satisfies readonly [keyof FileHashes, MatchedBy][]
const FILE_KINDS = ['sha256', 'sha1', 'md5'] as const
const IMAGE_KINDS = ['authSha256', 'authSha1', 'authMd5'] as const

/** Whether a sample is known by a hash of the whole file, and not by its image alone. */
export const hasFileHash = (sample: FileHashes): boolean => FILE_KINDS.some((kind) => sample[kind])

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
  for (const kind of FILE_KINDS) {
    if (!sample[kind] || !file[kind]) continue
    if (sample[kind] === file[kind]) return kind
    break
  }
  for (const kind of IMAGE_KINDS) {
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
        for (const [kind] of MATCHING_HASHES) {
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
    for (const [kind] of MATCHING_HASHES) {
      if (!file[kind]) continue
      for (const { entry, sample } of this.#places.get(`${kind}:${file[kind]}`) ?? []) {
        const matchedBy = found.has(entry) ? null : matchIdentity(sample, file)
        if (matchedBy !== null) found.set(entry, { entry, sample, matchedBy })
      }
    }
    return [...found.values()]
  }
}
