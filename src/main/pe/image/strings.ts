/** Texts in a file: runs of printable ASCII, and of the same characters as UTF-16. */
import type { FileString } from '../../../shared/driver-file/facts'
import type { Reading } from './reading'
import { classify, SIGN } from './string-classes'

const LENGTH_MIN = 5
/** Longer texts are cut: they are scripts, certificates and tables. */
const LENGTH_MAX = 1_024
const STRINGS_MAX = 5_000
/** Bytes between two looks at the clock. */
const STRETCH = 1 << 16

/** What each byte is: 0 for what ends a text. */
const signsOf = new Uint16Array(256)
for (let byte = 0x20; byte < 0x7f; byte++) signsOf[byte] = SIGN.printable | signOf(byte)
signsOf[9] = SIGN.printable | SIGN.other

function signOf(byte: number): number {
  const character = String.fromCharCode(byte)
  if (/\w/.test(character)) return 0
  const signs: Record<string, number> = {
    '\\': SIGN.backslash,
    '/': SIGN.slash,
    '.': SIGN.dot,
    ':': SIGN.colon,
    '%': SIGN.percent,
    '(': SIGN.parenthesis,
    '-': SIGN.hyphen,
  }
  return signs[character] ?? SIGN.other
}

/** @returns at most 5,000 texts in the order of the file; those of a class are kept first */
export function readStrings(reading: Reading): FileString[] {
  const found = new Collection(reading.reader.bytes)
  const isWhole = scan(reading, found)
  const strings = found.take()
  if (found.count > strings.length || !isWhole) {
    reading.anomalies.note(
      'strings-incomplete',
      `The file has ${isWhole ? '' : 'more than '}${found.count} texts; ` +
        `${strings.length} were kept, those that mean something first.`,
    )
  }
  return strings
}

/** @returns false when the time was over before the end */
function scan({ reader, deadline }: Reading, found: Collection): boolean {
  const { bytes } = reader
  const end = bytes.length
  let look = STRETCH
  let at = 0
  while (at < end) {
    // Where the fifth byte from here can be in no text, none of the bytes up to it is in one: a text
    // is too long to end before it. A zero can be the second half of a character, if one lies before
    // it. Most of a file is passed five bytes at a time.
    if (at + 4 < end && signsOf[bytes[at + 4]] === 0) {
      if (bytes[at + 4] !== 0 || signsOf[bytes[at + 3]] === 0) {
        at += LENGTH_MIN
        continue
      }
    }
    let signs = signsOf[bytes[at]]
    if (signs === 0) {
      at++
      continue
    }
    if (at > look) {
      if (deadline.isPassedNow) return false
      look = at + STRETCH
    }
    const start = at++
    while (at < end) {
      const next = signsOf[bytes[at]]
      if (next === 0) break
      signs |= next
      at++
    }
    if (at - start >= LENGTH_MIN) found.add('ascii', start, at, signs)
    // A single character before a zero may begin a text of two bytes per character.
    else if (bytes[at] === 0) at = scanWide(bytes, at - 1, found)
  }
  return true
}

/** @returns where the search goes on: behind the text, or behind the zero when there is none */
function scanWide(bytes: Uint8Array, start: number, found: Collection): number {
  let signs = 0
  let at = start
  while (at + 1 < bytes.length && bytes[at + 1] === 0) {
    const next = signsOf[bytes[at]]
    if (next === 0) break
    signs |= next
    at += 2
  }
  if ((at - start) / 2 < LENGTH_MIN) return start + 2
  found.add('utf16', start, at, signs)
  return at
}

class Collection {
  count = 0
  readonly #buffer: Buffer
  readonly #classified: FileString[] = []
  readonly #plain: FileString[] = []

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  add(encoding: FileString['encoding'], start: number, end: number, signs: number): void {
    this.count++
    const width = encoding === 'ascii' ? 1 : 2
    const stop = Math.min(end, start + LENGTH_MAX * width)
    const text = this.#buffer.toString(encoding === 'ascii' ? 'latin1' : 'utf16le', start, stop)
    const classes = classify(text, signs)
    const list = classes.length > 0 ? this.#classified : this.#plain
    if (list.length < STRINGS_MAX) list.push({ offset: start, encoding, text, classes })
  }

  take(): FileString[] {
    const plain = this.#plain.slice(0, STRINGS_MAX - this.#classified.length)
    return [...this.#classified, ...plain].sort((a, b) => a.offset - b.offset)
  }
}
