/** Reads a driver folder from disk. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import type { ProjectFiles } from '../../shared/contract/model'
import { whereTyped } from './where-typed'

const FILE_BYTES_MAX = 1_000_000
const FILES_MAX = 200

/** The folder's text files by their path inside it, or why it cannot be read. */
export function readFolder(named: string): { files: ProjectFiles } | { problem: string } {
  const folder = whereTyped(named)
  try {
    if (!statSync(folder).isDirectory()) return { problem: `${folder} is no folder` }
    const files: ProjectFiles = {}
    const problem = collect(folder, folder, files)
    return problem ? { problem } : { files }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT') return { problem: `there is no folder ${folder}` }
    return {
      problem: `${folder} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
}

function collect(root: string, folder: string, files: ProjectFiles): string | null {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      const problem = collect(root, path, files)
      if (problem) return problem
      continue
    }
    if (!entry.isFile() || !/\.(ts|json|md)$/.test(entry.name)) continue
    if (statSync(path).size > FILE_BYTES_MAX)
      return `${path} is larger than ${FILE_BYTES_MAX} bytes`
    files[relative(root, path).split(sep).join('/')] = readFileSync(path, 'utf8')
    if (Object.keys(files).length > FILES_MAX) return `${root} holds more than ${FILES_MAX} files`
  }
  return null
}
