/** The text of a lesson: its sections, and what cannot be shown of it. */
import { SECTIONS, type LessonSection } from '../../shared/lessons/lesson'
import type { TextProblem } from '../yaml-text/front-matter'

const ORDER = SECTIONS.map((names) => names.join(' or ')).join(', ')
const IN_ORDER = `The sections are, in this order: ${ORDER}.`

/**
 * Split a body at its `##` headings.
 * @param firstLine  line of the file at which the body begins
 */
export function readSections(
  file: string,
  body: string,
  firstLine: number,
): { sections: LessonSection[]; problems: TextProblem[] } {
  const found: { title: string; lines: string[] }[] = []
  const problems: TextProblem[] = []
  const lines = body.split('\n')
  const problem = (at: number, message: string, hint: string): void =>
    void problems.push({ file, line: firstLine + at, message, hint })
  /** The mark that opened a block of code; nothing in one is a heading. */
  let fence: string | null = null
  for (const [at, line] of lines.entries()) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    const title = fence === null ? headingOf(line) : undefined
    if (fence === null && mark === undefined) lookAt(line, (...what) => problem(at, ...what))
    if (title !== undefined) {
      const expected = SECTIONS[found.length]
      if (!expected) problem(at, `There is no section '${title}' after the last one.`, IN_ORDER)
      else if (!expected.some((name) => name === title))
        problem(at, `Here the section ${expected.join(' or ')} is expected.`, IN_ORDER)
      found.push({ title, lines: [] })
    } else if (found.length > 0) found.at(-1)!.lines.push(line)
    else if (line.trim() !== '')
      problem(at, 'There is text in front of the first section.', 'Begin with ## What it is.')
    if (mark !== undefined)
      if (fence === null) fence = mark
      else if (mark.startsWith(fence)) fence = null
  }
  const missing = SECTIONS[found.length]
  if (missing && problems.length === 0)
    problem(lines.length - 1, `The section ${missing.join(' or ')} is missing.`, IN_ORDER)
  return {
    sections: found.map((section) => ({
      title: section.title,
      text: section.lines.join('\n').trim(),
    })),
    problems,
  }
}

/** What Markdown allows and Learn does not show. */
function lookAt(line: string, problem: (message: string, hint: string) => void): void {
  if (/^#\s/.test(line))
    problem('The title is in the front matter.', 'Take this heading out, or make it a ### one.')
  else if (hasTag(line.replace(/`[^`]*`/g, '')))
    problem('HTML is not read.', 'Write Markdown; what is meant as text goes into backticks.')
}

/** The text of a `##` heading, without the marks that may close it; undefined for another line. */
function headingOf(line: string): string | undefined {
  if (!line.startsWith('##') || !/\s/.test(line.charAt(2))) return undefined
  const text = line.slice(3).trim()
  let end = text.length
  while (text[end - 1] === '#') end -= 1
  return text.slice(0, end).trimEnd()
}

/** Whether `<b>` or `</b>` is in a line: a mark that a later `>` closes. */
function hasTag(line: string): boolean {
  const close = line.lastIndexOf('>')
  return close > 0 && /<\/?[a-z]/i.test(line.slice(0, close))
}
