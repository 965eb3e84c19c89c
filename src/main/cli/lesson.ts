/** `ring0 lesson check`: what keeps a folder from being a lesson, with file, line and remedy. */
import { basename, resolve } from 'node:path'
import { existsSync } from 'node:fs'
import type { TextProblem } from '../yaml-text/front-matter'
import { isLessonFolder, readLessonFolder, readLibrary } from '../lessons/library'
import { validateLesson } from '../lessons/validate'
import type { LessonArguments } from './arguments'
import { whereTyped } from './where-typed'

interface Checked {
  slug: string
  problems: TextProblem[]
  /** Points of the start and of the solution, of how many; null when they were not run. */
  start: { points: number; of: number; outcome: string } | null
  solution: { points: number; of: number; outcome: string } | null
}

export async function checkLessons(options: LessonArguments): Promise<number> {
  const folder = resolve(whereTyped(options.folder))
  const write = (text: string): void => void process.stdout.write(text)
  if (!existsSync(folder)) {
    process.stderr.write(`ring0: there is no folder ${folder}\n`)
    return 1
  }
  const { lessons, problems } = readFrom(folder)
  const checked: Checked[] = []
  for (const lesson of lessons) {
    const { problems: found, start, solution } = await validateLesson(lesson)
    checked.push({ slug: lesson.slug, problems: found, start, solution })
    if (options.json) continue
    printProblems(found, write, `${lesson.slug}/`)
    if (found.length === 0)
      write(
        `${lesson.slug}  ok: ${start!.points} of ${start!.of} points at the start (${start!.outcome})\n`,
      )
  }
  const isEmpty = lessons.length === 0 && problems.length === 0
  if (options.json) {
    const lean = checked.map((each) => ({
      ...each,
      start: pointsOf(each.start),
      solution: pointsOf(each.solution),
    }))
    write(JSON.stringify({ schema: 'ring0-lessons/1', problems, lessons: lean }, null, 2) + '\n')
  } else {
    printProblems(problems, write)
    if (isEmpty) write(`${folder} holds no lesson: a folder with lesson.md\n`)
  }
  const isGood = problems.length === 0 && checked.every((each) => each.problems.length === 0)
  return isGood && !isEmpty ? 0 : 1
}

/** Problems as compilers write them, so that editors lead to the line. */
export function printProblems(
  problems: readonly TextProblem[],
  write: (text: string) => void,
  before = '',
): void {
  for (const { file, line, message, hint } of problems)
    write(`${before}${file}:${line} ${message}\n  ${hint}\n`)
}

function readFrom(folder: string): ReturnType<typeof readLibrary> {
  if (!isLessonFolder(folder)) return readLibrary([folder])
  const read = readLessonFolder(folder)
  if ('lesson' in read) return { lessons: [read.lesson], problems: [] }
  const slug = basename(folder)
  return {
    lessons: [],
    problems: read.problems.map((each) => ({ ...each, file: `${slug}/${each.file}` })),
  }
}

const pointsOf = (report: Checked['start']): Checked['start'] =>
  report && { points: report.points, of: report.of, outcome: report.outcome }
