/** What lies behind the last section: the certificate table and everything else. */
import type { Image } from '../../../shared/driver-file/facts'
import { hex } from '../../../shared/nt/format'
import { entropy } from './entropy'
import type { ImageReading } from './reading'

type Range = NonNullable<Image['certificateTable']>

/** Its directory entry holds an offset in the file, alone among the directories. */
export function findCertificateTable(reading: ImageReading): Range | null {
  const { reader, headers, anomalies } = reading
  const entry = headers.directories.find(({ name }) => name === 'SECURITY')
  if (!entry || entry.rva === 0 || entry.size === 0) return null
  const { rva: offset, size } = entry
  const at = headers.securityEntryOffset
  if (offset >= reader.length) {
    const text = `The certificate table at ${hex(offset)} lies behind the end of the file.`
    anomalies.broken('certificate-table-outside', text, at)
    return null
  }
  if (offset % 8 !== 0) {
    const text = `The certificate table at ${hex(offset)} is not aligned to eight bytes.`
    anomalies.suspicious('certificate-table-unaligned', text, offset)
  }
  if (offset < headers.sizeOfHeaders) {
    const text = `The certificate table at ${hex(offset)} lies inside the headers.`
    anomalies.suspicious('certificate-table-overlap', text, offset)
  }
  const there = Math.min(size, reader.length - offset)
  if (there < size) {
    const text = `The certificate table has ${size} bytes, of which the file holds ${there}.`
    anomalies.broken('certificate-table-truncated', text, offset)
  } else if (offset + size < reader.length) {
    const behind = reader.length - offset - size
    const text = `${behind} bytes lie behind the certificate table.`
    anomalies.suspicious('data-behind-certificate-table', text, offset + size)
  }
  return { offset, size: there }
}

/** Bytes behind the last section that belong to nothing. */
export function readOverlay(reading: ImageReading, table: Range | null): Image['overlay'] {
  const { reader, headers } = reading
  let start = Math.min(headers.sizeOfHeaders, reader.length)
  for (const { offset, rawSize } of headers.sections) {
    if (rawSize > 0 && offset < reader.length) {
      start = Math.max(start, Math.min(offset + rawSize, reader.length))
    }
  }
  const parts = table
    ? [reader.slice(start, table.offset - start), behind(reading, start, table)]
    : [reader.slice(start, reader.length - start)]
  // Up to seven zeros align the table.
  if (table && parts[0].length < 8 && parts[0].every((byte) => byte === 0)) parts.shift()
  const filled = parts.filter((part) => part.length > 0)
  if (filled.length === 0) return null
  const offset = filled[0].byteOffset - reader.bytes.byteOffset
  const size = filled.reduce((sum, part) => sum + part.length, 0)
  return { offset, size, entropy: entropy(...filled) }
}

function behind({ reader }: ImageReading, start: number, table: Range): Uint8Array {
  const end = Math.max(start, table.offset + table.size)
  return reader.slice(end, reader.length - end)
}
