/** The facts of LOLDrivers that ship with the app: JSON lines, one entry each, already normalised. */
import type { KnownEntryData, KnownSampleData } from '../../../shared/driver-file/known'
import { isRecord, textOf, textsOf, type SourceRecord } from './fields'
import { repairedName } from './signers'

/** Which LOLDrivers the shipped file was derived from; see data/loldrivers/README.md. */
export const SHIPPED_FACTS = {
  name: 'LOLDrivers (magicsword-io)',
  version: '5554706c8350 (2026-08-12)',
  licence: 'Apache-2.0',
} as const

/**
 * Read data/loldrivers/loldrivers-facts.jsonl. A field that is absent there is null or empty here.
 * @returns a line that cannot be read is a problem with its number and stops nothing
 */
export function readFacts(jsonl: string): { entries: KnownEntryData[]; problems: string[] } {
  const entries: KnownEntryData[] = []
  const problems: string[] = []
  jsonl.split('\n').forEach((line, index) => {
    if (line.trim() === '') return
    const entry = readLine(line)
    if (entry) entries.push(entry)
    else problems.push(`line ${index + 1}: not an entry of LOLDrivers facts`)
  })
  return { entries, problems }
}

const repaired = (name: unknown): string | null => {
  const text = textOf(name)
  return text === null ? null : repairedName(text)
}

function readLine(line: string): KnownEntryData | null {
  let fact: unknown
  try {
    fact = JSON.parse(line)
  } catch {
    return null
  }
  if (!isRecord(fact) || !Array.isArray(fact['samples'])) return null
  const id = textOf(fact['id'])
  if (id === null) return null
  return {
    id,
    names: textsOf(fact['tags']),
    category: textOf(fact['category']) ?? '',
    cve: textsOf(fact['cve']),
    attack: textsOf(fact['mitre']),
    created: textOf(fact['created']),
    verified: flag(fact['verified']),
    author: null,
    description: '',
    resources: [],
    samples: fact['samples'].filter(isRecord).map(sampleOf),
    rest: {},
  }
}

const flag = (value: unknown): boolean | null => (typeof value === 'boolean' ? value : null)

function sampleOf(fact: SourceRecord): KnownSampleData {
  const signers = Array.isArray(fact['signers']) ? fact['signers'].filter(isRecord) : []
  return {
    filename: textOf(fact['filename']),
    originalFilename: textOf(fact['originalFilename']),
    md5: textOf(fact['md5']),
    sha1: textOf(fact['sha1']),
    sha256: textOf(fact['sha256']),
    authMd5: null,
    authSha1: textOf(fact['authSha1']),
    authSha256: textOf(fact['authSha256']),
    imphash: textOf(fact['imphash']),
    rich: textOf(fact['rich']),
    machine: textOf(fact['machine']),
    company: textOf(fact['company']),
    product: textOf(fact['product']),
    fileVersion: textOf(fact['fileVersion']),
    publisher: textOf(fact['publisher']),
    date: textOf(fact['date']),
    compiled: textOf(fact['compiled']),
    loadsDespiteHvci: flag(fact['hvci']),
    signers: signers.map((signer) => ({
      cn: repaired(signer['cn']),
      serial: textOf(signer['serial']),
      from: textOf(signer['from']),
      to: textOf(signer['to']),
      tbs: textOf(signer['tbs']),
    })),
    issuers: textsOf(fact['issuers']).map(repairedName),
    signatureNames: textsOf(fact['signatureNames']),
    importedModules: [],
    importedFunctions: [],
    exportedFunctions: [],
    rest: {},
  }
}
