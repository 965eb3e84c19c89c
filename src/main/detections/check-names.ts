/** Names of a rule that nothing in the lab has: such a search finds nothing, and nobody is told. */
import { searchesOf, type Rule } from '../../shared/detections'
import { readKey, type Match } from '../../shared/match'
import { DDIS } from '../kernel/ddi'
import { COLUMNS, EVENT_KINDS } from './known-names'

export interface UnknownName {
  /** Where in the rule. */
  path: PropertyKey[]
  message: string
}

const KINDS = new Set(EVENT_KINDS)

/**
 * Kinds of event that there are none of, fields that a table does not have, and arguments that no
 * routine of the search takes.
 */
export function unknownNamesOf(rule: Rule): UnknownName[] {
  const found: UnknownName[] = []
  const { table } = rule.logsource
  const columns = table && COLUMNS[table]
  for (const [name, search] of searchesOf(rule.detection))
    for (const [i, match] of [search].flat().entries()) {
      const path = ['detection', name, ...(Array.isArray(search) ? [i] : [])]
      const problems = columns ? ofRow(match, columns) : ofEvent(match)
      for (const [key, message] of problems) found.push({ path: [...path, key], message })
    }
  if (columns)
    for (const [i, field] of (rule.fields ?? []).entries()) {
      const message = columnProblem(field.split('.')[0]!, columns)
      if (message) found.push({ path: ['fields', i], message })
    }
  return found
}

type Problem = [key: string, message: string]

function ofRow(match: Match, columns: readonly string[]): Problem[] {
  return Object.keys(match).flatMap((text): Problem[] => {
    const key = readKey(text)
    const message = typeof key === 'string' ? null : columnProblem(key.path[0]!, columns)
    return message ? [[text, message]] : []
  })
}

function columnProblem(field: string, columns: readonly string[]): string | null {
  return columns.includes(field)
    ? null
    : `the table has no field '${field}'; there are ${columns.join(', ')}`
}

function ofEvent(match: Match): Problem[] {
  const found: Problem[] = []
  const parameters = parametersOf(match)
  for (const [text, wanted] of Object.entries(match)) {
    const key = readKey(text)
    if (typeof key === 'string') continue
    const [first, second] = key.path
    if (first === 't' && key.path.length === 1 && key.operator === null) {
      const kind = [wanted].flat().find((value) => !KINDS.has(String(value).toLowerCase()))
      if (kind !== undefined) found.push([text, kindProblem(String(kind))])
    }
    if (first === 'args' && second !== undefined && parameters && !parameters.includes(second))
      found.push([text, `there is no parameter '${second}'; there are ${parameters.join(', ')}`])
  }
  return found
}

function kindProblem(kind: string): string {
  const family = `${kind.split('.')[0]!.toLowerCase()}.`
  const near = EVENT_KINDS.filter((known) => known.startsWith(family))
  const kinds = near.length > 0 ? near.join(', ') : 'those of src/shared/trace/event.ts'
  return `there is no kind of event '${kind}'; there are ${kinds}`
}

/** Parameters of the routines that a match names; null where it does not name them, or one is unknown. */
function parametersOf(match: Match): string[] | null {
  if ([match['t']].flat().some((kind) => kind !== 'ddi.called')) return null
  const parameters = new Set<string>()
  const names = [match['name']].flat()
  for (const name of names) {
    if (typeof name !== 'string' || !Object.hasOwn(DDIS, name)) return null
    for (const parameter of Object.keys(DDIS[name]!.params)) parameters.add(parameter)
  }
  return [...parameters]
}
