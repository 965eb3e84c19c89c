/**
 * From files and folders to the regular files in them: recursive, sorted, each folder once however
 * many links lead to it. Devices, pipes and sockets are never opened.
 */
import type { Dirent } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { IntakeFailure } from '../../shared/contract/files'
import { FOLDER_DEPTH_MAX, WALK_ENTRIES_MAX } from './limits'
import { systemReason } from './reasons'

export interface FoundFile {
  path: string
  /** From what was given on, with forward slashes: `set/a/b.sys`. */
  name: string
  size: number
  /** It was given itself, not found in a folder. */
  isGiven: boolean
}

export type Walked = { file: FoundFile } | { failure: IntakeFailure }

export interface WalkLimits {
  depthMax?: number
  entriesMax?: number
}

/**
 * @param paths files and folders, absolute
 * @returns each file, or why something could not be looked at, in the order of names
 */
export async function* walk(paths: string[], limits: WalkLimits = {}): AsyncGenerator<Walked> {
  const { depthMax = FOLDER_DEPTH_MAX, entriesMax = WALK_ENTRIES_MAX } = limits
  const seen = new Set<string>()
  let entries = 0

  async function* visit(path: string, name: string, depth: number): AsyncGenerator<Walked> {
    if (entries++ >= entriesMax) return
    let info: Awaited<ReturnType<typeof stat>>
    try {
      info = await stat(path)
    } catch (error) {
      yield { failure: { name, offset: null, reason: systemReason(error) } }
      return
    }
    if (info.isDirectory()) yield* inside(path, name, depth)
    else if (info.isFile())
      yield { file: { path, name, size: Number(info.size), isGiven: depth === 0 } }
    else if (depth === 0)
      yield {
        failure: { name, offset: null, reason: 'This is no regular file, so it was not opened.' },
      }
  }

  async function* inside(path: string, name: string, depth: number): AsyncGenerator<Walked> {
    let children: Dirent[]
    try {
      const real = await realpath(path)
      if (seen.has(real)) return
      seen.add(real)
      children = await readdir(path, { withFileTypes: true })
    } catch (error) {
      yield { failure: { name, offset: null, reason: systemReason(error) } }
      return
    }
    if (depth >= depthMax) {
      const reason = `Folders deeper than ${depthMax} levels are not looked at. Give this folder itself.`
      yield { failure: { name, offset: null, reason } }
      return
    }
    children.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    for (const child of children)
      if (child.isFile() || child.isDirectory() || child.isSymbolicLink())
        yield* visit(join(path, child.name), `${name}/${child.name}`, depth + 1)
  }

  for (const path of [...new Set(paths)].sort()) yield* visit(path, basename(path) || path, 0)
  if (entries > entriesMax) {
    const reason = `More than ${entriesMax.toLocaleString('en')} files and folders were given; the rest was not looked at. Import it in parts.`
    yield { failure: { name: basename(paths[0] ?? ''), offset: null, reason } }
  }
}
