/**
 * The table as CSV (RFC 4180), one line a row.
 *
 * Names, signers and tags come from hostile files, and a spreadsheet takes a cell that begins with
 * `=`, `+`, `-`, `@` or a control character for a formula: such cells get an apostrophe in front.
 */
import type { FileRow } from '../../shared/contract/files'

const COLUMNS: readonly [string, (row: FileRow) => string | number | boolean | null][] = [
  ['name', (row) => row.name],
  ['sha256', (row) => row.sha256],
  ['origin', (row) => row.origin],
  ['size', (row) => row.size],
  ['machine', (row) => row.machine],
  ['types', (row) => row.types.join(' ')],
  ['compiled', (row) => row.compiled],
  ['signature', (row) => row.signature],
  ['signer', (row) => row.signer],
  ['signed_at', (row) => row.signedAt],
  ['evidence', (row) => row.evidence],
  ['known', (row) => row.known],
  ['blocked', (row) => row.blocked],
  ['capabilities', (row) => row.capabilities],
  ['status', (row) => row.status],
  ['verdict', (row) => row.verdict],
  ['tags', (row) => row.tags.join(' ')],
  ['added_at', (row) => row.addedAt],
]

/**
 * A cell that no spreadsheet runs. Texts are always quoted, since one with other habits takes `;` or a
 * tab for the end of a cell; blanks and full-width signs in front of a formula are looked through.
 */
export function csvCell(value: string | number | boolean | null): string {
  if (value === null) return ''
  if (typeof value !== 'string') return String(value)
  const isFormula = /^[\s\p{Cc}\p{Cf}]*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(value)
  return `"${(isFormula ? `'${value}` : value).replaceAll('"', '""')}"`
}

export function* csv(rows: Iterable<FileRow>): Generator<string> {
  yield `${COLUMNS.map(([name]) => name).join(',')}\r\n`
  for (const row of rows) yield `${COLUMNS.map(([, get]) => csvCell(get(row))).join(',')}\r\n`
}
