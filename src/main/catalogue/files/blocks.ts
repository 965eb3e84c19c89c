/**
 * Block policies on the shelf, and which files they block. A policy that is taken in is held only
 * against files that some rule of it can mean: by hash, by OriginalFilename, by a certificate.
 */
import type { Database } from 'better-sqlite3'
import type { z } from 'zod'
import type { BlockMatch, filesContract } from '../../../shared/contract/files'
import type { FileFacts } from '../../../shared/driver-file/facts'
import { fail, ok, type Result } from '../../../shared/errors'
import { fold } from '../../../shared/file-query'
import { matchPolicy, policyFileOf, type PolicyFile } from '../../known/sipolicy/match'
import { ruleCount, type FileAttributes, type SiPolicy } from '../../known/sipolicy/policy'
import type { FileIndex } from './file-index'
import type { FileGroups } from './groups'
import { HASH_KINDS, hashesOfSample, type HashKind } from './hashes'
import { addAll, emptyBits, idsOf, setBit } from './index/bitset'
import { pack, unpack, type FileRows, type StoredFile } from './rows'
import { inSlices } from './slices'

type PolicyInfo = z.input<(typeof filesContract)['known.info']['output']>['policies'][number]

interface Loaded {
  id: number
  policy: SiPolicy
}

export interface BlockStore {
  /** Take a policy in; an older one of the same id makes place. @returns its id */
  apply(policy: SiPolicy): Promise<{ id: number; rules: number; matches: number }>
  remove(id: number): Result<Record<string, never>>
  policies(): PolicyInfo[]
  /** Hold a file against all policies. Inside a write. */
  check(id: number, facts: FileFacts | null): void
  blocksOf(id: number): BlockMatch[]
  asOf(): string[]
  /** Go on with policies that were cut short by a crash while files were held against them. */
  finish(): Promise<void>
  /** Which policies deny a hash, whether or not a file with it is here. */
  aboutHash(hash: string): string | null
}

/** Hashes that a hash rule can mean. */
const RULE_HASHES: readonly HashKind[] = ['authSha256', 'authSha1', 'pageSha256', 'pageSha1']

export function createBlockStore(
  db: Database,
  index: FileIndex,
  rows: FileRows,
  groups: FileGroups,
  now: () => Date,
): BlockStore {
  const stored = db.prepare<[], { id: number; policy: Uint8Array }>(
    'SELECT id, policy FROM block_policies ORDER BY id',
  )
  const ids = db.prepare<[], number>('SELECT id FROM block_policies ORDER BY id').pluck()
  const idOf = db.prepare<[string], number>('SELECT id FROM block_policies WHERE key = ?').pluck()
  const insertPolicy = db.prepare(
    `INSERT INTO block_policies (key, name, version, rules, policy, imported_at, applied_to)
     VALUES (@key, @name, @version, @rules, @policy, @at, 0)`,
  )
  const setApplied = db.prepare('UPDATE block_policies SET applied_to = ? WHERE id = ?')
  const unfinished = db.prepare<[], { id: number; policy: Uint8Array; applied_to: number }>(
    'SELECT id, policy, applied_to FROM block_policies WHERE applied_to IS NOT NULL ORDER BY id',
  )
  const unfinishedIds = db
    .prepare<[], number>('SELECT id FROM block_policies WHERE applied_to IS NOT NULL')
    .pluck()
  const dropPolicy = db.prepare('DELETE FROM block_policies WHERE id = ?')
  const blockedBy = db
    .prepare<[number], number>('SELECT DISTINCT file_id FROM file_blocks WHERE policy_id = ?')
    .pluck()
  const dropBlocks = db.prepare('DELETE FROM file_blocks WHERE file_id = ? AND policy_id = ?')
  const putBlock = db.prepare(
    `INSERT OR IGNORE INTO file_blocks (file_id, policy_id, rule, rule_name, matched_by, text)
     VALUES (@fileId, @policyId, @rule, @ruleName, @matchedBy, @text)`,
  )
  const setBlocked = db.prepare('UPDATE files SET blocked = ? WHERE id = ?')
  const filesWith = db
    .prepare<[Uint8Array, number], number>(
      'SELECT file_id FROM file_hashes WHERE hash = ? AND kind = ?',
    )
    .pluck()
  const blocks = db.prepare<[number], BlockMatch>(
    `SELECT p.name AS policy, p.version AS policyVersion, p.imported_at AS importedAt, b.rule,
       b.rule_name AS ruleName, b.matched_by AS matchedBy, b.text
     FROM file_blocks b JOIN block_policies p ON p.id = b.policy_id
     WHERE b.file_id = ? ORDER BY p.id, b.rule`,
  )
  const infos = db.prepare<[], PolicyInfo>(
    `SELECT p.id, p.name, p.version, p.rules, p.imported_at AS importedAt,
       (SELECT count(DISTINCT b.file_id) FROM file_blocks b JOIN files f ON f.id = b.file_id
        WHERE b.policy_id = p.id AND f.deletion IS NULL) AS matches
     FROM block_policies p ORDER BY p.id`,
  )

  /** Policies taken apart once; ids are never used again, and another process may change them. */
  let loaded: Loaded[] = []
  function policies(): Loaded[] {
    const present = ids.all()
    if (present.join() !== loaded.map(({ id }) => id).join())
      loaded = stored.all().map(({ id, policy }) => ({ id, policy: unpack(policy) as SiPolicy }))
    return loaded
  }

  /** Of reference data only the authentihash is exact enough to be held against a rule. */
  function policyFile(file: StoredFile, facts: FileFacts | null): PolicyFile {
    if (facts) return policyFileOf(facts)
    const hashes = groups.samplesOf(file.id).map(hashesOfSample)
    return {
      authentihash: {
        sha1: hashes.find((it) => it.authSha1)?.authSha1 ?? null,
        sha256: hashes.find((it) => it.authSha256)?.authSha256 ?? null,
      },
      pageHash: null,
      version: null,
      signatures: [],
    }
  }

  function hold(file: StoredFile, facts: FileFacts | null, against: readonly Loaded[]): void {
    const it = policyFile(file, facts)
    for (const { id, policy } of against) {
      dropBlocks.run(file.id, id)
      for (const match of matchPolicy(policy, it))
        putBlock.run({ ...match, fileId: file.id, policyId: id })
    }
  }

  function settle(id: number, before: ReturnType<FileGroups['blocks']>): void {
    const after = groups.blocks(id)
    index.replace(id, before, after)
    setBlocked.run(after.length > 0 ? 1 : 0, id)
  }

  function check(id: number, facts: FileFacts | null): void {
    const all = policies()
    const file = rows.stored(id)
    if (all.length === 0 || !file) return
    const before = groups.blocks(id)
    hold(file, facts, all)
    settle(id, before)
  }

  /** Files that some rule can mean. */
  function candidatesOf(policy: SiPolicy): Uint32Array {
    const { postings } = index
    const bits = emptyBits(postings.chunks)
    for (const { hash } of policy.hashes)
      for (const kind of RULE_HASHES)
        for (const id of filesWith.all(Buffer.from(hash, 'hex'), HASH_KINDS[kind])) setBit(bits, id)
    for (const rule of policy.files) addAll(bits, filesNamed(rule))
    for (const { tbs } of policy.signers) addAll(bits, postings.filesWith('certificate', tbs))
    return idsOf(bits)
  }
  function filesNamed({ fileName }: FileAttributes): Uint32Array {
    const { postings } = index
    const isName = fileName !== null && fileName !== '*'
    return isName
      ? postings.filesWith('original', fold(fileName.replaceAll('\0', '')))
      : postings.filesWith('origin', 'file')
  }

  async function apply(policy: SiPolicy): Promise<{ id: number; rules: number; matches: number }> {
    const key = policy.policyId ?? `name:${policy.name}`
    const id = index.write(() => {
      const old = idOf.get(key)
      if (old !== undefined) drop(old)
      return Number(
        insertPolicy.run({
          key,
          name: policy.name,
          version: policy.version,
          rules: ruleCount(policy),
          policy: pack(policy),
          at: now().toISOString(),
        }).lastInsertRowid,
      )
    })
    await holdAll(id, policy, 0)
    return { id, rules: ruleCount(policy), matches: blockedBy.all(id).length }
  }

  /**
   * Hold the files against a policy, from a file on. How far it came stands with the policy, so that
   * a crash leaves no file that was never held against it.
   */
  async function holdAll(id: number, policy: SiPolicy, after: number): Promise<void> {
    index.refresh()
    const candidates = [...candidatesOf(policy)].filter((fileId) => fileId > after)
    await inSlices(candidates, 40, (slice) =>
      index.write(() => {
        // The policy may have been removed meanwhile.
        if (setApplied.run(slice.at(-1), id).changes === 0) return
        for (const fileId of slice) {
          const file = rows.stored(fileId)
          if (!file) continue
          const before = groups.blocks(fileId)
          hold(file, rows.facts(fileId), [{ id, policy }])
          settle(fileId, before)
        }
      }),
    )
    index.write(() => void setApplied.run(null, id))
  }

  async function finish(): Promise<void> {
    for (const { id, policy, applied_to } of unfinished.all())
      await holdAll(id, unpack(policy) as SiPolicy, applied_to)
  }

  function drop(id: number): void {
    const files = blockedBy.all(id)
    const before = new Map(files.map((fileId) => [fileId, groups.blocks(fileId)]))
    dropPolicy.run(id)
    for (const fileId of files) settle(fileId, before.get(fileId) ?? [])
  }

  return {
    apply,
    remove: (id) => {
      if (!infos.all().some((policy) => policy.id === id))
        return fail(
          'not-found',
          `There is no block policy ${id}.`,
          'It may have been removed already; look at the list again.',
        )
      index.write(() => drop(id))
      return ok({})
    },
    policies: () => infos.all(),
    check,
    finish,
    blocksOf: (id) => blocks.all(id),
    asOf: () => {
      const applying = new Set(unfinishedIds.all())
      const known = infos.all().map((it) => {
        const day = it.importedAt.slice(0, 10)
        const how = applying.has(it.id) ? ' and still being held against the files' : ''
        return `Block policy ${it.name}, version ${it.version}: ${it.rules} rules, taken in on ${day}${how}.`
      })
      return known.length > 0
        ? known
        : ['No block policy was taken in, so nothing is said about blocking.']
    },
    aboutHash: (hash) => {
      const denying = policies().flatMap(({ policy }) => {
        const rule = policy.hashes.find((each) => each.hash === hash)
        return rule ? [`${policy.name} denies it by rule ${rule.id}.`] : []
      })
      return denying.length > 0 ? denying.join(' ') : null
    },
  }
}
