/** Techniques on disk: a folder of folders, each with a `technique.md`. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { FILES_MAX, type ProjectFiles } from '../../shared/contract/model'
import {
  GROUPS,
  TechniqueHeader,
  TechniqueSlug,
  type Technique,
} from '../../shared/techniques/technique'
import { readFrontMatter, type TextProblem } from '../yaml-text/front-matter'

const FILE = 'technique.md'
/** Every technique is a driver and its honest counterpart. */
const NEEDED = ['driver.ts', 'twin.ts', 'scenario.json'] as const
const FILE_BYTES_MAX = 200_000

export interface TechniqueLibrary {
  /** By group and order. */
  techniques: Technique[]
  /** What keeps other folders from being techniques; `file` begins with the folder's name. */
  problems: TextProblem[]
}

/** Every technique of a folder; none when it is not there. */
export function readTechniques(folder: string): TechniqueLibrary {
  const techniques: Technique[] = []
  const problems: TextProblem[] = []
  for (const slug of existsSync(folder) ? readdirSync(folder).sort() : []) {
    const path = join(folder, slug)
    // A link that leads nowhere is no folder.
    if (slug.startsWith('.') || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) continue
    const { files, problems: unread } = filesOf(path)
    const read = unread.length > 0 ? { problems: unread } : readTechnique(slug, files)
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
): { technique: Technique } | { problems: TextProblem[] } {
  const only = (message: string, hint: string): { problems: TextProblem[] } => ({
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
  const read = readFrontMatter(FILE, source, TechniqueHeader, 'techniques.md')
  if ('problems' in read) return read
  return { technique: { ...read.header, slug, text: read.body.trim(), files: rest } }
}

/** The texts of a folder, and which of them could not be taken. */
function filesOf(folder: string): { files: ProjectFiles; problems: TextProblem[] } {
  const files: ProjectFiles = {}
  const problems: TextProblem[] = []
  const problem = (file: string, message: string, hint: string): void =>
    void problems.push({ file, line: 1, message, hint })
  const names = readdirSync(folder).filter((name) => /\.(ts|json|md)$/.test(name))
  if (names.length > FILES_MAX)
    problem(FILE, `The folder has more than ${FILES_MAX} files.`, 'Take some out.')
  for (const name of names.slice(0, FILES_MAX)) {
    const path = join(folder, name)
    const facts = statSync(path, { throwIfNoEntry: false })
    if (!facts?.isFile()) problem(name, 'This is no file.', 'Take it out, or mend the link.')
    else if (facts.size > FILE_BYTES_MAX)
      problem(name, 'The file is too large.', `At most ${FILE_BYTES_MAX} bytes.`)
    else files[name] = readFileSync(path, 'utf8')
  }
  return { files, problems }
}

const inOrder = (a: Technique, b: Technique): number =>
  GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group) || a.order - b.order
