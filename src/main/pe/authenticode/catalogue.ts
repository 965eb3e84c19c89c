/**
 * Catalogue files (.cat): a signed list of digests (a Certificate Trust List of Microsoft's) that
 * stands for the signatures of the files it names. Version 1 names members by the digest as UTF-16
 * hex text and has SHA-1 digests; version 2 names them by the digest itself, usually SHA-256.
 */
import type { Anomaly, Signature } from '../../../shared/driver-file/facts'
import type { CatalogueFacts } from '../../../shared/driver-file/package-facts'
import { parseSignedData } from './cms'
import { context, Der, DerError, hex, TAG } from './der'
import { OID } from './oids'
import type { Signer } from './signature'
import { describeSigner, onlySigner } from './signature'
import { parseIndirectData } from './spc'
import { Work } from './work'

export interface CatalogueReading extends CatalogueFacts {
  /** Of the list itself; empty when it is unsigned or broken. */
  signatures: Signature[]
  anomalies: Anomaly[]
}

type Member = CatalogueFacts['members'][number]

const ATTRIBUTES_MAX = 64
const TEXT_MAX = 4096
const SIZE_MAX = 64 * 1024 * 1024

interface Parsed {
  reading: CatalogueReading
  signer: Signer | null
  /** Digests of the members by algorithm. */
  digests: Map<string, Set<string>>
}

/** A package has one catalogue and several drivers: it is parsed once. */
const parsed = new WeakMap<Uint8Array, Parsed>()

/** Read a catalogue. Never throws; what cannot be read is in `problems` and `anomalies`. */
export function readCatalogue(bytes: Uint8Array): CatalogueReading {
  return parse(bytes).reading
}

/**
 * The signature that a catalogue lends to a file.
 * @param digestOf digest of the file by algorithm; for images the authentihash
 * @returns null when the catalogue does not name the file
 */
export function catalogueSignature(
  catalogue: { name: string; bytes: Uint8Array },
  digestOf: (algorithm: string) => string | null,
): Signature | null {
  const { signer, digests } = parse(catalogue.bytes)
  if (!signer) return null
  // The strongest first, when the list has several digests of one file.
  for (const digestAlgorithm of ['sha512', 'sha384', 'sha256', 'sha1', 'md5']) {
    const listed = digests.get(digestAlgorithm)
    const digest = listed ? digestOf(digestAlgorithm) : null
    if (digest === null || !listed?.has(digest)) continue
    const own = { source: 'catalogue', catalogue: catalogue.name, digestAlgorithm } as const
    return { ...own, digest, digestMatches: true, ...signer }
  }
  return null
}

function parse(bytes: Uint8Array): Parsed {
  const known = parsed.get(bytes)
  if (known) return known
  const work = new Work()
  const { anomalies } = work
  const reading: CatalogueReading = {
    members: [],
    attributes: {},
    problems: [],
    signatures: [],
    anomalies: anomalies.items,
  }
  const result: Parsed = { reading, signer: null, digests: new Map() }
  try {
    if (bytes.length > SIZE_MAX) throw new DerError('a catalogue of over 64 MB', 0)
    const node = Der.at(bytes)
    const message = parseSignedData(node, work)
    if (message.contentType !== OID.certificateTrustList || !message.content) {
      throw new DerError(`content of type ${message.contentType}, no certificate trust list`, 0)
    }
    readList(message.content, reading)
    if (message.signers.length > 0) {
      const signer = onlySigner(message, node, work)
      result.signer = describeSigner(signer, message, work)
      const digestAlgorithm = signer.digest ?? signer.digestOid
      const own = { source: 'catalogue', catalogue: null, digestAlgorithm } as const
      // The list is inside the message: there is no file to differ from it.
      reading.signatures.push({ ...own, digest: '', digestMatches: true, ...result.signer })
    }
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    const text = `The catalogue cannot be read: ${error.message}.`
    anomalies.broken('catalogue-broken', text, error.offset)
  }
  for (const { algorithm, digest } of reading.members) {
    const same = result.digests.get(algorithm) ?? new Set()
    result.digests.set(algorithm, same.add(digest))
  }
  reading.problems.push(
    ...anomalies.items.map(({ text, offset }) =>
      offset === null ? text : `${text} (offset ${offset})`,
    ),
  )
  parsed.set(bytes, result)
  return result
}

function readList(list: Der, reading: CatalogueReading): void {
  const fields = list.expect(TAG.sequence, 'no certificate trust list').children()
  const extensions = fields.find((field) => field.is(context(0)))
  // After usage, identifier and times come the algorithm and the members, all of them sequences.
  const [, , members] = fields.filter((field) => field.is(TAG.sequence))
  for (const subject of members?.children() ?? []) {
    const member = readMember(subject)
    if (member) reading.members.push(member)
  }
  if (!extensions) return
  for (const extension of extensions.first().children().slice(0, ATTRIBUTES_MAX)) {
    const parts = extension.children()
    const value = parts.at(-1)
    if (parts[0]?.oid() !== OID.catalogueNameValue || !value?.is(TAG.octetString)) continue
    const pair = nameValue(value.first())
    if (pair) reading.attributes[pair.name] = pair.value
  }
}

function readMember(subject: Der): Member | null {
  const [id, attributes] = subject.children()
  if (!id?.is(TAG.octetString)) return null
  const named: Record<string, string> = Object.create(null) as Record<string, string>
  let digest = memberId(id.value)
  let algorithm = { 32: 'md5', 40: 'sha1', 64: 'sha256', 96: 'sha384', 128: 'sha512' }[
    digest.length
  ]
  for (const attribute of attributes?.children().slice(0, ATTRIBUTES_MAX) ?? []) {
    const [type, values] = attribute.children()
    const value = values && values.end > values.content ? values.first() : undefined
    if (!type || !value) continue
    const oid = type.oid()
    if (oid === OID.spcIndirectData) {
      const indirect = parseIndirectData(value)
      digest = indirect.digest
      algorithm = indirect.algorithm
    } else if (oid === OID.catalogueNameValue) {
      const pair = nameValue(value)
      if (pair) named[pair.name] = pair.value
    }
  }
  const file = Object.entries(named).find(([name]) => name.toLowerCase() === 'file')?.[1] ?? null
  return { digest, algorithm: algorithm ?? '', file, attributes: { ...named } }
}

const utf16le = new TextDecoder('utf-16le')

/** The digest as lower-case hex, from UTF-16 hex text (version 1) or bytes (version 2). */
function memberId(bytes: Uint8Array): string {
  if (bytes.length >= 64 && bytes.length % 2 === 0 && bytes[1] === 0) {
    const text = utf16le.decode(bytes).replaceAll('\0', '')
    if (/^[0-9a-f]+$/i.test(text)) return text.toLowerCase()
  }
  return hex(bytes)
}

/** CatNameValue: name, flags, value as UTF-16LE text; other values are told as hex. */
function nameValue(node: Der): { name: string; value: string } | null {
  if (!node.is(TAG.sequence)) return null
  const [name, , value] = node.children()
  if (!name || !value?.is(TAG.octetString)) return null
  const bytes = value.value.subarray(0, TEXT_MAX)
  const text = bytes.length % 2 === 0 ? utf16le.decode(bytes).replace(/\0+$/, '') : hex(bytes)
  return { name: name.text().replace(/\0+$/, '').slice(0, 256), value: text }
}
