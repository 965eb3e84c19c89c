/**
 * DER, walked where it lies: a node is a tag and two offsets into the file, nothing is copied or
 * built ahead. (asn1js makes an object of every element: 2.2 ms for a signature of 6 KB that this
 * walks in 0.02 ms.) Lengths of indefinite form, which some signing tools write, are followed too.
 *
 * Bad DER throws `DerError` with the offset; the readers of signatures catch it at their border and
 * make an anomaly of it.
 */

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** Context tag `[number]`, constructed unless said otherwise. */
export function context(number: number, isConstructed = true): number {
  return 0x80 | (isConstructed ? 0x20 : 0) | number
}

/** Deeper than any real signature nests; bounds the walk over lengths of indefinite form. */
const DEPTH_MAX = 64
/** Children of one node: the largest catalogues of Windows have some 50,000 members. */
const CHILDREN_MAX = 200_000
const CONSTRUCTED = 0x20

/** What stood in the way, and where: an offset into the bytes the walk began with. */
export class DerError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message)
  }
}

export class Der {
  /** @param end offset after the last content byte (before the end mark of an indefinite form) */
  private constructor(
    readonly bytes: Uint8Array,
    readonly tag: number,
    /** Offset of the tag. */
    readonly start: number,
    /** Offset of the first content byte. */
    readonly content: number,
    readonly end: number,
    /** Offset after the whole element. */
    readonly next: number,
  ) {}

  /**
   * The element at an offset.
   * @param limit offset that it must not go beyond
   */
  static at(bytes: Uint8Array, start = 0, limit = bytes.length, depth = 0): Der {
    if (depth > DEPTH_MAX) throw new DerError('elements are nested too deeply', start)
    if (start + 2 > limit) throw new DerError('an element begins where the data ends', start)
    const tag = bytes[start]
    if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of several bytes', start)
    const first = bytes[start + 1]
    let content = start + 2
    if (first === 0x80) return Der.#indefinite(bytes, tag, start, limit, depth)
    let length = first
    if (first > 0x80) {
      const count = first & 0x7f
      if (count > 4) throw new DerError(`a length of ${count} bytes`, start)
      if (content + count > limit) throw new DerError('a length that is cut off', start)
      length = 0
      for (let index = 0; index < count; index++) length = length * 256 + bytes[content++]
    }
    const end = content + length
    if (end > limit) {
      const missing = end - limit
      throw new DerError(`an element of ${length} bytes goes ${missing} beyond its frame`, start)
    }
    return new Der(bytes, tag, start, content, end, end)
  }

  static #indefinite(
    bytes: Uint8Array,
    tag: number,
    start: number,
    limit: number,
    depth: number,
  ): Der {
    if ((tag & CONSTRUCTED) === 0) throw new DerError('a primitive without a length', start)
    let at = start + 2
    while (at + 2 <= limit && (bytes[at] !== 0 || bytes[at + 1] !== 0)) {
      at = Der.at(bytes, at, limit, depth + 1).next
    }
    if (at + 2 > limit) throw new DerError('an element without its end mark', start)
    return new Der(bytes, tag, start, start + 2, at, at + 2)
  }

  /** The content bytes. A view, not a copy. */
  get value(): Uint8Array {
    return this.bytes.subarray(this.content, this.end)
  }

  /** The element with tag and length. A view, not a copy. */
  get raw(): Uint8Array {
    return this.bytes.subarray(this.start, this.next)
  }

  /** The elements inside. */
  children(): Der[] {
    const found: Der[] = []
    for (let at = this.content; at < this.end;) {
      if (found.length === CHILDREN_MAX) throw new DerError('too many elements', at)
      const child = Der.at(this.bytes, at, this.end)
      found.push(child)
      at = child.next
    }
    return found
  }

  /** The only or first element inside. */
  first(): Der {
    return Der.at(this.bytes, this.content, this.end)
  }

  is(tag: number): boolean {
    return this.tag === tag
  }

  /** @throws DerError when the tag is another */
  expect(tag: number, what: string): this {
    if (this.tag === tag) return this
    throw new DerError(`${what}: tag 0x${this.tag.toString(16)}`, this.start)
  }

  /** An object identifier with its dots. */
  oid(): string {
    this.expect(TAG.oid, 'no object identifier')
    const { value } = this
    if (value.length === 0 || value.length > 64) {
      throw new DerError(`an object identifier of ${value.length} bytes`, this.start)
    }
    const arcs: number[] = []
    let arc = 0
    for (const byte of value) {
      arc = arc * 128 + (byte & 0x7f)
      if (byte >= 0x80) continue
      if (arcs.length === 0) {
        const root = Math.min(2, Math.floor(arc / 40))
        arcs.push(root, arc - root * 40)
      } else arcs.push(arc)
      arc = 0
    }
    return arcs.join('.')
  }

  /** An integer as hex without its sign byte; `00` for zero. */
  integerHex(): string {
    const { value } = this.expect(TAG.integer, 'no integer')
    return hex(value.length > 1 && value[0] === 0 ? value.subarray(1) : value)
  }

  /** A small non-negative integer; others become NaN. */
  integer(): number {
    const { value } = this.expect(TAG.integer, 'no integer')
    if (value.length === 0 || value.length > 4 || value[0] >= 0x80) return Number.NaN
    return value.reduce((sum, byte) => sum * 256 + byte, 0)
  }

  /** Content of an OCTET STRING, put together when it comes in pieces. */
  octets(): Uint8Array {
    if (this.tag === TAG.octetString) return this.value
    this.expect(TAG.octetString | CONSTRUCTED, 'no octet string')
    const pieces = this.children().map((piece) => piece.expect(TAG.octetString, 'a piece').value)
    return Buffer.concat(pieces)
  }

  /** Content of a BIT STRING of whole bytes. */
  bits(): Uint8Array {
    const { value } = this.expect(TAG.bitString, 'no bit string')
    return value.subarray(1)
  }

  /** Text of any of the string types; one byte is one character where the type says nothing else. */
  text(): string {
    const { value } = this
    switch (this.tag) {
      case TAG.bmpString:
        return utf16be.decode(value.subarray(0, value.length & ~1))
      case TAG.utf8String:
        return decoded(value, utf8)
      default:
        return decoded(value, latin1)
    }
  }

  /** UTCTime or GeneralizedTime as milliseconds since 1970; NaN when it is neither. */
  time(): number {
    if (this.end - this.content > 32) return Number.NaN
    const text = decoded(this.value, latin1)
    const match = TIME.exec(this.tag === TAG.utcTime ? century(text) : text)
    if (!match || (this.tag !== TAG.utcTime && this.tag !== TAG.generalizedTime)) return Number.NaN
    const [year, month, day, hour, minute, second] = match
      .slice(1, 7)
      .map((part) => Number(part ?? 0))
    const time = Date.UTC(year, month - 1, day, hour, minute, second)
    const zone = /([+-])(\d\d)(\d\d)$/.exec(text)
    if (!zone) return time
    const offset = (Number(zone[2]) * 60 + Number(zone[3])) * 60_000
    return zone[1] === '+' ? time - offset : time + offset
  }
}

/** Buffer's own, for any bytes: making a Buffer of them costs more than the text. */
const { asciiSlice, hexSlice } = Buffer.prototype
const latin1 = new TextDecoder('latin1')
const utf8 = new TextDecoder('utf-8')
const utf16be = new TextDecoder('utf-16be')
const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d{4})?$/

/** Plain ASCII, as nearly all texts are, needs no decoder, whose call costs more than the text. */
function decoded(bytes: Uint8Array, decoder: InstanceType<typeof TextDecoder>): string {
  let joined = 0
  for (let at = 0; at < bytes.length; at++) joined |= bytes[at]
  return joined < 0x80 ? asciiSlice.call(bytes, 0, bytes.length) : decoder.decode(bytes)
}

/** UTCTime has two digits for the year: from 50 on they mean 19xx (RFC 5280). */
function century(text: string): string {
  return (Number(text.slice(0, 2)) >= 50 ? '19' : '20') + text
}

export function hex(bytes: Uint8Array): string {
  return hexSlice.call(bytes, 0, bytes.length)
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

/** Milliseconds since 1970 as `2024-02-03T04:05:06Z`; empty for what is no time. */
export function isoTime(milliseconds: number): string {
  // Date cannot write what lies more than 8.64e15 ms away, and years of more than four digits are no ISO.
  if (!(Math.abs(milliseconds) < 2.5e14)) return ''
  return new Date(milliseconds).toISOString().replace(/\.\d+Z$/, 'Z')
}
