/** Front matter: the YAML between two lines of dashes, with the line of every mistake in it. */
import type { z } from 'zod'
import { parseYaml, readYaml, type Mistake } from './read'

/** What is wrong with a text, where, and what to do. Lines start at 1. */
export interface TextProblem {
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
): FrontMatter<z.output<S>> | { problems: TextProblem[] } {
  const text = source.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n')
  const lines = text.split('\n')
  const end = lines[0]?.trimEnd() === '---' ? lines.findIndex(isSecondMark) : -1
  if (end < 0) {
    const hint =
      'The file begins with a line of three dashes, fields as YAML, and another such line.'
    return { problems: [{ file, line: 1, message: 'There is no front matter.', hint }] }
  }
  // The YAML begins in the second line.
  const told = (mistakes: readonly Mistake[]): { problems: TextProblem[] } => ({
    problems: mistakes.map(({ line, message, hint }) => ({ file, line: line + 1, message, hint })),
  })
  const [read = EMPTY, another] = readYaml(lines.slice(1, end).join('\n'))
  if ('mistakes' in read) return told(read.mistakes)
  if (another) {
    const hint = 'Take the line of three dots out.'
    return told([{ line: 1, column: 1, message: 'This is more than one YAML document.', hint }])
  }
  const words = { root: 'The front matter', hint: `docs/${page} lists the fields.` }
  const parsed = parseYaml(read, schema, words)
  if ('mistakes' in parsed) return told(parsed.mistakes)
  return {
    header: parsed.data,
    body: lines.slice(end + 1).join('\n'),
    bodyLine: end + 2,
    lineOf: (path) => read.placeOf(path).line + 1,
  }
}

const EMPTY = { value: null, source: '', placeOf: () => ({ line: 1, column: 1 }) }

const isSecondMark = (line: string, i: number): boolean => i > 0 && line.trimEnd() === '---'
