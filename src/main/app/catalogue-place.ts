/** Where the catalogue lies, and what is done when it cannot be opened there. */
import { existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import type { Result } from '../../shared/errors'
import type { Catalogue } from '../catalogue/catalogue'
import type { LocalSettingsFile } from './local-settings'
import type { ProblemAnswer } from './problem-window'
import type { AppError } from '../../shared/errors'

export const CATALOGUE_FILE = 'catalogue.sqlite'

export interface PlaceOptions {
  /** Folder used unless the user chose another. */
  userData: string
  settings: LocalSettingsFile
  open(file: string): Result<Catalogue>
  ask(error: AppError, file: string): Promise<ProblemAnswer>
  now(): Date
}

/** Open the catalogue, asking until it opens; null when the user would rather quit. */
export async function findCatalogue(
  options: PlaceOptions,
): Promise<{ catalogue: Catalogue; file: string } | null> {
  for (;;) {
    const folder = options.settings.current.catalogueFolder ?? options.userData
    const file = join(folder, CATALOGUE_FILE)
    const opened = options.open(file)
    if (opened.ok) return { catalogue: opened.value, file }
    const answer = await options.ask(opened.error, file)
    if (answer.do === 'quit') return null
    if (answer.do === 'folder') options.settings.change({ catalogueFolder: answer.folder })
    if (answer.do === 'aside') putAside(file, options.now())
  }
}

/**
 * Rename the file and its log out of the way, under a name that is not taken.
 * @returns the new name of the main file
 */
export function putAside(file: string, now: Date): string {
  const day = now.toISOString().slice(0, 10)
  const base = file.replace(/\.sqlite$/, '')
  let goal = `${base}.damaged-${day}.sqlite`
  for (let number = 2; existsSync(goal); number++) goal = `${base}.damaged-${day}-${number}.sqlite`
  // The log first: should the second rename fail, the old name is still the old database.
  for (const ending of ['-wal', '-shm', ''])
    if (existsSync(file + ending)) renameSync(file + ending, goal + ending)
  return goal
}
