/**
 * Little-endian numbers and texts out of bytes nobody vouches for. Nothing here throws: what lies
 * outside reads as zero or as nothing, as the zero page behind a mapped file would. Where the
 * difference matters, ask `has` first. Views share the memory of the file; nothing is copied.
 */

const latin1 = new TextDecoder('latin1')
const { latin1Slice: asciiSlice } = Buffer.prototype
const utf16 = new TextDecoder('utf-16le')

/** Longest text read where the caller names no limit, in characters. */
const TEXT_MAX = 4_096

export class Reader {
  readonly length: number
  readonly #view: DataView

  constructor(readonly bytes: Uint8Array) {
    this.length = bytes.length
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Do all `size` bytes at `offset` exist? */
  has(offset: number, size: number): boolean {
    return offset >= 0 && size >= 0 && offset + size <= this.length
  }

  u8(offset: number): number {
    return this.has(offset, 1) ? this.#view.getUint8(offset) : 0
  }

  u16(offset: number): number {
    return this.has(offset, 2) ? this.#view.getUint16(offset, true) : 0
  }

  u32(offset: number): number {
    return this.has(offset, 4) ? this.#view.getUint32(offset, true) : 0
  }

  i32(offset: number): number {
    return this.has(offset, 4) ? this.#view.getInt32(offset, true) : 0
  }

  u64(offset: number): bigint {
    return this.has(offset, 8) ? this.#view.getBigUint64(offset, true) : 0n
  }

  /** A pointer-sized value as a number; exact up to 2^53, which covers every RVA and ordinal flag. */
  u64Number(offset: number): number {
    return this.u32(offset) + this.u32(offset + 4) * 0x1_0000_0000
  }

  /** The bytes from `offset`, fewer than `size` where the file ends. A view, not a copy. */
  slice(offset: number, size: number): Uint8Array {
    const start = Math.min(Math.max(offset, 0), this.length)
    return this.bytes.subarray(start, Math.min(start + Math.max(size, 0), this.length))
  }

  /** Text of one byte per character up to a NUL, the end of the file or `max` characters. */
  text(offset: number, max = TEXT_MAX): string {
    const { bytes } = this
    const start = Math.min(Math.max(offset, 0), this.length)
    const limit = Math.min(start + Math.max(max, 0), this.length)
    let end = start
    let joined = 0
    while (end < limit && bytes[end] !== 0) joined |= bytes[end++]
    // Plain ASCII, as nearly all names are, needs no decoder, whose call costs more than the text.
    return joined < 0x80
      ? asciiSlice.call(bytes, start, end)
      : decodeLatin1(bytes.subarray(start, end))
  }

  /** UTF-16 text up to a NUL, the end of the file or `max` characters. */
  wideText(offset: number, max = TEXT_MAX): string {
    const slice = this.slice(offset, max * 2)
    let end = 0
    while (end + 1 < slice.length && (slice[end] !== 0 || slice[end + 1] !== 0)) end += 2
    return decodeUtf16(slice.subarray(0, end))
  }
}

/** Bytes as text, one character per byte. */
export function decodeLatin1(bytes: Uint8Array): string {
  return latin1.decode(bytes)
}

/** UTF-16LE as text; halves of surrogate pairs become U+FFFD. An odd last byte is left out. */
export function decodeUtf16(bytes: Uint8Array): string {
  return utf16.decode(bytes.length % 2 === 0 ? bytes : bytes.subarray(0, -1))
}
