/** What a line of the table shows of a file, and the numbers it is compared and sorted by. */
import type { FileFacts } from '../../../shared/driver-file/facts'
import type { KnownSampleData } from '../../../shared/driver-file/known'
import { parseTlsh } from '../../../shared/driver-file/tlsh-distance'
import { ENTROPY_UNIT, type ColumnName, type Columns } from './index/columns'
import { bestSignature, signatureOf } from './terms'

/** Columns of `files` that are read from the file. */
export interface Summary {
  size: number | null
  machine: string | null
  types: string
  compiled: string | null
  signature: string | null
  signer: string | null
  signedAt: string | null
  evidence: number
  capabilities: number
}

const nameOf = (text: string | null | undefined): string | null =>
  text
    ?.replace(/[\s\p{Cc}\p{Cs}]+/gu, ' ')
    .trim()
    .slice(0, 300) || null

export function summaryOfFacts(facts: FileFacts): Summary {
  const best = bestSignature(facts.signatures)
  return {
    size: facts.size,
    machine: facts.image?.machine ?? null,
    types: [...new Set(facts.driver?.types.map(({ type }) => type))].join(' '),
    compiled: facts.image?.compiled ?? null,
    signature: signatureOf(facts),
    signer: nameOf(best?.chain[0]?.subjectName),
    signedAt: best?.timeStamp?.time ?? null,
    evidence: facts.evidence.length,
    capabilities: facts.capabilities.length,
  }
}

const first = <T>(
  samples: readonly KnownSampleData[],
  of: (it: KnownSampleData) => T | null,
): T | null => samples.map(of).find((value) => value !== null) ?? null

/** The compile time of reference data is a local time, so only its day is kept. */
export const summaryOfSamples = (samples: readonly KnownSampleData[]): Summary => ({
  size: null,
  machine: first(samples, (it) => it.machine),
  types: '',
  compiled: first(samples, (it) => it.compiled)?.slice(0, 10) ?? null,
  signature: null,
  signer: nameOf(first(samples, (it) => it.signers[0]?.cn ?? null)),
  signedAt: null,
  evidence: 0,
  capabilities: 0,
})

const seconds = (time: string | null): number | null => {
  const ms = time === null ? NaN : Date.parse(time)
  return Number.isNaN(ms) ? null : ms / 1000
}

/** Highest entropy of a section, in bits per byte; of the whole file where there are no sections. */
function entropyOf(facts: FileFacts): number | null {
  const sections = facts.image?.sections ?? []
  const values = sections.length > 0 ? sections.map((it) => it.entropy) : facts.entropy.values
  return values.length > 0 ? values.reduce((most, value) => Math.max(most, value), 0) : null
}

export function setColumns(
  columns: Columns,
  id: number,
  summary: Summary,
  facts: FileFacts | null,
): void {
  const entropy = facts ? entropyOf(facts) : null
  const values: Omit<Record<ColumnName, number | null>, 'added'> = {
    compiled: seconds(summary.compiled),
    signed: seconds(summary.signedAt),
    size: summary.size,
    entropy: entropy === null ? null : entropy * ENTROPY_UNIT,
    evidence: facts ? summary.evidence : null,
    capability: facts ? summary.capabilities : null,
  }
  for (const [name, value] of Object.entries(values)) columns.set(name as ColumnName, id, value)
  columns.setTlsh(id, facts?.tlsh && parseTlsh(facts.tlsh) ? tlshBytes(facts.tlsh) : null)
}

export const setAdded = (columns: Columns, id: number, addedAt: string): void =>
  columns.set('added', id, seconds(addedAt))

/** The 35 bytes behind `T1`. */
export const tlshBytes = (digest: string): Uint8Array => Buffer.from(digest.slice(2), 'hex')
