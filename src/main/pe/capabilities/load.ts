/** Rule files to rules. A file with a mistake is left out and named with its line. */
import { LineCounter, isNode, parseDocument, type Document } from 'yaml'
import { z } from 'zod'
import { IOCTL_METHODS, STRING_CLASSES } from '../../../shared/driver-file/facts'
import { readPattern } from './pattern'
import { TEXT_LEAVES, type CapabilityRule, type Statement, type TextLeaf } from './rule'

const FILE_LENGTH_MAX = 64_000
const FILES_MAX = 1000
const DEPTH_MAX = 12
const STATEMENTS_MAX = 500

const Meta = z.strictObject({
  name: z.string().min(3).max(100),
  axis: z.enum(['hardware', 'telemetry']),
  description: z.string().min(10).max(2000),
  'att&ck': z.array(z.string().regex(/^[^[\]]+ \[T\d{4}(\.\d{3})?\]$/)).default([]),
  references: z.array(z.url({ protocol: /^https?$/ })).default([]),
})
const RuleFile = z.strictObject({
  rule: z.strictObject({ meta: Meta, features: z.array(z.unknown()).min(1) }),
})

/** Keys and positions from the top of the file to a value in it. */
type Path = (string | number)[]

/** A mistake in a rule file, at a place in it. */
class RuleMistake extends Error {
  constructor(
    readonly path: Path,
    message: string,
  ) {
    super(message)
  }
}

/**
 * Read rule files.
 * @param files name with its ending (`map-physical-memory.yaml`) and text of each
 * @returns rules ordered by id; problems as `file.yaml, line 12: ...`
 */
export function loadRules(files: readonly { name: string; text: string }[]): {
  rules: CapabilityRule[]
  problems: string[]
} {
  const rules: CapabilityRule[] = []
  const problems: string[] = []
  for (const { name, text } of files.slice(0, FILES_MAX)) {
    const result = readRule(name, text)
    if (typeof result === 'string') problems.push(`${name}, ${result}`)
    else if (rules.some(({ id }) => id === result.id)) problems.push(`${name}, line 1: id is taken`)
    else rules.push(result)
  }
  if (files.length > FILES_MAX)
    problems.push(`More than ${FILES_MAX} rule files; the rest is not read.`)
  return { rules: rules.sort((a, b) => (a.id < b.id ? -1 : 1)), problems }
}

function readRule(fileName: string, text: string): CapabilityRule | string {
  const id = fileName.replace(/\.ya?ml$/i, '')
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)) return 'line 1: the file name is not kebab-case'
  if (text.length > FILE_LENGTH_MAX) return `line 1: longer than ${FILE_LENGTH_MAX} characters`
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [error] = document.errors
  if (error) return `line ${lines.linePos(error.pos[0]).line}: ${error.message}`
  try {
    return ruleOf(id, document.toJS({ maxAliasCount: 0 }))
  } catch (mistake) {
    if (mistake instanceof RuleMistake) {
      return `line ${lineOf(document, lines, mistake.path)}: ${mistake.message}`
    }
    return `line 1: ${mistake instanceof Error ? mistake.message : String(mistake)}`
  }
}

/** The line of a value, or of the nearest thing around it. */
function lineOf(document: Document, lines: LineCounter, path: Path): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

function ruleOf(id: string, value: unknown): CapabilityRule {
  const file = RuleFile.safeParse(value)
  if (!file.success) {
    const [issue] = file.error.issues
    const path = (issue?.path ?? []).filter((key) => typeof key !== 'symbol')
    throw new RuleMistake(path, `${path.join('.')}: ${issue?.message ?? 'not a rule'}`)
  }
  const { meta, features } = file.data.rule
  const reader = new StatementReader()
  return {
    id,
    name: meta.name,
    axis: meta.axis,
    description: meta.description.trim().replace(/\s+/g, ' '),
    attack: meta['att&ck'].map(technique),
    references: meta.references,
    features: features.map((item, at) => reader.read(item, ['rule', 'features', at], 0)),
  }
}

/** `Process Injection::Asynchronous Procedure Call [T1055.004]`, as capa writes them. */
function technique(text: string): { id: string; name: string } {
  const [, name = '', id = ''] = /^(.*) \[(.*)\]$/.exec(text) ?? []
  return { id, name: name.split('::').join(': ') }
}

class StatementReader {
  #count = 0

  read(value: unknown, path: Path, depth: number): Statement {
    this.#count += 1
    if (depth > DEPTH_MAX) throw new RuleMistake(path, `nested deeper than ${DEPTH_MAX}`)
    if (this.#count > STATEMENTS_MAX)
      throw new RuleMistake(path, `more than ${STATEMENTS_MAX} statements`)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new RuleMistake(path, 'a statement is one key with its value')
    }
    const { 'at least': least, ...rest } = value as Record<string, unknown>
    const [entry, ...more] = Object.entries(rest)
    if (!entry || more.length > 0) {
      throw new RuleMistake(path, 'a statement is one key with its value')
    }
    const [key, inner] = entry
    if (least !== undefined && key !== 'string class') {
      throw new RuleMistake(path, '"at least" belongs to "string class"')
    }
    return this.#statement(key, inner, least ?? 1, [...path, key], depth)
  }

  #statement(key: string, inner: unknown, least: unknown, path: Path, depth: number): Statement {
    const several = (): Statement[] => {
      if (!Array.isArray(inner) || inner.length === 0) {
        throw new RuleMistake(path, `${key} needs a list of statements`)
      }
      return inner.map((item, at) => this.read(item, [...path, at], depth + 1))
    }
    const [, count] = /^(\d{1,2}) or more$/.exec(key) ?? []
    if (count !== undefined) return { kind: 'at least', count: Number(count), of: several() }
    switch (key) {
      case 'and':
      case 'or':
      case 'optional':
        return { kind: key, of: several() }
      case 'not':
        return { kind: 'not', of: this.read(inner, path, depth + 1) }
      case 'string class':
        return stringClass(inner, least, path)
      case 'ioctl':
        return ioctl(inner, path)
      default:
        return leaf(key, inner, path)
    }
  }
}

const isTextLeaf = (key: string): key is TextLeaf => TEXT_LEAVES.some((leaf) => leaf === key)

function leaf(key: string, inner: unknown, path: Path): Statement {
  if (!isTextLeaf(key)) throw new RuleMistake(path, `"${key}" is neither a statement nor a feature`)
  const pattern = typeof inner === 'string' ? readPattern(inner) : 'is not a text'
  if (typeof pattern === 'string')
    throw new RuleMistake(path, `${key}: ${String(inner)} ${pattern}`)
  return { kind: 'leaf', leaf: key, pattern }
}

function stringClass(inner: unknown, least: unknown, path: Path): Statement {
  const found = STRING_CLASSES.find((name) => name === inner)
  if (!found) throw new RuleMistake(path, `there is no string class "${String(inner)}"`)
  if (typeof least !== 'number' || !(least >= 1 && least <= 1000)) {
    throw new RuleMistake(path, '"at least" is a number from 1 to 1000')
  }
  return { kind: 'string class', class: found, count: least }
}

const IOCTL_WORDS: readonly string[] = [
  ...IOCTL_METHODS,
  ...['FILE_ANY_ACCESS', 'FILE_READ_ACCESS', 'FILE_WRITE_ACCESS'],
]

function ioctl(inner: unknown, path: Path): Statement {
  const words = typeof inner === 'string' ? inner.split(/\s+/) : []
  const unknown = words.find(
    (word) => !IOCTL_WORDS.includes(word) && !/^FILE_DEVICE_\w+$/.test(word),
  )
  if (words.length === 0 || unknown !== undefined) {
    throw new RuleMistake(path, `"${unknown ?? String(inner)}" says nothing about an IOCTL code`)
  }
  return { kind: 'ioctl', words }
}
