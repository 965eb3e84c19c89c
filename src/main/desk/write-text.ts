/** Long texts to a file, in pieces, without holding up who waits meanwhile. */
import { open, rename, rm, type FileHandle } from 'node:fs/promises'
import { fail, ok, type Result } from '../../shared/errors'

const PIECE = 1 << 16

/**
 * Write a text. It appears under its name when it is complete; until then, and when writing fails,
 * what was there before stays.
 * @errors `disk-full`, `file-unreadable`
 */
export async function writeText(path: string, pieces: Iterable<string>): Promise<Result<void>> {
  const part = `${path}.part`
  let file: FileHandle | null = null
  try {
    file = await open(part, 'w')
    let waiting = ''
    for (const piece of pieces) {
      waiting += piece
      if (waiting.length < PIECE) continue
      await file.write(waiting)
      waiting = ''
    }
    await file.write(waiting)
    await file.sync()
    await file.close()
    await rename(part, path)
    return ok(undefined)
  } catch (error) {
    await file?.close().catch(() => undefined)
    await rm(part, { force: true }).catch(() => undefined)
    return notWritten(path, error)
  }
}

/** The same for bytes. */
export async function writeBytes(path: string, bytes: Uint8Array): Promise<Result<void>> {
  const part = `${path}.part`
  try {
    const file = await open(part, 'w')
    await file.writeFile(bytes)
    await file.close()
    await rename(part, path)
    return ok(undefined)
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined)
    return notWritten(path, error)
  }
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
