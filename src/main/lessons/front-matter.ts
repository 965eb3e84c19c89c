/** Front matter: the YAML between two lines of dashes, with the line of every mistake in it. */
import { LineCounter, isNode, parseDocument, type Document } from 'yaml'
import type { z } from 'zod'

/** What is wrong with a lesson, where, and what to do. Lines start at 1. */
export interface LessonProblem {
  file: string
  line: number
  message: string
  hint: string
}

export type FrontMatter<T> = {
  header: T
  /** Markdown after the second line of dashes. */
  body: string
  /** Line of the file at which the body begins. */
  bodyLine: number
  /** Line of a value of the header. */
  lineOf(path: readonly PropertyKey[]): number
}

/** Mistakes that are told. */
const PROBLEMS_MAX = 20

/**
 * Take a Markdown file apart and read its header.
 * @param file  name for problems
 * @param page  page of docs/ that lists the fields
 */
export function readFrontMatter<S extends z.ZodType>(
  file: string,
  source: string,
  schema: S,
  page: string,
): FrontMatter<z.output<S>> | { problems: LessonProblem[] } {
  const listed = `docs/${page} lists the fields.`
  const text = source.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
  const lines = text.split('\n')
  const end = lines[0]?.trimEnd() === '---' ? lines.findIndex(isSecondMark) : -1
  if (end < 0)
    return {
      problems: [
        {
          file,
          line: 1,
          message: 'There is no front matter.',
          hint: 'The file begins with a line of three dashes, fields as YAML, and another such line.',
        },
      ],
    }
  const counter = new LineCounter()
  const yaml = lines.slice(1, end).join('\n')
  const document = parseDocument(yaml, {
    lineCounter: counter,
    prettyErrors: false,
    // Addresses have more digits than a number holds.
    intAsBigInt: true,
  })
  const lineOf = (path: readonly PropertyKey[]): number => lineIn(document, counter, path) + 1
  const problem = (line: number, message: string, hint: string): LessonProblem => ({
    file,
    line,
    message,
    hint,
  })
  if (document.errors.length > 0)
    return {
      problems: document.errors
        .slice(0, PROBLEMS_MAX)
        .map(({ pos, message }) =>
          problem(
            counter.linePos(pos[0]).line + 1,
            `The front matter is no YAML: ${message}.`.replace(/\.\.$/, '.'),
            'Texts with a colon, a hash or a backtick in front go into quotes.',
          ),
        ),
    }
  let value: unknown
  try {
    // Aliases could make a small file a large one.
    value = withPlainNumbers(document.toJS({ maxAliasCount: 0 }))
  } catch {
    return { problems: [problem(2, 'Aliases (*name) are not read.', 'Write the value out.')] }
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success)
    return {
      problems: parsed.error.issues.slice(0, PROBLEMS_MAX).flatMap((issue) => {
        if (issue.code === 'unrecognized_keys')
          return issue.keys.map((key) =>
            problem(lineOf([...issue.path, key]), `There is no field '${key}'.`, listed),
          )
        const name = nameOf(issue.path)
        return [
          problem(lineOf(issue.path), `${name}: ${issue.message}.`.replace(/\.\.$/, '.'), listed),
        ]
      }),
    }
  return {
    header: parsed.data,
    body: lines.slice(end + 1).join('\n'),
    bodyLine: end + 2,
    lineOf,
  }
}

/** Whole numbers as numbers; those that do not fit into one as `0x` text, which is what traces have. */
function withPlainNumbers(value: unknown): unknown {
  if (typeof value === 'bigint')
    return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
      ? Number(value)
      : `0x${BigInt.asUintN(64, value).toString(16).toUpperCase()}`
  if (Array.isArray(value)) return value.map(withPlainNumbers)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, withPlainNumbers(item)]),
    )
  return value
}

const isSecondMark = (line: string, i: number): boolean => i > 0 && line.trimEnd() === '---'

/** `checks[2].event`: positions counted from 0, as everywhere in YAML tools. */
function nameOf(path: readonly PropertyKey[]): string {
  const name = path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '')
  return name === '' ? 'The front matter' : name
}

/** Line of a value in the YAML text, or of the nearest thing around it that is there. */
function lineIn(document: Document, counter: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && node.range) return counter.linePos(node.range[0]).line
  }
  return 1
}
