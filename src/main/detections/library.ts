/** Rules on disk: a folder of YAML files, or one file. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, join, relative, sep } from 'node:path'
import { readRules, type ReadRules } from './read'

const FILES_MAX = 2000
const FILE_BYTES_MAX = 1_000_000

/**
 * Every rule of a folder, by the names of the files, folders in it included. An id that comes again is
 * a problem, and the first one stays.
 */
export function readRuleFolder(path: string): ReadRules {
  const found: ReadRules = { rules: [], problems: [] }
  const problem = (file: string, message: string, hint: string): void =>
    void found.problems.push({ file, line: 1, column: 1, message, hint })
  if (!existsSync(path)) {
    problem(path, 'There is no such file or folder.', 'Name a folder of .yaml files.')
    return found
  }
  const isFolder = statSync(path).isDirectory()
  const files = isFolder ? yamlFilesIn(path) : [path]
  if (files.length > FILES_MAX)
    problem(path, `There are more than ${FILES_MAX} files.`, 'Keep rules in fewer files.')
  const owners = new Map<string, string>()
  for (const file of files.slice(0, FILES_MAX)) {
    const name = isFolder ? relative(path, file).split(sep).join('/') : basename(file)
    if (statSync(file).size > FILE_BYTES_MAX) {
      problem(name, 'The file is too large.', `At most ${FILE_BYTES_MAX} bytes; make it several.`)
      continue
    }
    const read = readRules(name, readFileSync(file, 'utf8'))
    found.problems.push(...read.problems)
    for (const each of read.rules) {
      const { id } = each.rule
      const owner = owners.get(id)
      if (owner !== undefined) {
        problem(name, `There is another rule ${id}, in ${owner}.`, 'Give this one another id.')
        continue
      }
      owners.set(id, name)
      found.rules.push(each)
    }
  }
  return found
}

function yamlFilesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.ya?ml$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}
