/** What a file is to the import, by its name and its first bytes. */

export type Kind =
  | 'driver'
  | 'inf'
  | 'catalogue'
  | 'archive'
  /** Our own JSON export. */
  | 'records'
  /** An archive of a kind that cannot be opened. */
  | 'other-archive'

/** As many first bytes as `recognise` looks at. */
export const HEAD_BYTES = 512

/** What marks our own export: the value of its `format`. */
export const RECORDS_FORMAT = 'ring0-files'

/** Documents and programs that are zip files inside, and never carry samples for us. */
const ZIP_DOCUMENTS =
  /\.(docx|docm|xlsx|xlsm|pptx|pptm|vsdx|od[tspg]|epub|jar|war|apk|aab|ipa|xpi|crx|vsix|nupkg|whl|kmz|3mf)$/i

const OTHER_ARCHIVES: [name: string, magic: string][] = [
  ['7z', '377abcaf271c'],
  ['RAR', '526172211a07'],
  ['CAB', '4d534346'],
  ['gzip', '1f8b08'],
  ['xz', 'fd377a585a00'],
  ['bzip2', '425a68'],
  ['Zstandard', '28b52ffd'],
]

/** Every image begins with this. */
const MZ = '4d5a'

/**
 * @param name file name, folders allowed
 * @param head the first bytes, `HEAD_BYTES` of them where there are so many
 * @returns null for what the import leaves out; a `.sys` is a driver that `whyNoImage` may refuse
 */
export function recognise(name: string, head: Uint8Array): Kind | null {
  if (startsWith(head, MZ)) return 'driver'
  if (startsWith(head, '504b0304') || startsWith(head, '504b0506'))
    return ZIP_DOCUMENTS.test(name) ? null : 'archive'
  if (/\.sys$/i.test(name)) return 'driver'
  if (/\.inf$/i.test(name)) return 'inf'
  if (/\.cat$/i.test(name)) return 'catalogue'
  if (/\.json$/i.test(name) && Buffer.from(head).toString('latin1').includes(RECORDS_FORMAT))
    return 'records'
  return otherArchive(head) === null ? null : 'other-archive'
}

/** Why a file that is called a driver is none; null when it may be one. */
export function whyNoImage(head: Uint8Array): string | null {
  if (head.length === 0) return 'The file is empty.'
  if (startsWith(head, MZ)) return null
  const begins = Buffer.from(head.subarray(0, 4)).toString('hex').toUpperCase()
  return `This is no driver: an image begins with 4D5A (MZ), this file with ${begins}.`
}

/** The name of an archive format that cannot be opened here; null when it is none. */
export function otherArchive(head: Uint8Array): string | null {
  return OTHER_ARCHIVES.find(([, magic]) => startsWith(head, magic))?.[0] ?? null
}

function startsWith(bytes: Uint8Array, hex: string): boolean {
  const length = hex.length / 2
  return (
    bytes.length >= length &&
    Buffer.from(bytes.buffer, bytes.byteOffset, length).toString('hex') === hex
  )
}
