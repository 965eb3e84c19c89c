/** Reads a driver folder from disk. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { FILES_MAX, type ProjectFiles, type RunRequest } from '../../shared/contract/model'
import type { ExploreArguments, RunArguments, VerifyArguments } from './arguments'
import { whereTyped } from './where-typed'

const FILE_BYTES_MAX = 1_000_000

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

/**
 * The run that was asked for: the folder's files and what the options change.
 * @returns a request with seed 1 and a full trace, or why there is none
 */
export function readRequest(
  options: RunArguments | ExploreArguments | VerifyArguments,
): { request: RunRequest } | { problem: string } {
  const folder = readFolder(options.folder)
  if ('problem' in folder) return folder
  const { files } = folder
  const { driver, processors, scenario, verifier } = options
  if (scenario !== null) {
    try {
      files['scenario.json'] = files[scenario] ?? readFileSync(whereTyped(scenario), 'utf8')
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { problem: `the scenario ${scenario} cannot be read: ${why}` }
    }
  }
  const request: RunRequest = {
    files,
    ...(driver === null ? {} : { driver }),
    ...(processors === null ? {} : { processors }),
    seed: options.command === 'explore' ? 1 : options.seed,
    verifier,
    // The report's first causes come from the trace, so it is always on; only a file keeps it.
    trace: 'full',
    ...(options.command === 'run' && options.defences.length > 0
      ? { defences: options.defences }
      : {}),
  }
  return { request }
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
    if (!entry.isFile() || !/\.(ts|json|md|inf|ya?ml)$/.test(entry.name)) continue
    if (statSync(path).size > FILE_BYTES_MAX)
      return `${path} is larger than ${FILE_BYTES_MAX} bytes`
    files[relative(root, path).split(sep).join('/')] = readFileSync(path, 'utf8')
    if (Object.keys(files).length > FILES_MAX) return `${root} holds more than ${FILES_MAX} files`
  }
  return null
}
