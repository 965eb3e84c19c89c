// One hash over the contents of files and folders: tells whether something made from them is stale.

import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { inProject } from './paths.mjs'

function* filesUnder(path) {
  const stat = statSync(inProject(path), { throwIfNoEntry: false })
  if (!stat) return
  if (stat.isFile()) {
    yield path
    return
  }
  for (const entry of readdirSync(inProject(path), { withFileTypes: true })) {
    const inside = `${path}/${entry.name}`
    if (entry.isDirectory()) yield* filesUnder(inside)
    else if (entry.isFile()) yield inside
  }
}

/**
 * @param {string[]} paths files and folders of the project; absent ones count as absent
 * @param {{ ignore?: RegExp, extra?: string }} [options] ignore is matched against project paths
 * @returns {string} hex digest
 */
export function fingerprint(paths, { ignore, extra = '' } = {}) {
  const hash = createHash('sha256').update(extra)
  const files = paths.flatMap((path) => [...filesUnder(path)]).filter((path) => !ignore?.test(path))
  for (const file of files.sort()) {
    hash.update(`\0${file}\0`)
    try {
      hash.update(readFileSync(inProject(file)))
    } catch (error) {
      // Deleted since it was listed, as an editor does while saving.
      if (error.code !== 'ENOENT') throw error
    }
  }
  return hash.digest('hex')
}
