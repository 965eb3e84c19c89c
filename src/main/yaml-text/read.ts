/**
 * YAML that people write, lessons, techniques and rules: plain values, and each mistake with its
 * place and what to write instead. Files from strangers cost no more than their size.
 */
import { Composer, LineCounter, Parser, isNode, isScalar, visit, type Document } from 'yaml'
import type { z } from 'zod'
import { issueWords, yamlHint } from './words'

/** Counted from 1. */
export interface Place {
  line: number
  column: number
}

/** What is wrong, where, and what to do. */
export interface Mistake extends Place {
  message: string
  hint: string
}

export interface YamlValue {
  value: unknown
  /** The text that it was read from. */
  source: string
  /** Where a value begins, or the nearest thing around it that is there. */
  placeOf(path: readonly PropertyKey[]): Place
}

/** Mistakes of one document that are told. */
export const MISTAKES_MAX = 20
const DEPTH_MAX = 20
/** Aliases could make a small file a large one. */
const ALIASES_MAX = 100
const DOCUMENTS_MAX = 1000

/** The documents of a text, each a value or what keeps it from being one. Empty ones are left out. */
export function readYaml(text: string): (YamlValue | { mistakes: Mistake[] })[] {
  const counter = new LineCounter()
  const source = text.replace(/^\uFEFF/, '')
  const composer = new Composer({
    prettyErrors: false,
    // Addresses have more digits than a number holds.
    intAsBigInt: true,
    // It would compare each key with each; repeatedKeys looks them up.
    uniqueKeys: false,
  })
  const found: (YamlValue | { mistakes: Mistake[] })[] = []
  let count = 0
  for (const document of composer.compose(new Parser(counter.addNewLine).parse(source))) {
    if (++count > DOCUMENTS_MAX) {
      const { line, col } = counter.linePos(document.range[0])
      const message = `There are more than ${DOCUMENTS_MAX} documents.`
      found.push({ mistakes: [{ line, column: col, message, hint: 'Make it several files.' }] })
      break
    }
    const read = readDocument(document as Document.Parsed, counter, source)
    if (read !== null) found.push(read)
  }
  return found
}

function readDocument(
  document: Document.Parsed,
  counter: LineCounter,
  source: string,
): YamlValue | { mistakes: Mistake[] } | null {
  const at = (offset: number): Place => {
    const { line, col } = counter.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  if (document.errors.length > 0)
    return {
      mistakes: document.errors.slice(0, MISTAKES_MAX).map(({ pos, code, message }) => ({
        ...at(pos[0]),
        message: sentence(`This is no YAML: ${message}`),
        hint: yamlHint(code),
      })),
    }
  let value: unknown
  const [start = 0, , end = source.length] = document.range ?? []
  try {
    const repeated = repeatedKeys(document)
    if (repeated.length > 0)
      return {
        mistakes: repeated.slice(0, MISTAKES_MAX).map(({ key, offset }) => ({
          ...at(offset),
          message: `'${key}' is there twice.`,
          hint: 'Take one out, or give it another name.',
        })),
      }
    value = plain(document.toJS({ maxAliasCount: ALIASES_MAX }), 0)
  } catch (error) {
    const message = sentence(error instanceof Error ? error.message : String(error))
    return { mistakes: [{ ...at(start), message, hint: 'Write it out, and flatter.' }] }
  }
  if (value === null || value === undefined) return null
  return {
    value,
    source: source.slice(start, end).trim(),
    placeOf: (path) => at(offsetOf(document, path)),
  }
}

/** Keys that come again in one map. */
function repeatedKeys(document: Document.Parsed): { key: string; offset: number }[] {
  const found: { key: string; offset: number }[] = []
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) found.push({ key: String(key.value), offset: key.range?.[0] ?? 0 })
        seen.add(key.value)
      }
    },
  })
  return found
}

/**
 * A value held against its schema.
 * @param root  what the whole is called: `The rule`
 * @param hint  where its fields are listed
 */
export function parseYaml<S extends z.ZodType>(
  { value, placeOf }: Pick<YamlValue, 'value' | 'placeOf'>,
  schema: S,
  { root, hint }: { root: string; hint: string },
): { data: z.output<S> } | { mistakes: Mistake[] } {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { data: parsed.data }
  return {
    mistakes: parsed.error.issues.slice(0, MISTAKES_MAX).flatMap((issue) => {
      if (issue.code === 'unrecognized_keys')
        return issue.keys.slice(0, MISTAKES_MAX).map((key) => ({
          ...placeOf([...issue.path, key]),
          message: `There is no field '${key}'.`,
          hint,
        }))
      const message = sentence(`${nameOf(issue.path) || root}: ${issueWords(issue, value)}`)
      return [{ ...placeOf(issue.path), message, hint }]
    }),
  }
}

/** `checks[2].event`: positions counted from 0, as everywhere in YAML tools. */
export const nameOf = (path: readonly PropertyKey[]): string =>
  path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '')

const sentence = (text: string): string => `${text}.`.replace(/\.\.$/, '.')

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.range[0]
}

/** Whole numbers as numbers; those that do not fit into one as `0x` text, which is what traces have. */
function plain(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new Error('This is nested too deeply')
  if (typeof value === 'bigint')
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : `0x${BigInt.asUintN(64, value).toString(16).toUpperCase()}`
  if (Array.isArray(value)) return value.map((item) => plain(item, depth + 1))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, plain(item, depth + 1)]),
    )
  return value
}
