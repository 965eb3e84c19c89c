/**
 * The Rich header: which compilers and linkers made the objects of an image. It lies between the
 * DOS stub and the PE header, XORed with a key that is a checksum over itself and the DOS header;
 * a copied or edited one seldom fits.
 */
import type { Image } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import { digestsOf } from './digests'
import type { ImageReading } from './reading'

type RichHeader = NonNullable<Image['rich']>

const RICH = 0x6863_6952
const DANS = 0x536e_6144
const FIRST = 0x40
/** The PE header may lie anywhere; a Rich header is near the beginning. */
const SEARCH_MAX = 0x1000
/** `DanS` and three words of padding. */
const HEAD_SIZE = 16

export function readRich({ reader, headers, anomalies }: ImageReading): RichHeader | null {
  const limit = Math.min(headers.peOffset, SEARCH_MAX)
  let end = FIRST
  while (end + 8 <= limit && reader.u32(end) !== RICH) end += 4
  if (end + 8 > limit) return null
  const key = reader.u32(end + 4)
  let start = end - 4
  while (start >= FIRST && (reader.u32(start) ^ key) >>> 0 !== DANS) start -= 4
  const isWhole = start >= FIRST && end - start >= HEAD_SIZE && (end - start) % 8 === 0
  if (!isWhole || [4, 8, 12].some((at) => reader.u32(start + at) !== key)) {
    const text = `The Rich header that ends at ${hex(end)} has no proper beginning.`
    anomalies.suspicious('rich-malformed', text, end)
    return null
  }
  const clear = new Uint8Array(end - start)
  for (let index = 0; index < clear.length; index++) {
    clear[index] = reader.u8(start + index) ^ ((key >>> ((index % 4) * 8)) & 0xff)
  }
  const entries: RichHeader['entries'] = []
  let checksum = start
  for (let at = 0; at < start; at++) {
    // The offset of the PE header was not known yet when the linker summed up.
    if (at < 0x3c || at > 0x3f) checksum += rotateLeft(reader.u8(at), at)
  }
  for (let at = start + HEAD_SIZE; at < end; at += 8) {
    const tool = (reader.u32(at) ^ key) >>> 0
    const count = (reader.u32(at + 4) ^ key) >>> 0
    entries.push({ product: tool >>> 16, build: tool & 0xffff, count })
    checksum += rotateLeft(tool, count)
  }
  const checksumMatches = checksum % 0x1_0000_0000 === key
  if (!checksumMatches) {
    const text = `The Rich header's key is ${hex(key)}, its checksum ${hex(checksum >>> 0)}.`
    anomalies.suspicious('rich-checksum-mismatch', text, start)
  }
  return { offset: start, key, checksumMatches, entries, hash: digestsOf(clear) }
}

function rotateLeft(value: number, count: number): number {
  const shift = count & 31
  return shift === 0 ? value >>> 0 : ((value << shift) | (value >>> (32 - shift))) >>> 0
}
