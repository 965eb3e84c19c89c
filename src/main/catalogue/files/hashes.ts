/** The hashes a file is found by, and how they are numbered in the tables. */
import type { FileFacts } from '../../../shared/driver-file/facts'
import type { KnownSampleData } from '../../../shared/driver-file/known'

/** Never renumber: these are in `file_hashes.kind` and `known_hashes.kind`. */
export const HASH_KINDS = {
  sha256: 1,
  sha1: 2,
  md5: 3,
  authSha256: 4,
  authSha1: 5,
  authMd5: 6,
  imphash: 7,
  rich: 8,
  pageSha256: 9,
  pageSha1: 10,
  richSha256: 11,
} as const
export type HashKind = keyof typeof HASH_KINDS

/** Lower-case hex by kind; kinds the file does not have are left out. */
export type Hashes = Partial<Record<HashKind, string>>

/** Kinds that a field of the query line asks for. */
export const KINDS_OF_FIELD: Record<string, readonly HashKind[]> = {
  sha256: ['sha256'],
  sha1: ['sha1'],
  md5: ['md5'],
  authentihash: ['authSha256', 'authSha1', 'authMd5'],
  imphash: ['imphash'],
  rich: ['rich', 'richSha256'],
}

/** In words, for people. */
export const HASH_LABELS: Record<HashKind, string> = {
  sha256: 'SHA-256',
  sha1: 'SHA-1',
  md5: 'MD5',
  authSha256: 'Authentihash SHA-256',
  authSha1: 'Authentihash SHA-1',
  authMd5: 'Authentihash MD5',
  imphash: 'Imphash',
  rich: 'Rich hash MD5',
  richSha256: 'Rich hash SHA-256',
  pageSha256: 'Page hash SHA-256',
  pageSha1: 'Page hash SHA-1',
}

function present(hashes: Partial<Record<HashKind, string | null | undefined>>): Hashes {
  const found: Hashes = {}
  for (const [kind, hash] of Object.entries(hashes))
    if (typeof hash === 'string' && /^[0-9a-f]+$/.test(hash)) found[kind as HashKind] = hash
  return found
}

export function hashesOfFacts({ hashes, image }: FileFacts): Hashes {
  return present({
    ...hashes,
    authSha256: image?.authentihash?.sha256,
    authSha1: image?.authentihash?.sha1,
    authMd5: image?.authentihash?.md5,
    imphash: image?.imphash,
    rich: image?.rich?.hash.md5,
    richSha256: image?.rich?.hash.sha256,
    pageSha256: image?.pageHash?.sha256,
    pageSha1: image?.pageHash?.sha1,
  })
}

export const hashesOfSample = (sample: KnownSampleData): Hashes =>
  present({
    sha256: sample.sha256,
    sha1: sample.sha1,
    md5: sample.md5,
    authSha256: sample.authSha256,
    authSha1: sample.authSha1,
    authMd5: sample.authMd5,
    imphash: sample.imphash,
    rich: sample.rich,
  })

/** Of all that is said of one file; what is said first counts. */
export function hashesOfSamples(samples: readonly KnownSampleData[]): Hashes {
  const [only] = samples
  if (only && samples.length === 1) return hashesOfSample(only)
  return samples.reduce<Hashes>((all, sample) => ({ ...hashesOfSample(sample), ...all }), {})
}

export const bytesOfHash = (hash: string): Buffer => Buffer.from(hash, 'hex')

export const hashEntries = (hashes: Hashes): [HashKind, string][] =>
  Object.entries(hashes) as [HashKind, string][]
