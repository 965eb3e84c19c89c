/** Driver files in words, for a terminal. Names and texts come from hostile files. */
import type { FileRow } from '../../../shared/contract/files'
import type { FileFacts } from '../../../shared/driver-file/facts'

/** No control character of a file's text reaches the terminal. */
export const plain = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/gu, '?')

export function rowsAsText(rows: readonly FileRow[]): string {
  return rows
    .map((row) => {
      const marks = [
        row.known ?? '',
        row.blocked ? 'blocked' : '',
        row.evidence > 0 ? `evidence ${row.evidence}` : '',
      ].filter((mark) => mark !== '')
      const cells = [
        (row.sha256 ?? '-').slice(0, 16).padEnd(16),
        (row.compiled ?? '-').slice(0, 10).padEnd(10),
        (row.machine ?? '-').padEnd(5),
        (row.signature ?? '-').padEnd(12),
        row.name,
        row.signer ?? '',
        marks.join(', '),
      ]
      return `${plain(cells.join('  ').trimEnd())}\n`
    })
    .join('')
}

const hex = (value: number): string => `0x${value.toString(16).toUpperCase()}`

/** One file: what it is, who signed it, what it can do. */
export function factsAsText(name: string, facts: FileFacts, said: readonly string[]): string {
  const lines: string[] = []
  const line = (label: string, text: string | null | undefined): void => {
    if (text) lines.push(`  ${label.padEnd(14)}${plain(text)}`)
  }
  lines.push(plain(name))
  line('SHA-256', facts.hashes.sha256)
  const { image, driver } = facts
  if (image === null) line('', 'no image that could be read')
  else {
    line('image', `${image.machine}, compiled ${image.compiled ?? 'at an unknown time'}`)
    line('type', driver?.types.map(({ type }) => type).join(', '))
    line('imphash', image.imphash)
    line('authentihash', image.authentihash?.sha256)
    line('version', versionOf(image.version?.strings ?? {}))
  }
  for (const text of said) line('known', text)
  if (image !== null && facts.signatures.length === 0) line('signature', 'none')
  for (const it of facts.signatures) {
    const signer = it.chain[0]?.subjectName ?? 'unknown signer'
    const digest = it.digestMatches ? '' : ', DIGEST DOES NOT MATCH'
    const stamp = it.timeStamp ? `, stamped ${it.timeStamp.time}` : ''
    line('signature', `${it.kind}: ${signer}${stamp}${digest}`)
  }
  for (const { text } of facts.evidence) line('evidence', text)
  for (const { text } of driver?.deviceNames ?? []) line('device', text)
  for (const { text } of driver?.symbolicLinks ?? []) line('link', text)
  for (const it of driver?.ioctls ?? [])
    line('ioctl', `${it.code}  ${it.method}  ${it.access}  at ${hex(it.rva)}, ${it.confidence}`)
  for (const { name: what, axis, evidence } of facts.capabilities)
    line(axis === 'hardware' ? 'hardware' : 'processes', `${what} (${evidence[0]?.text ?? ''})`)
  for (const { severity, text } of facts.anomalies) line('anomaly', `${severity}: ${text}`)
  return `${lines.join('\n')}\n`
}

const versionOf = (strings: Readonly<Record<string, string>>): string =>
  ['CompanyName', 'ProductName', 'OriginalFilename', 'FileVersion']
    .map((key) => strings[key] ?? '')
    .filter((text) => text !== '')
    .join(', ')
