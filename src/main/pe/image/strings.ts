/** Texts in a file: runs of printable ASCII, and of the same characters as UTF-16. */
import type { FileString } from '../../../shared/driver-file/facts'
import { eachText } from '../loops'
import type { Reading } from './reading'
import { keepSigns } from './signs'
import { classify } from './string-classes'

/** Without the checks of `toString`, which cost as much as a short text. */
const { latin1Slice, ucs2Slice } = Buffer.prototype

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
  readonly #bytes: Uint8Array
  readonly #classified = new Found()
  readonly #plain = new Found()

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  add(encoding: FileString['encoding'], start: number, end: number, signs: number): void {
    this.count++
    const isAscii = encoding === 'ascii'
    const stop = Math.min(end, start + LENGTH_MAX * (isAscii ? 1 : 2))
    const text = (isAscii ? latin1Slice : ucs2Slice).call(this.#bytes, start, stop)
    const classes = classify(text, signs)
    const list = classes.length > 0 ? this.#classified : this.#plain
    if (list.texts.length < STRINGS_MAX) list.add({ offset: start, encoding, text, classes }, signs)
  }

  /** Both lists, each of which is in the order of the file, as one. */
  take(): FileString[] {
    const [classified, plain] = [this.#classified, this.#plain]
    const all = new Found()
    const plainMost = Math.min(plain.texts.length, STRINGS_MAX - classified.texts.length)
    for (let left = 0, right = 0; left < classified.texts.length || right < plainMost;) {
      const isLeft =
        right >= plainMost ||
        (left < classified.texts.length &&
          classified.texts[left].offset < plain.texts[right].offset)
      if (isLeft) all.add(classified.texts[left], classified.signs[left++])
      else all.add(plain.texts[right], plain.signs[right++])
    }
    keepSigns(all.texts, all.signs)
    return all.texts
  }
}

/** Texts, and the signs of each. */
class Found {
  readonly texts: FileString[] = []
  readonly signs: number[] = []

  add(text: FileString, signs: number): void {
    this.texts.push(text)
    this.signs.push(signs)
  }
}
