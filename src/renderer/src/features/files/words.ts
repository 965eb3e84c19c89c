/** Short words and marks for one line of the table; the page of a file has the long ones. */
import { FileX2, Fingerprint, Microscope, Wrench } from '@lucide/vue'
import type { ExportFormat, FileRow } from '../../../../shared/contract/files'
import { plural } from '../../../../shared/trace/words'
import type { Mark } from '../catalogue/words'
import {
  blockedMark,
  kindMark,
  knownMark,
  machineWords,
  STATUS_WORDS,
  verdictMark,
} from '../file-page/words'

const KIND_WORDS: Record<NonNullable<FileRow['signature']>, string> = {
  none: 'unsigned',
  unreadable: 'unreadable',
  whcp: 'WHCP',
  attestation: 'attestation',
  windows: 'Windows',
  'cross-signed': 'cross-signed',
  test: 'test',
  'self-signed': 'self-signed',
  unknown: 'unknown',
}

/** How a file is signed; null when nothing was read of it. */
export const signatureMark = ({ signature }: FileRow): Mark | null =>
  signature === null ? null : { ...kindMark(signature), word: KIND_WORDS[signature] }

/** How a facet's value reads; its query says the value itself. */
const FACET_WORDS: Record<string, (value: string) => string | undefined> = {
  verdict: (value) => verdictMark(value as FileRow['verdict'])?.word,
  known: (value) => (value === 'no' ? 'not known' : undefined),
  blocked: (value) => ({ yes: 'blocked', no: 'not blocked' })[value],
  signature: (value) => KIND_WORDS[value as keyof typeof KIND_WORDS],
  // Ids read as words; the hyphens of a date stay.
  evidence: (value) => value.replace(/(?<!\d)-|-(?!\d)/g, ' '),
  machine: machineWords,
  status: (value) => STATUS_WORDS[value as FileRow['status']],
  origin: (value) => ({ file: 'read here', known: 'facts only' })[value],
}
export const facetWords = (field: string, value: string, label: string): string =>
  FACET_WORDS[field]?.(value) ?? label

/** What others say of a file: known as, blocked. */
export function standing(row: FileRow): Mark[] {
  const marks: Mark[] = []
  if (row.known !== null) {
    const mark = knownMark(row.known)
    marks.push({ ...mark, word: row.known.replace(/ driver$/, '') })
  }
  if (row.blocked) marks.push({ ...blockedMark, word: 'blocked' })
  return marks
}

/** Observations against the signature; null when there are none. */
export const evidenceMark = ({ evidence }: FileRow): Mark | null =>
  evidence === 0 ? null : { word: String(evidence), tone: 'danger', icon: Fingerprint }

export const capabilityMark = ({ capabilities }: FileRow): Mark | null =>
  capabilities === 0 ? null : { word: String(capabilities), tone: 'plain', icon: Wrench }

/** What there is of it here: known data alone, or a file without an image; null for a driver. */
export function materialMark({ origin, machine }: FileRow): Mark | null {
  if (origin === 'known') return { word: 'facts only', tone: 'plain', icon: Microscope }
  return machine === null ? { word: 'no image', tone: 'warn', icon: FileX2 } : null
}

export const files = (count: number): string => plural(count, 'file')

/** `2 min left`, `about 40 s left`; empty while it cannot be told. */
export function timeLeft(seconds: number | null): string {
  if (seconds === null) return ''
  if (seconds < 5) return 'a few seconds left'
  if (seconds < 90) return `${Math.ceil(seconds / 5) * 5} s left`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min left`
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min left`
}

/** Each format, its name and one line about it. */
export const EXPORTS: Record<ExportFormat, { name: string; what: string }> = {
  csv: { name: 'CSV', what: 'The columns of the list; no cell is read as a formula.' },
  json: { name: 'JSON', what: 'All facts, tags and notes; importing it gives the same back.' },
  'loldrivers-yaml': {
    name: 'LOLDrivers YAML',
    what: 'One entry per file, valid by their schema.',
  },
  stix: { name: 'STIX 2.1', what: 'A bundle of file and certificate objects for exchange.' },
  misp: { name: 'MISP', what: 'One event with file objects and attributes.' },
  sipolicy: { name: 'SiPolicy XML', what: 'Deny rules for App Control, by authentihash.' },
  html: { name: 'HTML report', what: 'One page that opens anywhere, without a network.' },
}
