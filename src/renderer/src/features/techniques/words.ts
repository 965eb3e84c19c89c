/** What the Techniques view says: how a run ended, verdicts of the matrix, rows of memory. */
import { Ban, Bell, CircleCheck, OctagonX, ShieldAlert, ShieldCheck, ShieldOff } from '@lucide/vue'
import type { MatrixVerdict, TechniqueResult } from '../../../../shared/contract/techniques'
import type { Level } from '../../../../shared/detections'
import { TABLES, type Cell, type Row, type TableName } from '../../../../shared/memory/tables'
import type { Mark } from '../catalogue/words'

/** A verdict as shape, word and colour; good is what is good for the machine and honest drivers. */
export function verdictMark(
  { verdict, stop }: Pick<MatrixVerdict, 'verdict' | 'stop'>,
  isTwin: boolean,
): Mark {
  const mark = markOf(verdict, stop)
  if (!isTwin) return mark
  if (verdict === 'works') return { ...mark, icon: CircleCheck, tone: 'ok' }
  return { ...mark, tone: verdict === 'not loaded' ? 'plain' : 'warn' }
}

function markOf(verdict: MatrixVerdict['verdict'], stop: string | null): Mark {
  switch (verdict) {
    case 'works':
      return { icon: ShieldOff, tone: 'danger', word: 'works' }
    case 'reported':
      return { icon: Bell, tone: 'warn', word: 'reported' }
    case 'works, then stopped':
      return { icon: ShieldAlert, tone: 'warn', word: `works, then ${stop ?? 'stopped'}` }
    case 'stopped':
      return { icon: OctagonX, tone: 'ok', word: `stopped, ${stop ?? ''}` }
    case 'fails':
      return { icon: ShieldCheck, tone: 'ok', word: 'fails' }
    case 'not loaded':
      return { icon: Ban, tone: 'ok', word: 'not loaded' }
  }
}

/** How a run ended, in a line. */
export function endOf({
  worked,
  report,
  alerts,
  which,
}: Pick<TechniqueResult, 'worked' | 'report' | 'alerts'> & { which: { twin: boolean } }): {
  words: string
  tone: 'ok' | 'warn' | 'danger'
} {
  const who = which.twin ? 'The twin' : 'The technique'
  const { outcome, bugcheck, reason } = report
  switch (outcome) {
    case 'compile-error':
      return { words: 'The sources do not compile, so nothing ran.', tone: 'danger' }
    case 'load-failed':
      return { words: 'The machine did not load the driver.', tone: 'ok' }
    case 'bugcheck':
    case 'verifier-stop': {
      const stop = bugcheck ? `${shortCode(bugcheck.code)} ${bugcheck.name}` : 'bug check'
      return worked
        ? { words: `${who} worked, and then the machine stopped: ${stop}.`, tone: 'warn' }
        : { words: `The machine stopped before it worked: ${stop}.`, tone: 'ok' }
    }
    case 'limit':
      return { words: reason ?? 'The run was ended before its end.', tone: 'warn' }
    default:
  }
  if (!worked)
    return {
      words: `${who} did not reach its goal${reason ? `: ${reason}` : ''}.`,
      tone: which.twin ? 'danger' : 'ok',
    }
  if (which.twin) return { words: 'The twin worked, by documented means.', tone: 'ok' }
  if (alerts.length > 0)
    return { words: 'The technique worked, and a defence noticed.', tone: 'warn' }
  return { words: 'The technique worked.', tone: 'danger' }
}

const shortCode = (code: string): string => `0x${Number(code).toString(16).toUpperCase()}`

export const LEVEL_TONES: Readonly<Record<Level, 'ok' | 'warn' | 'danger' | 'accent'>> = {
  informational: 'accent',
  low: 'accent',
  medium: 'warn',
  high: 'danger',
  critical: 'danger',
}

/** Fields that say in words which thing a row is about; the first ones that are there. */
const NAMES: Readonly<Record<TableName, (row: Row) => string>> = {
  ssdt: (row) => say(row['service']),
  registers: (row) => say(row['register']),
  modules: (row) => say(row['name'] ?? row['base']),
  code: (row) => say(row['symbol'] ?? row['address']),
  processes: (row) => `${say(row['name'])}, process ${say(row['pid'])}`,
  threads: (row) => `thread ${say(row['tid'])} of process ${say(row['pid'])}`,
  tokens: (row) => `token of ${say(row['process'])}, process ${say(row['pid'])}`,
  callbacks: (row) =>
    [row['kind'], row['where']]
      .filter((part) => part !== null)
      .map(say)
      .join(', '),
  drivers: (row) => `${say(row['driver'])}, ${say(row['routine'])}`,
  devices: (row) => say(row['name'] ?? `device without a name, ${say(row['device'])}`),
  minifilters: (row) => `${say(row['driver'])} at ${say(row['altitude'])}`,
  wfp: (row) => `${say(row['kind'])} ${say(row['key'] ?? row['id'])}`,
}

/** What a row is about. */
export const rowName = (table: TableName, row: Row): string => NAMES[table](row)

export interface RowFact {
  field: string
  text: string
  /** It is so only where something was tampered with. */
  isOdd: boolean
}

/** What else is worth knowing of a row: neither what names it nor what is as it always is. */
export function rowFacts(table: TableName, row: Row): RowFact[] {
  return Object.entries(row)
    .filter(([field, cell]) => !UNTOLD[table].includes(field) && !isUsual(field, cell))
    .map(([field, cell]) => ({
      field: fieldWords(field),
      text: say(cell),
      isOdd: isOdd(field, cell),
    }))
}

/** Fields that are in the name of a row already, and addresses that say nothing beside it. */
const UNTOLD: Readonly<Record<TableName, readonly string[]>> = {
  ssdt: ['index', 'service'],
  registers: ['register'],
  modules: ['name', 'base'],
  code: ['symbol'],
  processes: ['name', 'pid', 'process', 'token', 'imageFileName', 'threads'],
  threads: ['tid', 'pid', 'process', 'thread'],
  tokens: ['pid', 'process', 'token'],
  callbacks: ['kind', 'where', 'entry'],
  drivers: ['driver', 'routine', 'object', 'target'],
  devices: ['name', 'device', 'type', 'flags', 'characteristics'],
  minifilters: ['driver', 'altitude', 'filter'],
  wfp: ['kind', 'key', 'id'],
}
/** Fields that are true where nothing was tampered with. */
const TRUE = [
  'byList',
  'byHandleTable',
  'byScheduler',
  'byLoader',
  'byMemory',
  'isOwn',
  'inKernel',
  'enabled',
  'inMemory',
  'registered',
  'isStarted',
]

const isOdd = (field: string, cell: Cell): boolean => cell === false && TRUE.includes(field)

const isUsual = (field: string, cell: Cell): boolean =>
  cell === null ||
  cell === '' ||
  (Array.isArray(cell) && cell.length === 0) ||
  (cell === true && TRUE.includes(field)) ||
  (cell === false && field === 'isExiting') ||
  (typeof cell === 'string' && /^0x0+$/.test(cell))

/** A cell for people. */
export function say(cell: Cell | undefined): string {
  if (cell === undefined || cell === null || cell === '') return 'nothing'
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no'
  return Array.isArray(cell) ? cell.join(', ') || 'nothing' : String(cell)
}

const FIELD_WORDS: Readonly<Record<string, string>> = {
  byList: 'in its list',
  byHandleTable: 'in the table of ids',
  byScheduler: 'known to the scheduler',
  byLoader: 'known to the loader',
  byMemory: 'found in memory',
  inKernel: 'leads into the kernel',
  inMemory: 'there in memory',
  isOwn: 'its own',
  isSecured: 'secured',
  isStarted: 'started',
  isExiting: 'ending',
  sharedWith: 'shared with',
  attachedTo: 'attached to',
  leadsTo: 'leads to',
  leadsToModule: 'in module',
  imageFileName: 'name in the kernel',
}
export const fieldWords = (field: string): string => FIELD_WORDS[field] ?? field

/** `1 service appeared`. */
export const tableTitle = (table: TableName): string => TABLES[table].title
