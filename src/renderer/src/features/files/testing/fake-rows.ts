/** Rows of a made-up shelf: always the same ones for the same count, any number of them. */
import type { FileRow } from '../../../../../shared/contract/files'

const NAMES = [
  'ferry',
  'lantern',
  'gdrv',
  'rtcore64',
  'winring0x64',
  'kprocesshacker',
  'netfilter2',
]
  .concat([
    'asio64',
    'viragt64',
    'truesight',
    'dbutil_2_3',
    'mhyprot2',
    'procexp152',
    'ene',
    'amifldrv64',
  ])
  .concat([
    'phymemx64',
    'cpuz141',
    'atillk64',
    'msio64',
    'nvflash',
    'speedfan',
    'wfplog',
    'poortry',
  ])
const SIGNERS = [
  'Old Harbour Software',
  'Lantern Test Publisher',
  'GIGA-BYTE TECHNOLOGY CO., LTD.',
  'Microsoft Windows Hardware Compatibility Publisher',
  'MICRO-STAR INTERNATIONAL CO., LTD.',
  'Zhuhai Example Technology Co., Ltd.',
  'Dell Inc.',
  'Beijing Kate Zhanhong Technology Co., Ltd.',
]
const KINDS = [
  'cross-signed',
  'test',
  'cross-signed',
  'whcp',
  'attestation',
  'self-signed',
  'none',
] as const
const TYPES = [['WDM'], ['WFP'], ['WDM'], ['minifilter'], ['KMDF'], ['NDIS', 'WFP'], ['WDM']]
const TAGS = [[], ['byovd'], ['triage', 'set-2026'], [], ['set-2026'], ['wiper', 'byovd'], []]

/** A small generator of numbers in [0, 1): Mulberry32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const pick = <T>(items: readonly T[], at: number): T => items[Math.floor(at * items.length)]!
const time = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** One row with what matters to a test, and quiet values for the rest. */
export const rowOf = (id: number, over: Partial<FileRow> = {}): FileRow => ({
  id,
  name: `sample-${id}.sys`,
  names: 1,
  sha256: id.toString(16).padStart(64, '0'),
  origin: 'file',
  size: 12_456,
  machine: 'AMD64',
  types: ['WDM'],
  compiled: '2024-02-03T04:05:06Z',
  signature: 'none',
  signer: null,
  signedAt: null,
  evidence: 0,
  known: null,
  blocked: false,
  capabilities: 0,
  status: 'new',
  verdict: 'none',
  tags: [],
  hasNotes: false,
  addedAt: '2026-11-20T09:00:00Z',
  ...over,
})

function madeUp(id: number): FileRow {
  const next = random(id)
  const word = (): string =>
    Math.floor(next() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  const hex = Array.from({ length: 8 }, word).join('')
  const compiled = Date.UTC(2006 + next() * 20, next() * 12, 1 + next() * 28, next() * 24)
  const signature = pick(KINDS, next())
  const isForged = signature === 'cross-signed' && next() < 0.4
  const isKnownOnly = id % 9 === 0
  const known = next() < 0.3 ? 'vulnerable driver' : next() < 0.2 ? 'malicious' : null
  return rowOf(id, {
    name: `${pick(NAMES, next())}${next() < 0.3 ? `-${id}` : ''}.sys`,
    names: next() < 0.7 ? 1 : 1 + Math.floor(next() * 5),
    sha256: hex,
    origin: isKnownOnly ? 'known' : 'file',
    size: isKnownOnly ? null : Math.floor(6_000 + next() ** 4 * 900_000),
    machine: pick(['AMD64', 'AMD64', 'AMD64', 'I386', 'ARM64'], next()),
    types: isKnownOnly ? [] : pick(TYPES, next()),
    compiled: next() < 0.06 ? null : time(compiled),
    signature: isKnownOnly ? null : signature,
    signer: signature === 'none' ? null : pick(SIGNERS, next()),
    signedAt: signature === 'none' ? null : time(compiled + (isForged ? -9e10 : 4e8)),
    evidence: isKnownOnly ? 0 : isForged ? 2 + Math.floor(next() * 4) : next() < 0.1 ? 1 : 0,
    known: isKnownOnly ? (known ?? 'vulnerable driver') : known,
    blocked: known !== null && next() < 0.5,
    capabilities: isKnownOnly ? 0 : Math.floor(next() * 9),
    status: pick(['new', 'new', 'in-work', 'done'] as const, next()),
    verdict: pick(
      ['none', 'none', 'none', 'vulnerable', 'malicious', 'suspicious'] as const,
      next(),
    ),
    tags: pick(TAGS, next()),
    hasNotes: next() < 0.15,
    addedAt: time(Date.UTC(2026, 10, 28, 9) - id * 437_000),
  })
}

/** The two drivers whose facts are written out in `fake-details.ts`. */
export const FERRY = rowOf(1, {
  name: 'ferry.sys',
  names: 2,
  sha256: 'de5d9f5c547ab203c2724555ae801156c9d02b78d84ba999d1b13fcdaea8c895',
  size: 12_184,
  types: ['WFP', 'WDM'],
  compiled: '2023-05-02T09:10:11Z',
  signature: 'cross-signed',
  signer: 'Old Harbour Software',
  signedAt: '2013-10-01T00:00:00Z',
  evidence: 5,
  known: 'malicious',
  blocked: true,
  capabilities: 3,
  status: 'in-work',
  verdict: 'malicious',
  tags: ['hooksigntool', 'set-2026'],
  hasNotes: true,
  addedAt: '2026-11-28T10:12:00Z',
})
export const LANTERN = rowOf(2, {
  name: 'lantern.sys',
  sha256: '6f45c91fe485473b5f774e3bf345c67e0da64a303e6d36c5849223e844b71950',
  signature: 'test',
  signer: 'Lantern Test Publisher',
  signedAt: '2024-02-10T12:00:00Z',
  capabilities: 1,
  tags: ['set-2026'],
  addedAt: '2026-11-28T10:11:00Z',
})

/** A shelf of that many files. */
export const fakeRows = (count = 64): FileRow[] =>
  Array.from({ length: count }, (_, at) => (at === 0 ? FERRY : at === 1 ? LANTERN : madeUp(at + 1)))
