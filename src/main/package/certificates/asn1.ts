/** DER, written: short names for what certificates and signatures are made of. */
import {
  BitString,
  BmpString,
  Boolean as Asn1Boolean,
  Constructed,
  GeneralizedTime,
  IA5String,
  Integer,
  Null,
  ObjectIdentifier,
  OctetString,
  Primitive,
  PrintableString,
  Sequence,
  Set as Asn1Set,
  UTCTime,
  Utf8String,
  fromBER,
  type BaseBlock,
} from 'asn1js'

export type Node = BaseBlock

const CONTEXT = 3

/** asn1js wants a buffer of exactly these bytes. */
const exact = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer

export const sequence = (...value: Node[]): Node => new Sequence({ value })
export const set = (...value: Node[]): Node => new Asn1Set({ value })
export const oid = (value: string): Node => new ObjectIdentifier({ value })
export const nil = (): Node => new Null()
export const octets = (bytes: Uint8Array): Node => new OctetString({ valueHex: exact(bytes) })
export const integer = (value: number): Node => new Integer({ value })
export const truth = (value: boolean): Node => new Asn1Boolean({ value })
export const utf8 = (value: string): Node => new Utf8String({ value })
export const printable = (value: string): Node => new PrintableString({ value })
export const ia5 = (value: string): Node => new IA5String({ value })
export const bmp = (value: string): Node => new BmpString({ value })
export const utcTime = (at: number): Node => new UTCTime({ valueDate: new Date(at) })
export const generalizedTime = (at: number): Node =>
  new GeneralizedTime({ valueDate: new Date(at) })
export const bits = (bytes: Uint8Array, unusedBits = 0): Node =>
  new BitString({ valueHex: exact(bytes), unusedBits })

/** A whole number of any length, from its bytes without a sign. */
export function bigInteger(bytes: Uint8Array): Node {
  const isNegative = (bytes[0] ?? 0) & 0x80
  return new Integer({ valueHex: exact(isNegative ? Uint8Array.of(0, ...bytes) : bytes) })
}

/** `[n]` around other elements. */
export const tagged = (tagNumber: number, ...value: Node[]): Node =>
  new Constructed({ idBlock: { tagClass: CONTEXT, tagNumber }, value })

/** `[n]` in place of a primitive element's own tag. */
export const taggedBytes = (tagNumber: number, bytes: Uint8Array): Node =>
  new Primitive({ idBlock: { tagClass: CONTEXT, tagNumber }, valueHex: exact(bytes) })

export const algorithm = (id: string): Node => sequence(oid(id), nil())

export const bytesOf = (node: Node): Uint8Array => new Uint8Array(node.toBER(false))

/** Bytes that were written here, as an element again. */
export function parsed(bytes: Uint8Array): Node {
  const { result, offset } = fromBER(exact(bytes))
  if (offset < 0) throw new Error(`not DER: ${result.error}`)
  return result
}

/** What is inside the outermost tag and length. */
export function contentOf(der: Uint8Array): Uint8Array {
  const first = der[1] ?? 0
  return der.subarray(first < 0x80 ? 2 : 2 + (first & 0x7f))
}
