/** The table of seeded mistakes in docs/mutations.md. */
import { verifierRule } from '../../../shared/nt/verifier-facts'
import type { Finding, Mutation } from './mutations'

export interface Row {
  group: string
  common: number | undefined
  cells: string[]
}

const HEAD = ['Mistake', 'Driver', 'Named by', 'Stop', 'At', 'Began at']

const TITLES: Readonly<Record<string, string>> = {
  device: 'Devices',
  irp: 'Packets',
  irql: 'IRQL',
  lock: 'Locks',
  memory: 'MDLs',
  misc: 'Everything else',
  object: 'Objects and handles',
  patch: 'The kernel itself',
  pool: 'Pool',
  security: 'Security',
  unload: 'Unload',
}

/** What a run said, as a row; none for a run that was not made. */
export function rowOf(mutation: Mutation, found: Finding | undefined): Row[] {
  if (!found) return []
  const option = verifierRule(mutation.rule)?.option ?? ''
  return [
    {
      group: mutation.group,
      common: mutation.common,
      cells: [
        mutation.mistake,
        mutation.driver.split('/').at(-1) ?? '',
        `\`${found.rule}\` (${option})`,
        found.code ?? 'warning',
        code(found.at),
        mutation.first === undefined ? '' : code(found.first),
      ],
    },
  ]
}

/** A line of source as code, short enough for a cell; a bar would end the cell. */
function code(line: string | null): string {
  if (line === null) return ''
  const text = line.length > 48 ? `${line.slice(0, 47)}\u2026` : line
  return `\`${text.replaceAll('|', '\\|')}\``
}

export function mutationTable(rows: readonly Row[]): string {
  const common = rows
    .filter((row) => row.common !== undefined)
    .sort((a, b) => (a.common ?? 0) - (b.common ?? 0))
    .map(({ common: n, cells }) => [String(n), ...cells.slice(0, 4)])
  const groups = [...new Set(rows.map(({ group }) => group))]
  return [
    '# Seeded mistakes',
    '',
    'Made by `npm run mutations`; the unit tests compare it.',
    '',
    `Each of these ${rows.length} mistakes is one small change of a driver that is otherwise correct: the samples and`,
    'the drivers in `mutations/drivers`, which run without an alarm. The changes are data in `mutations/cases`.',
    'The verifier is on as its rule needs it, mostly as `standard`. The run stops with the rule or the bug check',
    'named here, at the line given, and says where it began.',
    '',
    '## Twenty-two that are common',
    '',
    ...table(['No.', ...HEAD.slice(0, 4)], common),
    '',
    ...groups.flatMap((group) => [
      `## ${TITLES[group] ?? group}`,
      '',
      ...table(
        HEAD,
        rows.filter((row) => row.group === group).map(({ cells }) => cells),
      ),
      '',
    ]),
  ]
    .join('\n')
    .replace(/\n+$/, '\n')
}

/** Padded as the formatter pads it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((cell, i) =>
    Math.max(3, cell.length, ...rows.map((row) => row[i]!.length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)]
}
