/** Why something could not be read, in one sentence without paths. */

const SYSTEM: Record<string, string> = {
  ENOENT: 'It is not there any more.',
  EACCES: 'Reading it is not permitted for this user.',
  EPERM: 'Reading it is not permitted for this user.',
  EBUSY: 'Another program holds it. Close that program and import it again.',
  EIO: 'The disk reported an error while it was read.',
  ELOOP: 'Its symbolic links lead in a circle.',
  ENAMETOOLONG: 'Its path is longer than the system allows.',
  EMFILE: 'Too many files are open. Import it again.',
  ENFILE: 'Too many files are open. Import it again.',
  EISDIR: 'It is a folder now.',
}

/** An error of the file system in words. */
export function systemReason(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  if (typeof code === 'string') return SYSTEM[code] ?? `It could not be read (${code}).`
  return `It could not be read: ${messageOf(error)}`
}

/** An error's message, on one line and of bounded length. */
export function messageOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.replace(/\s+/g, ' ').trim().slice(0, 500)
}

/** Why the store could not take results down, and what to do about it. */
export function storeReason(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code
  const message = messageOf(error)
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || /disk is full/i.test(message))
    return 'The disk is full. Free some space and resume the import.'
  return `The results could not be written: ${message}`
}

/** A reason that stands by itself. */
export const sentence = (reason: string): string =>
  reason.replace(/^\p{Ll}/u, (letter) => letter.toUpperCase())

/**
 * One item could not be read. `reason` is for people; `offset` is the place in the file or archive
 * that is to blame, null when there is none.
 */
export class Unreadable extends Error {
  readonly offset: number | null
  constructor(reason: string, offset: number | null = null) {
    super(reason)
    this.offset = offset
  }
}

/** What an exit code and the last lines of stderr say about a helper that ended, in one sentence. */
export function processReason(code: number, lastWords: string): string {
  if (/heap limit|heap out of memory|allocation failed/i.test(lastWords))
    return 'Reading needed more memory than there is for it.'
  const fault = /^(?:Uncaught )?\w*Error: .*$/m.exec(lastWords)?.[0]
  return `the import’s process ended unexpectedly (code ${code})${fault ? `: ${fault}` : '.'}`
}
