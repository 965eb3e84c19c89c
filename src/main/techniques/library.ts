/** Techniques on disk: a folder of folders, each with a `technique.md`. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FILES_MAX, type ProjectFiles } from '../../shared/contract/model'
import { TechniqueHeader, TechniqueSlug, type Technique } from '../../shared/techniques/technique'
import { readFrontMatter, type LessonProblem } from '../lessons/front-matter'

const FILE = 'technique.md'
/** Every technique is a driver and its honest counterpart. */
const NEEDED = ['driver.ts', 'twin.ts', 'scenario.json'] as const
const FILE_BYTES_MAX = 200_000

export interface TechniqueLibrary {
  /** By group and order. */
  techniques: Technique[]
  /** What keeps other folders from being techniques; `file` begins with the folder's name. */
  problems: LessonProblem[]
}

/** Every technique of a folder; none when it is not there. */
export function readTechniques(folder: string): TechniqueLibrary {
  const techniques: Technique[] = []
  const problems: LessonProblem[] = []
  for (const slug of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const path = join(folder, slug)
    if (slug.startsWith('.') || !statSync(path).isDirectory()) continue
    const read = readTechnique(slug, filesOf(path))
    if ('technique' in read) techniques.push(read.technique)
    else problems.push(...read.problems.map((each) => ({ ...each, file: `${slug}/${each.file}` })))
  }
  return { techniques: techniques.sort(inOrder), problems }
}

/**
 * One technique from the texts of its folder.
 * @param slug   name of the folder
 * @param files  its texts by name
 */
export function readTechnique(
  slug: string,
  files: ProjectFiles,
): { technique: Technique } | { problems: LessonProblem[] } {
  const only = (message: string, hint: string): { problems: LessonProblem[] } => ({
    problems: [{ file: FILE, line: 1, message, hint }],
  })
  const { [FILE]: source, ...rest } = files
  if (source === undefined)
    return only(`The folder has no ${FILE}.`, 'docs/techniques.md says how to write one.')
  if (!TechniqueSlug.safeParse(slug).success)
    return only(`'${slug}' is no name for a technique.`, 'Small letters, digits and dashes.')
  const missing = NEEDED.find((name) => !Object.hasOwn(rest, name))
  if (missing !== undefined)
    return only(`The folder has no ${missing}.`, `A technique has ${NEEDED.join(', ')}.`)
  const read = readFrontMatter(FILE, source, TechniqueHeader)
  if ('problems' in read) return read
  return { technique: { ...read.header, slug, text: read.body.trim(), files: rest } }
}

function filesOf(folder: string): ProjectFiles {
  const files: ProjectFiles = {}
  const names = readdirSync(folder).filter((name) => /\.(ts|json|md)$/.test(name))
  for (const name of names.slice(0, FILES_MAX))
    if (statSync(join(folder, name)).size <= FILE_BYTES_MAX)
      files[name] = readFileSync(join(folder, name), 'utf8')
  return files
}

const inOrder = (a: Technique, b: Technique): number =>
  (a.group < b.group ? -1 : a.group > b.group ? 1 : 0) || a.order - b.order
