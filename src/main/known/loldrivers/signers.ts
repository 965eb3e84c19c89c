/** Who signed, out of `Signatures`: certificates, and signer infos that name one by its serial. */
import type { KnownSigner } from '../../../shared/driver-file/known'
import { isRecord, textOf, type SourceRecord } from './fields'

/** Records of a list, of one record, or of nothing (`''`, `{}`). */
function records(value: unknown): SourceRecord[] {
  const list = Array.isArray(value) ? value : [value]
  return list.filter(isRecord)
}

/** The common name of `C=US, O=thawte, Inc., CN=thawte SHA256 Code Signing CA`. */
export function commonName(subject: unknown): string | null {
  const text = textOf(subject)
  if (text === null) return null
  const [, after] = /(?:^|, )CN=(.*)$/s.exec(text) ?? []
  // A name may hold commas, so it ends where the next attribute begins.
  const name = after?.split(/, [A-Za-z][A-Za-z0-9_.]*=/)[0]?.trim()
  return name ? name : null
}

/**
 * The source writes hyphens in names as commas: `Micro,Star`, `GlobalSign CodeSigning CA , G2`. A comma
 * between two letters, or with a blank on both sides, is none that anybody wrote, but in `Co,Ltd`.
 */
export const repairedName = (name: string): string =>
  name
    .replace(/ , /g, ' - ')
    .replace(/(?<=[\p{L}\d]),(?=[\p{L}\d])(?!(?:Ltd|Inc|LLC|Limited|Corp|Co|S\.A)\b)/giu, '-')

/** `2013-12-10 00:00:00` to `2013-12-10`. */
const day = (value: unknown): string | null => textOf(value)?.slice(0, 10) ?? null

const nameOf = (subject: unknown): string | null => {
  const name = commonName(subject)
  return name === null ? null : repairedName(name)
}

function signerOf(certificate: SourceRecord): KnownSigner {
  const tbs = certificate['TBS']
  return {
    cn: nameOf(certificate['Subject']),
    serial: textOf(certificate['SerialNumber'])?.toLowerCase() ?? null,
    from: day(certificate['ValidFrom']),
    to: day(certificate['ValidTo']),
    tbs: isRecord(tbs) ? (textOf(tbs['SHA256'])?.toLowerCase() ?? null) : null,
  }
}

/** Leaf certificates that signed, each once, and the names of who issued them. */
export function signersOf(signatures: unknown): { signers: KnownSigner[]; issuers: string[] } {
  const signers = new Map<string, KnownSigner>()
  const issuers = new Set<string>()
  for (const signature of records(signatures)) {
    const certificates = records(signature['Certificates'])
    const infos = [...records(signature['Signer']), ...records(signature['SignerInfo'])]
    for (const info of infos) {
      const issuer = nameOf(info['Issuer'])
      if (issuer !== null) issuers.add(issuer)
      const serial = textOf(info['SerialNumber'])?.toLowerCase()
      const leaf = certificates.find(
        (certificate) => textOf(certificate['SerialNumber'])?.toLowerCase() === serial,
      )
      if (serial === undefined || !leaf) continue
      const signer = signerOf(leaf)
      signers.set(`${serial} ${signer.tbs}`, signer)
    }
  }
  return { signers: [...signers.values()], issuers: [...issuers] }
}
