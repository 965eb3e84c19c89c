/** `ring0 check` with a lesson: what a hand-in is worth, in words or as a document. */
import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import type { ProjectFiles } from '../../shared/contract/model'
import type { GradeReport } from '../../shared/lessons/grade'
import { LessonSlug, type Lesson } from '../../shared/lessons/lesson'
import { grade } from '../lessons/grade'
import { isLessonFolder, readLessonFolder } from '../lessons/library'
import { printProblems } from './lesson'
import { printDiagnostic } from './report'
import { whereTyped } from './where-typed'

/** `handin.json` beside a student's files. */
const HandIn = z.object({ lesson: LessonSlug })
const HAND_IN = 'handin.json'
/** Graded, and not everything holds. */
const NOT_ALL = 6

/** The lesson that a folder is for: what was typed, else what `handin.json` says; null for none. */
export function lessonAskedFor(typed: string | null, files: ProjectFiles): string | null {
  return typed ?? (Object.hasOwn(files, HAND_IN) ? '' : null)
}

/**
 * Grade a hand-in and print the result.
 * @param asked  name or folder of the lesson; empty for what `handin.json` says
 */
export async function gradeFolder(
  asked: string,
  files: ProjectFiles,
  json: boolean,
): Promise<number> {
  const found = lessonOf(asked, files)
  if ('problem' in found) {
    process.stderr.write(`ring0: ${found.problem}\n`)
    return 1
  }
  // What is not handed in is as it was at the start, and some checks hold there already.
  const missing = found.lesson.files.filter((name) => !Object.hasOwn(files, name))
  if (missing.length > 0) {
    const isEmpty = missing.length === found.lesson.files.length
    const then = isEmpty ? '' : '; graded with what the lesson starts with'
    process.stderr.write(`ring0: the hand-in has no ${missing.join(' and no ')}${then}\n`)
    if (isEmpty) return 1
  }
  const report = await grade(found.lesson, files)
  if (json) process.stdout.write(JSON.stringify(report, null, 2) + '\n')
  else printGrade(report, (text) => process.stdout.write(text))
  if (report.passed) return 0
  return report.outcome === 'compile-error' ? 1 : NOT_ALL
}

function lessonOf(asked: string, files: ProjectFiles): { lesson: Lesson } | { problem: string } {
  let name = asked
  if (name === '') {
    try {
      name = HandIn.parse(JSON.parse(files[HAND_IN] ?? '')).lesson
    } catch {
      return { problem: `${HAND_IN} names no lesson: { "lesson": "07-like-this" }` }
    }
  }
  const folder = placesOf(name).find(isLessonFolder)
  if (folder === undefined) return { problem: `there is no lesson ${name}` }
  const read = readLessonFolder(folder)
  if ('lesson' in read) return read
  printProblems(read.problems, (text) => process.stderr.write(text))
  return { problem: `${name} is no lesson` }
}

/** A folder as it was typed; else one of those that ship, here or beside the program. */
function placesOf(name: string): string[] {
  const shipped = join('samples', 'lessons', name)
  const program = dirname(process.argv[1] ?? '.')
  const places = [whereTyped(name), shipped, resolve(program, '..', '..', shipped)]
  return places.filter((place) => existsSync(place))
}

function printGrade(report: GradeReport, write: (text: string) => void): void {
  write(`${report.lesson}  ${report.title}\n\n`)
  for (const item of report.diagnostics) printDiagnostic(item, write)
  for (const { says, holds, because, hint, points, seq } of report.checks) {
    const worth = `${holds ? points : 0}/${points}`
    write(`${holds ? 'holds' : 'NOT  '}  ${worth.padStart(5)}  ${says}\n`)
    write(`              ${because}${seq === null ? '' : ` (event ${seq})`}\n`)
    if (!holds) write(`              Try: ${hint}\n`)
  }
  write(`\nThe run: ${report.outcome}, ${report.summary}\n`)
  write(`${report.passed ? 'Passed' : 'Not passed'}: ${report.points} of ${report.of} points\n`)
}
