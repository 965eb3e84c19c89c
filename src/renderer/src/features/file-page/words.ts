/** Words, shapes and tones for what is read from a driver file; one place, so that a fact reads alike. */
import {
  BadgeCheck,
  Ban,
  BookMarked,
  CircleCheck,
  CircleDashed,
  CircleHelp,
  CircleX,
  FileKey2,
  FileWarning,
  FlaskConical,
  Info,
  ShieldAlert,
  ShieldCheck,
  Signature as SignatureIcon,
  TriangleAlert,
} from '@lucide/vue'
import type { FileRow, KIN_RELATIONS } from '../../../../shared/contract/files'
import type {
  Anomaly,
  CapabilityMatch,
  Evidence,
  FileFacts,
  Signature,
} from '../../../../shared/driver-file/facts'
import type { FileField } from '../../../../shared/file-query'
import { grouped, plural } from '../../../../shared/trace/words'
import type { Mark } from '../catalogue/words'

export type Relation = (typeof KIN_RELATIONS)[number]

/** With a large first letter: names of rules stand in small letters. */
export const sentence = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

// ---- numbers and times

/** `0x1A00`, as addresses and offsets are written here. */
export const hex = (value: number, digits = 0): string =>
  `0x${value.toString(16).toUpperCase().padStart(digits, '0')}`

/** `11.9 KB`; below 1,000 bytes the bytes themselves. */
export function bytes(count: number): string {
  if (count < 1000) return plural(count, 'byte')
  const [size, unit] = count < 1_000_000 ? [count / 1024, 'KB'] : [count / 1024 ** 2, 'MB']
  return `${size < 100 ? size.toFixed(1) : grouped(Math.round(size))} ${unit}`
}

/** `2023-05-02 09:10:11`, in UTC; what is no time stays as it is. */
export function utc(time: string): string {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})/.exec(time)
  return match ? `${match[1]} ${match[2]}` : time
}

/** `2023-05-02`. */
export const day = (time: string): string => time.slice(0, 10)

/** A share from 0 to 1 as `49 %`, `0.6 %`, `under 0.1 %`. */
export function percent(share: number): string {
  const value = share * 100
  if (value === 0) return '0 %'
  if (value < 0.1) return 'under 0.1 %'
  return `${value < 10 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)} %`
}

/** `49 % of vulnerable, 0.6 % of malicious samples`. */
export const baseRate = (rate: NonNullable<CapabilityMatch['baseRate']>): string =>
  `${percent(rate.vulnerable)} of vulnerable, ${percent(rate.malicious)} of malicious samples`

const DAY_MS = 86_400_000

/** How long between two times, by the calendar: `9 years, 23 days`, `9 years, 7 months`, `12 days`. */
export function duration(from: number, to: number): string {
  const [first, last] = from <= to ? [from, to] : [to, from]
  const start = new Date(first)
  /** The first time, moved on by whole months. */
  const after = (months: number): number => {
    const moved = new Date(start)
    moved.setUTCMonth(start.getUTCMonth() + months)
    return moved.getTime()
  }
  const end = new Date(last)
  let months =
    (end.getUTCFullYear() - start.getUTCFullYear()) * 12 + end.getUTCMonth() - start.getUTCMonth()
  if (after(months) > last) months--
  const years = Math.floor(months / 12)
  if (years === 0) return plural(Math.floor((last - first) / DAY_MS), 'day')
  const days = Math.floor((last - after(months)) / DAY_MS)
  const rest =
    months % 12 > 0 ? plural(months % 12, 'month') : days > 0 ? plural(days, 'day') : null
  return [plural(years, 'year'), ...(rest === null ? [] : [rest])].join(', ')
}

// ---- the signature

const KINDS: Record<NonNullable<FileRow['signature']>, Mark> = {
  none: { word: 'not signed', tone: 'plain', icon: CircleDashed },
  unreadable: { word: 'signature cannot be read', tone: 'warn', icon: FileWarning },
  whcp: { word: 'Microsoft, hardware compatibility (WHCP)', tone: 'ok', icon: ShieldCheck },
  attestation: { word: 'Microsoft, attestation', tone: 'ok', icon: ShieldCheck },
  windows: { word: 'Microsoft Windows', tone: 'ok', icon: ShieldCheck },
  'cross-signed': { word: 'vendor, cross-signed', tone: 'accent', icon: SignatureIcon },
  test: { word: 'test certificate', tone: 'warn', icon: FlaskConical },
  'self-signed': { word: 'self-signed', tone: 'warn', icon: FileKey2 },
  unknown: { word: 'chain of unknown standing', tone: 'plain', icon: CircleHelp },
}
export const kindMark = (kind: NonNullable<FileRow['signature']>): Mark => KINDS[kind]

/** What an image without a readable signature has in its place: nothing, or something broken. */
export function noSignature({ image, anomalies }: FileFacts): {
  kind: 'none' | 'unreadable'
  text: string
} {
  const broken = anomalies.filter(({ id }) => id === 'signature-broken')
  if (!image?.certificateTable || broken.length === 0)
    return {
      kind: 'none',
      text: 'There is no signature in the file, and no catalogue on the shelf names it.',
    }
  const why = broken.map(({ text }) => text).join(' ')
  return {
    kind: 'unreadable',
    text: `There is a signature in the file that cannot be read. ${why}`,
  }
}

/** What the root of the time stamp is worth; a root of the signer's own is no evidence. */
export function stampRoot({ chain, timeStamp }: Signature): string {
  if (timeStamp?.rootIsKnown) return 'Windows ships with it'
  const [ours, theirs] = [chain.at(-1), timeStamp?.chain.at(-1)]
  return ours && ours.thumbprint.sha256 === theirs?.thumbprint.sha256
    ? 'the signer’s own, which Windows does not ship with: no evidence against the time'
    : 'Windows does not ship with it'
}

export const digestMark = (signature: Signature): Mark =>
  signature.digestMatches
    ? { word: 'digest matches the file', tone: 'ok', icon: CircleCheck }
    : { word: 'digest does not match the file', tone: 'danger', icon: CircleX }

export const verifiesMark = (signature: Signature): Mark =>
  signature.verifies
    ? { word: 'fits its certificate', tone: 'ok', icon: BadgeCheck }
    : { word: 'does not fit its certificate', tone: 'danger', icon: CircleX }

export const SOURCES: Record<Signature['source'], string> = {
  embedded: 'embedded',
  nested: 'nested',
  catalogue: 'in a catalogue',
}

/** `sha1` -> `SHA-1`, `sha256` -> `SHA-256`. */
export const algorithm = (name: string): string =>
  /^sha\d+$/i.test(name) ? `SHA-${name.slice(3)}` : name.toUpperCase()

const DATA_NAMES: Record<string, string> = {
  signerFrom: 'signer valid from',
  signerTo: 'signer valid to',
  claimed: 'claimed signing',
  stamp: 'kind of stamp',
  stampSigner: 'stamped by',
  from: 'valid from',
  to: 'valid to',
  digestAlgorithm: 'digest algorithm',
  signed: 'signed digest',
  by: 'recognised by',
}
const DATA_VALUES: Record<string, string> = { pkcs9: 'PKCS#9', rfc3161: 'RFC 3161' }

/** What an item of evidence rests on, in words: `signer valid to 2014-04-09 00:00:00`. */
export function evidenceData({ data }: Evidence): string[] {
  return Object.entries(data)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => {
      const words =
        name === 'digestAlgorithm' ? algorithm(value) : (DATA_VALUES[value] ?? utc(value))
      return `${DATA_NAMES[name] ?? name} ${words}`
    })
}

const ABOUT_TIME: ReadonlySet<Evidence['id']> = new Set([
  'compiled-after-signer-expired',
  'compiled-after-claimed-signing-time',
  'pre-2015-07-29-exemption-claimed',
  'untrusted-timestamp-root',
  'timestamp-root-on-indicator-list',
  'timestamp-certificate-not-valid-at-claimed-time',
])

export interface EvidenceGroup {
  title: string
  items: Evidence[]
}

/** Evidence under the two headings it is shown under; empty groups are left out. */
export function evidenceGroups(evidence: readonly Evidence[]): EvidenceGroup[] {
  return [
    {
      title: 'Evidence against the signing time',
      items: evidence.filter(({ id }) => ABOUT_TIME.has(id)),
    },
    {
      title: 'Evidence against the signature',
      items: evidence.filter(({ id }) => !ABOUT_TIME.has(id)),
    },
  ].filter(({ items }) => items.length > 0)
}

// ---- what it is, what it can do, what is known

const MACHINES: Record<string, string> = {
  AMD64: 'x64',
  I386: 'x86',
  ARM64: 'ARM64',
  ARMNT: 'ARM (32-bit)',
  IA64: 'Itanium',
}
export const machineWords = (machine: string): string => MACHINES[machine] ?? machine

export const AXES: { id: CapabilityMatch['axis']; title: string }[] = [
  { id: 'hardware', title: 'Hardware it exposes' },
  { id: 'telemetry', title: 'Processes and telemetry' },
]

export function knownMark(category: string): Mark {
  if (/malicious/i.test(category)) return { word: category, tone: 'danger', icon: ShieldAlert }
  if (/vulnerable/i.test(category)) return { word: category, tone: 'warn', icon: TriangleAlert }
  return { word: category, tone: 'plain', icon: BookMarked }
}

export const blockedMark: Mark = { word: 'on a block list', tone: 'danger', icon: Ban }

const VERDICTS: Record<FileRow['verdict'], Mark> = {
  none: { word: 'no verdict', tone: 'plain', icon: CircleDashed },
  benign: { word: 'benign', tone: 'ok', icon: CircleCheck },
  vulnerable: { word: 'vulnerable', tone: 'warn', icon: TriangleAlert },
  suspicious: { word: 'suspicious', tone: 'warn', icon: CircleHelp },
  malicious: { word: 'malicious', tone: 'danger', icon: ShieldAlert },
}
export const verdictMark = (verdict: FileRow['verdict']): Mark => VERDICTS[verdict]

export const STATUS_WORDS: Record<FileRow['status'], string> = {
  new: 'new',
  'in-work': 'in work',
  done: 'done',
}

const SEVERITIES: Record<Anomaly['severity'], Mark> = {
  note: { word: 'note', tone: 'plain', icon: Info },
  suspicious: { word: 'suspicious', tone: 'warn', icon: TriangleAlert },
  broken: { word: 'broken', tone: 'danger', icon: CircleX },
}
export const severityMark = (severity: Anomaly['severity']): Mark => SEVERITIES[severity]

/** `field` of the query line; null where a value cannot be asked for. */
export const RELATIONS: Record<
  Relation,
  { name: string; sentence: string; field: FileField | null }
> = {
  authentihash: { name: 'same image', sentence: 'has the same image', field: 'authentihash' },
  imphash: { name: 'same imports', sentence: 'has the same imphash', field: 'imphash' },
  rich: { name: 'same tools', sentence: 'has the same Rich header', field: 'rich' },
  signer: { name: 'same signer', sentence: 'is signed by the same signer', field: 'signer' },
  'pdb-folder': { name: 'same PDB folder', sentence: 'was built in the same folder', field: 'pdb' },
  tlsh: { name: 'similar bytes (TLSH)', sentence: 'has similar bytes', field: null },
}
