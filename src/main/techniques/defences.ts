/** Defences for people: what each does, sees and misses; those that are drivers have a text on disk. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DefenceSummary } from '../../shared/contract/techniques'
import { DEFENCES, DEFENCE_FACTS } from '../../shared/defences'

const FILE = 'defence.md'

/**
 * Every defence in the order in which they are shown.
 * @param folder  where a defence that is a driver has a folder of its name with a `defence.md`
 */
export function defenceSummaries(folder: string): DefenceSummary[] {
  return DEFENCES.map((name) => {
    const { title, about, sees, misses } = DEFENCE_FACTS[name]
    const file = join(folder, name, FILE)
    const text = existsSync(file) ? bodyOf(readFileSync(file, 'utf8')) : ''
    return { name, title, about, sees, misses, text }
  })
}

/** The Markdown below the front matter. */
const bodyOf = (source: string): string => source.replace(/^---\n[\s\S]*?\n---\n/, '').trim()
