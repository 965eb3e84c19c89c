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

/** `2013-12-10 00:00:00` to `2013-12-10`. */
const day = (value: unknown): string | null => textOf(value)?.slice(0, 10) ?? null

function signerOf(certificate: SourceRecord): KnownSigner {
  const tbs = certificate['TBS']
  return {
    cn: commonName(certificate['Subject']),
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
      const issuer = commonName(info['Issuer'])
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
