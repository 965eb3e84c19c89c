/** What leaves the desk as a file: whole or not at all, without holding up who waits meanwhile. */
import { randomBytes } from 'node:crypto'
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { fail, ok, type Result } from '../../shared/errors'

const PIECE = 1 << 16

/**
 * Write a text. It appears under its name when it is complete; until then, and when writing fails,
 * what was there before stays.
 * @errors `disk-full`, `file-unreadable`; `internal` when the text itself could not be made
 */
export function writeText(path: string, pieces: Iterable<string>): Promise<Result<void>> {
  return writeWhole(path, async (file) => {
    let waiting = ''
    for (const piece of made(pieces)) {
      waiting += piece
      if (waiting.length < PIECE) continue
      await file.writeFile(waiting)
      waiting = ''
    }
    await file.writeFile(waiting)
  })
}

/** The same for bytes. */
export const writeBytes = (path: string, bytes: Uint8Array): Promise<Result<void>> =>
  writeWhole(path, (file) => file.writeFile(bytes))

async function writeWhole(
  path: string,
  write: (file: FileHandle) => Promise<void>,
): Promise<Result<void>> {
  // A name of nobody's: `out.csv.part` may be a file of the user's.
  const part = `${path}.${randomBytes(6).toString('hex')}.part`
  let file: FileHandle | null = null
  try {
    file = await open(part, 'wx')
    await write(file)
    await file.sync()
    await file.close()
    await rename(part, path)
    return ok(undefined)
  } catch (error) {
    await file?.close().catch(() => undefined)
    await rm(part, { force: true }).catch(() => undefined)
    return error instanceof NotMade ? notMade(error) : notWritten(path, error)
  }
}

/** The text could not be made, whatever the disk would have said. */
class NotMade extends Error {}

function* made(pieces: Iterable<string>): Generator<string> {
  try {
    yield* pieces
  } catch (error) {
    throw new NotMade('', { cause: error })
  }
}

function notMade({ cause }: NotMade): Result<never> {
  return fail(
    'internal',
    'The export failed in a way that should not happen, so no file was written.',
    'Nothing that was saved is lost. Copy the details into a report.',
    cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
  )
}

function notWritten(path: string, error: unknown): Result<never> {
  const isFull = (error as { code?: unknown }).code === 'ENOSPC'
  return fail(
    isFull ? 'disk-full' : 'file-unreadable',
    isFull ? 'The disk is full, so the file was not written.' : 'The file cannot be written.',
    isFull ? 'Free some space, then try again.' : 'Choose a folder that may be written.',
    `${path}\n${String(error)}`,
  )
}
