/**
 * The analyst's desk in memory: rows, details, jobs, known data, with the contract's face.
 * Of the query language it knows words, hashes that are words, `-`, and the fields of `FIELDS`.
 */
import type {
  DropFiles,
  FileDetail,
  FileRow,
  IntakeFailure,
  IntakeJob,
  Kin,
} from '../../../../../shared/contract/files'
import { fail, ok } from '../../../../../shared/errors'
import { parseFileQuery } from '../../../../../shared/file-query'
import type { SavedSearch, Sort, SortKey } from '../types'
import { CAPABILITIES, FERRY_FACTS, LANTERN_FACTS } from './fake-facts'
import { FERRY, LANTERN, fakeRows } from './fake-rows'

export { FERRY, LANTERN, fakeRows, rowOf } from './fake-rows'
export { CAPABILITIES, FERRY_FACTS, LANTERN_FACTS } from './fake-facts'

type Handlers = Record<string, (input: never) => unknown>
type Selection = { ids: number[] } | { query: string }

/** What a test can look at and change; calls see it at once. */
export interface FakeShelf {
  rows: Map<number, FileRow>
  searches: SavedSearch[]
  jobs: IntakeJob[]
  failures: IntakeFailure[]
  /** What the next `intake.choose` and `drop` answer: a job's number, or null for cancelled. */
  nextJob: number | null
  /** Whether reference data is being put on the shelf. */
  isFilling: boolean
  quarantineKey: 'none' | 'os-key-store' | 'passphrase' | 'key-file'
  quarantineLocked: string | null
  yaraFolder: string | null
  policies: number
  /** Names of the files that were dropped, with the options of the import. */
  dropped: { names: string[]; options: unknown }[]
  drop: DropFiles
  handlers: Handlers
}

export const jobOf = (over: Partial<IntakeJob> = {}): IntakeJob => ({
  id: 1,
  title: 'set-2026.zip',
  state: 'running',
  startedAt: '2026-11-28T10:00:00Z',
  phase: 'reading',
  total: 18_733,
  done: 6_120,
  added: 5_804,
  merged: 312,
  failed: 4,
  bytesDone: 412_000_000,
  bytesTotal: 1_300_000_000,
  rate: 104.2,
  secondsLeft: 121,
  current: 'set-2026/0412.sys',
  keepBytes: false,
  ...over,
})

/** Everything about a row; ferry and lantern are written out, others follow lantern. */
export function fakeDetail(row: FileRow, rows: readonly FileRow[] = []): FileDetail {
  const isFerry = row.sha256 === FERRY.sha256
  const facts =
    row.origin === 'known'
      ? null
      : isFerry
        ? FERRY_FACTS
        : row.sha256 === LANTERN.sha256
          ? LANTERN_FACTS
          : {
              ...LANTERN_FACTS,
              size: row.size ?? 0,
              hashes: { ...LANTERN_FACTS.hashes, sha256: row.sha256 ?? '' },
              capabilities: CAPABILITIES.slice(0, Math.min(row.capabilities, CAPABILITIES.length)),
              signatures: row.signature === 'none' ? [] : LANTERN_FACTS.signatures,
            }
  return {
    row,
    facts,
    hashes: {
      ...(facts?.hashes ?? { sha256: row.sha256 ?? '' }),
      ...(facts?.image?.authentihash ? { authentihash: facts.image.authentihash.sha256 } : {}),
      ...(facts?.image?.imphash ? { imphash: facts.image.imphash } : {}),
    },
    names: [
      { name: row.name, from: 'set-2026.zip', at: row.addedAt },
      ...(row.names > 1
        ? [{ name: 'netfilter.sys', from: 'samples/old', at: '2026-11-02T08:00:00Z' }]
        : []),
    ],
    notes: row.hasNotes
      ? 'Loads from `%TEMP%`.\n\n- **C2** list in the clear\n- see *poortry*'
      : '',
    verdictReason: row.verdict === 'none' ? '' : 'Redirects connections of the browser.',
    known:
      row.known === null
        ? []
        : [
            {
              id: '87593c63-9e3e-4d09-aa47-94bca0783396',
              source: 'LOLDrivers',
              names: [row.name],
              category: row.known,
              cve: row.known === 'malicious' ? [] : ['CVE-2018-19320'],
              attack: ['T1068'],
              created: '2023-11-02',
              verified: true,
              description: 'A driver that redirects web traffic.',
              resources: ['https://www.loldrivers.io'],
              matchedBy: 'sha256',
              loadsDespiteHvci: false,
              samples: 4,
            },
          ],
    blocks: row.blocked
      ? [
          {
            policy: 'Microsoft recommended driver block rules',
            policyVersion: '10.0.27685.0',
            importedAt: '2026-11-20T09:00:00Z',
            rule: 'ID_DENY_FERRY_1',
            ruleName: 'ferry.sys Hash Sha256',
            matchedBy: 'authentihash',
            text: `The authentihash ${FERRY_FACTS.image?.authentihash?.sha256.slice(0, 12)} is denied.`,
          },
        ]
      : [],
    knownAsOf: ['LOLDrivers 5554706 of 2026-08-12', 'Block rules 10.0.27685.0'],
    blockPolicies: 1,
    knownSamples: [],
    yaraRead: isFerry,
    yara: isFerry
      ? [
          {
            rule: 'wfp_redirector',
            tags: ['network'],
            meta: { author: 'lab' },
            strings: [{ id: '$url', offset: 0x10c0, text: 'http://update' }],
          },
        ]
      : [],
    packages: [],
    sameImage: rows.filter((other) => other.id !== row.id && other.name === row.name).slice(0, 3),
    quarantined: false,
    toySampleId: null,
  }
}

const textOf = (row: FileRow): string =>
  `${row.name} ${row.sha256 ?? ''} ${row.signer ?? ''} ${row.types.join(' ')} ${row.tags.join(' ')}`

/** Values of a row by field; those of `FACETS` are counted. */
const FIELDS: Record<string, (row: FileRow) => readonly string[]> = {
  verdict: (row) => [row.verdict],
  known: (row) => [row.known?.replace(/ driver$/, '') ?? 'no'],
  blocked: (row) => [row.blocked ? 'yes' : 'no'],
  signature: (row) => [row.signature ?? ''],
  type: (row) => row.types,
  machine: (row) => [row.machine ?? ''],
  tag: (row) => row.tags,
  status: (row) => [row.status],
  origin: (row) => [row.origin],
  // The one import that a test shows brought everything.
  job: (row) => (row.origin === 'file' ? ['1'] : []),
  has: (row) => (row.hasNotes ? ['notes'] : []),
  signer: (row) => [row.signer ?? ''],
}

const FACETS: Record<string, string> = {
  verdict: 'Verdict',
  known: 'Known as',
  blocked: 'Blocked',
  signature: 'Signature',
  type: 'Driver type',
  machine: 'Machine',
  tag: 'Tag',
  status: 'Status',
  origin: 'Origin',
}

function find(rows: Iterable<FileRow>, query: string): FileRow[] {
  const terms = parseFileQuery(query).terms.map((term) => ({
    ...term,
    isExcluded: query[term.from] === '-',
    wanted: term.value.toLowerCase(),
  }))
  return [...rows].filter((row) =>
    terms.every(({ field, wanted, isExcluded }) => {
      const values = field === null ? undefined : FIELDS[field]?.(row)
      const hit = values
        ? values.some((one) => one.toLowerCase() === wanted)
        : textOf(row).toLowerCase().includes(wanted)
      return hit !== isExcluded
    }),
  )
}

function sorted(rows: FileRow[], key: SortKey, descending: boolean): FileRow[] {
  const valueOf = (row: FileRow): string | number =>
    key === 'added'
      ? row.addedAt
      : key === 'entropy'
        ? (row.size ?? 0) % 8
        : (row[key as 'size' | 'name'] ?? '')
  const sign = descending ? -1 : 1
  return rows.toSorted((a, b) => {
    const [left, right] = [valueOf(a), valueOf(b)]
    return left < right ? -sign : left > right ? sign : a.id - b.id
  })
}

const facetsOf = (rows: readonly FileRow[]): unknown[] =>
  Object.entries(FACETS).map(([field, label]) => {
    const counts = new Map<string, number>()
    for (const row of rows)
      for (const value of FIELDS[field]!(row))
        if (value !== '') counts.set(value, (counts.get(value) ?? 0) + 1)
    return {
      field,
      label,
      values: [...counts]
        .toSorted((a, b) => b[1] - a[1])
        .slice(0, 20)
        .map(([value, count]) => ({ value, label: value, count })),
    }
  })

export interface FakeShelfOptions {
  rows?: readonly FileRow[]
  send?: (stream: string, value: unknown) => void
}

/** A shelf with handlers for every call of the files contract. */
export function createFakeShelf(options: FakeShelfOptions = {}): FakeShelf {
  const send = options.send ?? (() => undefined)
  const rows = new Map((options.rows ?? fakeRows()).map((row) => [row.id, row]))
  const undoable = new Map<string, Map<number, FileRow>>()
  const history: Record<string, unknown>[] = []
  const changed = (reason: string): void => send('files.changed', { reason })

  const chosen = (selection: Selection): FileRow[] =>
    'ids' in selection
      ? selection.ids.flatMap((id) => rows.get(id) ?? [])
      : find(rows.values(), selection.query)
  const keepUndo = (before: FileRow[]): string => {
    const word = `undo-${undoable.size + 1}`
    undoable.set(word, new Map(before.map((row) => [row.id, row])))
    return word
  }
  const missing = (id: number): unknown =>
    fail('not-found', `There is no file ${id} on the shelf.`, 'It may have been removed.')
  const withRow = (id: number, answer: (row: FileRow) => unknown): unknown => {
    const row = rows.get(id)
    return row ? ok(answer(row)) : missing(id)
  }

  const shelf: FakeShelf = {
    rows,
    searches: [
      {
        id: 1,
        name: 'BYOVD, not blocked',
        query: 'tag:byovd -blocked:yes',
        createdAt: '2026-11-20T09:00:00Z',
      },
    ],
    jobs: [],
    failures: [
      { name: 'set-2026/broken-07.sys', offset: 0x3c, reason: 'e_lfanew points beyond the file.' },
      { name: 'set-2026/readme.txt', offset: null, reason: 'Not a PE file.' },
    ],
    nextJob: 1,
    isFilling: false,
    quarantineKey: 'none',
    quarantineLocked: null,
    yaraFolder: null,
    policies: 1,
    dropped: [],
    drop: (files, options) => {
      const names = files.map(({ name }) => name)
      shelf.dropped.push({ names, options })
      return Promise.resolve(ok(startJob({ title: names.join(', '), total: names.length })))
    },
    handlers: {},
  }

  const quarantine = (): unknown => ({
    files: 12,
    bytes: 3_400_000,
    key: shelf.quarantineKey,
    locked: shelf.quarantineLocked,
    promise:
      shelf.quarantineKey === 'passphrase'
        ? 'Whoever knows the passphrase, or guesses it, can read the bytes.'
        : 'Bytes are encrypted with AES-256-GCM; the key lies in the key store of the system.',
    osKeyStoreAvailable: true,
  })
  const startJob = (over: Partial<IntakeJob>): { job: number | null } => {
    if (shelf.nextJob === null) return { job: null }
    const job = jobOf({ id: shelf.nextJob, done: 0, added: 0, merged: 0, failed: 0, ...over })
    shelf.jobs = [job, ...shelf.jobs.filter((other) => other.id !== job.id)]
    send('intake.progress', job)
    return { job: job.id }
  }

  shelf.handlers = {
    'files.list': ({
      query = '',
      sort = {},
      offset = 0,
      limit = 200,
    }: {
      query?: string
      sort?: Partial<Sort>
      offset?: number
      limit?: number
    }) => {
      const found = sorted(find(rows.values(), query), sort.key ?? 'added', sort.descending ?? true)
      const isHash = /^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$/i.test(query.trim())
      return ok({
        total: found.length,
        all: rows.size,
        rows: found.slice(offset, offset + limit),
        problem: parseFileQuery(query).problems.join(' ') || null,
        hashNote:
          isHash && found.length === 0
            ? 'No file with this hash is on the shelf. LOLDrivers knows it as malicious (POORTRY).'
            : null,
        isFilling: shelf.isFilling,
        facets: facetsOf(found),
      })
    },
    'files.ids': ({
      query,
      sort = {},
      offset,
      limit,
    }: {
      query: string
      sort?: Partial<Sort>
      offset: number
      limit: number
    }) =>
      ok({
        ids: sorted(find(rows.values(), query), sort.key ?? 'added', sort.descending ?? true)
          .slice(offset, offset + limit)
          .map((row) => row.id),
      }),
    'files.complete': ({ text, cursor }: { text: string; cursor: number }) => {
      const from = text.lastIndexOf(' ', cursor - 1) + 1
      const word = text.slice(from, cursor).toLowerCase()
      const [field = '', begun] = word.split(':')
      const completions =
        word === ''
          ? []
          : begun === undefined
            ? [...Object.keys(FIELDS), 'import', 'ioctl']
                .filter((name) => name.startsWith(field))
                .map((name) => ({
                  insert: `${name}:`,
                  label: `${name}:`,
                  detail: FACETS[name] ?? 'an imported routine or a control code',
                }))
            : [...new Set([...rows.values()].flatMap((row) => FIELDS[field]?.(row) ?? []))]
                .filter((value) => value.toLowerCase().startsWith(begun) && value !== '')
                .slice(0, 12)
                .map((value) => ({
                  insert: `${field}:${value.includes(' ') ? `"${value}"` : value} `,
                  label: `${field}:${value}`,
                  detail: '',
                }))
      return ok({ from, completions })
    },
    'files.get': ({ id }: { id: number }) =>
      withRow(id, (row) => fakeDetail(row, [...rows.values()])),
    'files.kin': ({ id }: { id: number }) =>
      withRow(id, (row): Kin => {
        const files = [row, ...[...rows.values()].filter((other) => other.id !== id).slice(0, 9)]
        const ids = files.map((file) => file.id)
        return {
          files,
          groups: [
            {
              relation: 'imphash',
              value: '4cc01ecf51ea33bcf6ea6401b4ac69b5',
              label: 'imphash 4cc01ecf',
              files: ids.slice(0, 4),
              total: 4,
              distances: {},
            },
            {
              relation: 'signer',
              value: 'Old Harbour Software',
              label: 'Old Harbour Software',
              files: [ids[0]!, ...ids.slice(3, 9)],
              total: 14,
              distances: {},
            },
            {
              relation: 'tlsh',
              value: 'T1',
              label: 'similar bytes (TLSH)',
              files: [ids[0]!, ...ids.slice(8)],
              total: ids.length - 7,
              distances: Object.fromEntries(ids.slice(8).map((other, at) => [other, 18 + at * 11])),
            },
          ],
          more: 8,
        }
      }),
    'files.compare': ({ left, right }: { left: number; right: number }) => {
      const [a, b] = [rows.get(left), rows.get(right)]
      if (!a || !b) return missing(a ? right : left)
      const line = (label: string, one: string, two: string): unknown => ({
        label,
        left: one,
        right: two,
        state: one === two ? 'same' : one === '' ? 'added' : two === '' ? 'removed' : 'changed',
      })
      return ok({
        left: a,
        right: b,
        sections: [
          {
            title: 'Image',
            rows: [
              line('Machine', a.machine ?? '', b.machine ?? ''),
              line('Compiled', a.compiled ?? '', b.compiled ?? ''),
              line('Size', String(a.size ?? ''), String(b.size ?? '')),
            ],
          },
          { title: 'Signature', rows: [line('Signer', a.signer ?? '', b.signer ?? '')] },
        ],
      })
    },
    'files.matrix': ({ ids }: { ids: number[] }) =>
      ok({
        capabilities: CAPABILITIES.map(({ evidence: _evidence, ...rest }) => rest),
        files: ids
          .flatMap((id) => rows.get(id) ?? [])
          .map((row) => ({
            row,
            capabilities: CAPABILITIES.filter((_, at) => (row.id * 7 + at * 3) % 4 < 2).map(
              ({ id }) => id,
            ),
          })),
      }),
    'files.annotate': (input: {
      selection: Selection
      status?: FileRow['status']
      verdict?: FileRow['verdict']
      notes?: string
      addTags?: string[]
      removeTags?: string[]
    }) => {
      const before = chosen(input.selection)
      for (const row of before) {
        const tags = row.tags.filter((tag) => !input.removeTags?.includes(tag))
        rows.set(row.id, {
          ...row,
          status: input.status ?? row.status,
          verdict: input.verdict ?? row.verdict,
          hasNotes: input.notes === undefined ? row.hasNotes : input.notes !== '',
          tags: [...new Set([...tags, ...(input.addTags ?? [])])],
        })
        history.unshift({
          id: history.length + 1,
          at: '2026-11-28T10:30:00Z',
          what: input.verdict
            ? 'verdict'
            : input.status
              ? 'status'
              : input.notes
                ? 'notes'
                : 'tags',
          before: row.tags.join(', '),
          after: rows.get(row.id)!.tags.join(', '),
        })
      }
      const undo = keepUndo(before)
      changed('annotated')
      return ok({ changed: before.length, undo })
    },
    'files.remove': ({ selection }: { selection: Selection }) => {
      const gone = chosen(selection)
      for (const row of gone) rows.delete(row.id)
      const undo = keepUndo(gone)
      changed('removed')
      return ok({ changed: gone.length, undo })
    },
    'files.undo': ({ undo }: { undo: string }) => {
      const before = undoable.get(undo)
      if (!before) return fail('not-found', 'This cannot be undone any more.', 'Change it by hand.')
      undoable.delete(undo)
      for (const [id, row] of before) rows.set(id, row)
      changed('undone')
      return ok({ changed: before.size })
    },
    'files.history': () => ok({ entries: history }),
    'files.export': ({ selection, format }: { selection: Selection; format: string }) =>
      ok({ path: `/home/user/drivers.${format}`, files: chosen(selection).length, left: [] }),
    'files.openAsToy': () => ok({ sampleId: 1 }),

    'searches.list': () => ok({ searches: shelf.searches }),
    'searches.save': ({ name, query }: { name: string; query: string }) => {
      const search = {
        id: shelf.searches.length + 1,
        name,
        query,
        createdAt: '2026-11-28T10:00:00Z',
      }
      shelf.searches = [...shelf.searches, search]
      return ok(search)
    },
    'searches.delete': ({ id }: { id: number }) => {
      shelf.searches = shelf.searches.filter((search) => search.id !== id)
      return ok({})
    },

    'intake.choose': ({ what, keepBytes = false }: { what: string; keepBytes?: boolean }) =>
      ok(startJob({ title: what === 'folder' ? 'samples-2026' : '3 files', keepBytes })),
    'intake.jobs': () => ok({ jobs: shelf.jobs }),
    'intake.control': ({ job: id, action }: { job: number; action: string }) => {
      const job = shelf.jobs.find((other) => other.id === id)
      if (!job) return fail('not-found', `There is no import ${id}.`, 'It may have been dismissed.')
      const state = { pause: 'paused', resume: 'running', cancel: 'cancelled' }[action]
      if (action === 'dismiss') shelf.jobs = shelf.jobs.filter((other) => other !== job)
      else if (state === undefined) send('intake.progress', job)
      else {
        const next = { ...job, state: state as IntakeJob['state'] }
        shelf.jobs = shelf.jobs.map((other) => (other === job ? next : other))
        send('intake.progress', next)
      }
      if (action !== 'undo') return ok({ changed: 0 })
      const removed = chosen({ query: `job:${id}` })
      for (const row of removed) rows.delete(row.id)
      changed('removed')
      return ok({ changed: job.added, undo: keepUndo(removed) })
    },
    'intake.failures': ({ offset = 0 }: { offset?: number }) =>
      ok({ total: shelf.failures.length, failures: shelf.failures.slice(offset, offset + 200) }),

    'known.info': () =>
      ok({
        sources: [
          {
            name: 'LOLDrivers',
            version: '5554706 (2026-08-12)',
            licence: 'Apache-2.0',
            entries: 661,
            samples: 2213,
            drivers: 2089,
            importedAt: '2026-11-20T09:00:00Z',
            shipped: true,
          },
        ],
        policies: Array.from({ length: shelf.policies }, (_, at) => ({
          id: at + 1,
          name: 'Microsoft recommended driver block rules',
          version: '10.0.27685.0',
          rules: 1_402,
          matches: [...rows.values()].filter((row) => row.blocked).length,
          importedAt: '2026-11-20T09:00:00Z',
        })),
      }),
    'known.import': () =>
      ok({
        entries: 10,
        samples: 18,
        rules: 0,
        problems: ['x.yaml line 4: no hash'],
        cancelled: false,
      }),
    'known.removePolicy': () => {
      shelf.policies = Math.max(0, shelf.policies - 1)
      changed('policy removed')
      return ok({})
    },

    'yara.info': () =>
      ok({
        folder: shelf.yaraFolder,
        rules: shelf.yaraFolder === null ? 0 : 42,
        problems:
          shelf.yaraFolder === null ? [] : ['poortry.yar line 12: undefined identifier "pe"'],
      }),
    'yara.chooseFolder': () => {
      shelf.yaraFolder = '/home/user/rules'
      return ok({ folder: shelf.yaraFolder })
    },
    'yara.forget': () => {
      shelf.yaraFolder = null
      return ok({})
    },

    'quarantine.info': () => ok(quarantine()),
    'quarantine.setUp': ({ key }: { key: FakeShelf['quarantineKey'] }) => {
      shelf.quarantineKey = key
      shelf.quarantineLocked = null
      return ok(quarantine())
    },
    'quarantine.unlock': () => {
      shelf.quarantineLocked = null
      return ok(quarantine())
    },
    'quarantine.forget': ({ ids }: { ids: number[] }) => ok({ forgotten: ids.length }),
    'quarantine.export': () => ok({ path: '/home/user/ferry.zip' }),
  }
  return shelf
}
