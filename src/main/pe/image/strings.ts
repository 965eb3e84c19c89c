/** Texts in a file: runs of printable ASCII, and of the same characters as UTF-16. */
import type { FileString } from '../../../shared/driver-file/facts'
import { eachText } from '../loops'
import type { Reading } from './reading'
import { classify } from './string-classes'

/** Longer texts are cut: they are scripts, certificates and tables. */
const LENGTH_MAX = 1_024
const STRINGS_MAX = 5_000
/** Bytes between two looks at the clock. */
const STRETCH = 1 << 16

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
  return eachText(
    reader.bytes,
    STRETCH,
    () => !deadline.isPassedNow,
    (start, end, isWide, signs) => found.add(isWide ? 'utf16' : 'ascii', start, end, signs),
  )
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
