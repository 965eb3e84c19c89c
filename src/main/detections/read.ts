/** Rules out of YAML text, or what is wrong with it: where, and what to write. */
import { LineCounter, isNode, parseAllDocuments, type Document } from 'yaml'
import { Rule } from '../../shared/detections'
import { unknownNamesOf } from './check-names'

/** What is wrong with a rule. Lines and columns start at 1. */
export interface RuleProblem {
  file: string
  line: number
  column: number
  message: string
  hint: string
}

export interface ReadRule {
  rule: Rule
  file: string
  /** The YAML that it was read from. */
  source: string
}

export interface ReadRules {
  rules: ReadRule[]
  problems: RuleProblem[]
}

const DOCS = 'docs/detections.md lists the fields.'
/** Mistakes of one document that are told. */
const PROBLEMS_MAX = 20
const TEXT_MAX = 1_000_000
const DEPTH_MAX = 20

/**
 * Read the rules of a file: YAML documents, one rule each.
 * @param file  name for problems
 */
export function readRules(file: string, text: string): ReadRules {
  const at = (line: number, column: number, message: string, hint: string): RuleProblem => ({
    file,
    line,
    column,
    message,
    hint,
  })
  if (text.length > TEXT_MAX)
    return {
      rules: [],
      problems: [
        at(1, 1, 'The file is too large.', `At most ${TEXT_MAX} characters; make it several.`),
      ],
    }
  const counter = new LineCounter()
  const source = text.replace(/^\uFEFF/, '')
  const documents = parseAllDocuments(source, {
    lineCounter: counter,
    prettyErrors: false,
    // Addresses have more digits than a number holds.
    intAsBigInt: true,
  })
  const found: ReadRules = { rules: [], problems: [] }
  for (const document of documents) {
    const read = readDocument(document as Document.Parsed, counter, at)
    if (Array.isArray(read)) found.problems.push(...read)
    else if (read) {
      const [start = 0, , end = source.length] = document.range ?? []
      found.rules.push({ rule: read, file, source: source.slice(start, end).trim() })
    }
  }
  return found
}

/** One document; nothing for an empty one. */
function readDocument(
  document: Document.Parsed,
  counter: LineCounter,
  at: (line: number, column: number, message: string, hint: string) => RuleProblem,
): Rule | RuleProblem[] | null {
  const place = (offset: number): [line: number, column: number] => {
    const { line, col } = counter.linePos(offset)
    return [Math.max(line, 1), Math.max(col, 1)]
  }
  if (document.errors.length > 0)
    return document.errors
      .slice(0, PROBLEMS_MAX)
      .map(({ pos, message }) =>
        at(
          ...place(pos[0]),
          `This is no YAML: ${message}.`.replace(/\.\.$/, '.'),
          'Texts with a colon, a hash, a star or a backtick in front go into quotes.',
        ),
      )
  let value: unknown
  try {
    value = plain(document.toJS({ maxAliasCount: 100 }), 0)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return [at(...place(document.range[0]), `${message}.`, 'Write it out, and flatter.')]
  }
  if (value === null || value === undefined) return null
  const parsed = Rule.safeParse(value)
  if (parsed.success) {
    const unknown = unknownNamesOf(parsed.data)
    return unknown.length === 0
      ? parsed.data
      : unknown
          .slice(0, PROBLEMS_MAX)
          .map(({ path, message }) =>
            at(
              ...place(offsetOf(document, path)),
              `${path.map(String).join('.')}: ${message}.`,
              DOCS,
            ),
          )
  }
  return parsed.error.issues.slice(0, PROBLEMS_MAX).flatMap((issue) => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) =>
        at(...place(offsetOf(document, [...issue.path, key])), `There is no field '${key}'.`, DOCS),
      )
    const name = issue.path.map(String).join('.')
    const message = `${name === '' ? 'The rule' : name}: ${issue.message}.`
    return [at(...place(offsetOf(document, issue.path)), message.replace(/\.\.$/, '.'), DOCS)]
  })
}

/** Where a value begins, or the nearest thing around it that is there. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return node.range[0]
  }
  return document.range[0]
}

/** Whole numbers as numbers; those that do not fit into one as `0x` text, which is what traces have. */
function plain(value: unknown, depth: number): unknown {
  if (depth > DEPTH_MAX) throw new Error('The rule is nested too deeply')
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
