/** Statements about memory tables and about how the run ended. */
import { compileAny, canonical, matchWords } from '../match'
import { appeared, type MemoryTables, type Row, type TablesOfRun } from '../memory/tables'
import { bugcheckName } from '../nt/bugchecks'
import type { Statement } from './schema'
import { bounds, countWords, type Verdict } from './tracker'

export type TableStatement = Extract<Statement, { table: string }>
export type OutcomeStatement = Extract<Statement, { outcome: string | string[] }>

const WHEN = {
  before: 'before the drivers were loaded',
  after: 'at the end',
  appeared: 'among what appeared',
  vanished: 'among what vanished',
} as const

/** Whether a table has the rows that a statement asks for. */
export function judgeTable(statement: TableStatement, tables: TablesOfRun | null): Verdict {
  const { table, rows: match, when = 'after' } = statement
  const found = rowsOf(table, when, tables)
  if (typeof found === 'string') return { holds: false, seq: null, because: found }
  const count = found.filter(compileAny(match)).length
  const wanted = bounds(statement.count)
  const holds = count >= wanted.min && count <= wanted.max
  const rows = count === 1 ? '1 row' : `${count === 0 ? 'No' : count} rows`
  const asked = holds ? '' : `, wanted is ${countWords(wanted)}`
  const because = `${rows} of ${table} ${WHEN[when]}${asked} (${matchWords(match)}).`
  return { holds, seq: null, because }
}

function rowsOf(
  table: string,
  when: keyof typeof WHEN,
  tables: TablesOfRun | null,
): readonly Row[] | string {
  const read = (taken: MemoryTables | null | undefined): readonly Row[] | string => {
    if (!taken) return 'The memory tables were not taken in this run.'
    if (!Object.hasOwn(taken, table))
      return `There is no table '${table}'; there are ${Object.keys(taken).join(', ')}.`
    return taken[table] ?? []
  }
  if (when === 'before') return read(tables?.before)
  if (when === 'after') return read(tables?.after)
  const [before, after] = [read(tables?.before), read(tables?.after)]
  if (typeof before === 'string') return before
  if (typeof after === 'string') return after
  return when === 'appeared' ? appeared(before, after) : appeared(after, before)
}

/** How a run ended. */
export interface Ending {
  outcome: string | null
  /** Bug check or verifier stop. */
  code: string | null
  seq: number | null
}

/** Whether the run ended as a statement says. */
export function judgeOutcome(statement: OutcomeStatement, { outcome, code, seq }: Ending): Verdict {
  const wanted = [statement.outcome].flat()
  const named = code === null ? '' : ` ${code} ${bugcheckName(Number(code))}`
  const because =
    outcome === null ? 'The run did not end.' : `The run ended with ${outcome}${named}.`
  const holds =
    outcome !== null &&
    wanted.includes(outcome) &&
    (statement.code === undefined || isCode(statement.code, code))
  return { holds, seq, because }
}

function isCode(wanted: string | number, code: string | null): boolean {
  if (code === null) return false
  const text = canonical(wanted)
  return text === canonical(code) || text === bugcheckName(Number(code)).toLowerCase()
}
