/** The signed drivers of data/fixtures, read as the app reads them, and what other tools say of them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Image } from '../../../../shared/driver-file/facts'
import { AnomalyList } from '../../anomalies'
import { Deadline } from '../../deadline'
import { readImage } from '../../image'
import { Reader } from '../../reader'
import type { SignatureFacts, SignatureOptions } from '..'
import { readSignatures } from '..'

const folder = join(import.meta.dirname, '../../../../../data/fixtures')

export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(join(folder, name)))
}

export function imageOf(bytes: Uint8Array): Image | null {
  const anomalies = new AnomalyList()
  return readImage({ reader: new Reader(bytes), anomalies, deadline: new Deadline(10_000) })
}

export function signaturesOf(bytes: Uint8Array, options?: SignatureOptions): SignatureFacts {
  const image = imageOf(bytes)
  if (!image) throw new Error('The fixture is no image.')
  return readSignatures(bytes, image, options)
}

interface ExpectedSignature {
  digestAlgorithm: string
  digest: string
  digestMatches: boolean
  signer: string
  issuer: string
  serial: string
  from: string
  to: string
  programName: string | null
  programUrl: string | null
  stampTime: string | null
  stampIssuer: string | null
}

interface ExpectedCertificate {
  subject: string
  serial: string
  from: string
  to: string
  sha1: string
  sha256: string
  tbs: Record<'md5' | 'sha1' | 'sha256' | 'sha384', string>
}

interface Expected {
  drivers: Record<string, { kinds: string[]; flags: string[]; signatures: ExpectedSignature[] }>
  certificates: Record<string, ExpectedCertificate>
  catalogues: Record<string, ExpectedSignature & { lists: boolean }>
}

/** By osslsigncode and openssl; see scripts/fixtures/signed. */
export const expected = JSON.parse(
  readFileSync(join(folder, 'signed/expected.json'), 'utf8'),
) as Expected
