/** Defences for people: what each does, sees and misses; those that are drivers have a text on disk. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { DefenceSummary } from '../../shared/contract/techniques'
import { DEFENCES, DEFENCE_FACTS, type DefenceName } from '../../shared/defences'
import { readFrontMatter } from '../yaml-text/front-matter'

const FILE = 'defence.md'

const Sentences = z.string().min(20).max(800)
/** Front matter of `defence.md`. */
const DefenceHeader = z.strictObject({
  title: z.string().min(2).max(40),
  /** What it does, in one sentence. */
  summary: Sentences,
  sees: Sentences,
  misses: Sentences,
})

/**
 * Every defence in the order in which they are shown.
 * @param folder  where a defence that is a driver has a folder of its name with a `defence.md`
 * @throws Error that names file and line when one of them cannot be read
 */
export function defenceSummaries(folder: string): DefenceSummary[] {
  return DEFENCES.map((name) => {
    const facts = DEFENCE_FACTS[name]
    if (!facts) return readDefence(folder, name)
    const { title, about, sees, misses } = facts
    return { name, title, about, sees, misses, text: '' }
  })
}

function readDefence(folder: string, name: DefenceName): DefenceSummary {
  const file = join(folder, name, FILE)
  const source = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const read = readFrontMatter(file, source, DefenceHeader, 'techniques.md')
  if ('problems' in read) {
    const [first] = read.problems
    throw new Error(`${file}:${first?.line ?? 1} ${first?.message ?? ''} ${first?.hint ?? ''}`)
  }
  const { title, summary, sees, misses } = read.header
  return { name, title, about: summary, sees, misses, text: read.body.trim() }
}
