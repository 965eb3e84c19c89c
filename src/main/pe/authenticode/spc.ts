/**
 * Microsoft's own structures inside a signature: SpcIndirectDataContent (what digest the image has)
 * and SpcSpOpusInfo (name and address of the program).
 */
import { parseAlgorithm } from './certificate'
import type { Attribute } from './cms'
import { attributeValues } from './cms'
import type { Der } from './der'
import { context, DerError, hex, TAG } from './der'
import { digestName, OID } from './oids'

export interface IndirectData {
  /** What kind of file was signed: SpcPeImageData for images. */
  type: string
  /** Name for Node's crypto, or the identifier of one it does not have. */
  algorithm: string
  digest: string
  /** Digest name of the page hashes that the signature carries; null for none. */
  pageHashes: string | null
}

/** @throws DerError when it is none */
export function parseIndirectData(node: Der): IndirectData {
  const [data, messageDigest] = node.expect(TAG.sequence, 'no SpcIndirectData').children()
  if (!messageDigest) throw new DerError('SpcIndirectData without a digest', node.start)
  const [type, value] = data.children()
  const [algorithm, digest] = messageDigest.children()
  if (!type || !algorithm || !digest) throw new DerError('SpcIndirectData cut off', node.start)
  const { oid } = parseAlgorithm(algorithm)
  return {
    type: type.oid(),
    algorithm: digestName(oid) ?? oid,
    digest: hex(digest.octets()),
    pageHashes: value ? pageHashes(value) : null,
  }
}

/** SpcUuid of the serialized object that holds page hashes. */
const PAGE_HASH_CLASS = 'a6b586d5b4a12466ae05a217da8e60d6'

/** Is the SpcLink of an SpcPeImageData a moniker with page hashes, and of which digest? */
function pageHashes(imageData: Der): string | null {
  const file = imageData.children().find((part) => part.is(context(0)))
  if (!file || file.end === file.content) return null
  const moniker = file.first()
  if (!moniker.is(context(1))) return null
  const [classId, data] = moniker.children()
  if (!classId || !data || hex(classId.value) !== PAGE_HASH_CLASS) return null
  const text = hex(data.value)
  if (text.includes(hex(encoded(OID.spcPageHashesV2)))) return 'sha256'
  return text.includes(hex(encoded(OID.spcPageHashesV1))) ? 'sha1' : null
}

/** Content bytes of an object identifier whose arcs are below 128, but for Microsoft's 311. */
function encoded(oid: string): Uint8Array {
  const [first, second, ...rest] = oid.split('.').map(Number)
  const bytes = rest.flatMap((arc) => (arc < 128 ? [arc] : [0x80 | (arc >> 7), arc & 0x7f]))
  return Uint8Array.from([first * 40 + second, ...bytes])
}

export interface Program {
  name: string | null
  url: string | null
}

const TEXT_MAX = 1024

/** Name and address that the signer gave the program. */
export function programOf(attributes: readonly Attribute[]): Program {
  const [opus] = attributeValues([...attributes], OID.spcSpOpusInfo)
  const program: Program = { name: null, url: null }
  if (!opus?.is(TAG.sequence)) return program
  for (const part of opus.children()) {
    if (part.end === part.content) continue
    if (part.is(context(0))) program.name = spcString(part.first())
    // SpcLink: [0] is an address.
    else if (part.is(context(1)) && part.first().is(context(0, false))) {
      program.url = latin1.decode(part.first().value).slice(0, TEXT_MAX)
    }
  }
  return program
}

const latin1 = new TextDecoder('latin1')
const utf16be = new TextDecoder('utf-16be')

/** SpcString: [0] is BMPString, [1] is IA5String, both implicit. */
function spcString(node: Der): string {
  const decoder = node.is(context(0, false)) ? utf16be : latin1
  return decoder.decode(node.value).slice(0, TEXT_MAX)
}
