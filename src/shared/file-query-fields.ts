/** The fields of the driver files' query line: what each takes, and what it says of itself. */
import { DRIVER_TYPES, SIGNATURE_KINDS } from './driver-file/facts'

export interface FileFieldRule {
  /**
   * `value`: the whole value, in any case; `text`: any part of the value; `hash`: hex;
   * `code`: an IOCTL code in any writing; `date` and `number`: a comparison.
   */
  takes: 'value' | 'text' | 'hash' | 'code' | 'date' | 'number'
  /** Several of them: files with all of these values, or with any (a file has only one of each). */
  several: 'all' | 'any'
  /** For completion. */
  help: string
  /** The only values there are, in lower case. */
  values?: readonly string[]
  /** Other spellings of values. */
  aliases?: Readonly<Record<string, string>>
  /** Can a file have none of it: then `field:none` and `field:*` have a meaning. */
  optional?: boolean
  /** Its number can be compared: `evidence>0`. */
  counted?: boolean
}

const rules = <T extends Record<string, FileFieldRule>>(table: T): Record<keyof T, FileFieldRule> =>
  table

export const FILE_FIELDS = rules({
  name: { takes: 'text', several: 'any', help: 'a file name it came under' },
  tag: { takes: 'value', several: 'all', help: 'files with a tag', optional: true },
  status: {
    takes: 'value',
    several: 'any',
    help: 'new, in-work, done',
    values: ['new', 'in-work', 'done'],
  },
  verdict: {
    takes: 'value',
    several: 'any',
    help: 'what was decided',
    values: ['none', 'benign', 'vulnerable', 'malicious', 'suspicious'],
  },
  known: {
    takes: 'value',
    several: 'any',
    help: 'loldrivers, malicious, vulnerable, yes, no',
    optional: true,
  },
  entry: { takes: 'text', several: 'any', help: 'name or id of a known entry', optional: true },
  cve: { takes: 'value', several: 'all', help: 'CVE of the known entry', optional: true },
  blocked: {
    takes: 'text',
    several: 'any',
    help: 'yes, no, or a part of the policy’s name',
    optional: true,
  },
  signature: {
    takes: 'value',
    several: 'any',
    help: 'kind of the best signature, or none',
    values: ['none', 'unreadable', ...SIGNATURE_KINDS],
    aliases: { unsigned: 'none' },
  },
  signer: { takes: 'text', several: 'any', help: 'who signed', optional: true },
  issuer: { takes: 'text', several: 'any', help: 'who issued to the signer' },
  serial: { takes: 'value', several: 'any', help: 'serial number of the signer’s certificate' },
  evidence: {
    takes: 'value',
    several: 'all',
    help: 'against the time of signing; evidence>0',
    optional: true,
    counted: true,
  },
  type: {
    takes: 'value',
    several: 'all',
    help: 'WDM, KMDF, minifilter, WFP …',
    values: DRIVER_TYPES.map((type) => type.toLowerCase()),
    optional: true,
  },
  capability: {
    takes: 'value',
    several: 'all',
    help: 'what it can do; capability>3',
    optional: true,
    counted: true,
  },
  attack: { takes: 'value', several: 'all', help: 'ATT&CK technique', optional: true },
  import: { takes: 'value', several: 'all', help: 'imported function or module', optional: true },
  export: { takes: 'value', several: 'all', help: 'exported function', optional: true },
  section: { takes: 'value', several: 'all', help: 'name of a section' },
  device: { takes: 'text', several: 'all', help: 'device name', optional: true },
  link: { takes: 'text', several: 'all', help: 'symbolic link', optional: true },
  ioctl: { takes: 'code', several: 'all', help: 'control code: 0x80102040', optional: true },
  method: {
    takes: 'value',
    several: 'all',
    help: 'of a control code: buffered, in_direct, out_direct, neither',
    values: ['buffered', 'in_direct', 'out_direct', 'neither'],
    aliases: {
      method_buffered: 'buffered',
      method_in_direct: 'in_direct',
      method_out_direct: 'out_direct',
      method_neither: 'neither',
    },
  },
  access: {
    takes: 'value',
    several: 'all',
    help: 'of a control code: any, read, write',
    values: ['any', 'read', 'write'],
    aliases: { file_any_access: 'any', file_read_access: 'read', file_write_access: 'write' },
  },
  machine: {
    takes: 'value',
    several: 'any',
    help: 'AMD64, I386, ARM64 …',
    aliases: { x64: 'amd64', x86: 'i386', x86_64: 'amd64', aarch64: 'arm64' },
  },
  company: { takes: 'text', several: 'any', help: 'CompanyName', optional: true },
  product: { takes: 'text', several: 'any', help: 'ProductName', optional: true },
  original: { takes: 'text', several: 'any', help: 'OriginalFilename', optional: true },
  pdb: { takes: 'text', several: 'any', help: 'path of the PDB', optional: true },
  anomaly: { takes: 'value', several: 'all', help: 'oddity of the format', optional: true },
  yara: { takes: 'value', several: 'all', help: 'rule that matched', optional: true },
  compiled: { takes: 'date', several: 'all', help: 'compiled>2022, compiled<2015-07-29' },
  signed: { takes: 'date', several: 'all', help: 'claimed time of signing: signed:2013' },
  added: { takes: 'date', several: 'all', help: 'when it came here: added>2026-11' },
  size: { takes: 'number', several: 'all', help: 'size>1mb' },
  entropy: { takes: 'number', several: 'all', help: 'of the densest section: entropy>7' },
  origin: {
    takes: 'value',
    several: 'any',
    help: 'file: read here; known: facts of known data only',
    values: ['file', 'known'],
  },
  job: { takes: 'value', several: 'any', help: 'number of the import' },
  md5: { takes: 'hash', several: 'any', help: 'of the file' },
  sha1: { takes: 'hash', several: 'any', help: 'of the file' },
  sha256: { takes: 'hash', several: 'any', help: 'of the file' },
  authentihash: { takes: 'hash', several: 'any', help: 'Authenticode digest of the image' },
  imphash: { takes: 'hash', several: 'any', help: 'hash of the imports' },
  rich: { takes: 'hash', several: 'any', help: 'hash of the Rich header' },
  certificate: { takes: 'hash', several: 'all', help: 'thumbprint or TBS hash' },
  has: {
    takes: 'value',
    several: 'all',
    help: 'notes, tag, pdb, overlay, signer …',
  },
  is: {
    takes: 'value',
    several: 'any',
    help: 'signed, unsigned',
    values: ['signed', 'unsigned'],
  },
})
export type FileField = keyof typeof FILE_FIELDS

export const FILE_FIELD_NAMES = Object.keys(FILE_FIELDS) as FileField[]

/** What `has:` can ask for. */
export const HAS_VALUES: readonly string[] = [
  'notes',
  'overlay',
  ...FILE_FIELD_NAMES.filter((name) => FILE_FIELDS[name].optional === true),
]
