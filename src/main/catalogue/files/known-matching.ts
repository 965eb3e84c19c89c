/** By which hash a known sample is a file, strongest first. */
import type { KnownEntry } from '../../../shared/contract/files'
import type { HashKind, Hashes } from './hashes'

export type MatchedBy = KnownEntry['matchedBy']

/** In the order of their strength, which is that of their numbers too. */
export const STRENGTH: readonly [HashKind, MatchedBy][] = [
  ['sha256', 'sha256'],
  ['sha1', 'sha1'],
  ['md5', 'md5'],
  ['authSha256', 'authentihash'],
  ['authSha1', 'authentihash'],
  ['authMd5', 'authentihash'],
]
const FILE_HASHES = ['sha256', 'sha1', 'md5'] as const

/** Whether a sample is known by a hash of the whole file, and not by its image alone. */
export const hasFileHash = (sample: Hashes): boolean => FILE_HASHES.some((kind) => sample[kind])

/** The strongest hash both have; a stronger one that differs counts against weaker ones. */
export function matchedBy(sample: Hashes, file: Hashes): MatchedBy | null {
  for (const kind of FILE_HASHES) {
    if (!sample[kind] || !file[kind]) continue
    if (sample[kind] === file[kind]) return kind
    break
  }
  const isSameImage = STRENGTH.some(
    ([kind, by]) => by === 'authentihash' && sample[kind] && sample[kind] === file[kind],
  )
  return isSameImage ? 'authentihash' : null
}
