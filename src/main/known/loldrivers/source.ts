/**
 * Text of a LOLDrivers file to plain values: YAML with one entry, or the JSON of their interface
 * with a list of entries. Files may come from anyone, so size, number of marks, nesting and aliases
 * are bounded before and while they are read, and nothing but JSON values comes out.
 */
import { LineCounter, isMap, isScalar, parseDocument, visit, type ScalarTag } from 'yaml'
import { fail, ok, type Result } from '../../../shared/errors'
import { jsonErrorPlace } from '../../../shared/json-place'

export const YAML_BYTES_MAX = 20_000_000
/** The JSON of the interface holds every entry: about 30 MB today. */
export const JSON_BYTES_MAX = 150_000_000
/** Line ends and indicators; a parser's time goes with these. The largest entry has 60,000. */
const YAML_MARKS_MAX = 500_000
const FLOW_DEPTH_MAX = 1000
const ALIASES_MAX = 100
export const VALUE_DEPTH_MAX = 32

export interface Source {
  value: unknown
  /** `file.yaml, line 12: ...`; the reading went on. */
  problems: string[]
}

const NOT_READ = 'Import the file as it is published at loldrivers.io or in their repository.'

/** @param fileName for messages, and `.json` tells the format */
export function readSource(text: string, fileName: string): Result<Source> {
  const content = text.startsWith('\uFEFF') ? text.slice(1) : text
  const isJson = /\.json$/i.test(fileName) || /^\s*[[{]/.test(content.slice(0, 1000))
  const limit = isJson ? JSON_BYTES_MAX : YAML_BYTES_MAX
  if (content.length > limit) {
    const size = `${Math.round(content.length / 1e6)} MB`
    return fail(
      'file-invalid',
      `${fileName} is too large for a LOLDrivers file: ${size} of at most ${limit / 1e6} MB.`,
      NOT_READ,
    )
  }
  return isJson ? readJson(content, fileName) : readYaml(content, fileName)
}

function readJson(text: string, fileName: string): Result<Source> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    const place = jsonErrorPlace(text)
    const where = place ? `, line ${place.line}, column ${place.column}` : ''
    const found = place ? `: ${place.found} cannot stand here` : ''
    return fail('file-invalid', `${fileName}${where} is not valid JSON${found}.`, NOT_READ)
  }
  return plainSource(value, fileName, [])
}

function readYaml(text: string, fileName: string): Result<Source> {
  const bomb = yamlBomb(text)
  if (bomb) return fail('file-invalid', `${fileName}, line ${bomb.line}: ${bomb.what}.`, NOT_READ)

  const lines = new LineCounter()
  const problems: string[] = []
  try {
    const document = parseDocument(text, {
      schema: 'core',
      customTags: (tags) =>
        tags.map((tag) => {
          if (typeof tag === 'string' || 'collection' in tag) return tag
          return tag.tag.endsWith(':int') || tag.tag.endsWith(':float') ? faithful(tag) : tag
        }),
      // Found below in one walk; the parser's own check takes quadratic time.
      uniqueKeys: false,
      lineCounter: lines,
      prettyErrors: false,
    })
    const [error] = document.errors
    if (error) {
      const line = lines.linePos(error.pos[0]).line
      const reason = /call stack/.test(error.message) ? 'nested too deeply' : error.message
      return fail(
        'file-invalid',
        `${fileName}, line ${line} is not valid YAML: ${reason}.`,
        NOT_READ,
      )
    }
    visit(document, {
      Map: (_, map) => {
        const keys = new Set<unknown>()
        for (const { key } of map.items) {
          if (!isScalar(key)) continue
          if (keys.has(key.value) && problems.length < 20) {
            const { line } = lines.linePos(key.range?.[0] ?? 0)
            const name = String(key.value)
            problems.push(`${fileName}, line ${line}: ${name} stands here twice; the last counts`)
          }
          keys.add(key.value)
        }
        return isMap(map) ? undefined : visit.SKIP
      },
    })
    return plainSource(document.toJS({ maxAliasCount: ALIASES_MAX }), fileName, problems)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const why = /alias/i.test(reason) ? 'its aliases expand to too much' : reason
    return fail('file-invalid', `${fileName} cannot be read as YAML: ${why}.`, NOT_READ)
  }
}

/** Numbers only where they read back as they were written: `1.10` and an all-digit hash are text. */
function faithful(tag: ScalarTag): ScalarTag {
  return {
    ...tag,
    resolve: (text) => {
      const value = Number(text)
      return String(value) === text ? value : text
    },
  }
}

/** Why a text would cost too much to parse, and where that shows; null for what may be read. */
function yamlBomb(text: string): { line: number; what: string } | null {
  let marks = 0
  let depth = 0
  let line = 1
  for (let at = 0; at < text.length; at += 1) {
    const mark = text.charCodeAt(at)
    if (mark === 0x0a) line += 1
    else if (mark === 0x5b || mark === 0x7b) depth += 1
    else if (mark === 0x5d || mark === 0x7d) depth -= depth > 0 ? 1 : 0
    else if (mark !== 0x2c && mark !== 0x3a && mark !== 0x2d && mark !== 0x3f) continue
    marks += 1
    if (marks > YAML_MARKS_MAX) return { line, what: 'more structure than any entry has' }
    if (depth > FLOW_DEPTH_MAX) return { line, what: 'nested too deeply' }
  }
  return null
}

function plainSource(value: unknown, fileName: string, problems: string[]): Result<Source> {
  try {
    return ok({ value: plain(value, 0), problems })
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error
    return fail(
      'file-invalid',
      `${fileName} is nested deeper than ${VALUE_DEPTH_MAX} levels.`,
      NOT_READ,
    )
  }
}

class TooDeep extends Error {}

/** A copy that holds JSON values and no key that means more than its name. */
function plain(value: unknown, depth: number): unknown {
  if (depth > VALUE_DEPTH_MAX) throw new TooDeep()
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => key !== '__proto__')
        .map(([key, item]) => [key, plain(item, depth + 1)]),
    )
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return value === undefined ? null : value
}
