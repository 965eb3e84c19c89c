/** Lessons on disk: a folder of folders, and single ones that a teacher keeps elsewhere. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative, resolve, sep } from 'node:path'
import { FILES_MAX, type ProjectFiles } from '../../shared/contract/model'
import type { Lesson } from '../../shared/lessons/lesson'
import type { TextProblem } from '../yaml-text/front-matter'
import { MISTAKES_MAX } from '../yaml-text/read'
import { LESSON_FILE, readLesson } from './read'

/** Larger files are no text that anyone edits. */
const FILE_BYTES_MAX = 200_000
/** Folders that are read. */
const LESSONS_MAX = 500

export interface Library {
  /** In the order in which they are taught. */
  lessons: Lesson[]
  /** What keeps other folders from being lessons; `file` begins with the folder's name. */
  problems: TextProblem[]
}

/** Whether a folder is a lesson itself, rather than a folder of lessons. */
export const isLessonFolder = (folder: string): boolean => existsSync(join(folder, LESSON_FILE))

/**
 * Every lesson of these folders. A folder that is not there has none; a slug that comes again is
 * told and left out, so what ships cannot be replaced by what is added.
 */
export function readLibrary(folders: readonly string[]): Library {
  const lessons = new Map<string, Lesson>()
  const problems: TextProblem[] = []
  const found: string[] = []
  for (const folder of folders)
    try {
      found.push(...lessonFoldersIn(folder))
    } catch (error) {
      problems.push(unreadable(basename(folder), error))
    }
  for (const folder of found.slice(0, LESSONS_MAX)) {
    const slug = basename(folder)
    const read = readLessonFolder(folder)
    if ('problems' in read) {
      const told = read.problems.slice(0, MISTAKES_MAX)
      problems.push(...told.map((each) => ({ ...each, file: `${slug}/${each.file}` })))
    } else if (lessons.has(slug))
      problems.push({
        file: `${slug}/${LESSON_FILE}`,
        line: 1,
        message: `There is another lesson ${slug}.`,
        hint: 'Give the folder another name.',
      })
    else lessons.set(slug, read.lesson)
  }
  const left = found.slice(LESSONS_MAX)[0]
  if (left !== undefined)
    problems.push({
      file: basename(left),
      line: 1,
      message: `There are more than ${LESSONS_MAX} lessons.`,
      hint: 'This one and those after it were left out. Choose another folder.',
    })
  const inOrder = [...lessons.values()].sort(
    (a, b) => a.order - b.order || (a.slug < b.slug ? -1 : 1),
  )
  return { lessons: inOrder, problems }
}

/** One lesson of a folder, or why there is none. */
export function readLessonFolder(folder: string): { lesson: Lesson } | { problems: TextProblem[] } {
  const root = resolve(folder)
  const files: ProjectFiles = {}
  try {
    const problem = collect(root, root, files)
    if (problem) return { problems: [problem] }
  } catch (error) {
    return { problems: [unreadable(LESSON_FILE, error)] }
  }
  return readLesson(basename(root), files)
}

/** What follows a lesson: the one it names, or the next in order; null after the last. */
export function lessonAfter(lesson: Lesson, lessons: readonly Lesson[]): string | null {
  if (lesson.next !== undefined && lessons.some(({ slug }) => slug === lesson.next))
    return lesson.next
  return lessons[lessons.findIndex(({ slug }) => slug === lesson.slug) + 1]?.slug ?? null
}

function lessonFoldersIn(folder: string): string[] {
  if (isLessonFolder(folder)) return [folder]
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => join(folder, name))
    .filter(isLessonFolder)
    .sort()
}

function collect(root: string, folder: string, files: ProjectFiles): TextProblem | null {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    const name = relative(root, path).split(sep).join('/')
    if (entry.isDirectory()) {
      const problem = collect(root, path, files)
      if (problem) return problem
      continue
    }
    if (!entry.isFile() || !/\.(ts|json|md|ya?ml)$/.test(name)) continue
    if (statSync(path).size > FILE_BYTES_MAX)
      return tooMuch(name, `The file is larger than ${FILE_BYTES_MAX} bytes.`)
    files[name] = readFileSync(path, 'utf8')
    if (Object.keys(files).length > FILES_MAX)
      return tooMuch(LESSON_FILE, `The folder holds more than ${FILES_MAX} files.`)
  }
  return null
}

const unreadable = (file: string, error: unknown): TextProblem => ({
  file,
  line: 1,
  message: error instanceof Error ? error.message : String(error),
  hint: 'Check that the folder is there and may be read.',
})

const tooMuch = (file: string, message: string): TextProblem => ({
  file,
  line: 1,
  message,
  hint: 'A lesson is a few short texts.',
})
