/** Digests, slugs and tags: how the catalogue names things. */
import { createHash } from 'node:crypto'
import type { ProjectFiles } from '../../shared/contract/model'

export const sha256 = (text: string): string =>
  createHash('sha256').update(text, 'utf8').digest('hex')

/** JSON with sorted keys: equal values give equal text, so that digests of it can be compared. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
      .map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`)
    return `{${fields.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}

/** What makes two samples the same one for an import. */
export const contentDigest = (title: string, files: ProjectFiles): string =>
  sha256(canonicalJson({ title, files }))

/** A short name for links and file names: `Double completion!` becomes `double-completion`. */
export function slugOf(title: string): string {
  const slug = title
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
  return slug === '' ? 'sample' : slug
}

/** One form for a tag, so that two spellings of it are one: no control characters, single spaces. */
export const tidyTag = (tag: string): string =>
  tag
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 50)

/**
 * Whether a name may be a file of a project: relative, forward slashes, no way out of the folder,
 * and no name that means something to a file system or to JavaScript.
 */
export function isProjectPath(path: string): boolean {
  if (path.length === 0 || path.length > 260) return false
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f\\:*?"<>|]/.test(path) || path.startsWith('/')) return false
  return path
    .split('/')
    .every(
      (part) =>
        part !== '' &&
        part !== '.' &&
        part !== '..' &&
        part !== '__proto__' &&
        !part.endsWith(' ') &&
        !part.endsWith('.'),
    )
}
