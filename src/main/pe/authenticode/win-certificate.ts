/** The attribute certificate table of an image: WIN_CERTIFICATE entries, each with a message. */
import type { AnomalyList } from '../anomalies'
import type { Reader } from '../reader'
import { Der, DerError } from './der'

const WIN_CERT_TYPE_PKCS_SIGNED_DATA = 2
const HEADER = 8
const ENTRIES_MAX = 16
/** Catalogues aside, the largest real signatures have some 100 KB. */
const SIZE_MAX = 16 * 1024 * 1024

/**
 * The PKCS #7 messages of the table.
 * @param table from the security directory, as far as the file holds it
 */
export function readCertificateTable(
  reader: Reader,
  table: { offset: number; size: number },
  anomalies: AnomalyList,
): Der[] {
  const messages: Der[] = []
  const end = Math.min(table.offset + table.size, reader.length)
  let at = table.offset
  for (let count = 0; at + HEADER <= end; count++) {
    if (count === ENTRIES_MAX) {
      const text = `The certificate table has more than ${ENTRIES_MAX} entries; the rest was left.`
      anomalies.suspicious('too-many-certificate-entries', text, at)
      break
    }
    const length = reader.u32(at)
    const type = reader.u16(at + 6)
    if (length < HEADER || at + length > end) {
      // Zeros up to the end of the table are padding.
      if (length === 0 && isZero(reader.slice(at, end - at))) break
      const text = `An entry of the certificate table claims ${length} bytes; the table has ${end - at} left.`
      anomalies.broken('certificate-entry-size', text, at)
      if (length < HEADER) break
    }
    const limit = Math.min(at + length, end)
    if (type !== WIN_CERT_TYPE_PKCS_SIGNED_DATA) {
      const text = `An entry of the certificate table is of type ${type}, not PKCS_SIGNED_DATA (2).`
      anomalies.suspicious('certificate-entry-type', text, at)
    } else messages.push(...message(reader, at + HEADER, limit, anomalies))
    at += Math.ceil(length / 8) * 8
  }
  if (messages.length > 1) {
    const text = `The certificate table has ${messages.length} signatures, where one that nests the others is usual.`
    anomalies.note('several-certificate-entries', text, table.offset)
  }
  return messages
}

function message(reader: Reader, start: number, limit: number, anomalies: AnomalyList): Der[] {
  if (limit - start > SIZE_MAX) {
    const text = `A signature of ${limit - start} bytes was not read.`
    anomalies.suspicious('signature-too-large', text, start)
    return []
  }
  try {
    const node = Der.at(reader.bytes, start, limit)
    const rest = reader.slice(node.next, limit - node.next)
    if (rest.length >= 8 || !isZero(rest)) {
      const text = `${rest.length} bytes stand behind the signature in its table, where no digest covers them.`
      anomalies.suspicious('data-behind-signature', text, node.next)
    }
    return [node]
  } catch (error) {
    if (!(error instanceof DerError)) throw error
    const text = `A signature cannot be read: ${error.message}.`
    anomalies.broken('signature-broken', text, error.offset)
    return []
  }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
