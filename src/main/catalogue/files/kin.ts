/** What a file shares with others: image, imports, tools, signer, build folder, and likeness. */
import type { z } from 'zod'
import type { Kin } from '../../../shared/contract/files'
import { type KIN_RELATIONS } from '../../../shared/contract/files'
import { fold } from '../../../shared/file-query'
import {
  parseTlsh,
  tlshDigestDistance,
  type TlshDigest,
} from '../../../shared/driver-file/tlsh-distance'
import type { FileDetails } from './detail'
import type { FileIndex } from './file-index'
import { emptyBits, hasBit, idsOf, setBit, type Bits } from './index/bitset'
import { TLSH_BYTES } from './index/columns'
import type { FileRows, StoredFile } from './rows'
import type { FileSearch } from './search'
import { pdbFolder } from './terms'

type KinAnswer = z.input<typeof Kin>
type Relation = (typeof KIN_RELATIONS)[number]

/** Files that are listed at most, and of one shared value. */
const LISTED_MAX = 200
const OF_GROUP_MAX = 80

interface Group {
  relation: Relation
  value: string
  label: string
  /** Nearest first for `tlsh`, else by id. */
  ids: readonly number[]
  distances: Record<string, number>
}

/** Files whose TLSH is near a digest, nearest first. */
export function nearTlsh(
  all: Uint8Array,
  digest: string,
  distanceMax: number,
  isAlive: (id: number) => boolean,
): { id: number; distance: number }[] {
  const own = parseTlsh(digest)
  if (!own) return []
  const found: { id: number; distance: number }[] = []
  const other: TlshDigest = { checksum: 0, length: 0, firstRatio: 0, secondRatio: 0, body: all }
  for (let id = 0, at = 0; at < all.length; id++, at += TLSH_BYTES) {
    if (all[at + TLSH_BYTES - 1] === 0) continue
    // The length is the cheapest part and tells most strangers apart: 12 for each step.
    const length = swapped(all[at + 1]!)
    const steps = Math.abs(length - own.length)
    if ((Math.min(steps, 256 - steps) - 1) * 12 > distanceMax) continue
    other.checksum = all[at]!
    other.length = length
    other.firstRatio = all[at + 2]! >> 4
    other.secondRatio = all[at + 2]! & 15
    other.body = all.subarray(at + 3, at + TLSH_BYTES - 1)
    const distance = tlshDigestDistance(own, other)
    if (distance <= distanceMax && isAlive(id)) found.push({ id, distance })
  }
  return found.sort((a, b) => a.distance - b.distance || a.id - b.id)
}

const swapped = (byte: number): number => (byte >> 4) | ((byte & 15) << 4)

export function createKin(
  index: FileIndex,
  rows: FileRows,
  search: FileSearch,
  details: FileDetails,
): (file: StoredFile, tlshDistanceMax: number) => KinAnswer {
  function sharing(bits: Bits): number[] {
    const alive = search.alive()
    return [...idsOf(bits)].filter((id) => hasBit(alive, id))
  }

  function ofHash(hash: string, kinds: Parameters<FileSearch['byHash']>[1]): number[] {
    const bits = emptyBits(index.postings.chunks)
    for (const id of search.byHash(hash, kinds)) setBit(bits, id)
    return sharing(bits)
  }

  return (file, tlshDistanceMax) => {
    const facts = rows.facts(file.id)
    const hashes = details.hashes(file)
    const groups: Group[] = []
    const put = (relation: Relation, value: string, label: string, ids: readonly number[]): void =>
      void groups.push({ relation, value, label, ids, distances: {} })

    const auth = hashes.authSha256 ?? hashes.authSha1
    if (auth) put('authentihash', auth, 'Same image', ofHash(auth, ['authSha256', 'authSha1']))
    if (facts?.tlsh) {
      const alive = search.alive()
      const near = nearTlsh(index.columns.tlsh(), facts.tlsh, tlshDistanceMax, (id) =>
        hasBit(alive, id),
      )
      groups.push({
        relation: 'tlsh',
        value: facts.tlsh,
        label: `TLSH distance up to ${tlshDistanceMax}`,
        ids: near.map(({ id }) => id),
        distances: Object.fromEntries(near.map(({ id, distance }) => [id, distance])),
      })
    }
    if (hashes.imphash)
      put('imphash', hashes.imphash, 'Same imports', ofHash(hashes.imphash, ['imphash']))
    if (hashes.rich) put('rich', hashes.rich, 'Same Rich header', ofHash(hashes.rich, ['rich']))
    const pdb = facts?.image?.debug.find((entry) => entry.pdb !== null)?.pdb
    const folder = pdb ? pdbFolder(pdb) : null
    if (folder !== null)
      put(
        'pdb-folder',
        folder,
        `PDB in ${folder}`,
        sharing(index.postings.filesWith('pdb-folder', fold(folder))),
      )
    if (file.signer !== null)
      put(
        'signer',
        file.signer,
        `Signed by ${file.signer}`,
        sharing(index.postings.filesWith('signer', fold(file.signer))),
      )
    return answer(file, groups)
  }

  function answer(file: StoredFile, groups: readonly Group[]): KinAnswer {
    const shared = groups.filter(({ ids }) => ids.some((id) => id !== file.id))
    const listed = new Set([file.id])
    for (const { ids } of shared)
      for (const id of ids.slice(0, OF_GROUP_MAX)) if (listed.size < LISTED_MAX) listed.add(id)
    const everyone = new Set(shared.flatMap(({ ids }) => ids))
    return {
      files: rows.rows([...listed]),
      groups: shared.map(({ relation, value, label, ids, distances }) => {
        const files = ids.filter((id) => listed.has(id))
        return {
          relation,
          value,
          label,
          files,
          total: ids.length,
          distances: Object.fromEntries(
            files.flatMap((id) => (id in distances ? [[id, distances[id]!]] : [])),
          ),
        }
      }),
      more: [...everyone].filter((id) => !listed.has(id)).length,
    }
  }
}
