/** Tags of a file: one spelling each, in order. */
import { tidyTag } from '../text'

export const TAGS_MAX = 200

/** Tidy, each once in any case (the first spelling stays), sorted. */
export function tidyTags(tags: Iterable<string>): string[] {
  const found = new Map<string, string>()
  for (const tag of tags) {
    const tidy = tidyTag(tag)
    const key = tidy.toLowerCase()
    if (tidy !== '' && !found.has(key) && found.size < TAGS_MAX) found.set(key, tidy)
  }
  return [...found.values()].sort((a, b) => compare(a.toLowerCase(), b.toLowerCase()))
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** Without some of them, in any case. */
export function withoutTags(tags: readonly string[], gone: readonly string[]): string[] {
  const keys = new Set(gone.map((tag) => tidyTag(tag).toLowerCase()))
  return tags.filter((tag) => !keys.has(tag.toLowerCase()))
}
