/**
 * What a file is found by: the terms of the inverted index. They come in groups that change apart
 * from each other (what was read, names, annotations, known entries, blocks), and no two groups
 * share a field, so that one can be replaced without looking at the others.
 */
import type { YaraMatch } from '../../../shared/contract/files'
import type { Certificate, FileFacts } from '../../../shared/driver-file/facts'
import type { KnownSampleData } from '../../../shared/driver-file/known'
import { FILE_FIELDS, fold, type FileField } from '../../../shared/file-query'
import type { Term, TextIndexOf } from './index/postings'

/** Raise when the terms of a file change; the index is then written anew at the next start. */
export const INDEX_VERSION = '1'

const VALUE_MAX = 400
const WORD_MAX = 64
/** Terms of one group; hostile files have millions of names. */
const TERMS_MAX = 10_000

/** Fields whose values free text is looked for in, whole values through `values_fts`. */
const TEXT_FIELDS = new Set([
  ...['name', 'signer', 'issuer', 'company', 'product', 'original', 'pdb', 'device', 'link'],
  ...['entry', 'text'],
])
/** Fields of single words, one for each group. */
export const WORD_FIELDS = ['word', 'word.name', 'word.note', 'word.known'] as const
type WordField = (typeof WORD_FIELDS)[number]

/** Fields with few values, which free text is compared with one by one. */
export const SMALL_FIELDS = ['tag', 'import', 'export', 'capability', 'cve', 'yara'] as const

/** Fields of the index that answer a field of the query line. */
export const INDEX_FIELDS: Partial<Record<FileField, readonly string[]>> = {
  attack: ['attack', 'known-attack'],
  entry: ['entry', 'entry-id'],
}

export const textIndexOf: TextIndexOf = (field) =>
  TEXT_FIELDS.has(field) ? 'values' : field.startsWith('word') ? 'words' : null

/** Runs of letters and digits of a folded text. */
export const wordsOf = (folded: string): string[] => folded.match(/[\p{L}\p{N}]+/gu) ?? []

class TermSet {
  readonly #terms = new Map<string, Term>()

  constructor(private readonly words: WordField) {}

  put(field: string, text: string | null | undefined, label = text): void {
    if (text === null || text === undefined) return
    const value = fold(text.slice(0, VALUE_MAX))
    if (value === '') return
    this.#add(field, value, (label ?? value).slice(0, VALUE_MAX).trim())
    if (FILE_FIELDS[field as FileField]?.optional === true) this.#add('has', field, field)
    if (TEXT_FIELDS.has(field)) this.putWords(value)
  }

  putWords(folded: string): void {
    for (const word of wordsOf(folded)) {
      const short = word.slice(0, WORD_MAX)
      this.#add(this.words, short, short)
    }
  }

  has(what: string): void {
    this.#add('has', what, what)
  }

  #add(field: string, value: string, label: string): void {
    const key = `${field}\0${value}`
    if (this.#terms.has(key) || this.#terms.size >= TERMS_MAX) return
    this.#terms.set(key, { field, value, label: label.replace(/[\s\p{Cc}\p{Cs}]+/gu, ' ') })
  }

  all(): Term[] {
    return [...this.#terms.values()]
  }
}

/** Everything that was read from the file itself. */
export function termsOfFacts(facts: FileFacts): Term[] {
  const terms = new TermSet('word')
  const { image, driver } = facts
  if (image) {
    terms.put('machine', image.machine)
    for (const { dll, functions } of image.imports) {
      terms.put('import', dll)
      for (const { name } of functions) terms.put('import', name)
    }
    for (const { name } of image.exports?.functions ?? []) terms.put('export', name)
    for (const { name } of image.sections) terms.put('section', name)
    for (const { pdb } of image.debug) {
      terms.put('pdb', pdb)
      if (pdb !== null) terms.put('pdb-folder', pdbFolder(pdb))
    }
    const { CompanyName, ProductName, OriginalFilename, ...rest } = image.version?.strings ?? {}
    terms.put('company', CompanyName)
    terms.put('product', ProductName)
    terms.put('original', OriginalFilename)
    for (const text of Object.values(rest)) terms.put('text', text)
    terms.put('text', image.version?.fileVersion)
    if (image.overlay) terms.has('overlay')
  }
  putSignatures(terms, facts)
  for (const { type } of driver?.types ?? []) terms.put('type', type)
  for (const { text } of driver?.deviceNames ?? []) terms.put('device', text)
  for (const { text } of driver?.symbolicLinks ?? []) terms.put('link', text)
  for (const ioctl of driver?.ioctls ?? []) {
    terms.put('ioctl', ioctl.code)
    terms.put('method', ioctl.method.replace('METHOD_', ''))
    if (ioctl.access === 'FILE_ANY_ACCESS') terms.put('access', 'any')
    for (const part of ioctl.access.match(/READ|WRITE/g) ?? []) terms.put('access', part)
  }
  for (const { id, name, attack } of facts.capabilities) {
    terms.put('capability', id, name)
    for (const technique of attack) putTechnique(terms, 'attack', technique.id)
  }
  for (const { id } of facts.anomalies) terms.put('anomaly', id)
  return terms.all()
}

function putSignatures(terms: TermSet, facts: FileFacts): void {
  const { signatures, evidence } = facts
  const kind = signatureOf(facts)
  if (kind !== null) terms.put('signature', kind)
  if (signatures.length > 0) terms.put('is', 'signed')
  if (kind === 'none') terms.put('is', 'unsigned')
  for (const { chain, others, timeStamp, programName } of signatures) {
    const [leaf] = chain
    if (leaf) {
      terms.put('signer', leaf.subjectName)
      terms.put('issuer', leaf.issuerName)
      terms.put('serial', leaf.serial)
    }
    terms.put('text', programName)
    for (const each of [...chain, ...others, ...(timeStamp?.chain ?? [])])
      putCertificate(terms, each)
  }
  for (const { id } of evidence) terms.put('evidence', id)
}

function putCertificate(terms: TermSet, { thumbprint, tbs }: Certificate): void {
  const hashes = [thumbprint.sha1, thumbprint.sha256, tbs.md5, tbs.sha1, tbs.sha256, tbs.algorithm]
  for (const hash of hashes) terms.put('certificate', hash)
}

/** `T1056.001` is a `T1056` too. */
function putTechnique(terms: TermSet, field: string, id: string): void {
  terms.put(field, id)
  const [parent] = id.split('.')
  if (parent !== id) terms.put(field, parent)
}

/** Folder of a PDB path, or the path without its folder when it has none. */
export const pdbFolder = (pdb: string): string | null => {
  const folder = pdb.replace(/[\\/]+[^\\/]*$/, '')
  return folder === pdb || folder === '' ? null : folder
}

/**
 * The kind that the list shows: of the best signature, `unreadable` when there is one that nobody can
 * read, `none` when there is none; null for what is no image.
 */
export function signatureOf({ signatures, image, anomalies }: FileFacts): string | null {
  const best = bestSignature(signatures)
  if (best) return best.kind
  if (!image) return null
  const isThere = image.certificateTable !== null
  return isThere && anomalies.some(({ id }) => id === 'signature-broken') ? 'unreadable' : 'none'
}

/** How far Windows trusts a signature of a kind, most first. */
const TRUST = ['windows', 'whcp', 'attestation', 'cross-signed', 'unknown', 'test', 'self-signed']

/** The signature whose kind Windows trusts most. */
export const bestSignature = (
  signatures: FileFacts['signatures'],
): FileFacts['signatures'][number] | undefined =>
  signatures.toSorted((a, b) => TRUST.indexOf(a.kind) - TRUST.indexOf(b.kind))[0]

/** What reference data says of a file that was not seen; the same fields as `termsOfFacts`. */
export function termsOfSamples(samples: readonly KnownSampleData[]): Term[] {
  const terms = new TermSet('word')
  for (const sample of samples) {
    terms.put('machine', sample.machine)
    terms.put('company', sample.company)
    terms.put('product', sample.product)
    terms.put('original', sample.originalFilename)
    terms.put('text', sample.fileVersion)
    terms.put('text', sample.publisher)
    for (const { cn, serial, tbs } of sample.signers) {
      terms.put('signer', cn)
      terms.put('serial', serial)
      terms.put('certificate', tbs)
    }
    if (sample.signers.length > 0) terms.put('is', 'signed')
    for (const issuer of sample.issuers) terms.put('issuer', issuer)
    for (const name of sample.importedModules) terms.put('import', name)
    for (const name of sample.importedFunctions) terms.put('import', name)
    for (const name of sample.exportedFunctions) terms.put('export', name)
  }
  return terms.all()
}

export function termsOfNames(names: Iterable<string>): Term[] {
  const terms = new TermSet('word.name')
  for (const name of names) terms.put('name', name)
  return terms.all()
}

export interface Annotations {
  status: string
  verdict: string
  verdictReason: string
  notes: string
  tags: readonly string[]
}

export function termsOfAnnotations(annotations: Annotations): Term[] {
  const terms = new TermSet('word.note')
  terms.put('status', annotations.status)
  terms.put('verdict', annotations.verdict)
  for (const tag of annotations.tags) terms.put('tag', tag)
  if (annotations.notes !== '') terms.has('notes')
  terms.putWords(fold(annotations.notes))
  return terms.all()
}

export interface KnownState {
  /** Names of the sources of the entries: `LOLDrivers (magicsword-io)`. */
  sources: readonly string[]
  entries: readonly {
    id: string
    names: readonly string[]
    category: string
    cve: readonly string[]
    attack: readonly string[]
  }[]
}

/** The category that a row shows: malicious before all others; null when no entry lists it. */
export function worstCategory({ entries }: KnownState): string | null {
  const worst = entries.find(({ category }) => /malicious/i.test(category)) ?? entries[0]
  return worst?.category ?? null
}

export function termsOfKnown({ sources, entries }: KnownState): Term[] {
  const terms = new TermSet('word.known')
  // All versions of a source, and imports of it, are one value: the first word of their names.
  for (const source of sources) {
    const [name] = wordsOf(source)
    terms.put('known', name, name)
  }
  for (const { id, names, category, cve, attack } of entries) {
    terms.put('known', /^vulnerable/i.test(category) ? 'vulnerable' : category, category)
    terms.put('entry-id', id)
    for (const name of names) terms.put('entry', name)
    for (const each of cve) terms.put('cve', each)
    for (const each of attack) putTechnique(terms, 'known-attack', each)
  }
  return terms.all()
}

export function termsOfBlocks(policies: Iterable<string>): Term[] {
  const terms = new TermSet('word.known')
  for (const policy of policies) terms.put('blocked', policy)
  return terms.all()
}

export function termsOfYara(matches: readonly YaraMatch[]): Term[] {
  const terms = new TermSet('word')
  for (const { rule } of matches) terms.put('yara', rule)
  return terms.all()
}

/** Where the row came from. Files that are not deleted have `alive`. */
export function termsOfRow(row: { origin: string; job: number | null; isAlive: boolean }): Term[] {
  const terms = new TermSet('word')
  terms.put('origin', row.origin)
  if (row.job !== null) terms.put('job', String(row.job))
  if (row.isAlive) terms.put('alive', 'yes')
  return terms.all()
}
