/**
 * One lesson from the texts of its folder. Pure: whoever has the texts, from a disk or an archive,
 * gets a lesson or everything that is wrong with it.
 */
import type { ProjectFiles } from '../../shared/contract/model'
import { filesNamedBy } from '../../shared/lessons/check'
import { LessonHeader, LessonSlug, type Lesson } from '../../shared/lessons/lesson'
import { readFrontMatter, type TextProblem } from '../yaml-text/front-matter'
import { readSections } from './sections'

export const LESSON_FILE = 'lesson.md'
const SOLUTION = 'solution/'

/**
 * @param slug   name of the folder
 * @param files  its texts by their paths inside it, those of `solution/` too
 */
export function readLesson(
  slug: string,
  files: ProjectFiles,
): { lesson: Lesson } | { problems: TextProblem[] } {
  const source = files[LESSON_FILE]
  if (source === undefined)
    return only(1, `The folder has no ${LESSON_FILE}.`, 'docs/lessons.md says how to write one.')
  if (!LessonSlug.safeParse(slug).success)
    return only(
      1,
      `'${slug}' is no name for the folder of a lesson.`,
      'It is the number of the lesson and words: 07-like-this.',
    )
  const read = readFrontMatter(LESSON_FILE, source, LessonHeader, 'lessons.md')
  if ('problems' in read) return read
  const { header, lineOf } = read
  const { sections, problems } = readSections(LESSON_FILE, read.body, read.bodyLine)
  const { start, solution } = split(files)
  const wrong = (path: PropertyKey[], message: string, hint: string): void =>
    void problems.push({ file: LESSON_FILE, line: lineOf(path), message, hint })

  for (const [i, name] of header.files.entries())
    if (!Object.hasOwn(start, name))
      wrong(['files', i], `The folder has no ${name}.`, 'files names files of the start.')
  for (const [i, check] of header.checks.entries()) {
    const { edited, read: runs } = filesNamedBy(check)
    for (const name of edited)
      if (!header.files.includes(name))
        wrong(['checks', i], `Students cannot edit ${name}.`, `Name ${name} in files.`)
    for (const name of runs)
      if (!Object.hasOwn(start, name))
        wrong(
          ['checks', i],
          `The folder has no ${name}.`,
          'raises and quiet name scenarios of the folder.',
        )
  }
  if (Object.keys(solution).length === 0)
    wrong(['files'], 'The lesson has no solution.', 'Put the solved files into solution/.')
  for (const name of Object.keys(solution))
    if (!header.files.includes(name))
      wrong(
        ['files'],
        `solution/${name} solves a file that students cannot edit.`,
        `Name ${name} in files, or take it out of solution/.`,
      )
  if (problems.length > 0) return { problems }
  const { order = Number(/^\d+/.exec(slug)![0]), ...rest } = header
  return { lesson: { ...rest, slug, order, sections, start, solution } }
}

function split(files: ProjectFiles): { start: ProjectFiles; solution: ProjectFiles } {
  const start: ProjectFiles = {}
  const solution: ProjectFiles = {}
  for (const [path, text] of Object.entries(files))
    if (path.startsWith(SOLUTION)) solution[path.slice(SOLUTION.length)] = text
    else if (path !== LESSON_FILE) start[path] = text
  return { start, solution }
}

const only = (line: number, message: string, hint: string): { problems: TextProblem[] } => ({
  problems: [{ file: LESSON_FILE, line, message, hint }],
})
