/**
 * What can be written at a place of a rule: keys and values out of the rule's JSON schema, and the
 * names that the lab knows of events and tables. Text in, lists out; the editor is not needed.
 */
import { ruleJsonSchema } from '../../../../shared/detections'
import { MODIFIERS } from '../../../../shared/match'

/** What a rule can name. */
export interface RuleNames {
  kinds: readonly string[]
  columns: Readonly<Record<string, readonly string[]>>
}

export interface RuleCompletion {
  label: string
  insert: string
  detail: string
}

export interface RuleCompletions {
  /** Column, from 1, from which what is chosen takes the place of what is there. */
  from: number
  items: RuleCompletion[]
}

interface Schema {
  type?: unknown
  description?: string
  const?: unknown
  enum?: readonly unknown[]
  properties?: Readonly<Record<string, Schema>>
  items?: Schema
}

const ROOT = ruleJsonSchema() as Schema

/** Fields that every event has, and those that rules ask for most. */
const EVENT_FIELDS = [
  't',
  'name',
  'driver',
  'process',
  'thread',
  'irql',
  'cpu',
  'at.file',
  'at.line',
]
const CONDITION_WORDS = [
  'and',
  'or',
  'not',
  'then',
  'within 5s',
  'by driver',
  '1 of them',
  'all of them',
]

/** Where the caret is: the keys around it, and what is typed of a key or of the value of a key. */
interface Place {
  path: string[]
  key: string | null
  typed: string
}

/**
 * @param line    from 1
 * @param column  from 1
 */
export function completionsAt(
  text: string,
  line: number,
  column: number,
  names: RuleNames,
): RuleCompletions {
  const lines = text.split('\n')
  const place = placeOf(lines, line - 1, (lines[line - 1] ?? '').slice(0, column - 1))
  const items = place.key === null ? keysAt(place, text, names) : valuesAt(place, text, names)
  return { from: column - place.typed.length, items }
}

function placeOf(lines: readonly string[], at: number, before: string): Place {
  const indent = indentOf(before)
  const path = ancestors(lines, at, indent)
  const flow = before.lastIndexOf('{')
  if (flow > before.lastIndexOf('}')) {
    const owner = /([\w|.*-]+):\s*\[?[^:]*$/.exec(before.slice(0, flow))?.[1]
    const part = before.slice(Math.max(flow, lastComma(before, flow)) + 1)
    return inPart(owner === undefined ? path : [...path, owner], part)
  }
  return inPart(path, before.replace(/^\s*(- )*/, ''))
}

/** The comma after which the caret is; one inside of brackets parts values, not keys. */
function lastComma(before: string, from: number): number {
  let depth = 0
  let found = -1
  for (let i = from + 1; i < before.length; i++) {
    if (before[i] === '[') depth++
    else if (before[i] === ']') depth--
    else if (before[i] === ',' && depth === 0) found = i
  }
  return found
}

function inPart(path: string[], part: string): Place {
  const colon = /^\s*['"]?([\w|.*-]+)['"]?:(?:\s+|$)(.*)$/.exec(part)
  if (!colon) return { path, key: null, typed: part.trimStart() }
  const [, key = '', value = ''] = colon
  return { path, key, typed: /[^\s[,|]*$/.exec(value)?.[0] ?? '' }
}

const indentOf = (line: string): number => /^\s*(- )*/.exec(line)![0].length

/** Keys of the lines above that are further out, the outermost first. */
function ancestors(lines: readonly string[], at: number, indent: number): string[] {
  const path: string[] = []
  let limit = indent
  for (let i = at - 1; i >= 0 && limit > 0; i--) {
    const line = lines[i]!
    if (line.trim() === '' || line.trim().startsWith('#')) continue
    const own = indentOf(line)
    const key = /^\s*(?:- )*([\w|.*-]+):/.exec(line)?.[1]
    if (own >= limit || key === undefined) continue
    path.unshift(key)
    limit = /^\s*/.exec(line)![0].length
  }
  return path
}

/** The schema of the things inside of `path`; null for searches, whose names are free. */
function schemaAt(path: readonly string[]): Schema | null {
  let schema: Schema | undefined = ROOT
  for (const key of path) {
    schema = schema?.properties?.[key]
    if (schema?.items) schema = schema.items
  }
  return schema ?? null
}

const isSearch = (path: readonly string[]): boolean => path[0] === 'detection' && path.length > 1
const isEvent = (path: readonly string[]): boolean => path[0] === 'tests' && path[1] === 'events'
const isRow = (path: readonly string[]): boolean => path[0] === 'tests' && path[1] === 'rows'

function keysAt({ path, typed }: Place, text: string, names: RuleNames): RuleCompletion[] {
  if (isSearch(path) || isEvent(path) || isRow(path)) {
    const bar = typed.indexOf('|')
    if (bar >= 0)
      return Object.entries(MODIFIERS).map(([modifier, detail]) => ({
        label: modifier,
        insert: `${typed.slice(0, bar)}|${modifier}: `,
        detail,
      }))
    const table = tableOf(text)
    const fields = table ? (names.columns[table] ?? []) : EVENT_FIELDS
    const detail = table ? `field of ${table}` : 'field of an event'
    return fields.map((field) => ({ label: field, insert: `${field}: `, detail }))
  }
  return Object.entries(schemaAt(path)?.properties ?? {})
    .filter(([key]) => path.length > 0 || !new RegExp(`^${key}:`, 'm').test(text))
    .map(([key, schema]) => ({
      label: key,
      insert: `${key}: `,
      detail: schema.description?.split('\n')[0] ?? '',
    }))
}

function valuesAt({ path, key }: Place, text: string, names: RuleNames): RuleCompletion[] {
  const plain = (values: readonly string[], detail = ''): RuleCompletion[] =>
    values.map((value) => ({ label: value, insert: value, detail }))
  if (isSearch(path) || isEvent(path) || isRow(path))
    return key === 't'
      ? plain(names.kinds, 'kind of event')
      : /^(is|in|by)[A-Z]|^enabled$|\|exists$/.test(key ?? '')
        ? plain(['true', 'false'])
        : []
  if (path[0] === 'detection' && key === 'condition')
    return [...plain(searchesIn(text), 'search'), ...plain(CONDITION_WORDS)]
  if (key === 'fields' && path.length === 0) {
    const table = tableOf(text)
    return plain(table ? (names.columns[table] ?? []) : EVENT_FIELDS)
  }
  const schema = schemaAt(path)?.properties?.[key ?? '']
  const values = schema?.enum ?? (schema?.const === undefined ? [] : [schema.const])
  if (schema?.type === 'boolean') return plain(['true', 'false'])
  const about = new Map(
    (schema?.description ?? '').split('\n').map((each) => {
      const [name = '', ...rest] = each.split(': ')
      return [name, rest.join(': ')]
    }),
  )
  return values.map(String).map((value) => ({
    label: value,
    insert: value,
    detail: about.get(value) ?? '',
  }))
}

/** The table that the rule is about; null for one over the trace. */
const tableOf = (text: string): string | null => /\btable:\s*(\w+)/.exec(text)?.[1] ?? null

/** Names of the searches of a rule, as far as it is written. */
function searchesIn(text: string): string[] {
  const block = /^detection:[ \t]*\n((?:[ \t]+.*\n?|\s*\n)*)/m.exec(text)?.[1] ?? ''
  return [...block.matchAll(/^ {2}([\w-]+):/gm)]
    .map((match) => match[1]!)
    .filter((name) => name !== 'condition' && name !== 'timeframe')
}

/** What a key of a rule is, in words; null where the schema says nothing. */
export function describe(text: string, line: number, column: number): string | null {
  const lines = text.split('\n')
  const whole = lines[line - 1] ?? ''
  const key = /^\s*(?:- )*([\w-]+):/.exec(whole)
  if (!key || column > key[0].length) return null
  const path = ancestors(lines, line - 1, indentOf(whole))
  return schemaAt(path)?.properties?.[key[1]!]?.description ?? null
}
