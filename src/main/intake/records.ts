/** Our own JSON export, taken apart into stretches that one transaction can hold. */
import { BATCH_FILES_MAX } from './limits'
import type { LandedRecords } from './port'
import { messageOf, Unreadable } from './reasons'
import { RECORDS_FORMAT } from './recognise'

/** @throws Unreadable when it is no such document after all */
export function recordsIn(bytes: Uint8Array, from: string): LandedRecords[] {
  let document: unknown
  try {
    document = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString())
  } catch (error) {
    throw new Unreadable(`This is no JSON: ${messageOf(error)}.`, placeOf(error))
  }
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw new Unreadable('This JSON is no export of this app.')
  const { files, ...header } = document as Record<string, unknown>
  if (header['format'] !== RECORDS_FORMAT || !Array.isArray(files))
    throw new Unreadable('This JSON is no export of this app: it has no list of files.')
  const stretches: LandedRecords[] = []
  for (let at = 0; at < files.length || at === 0; at += BATCH_FILES_MAX)
    stretches.push({ from, header, files: files.slice(at, at + BATCH_FILES_MAX) })
  return stretches
}

/** V8 says `... at position 17`. */
function placeOf(error: unknown): number | null {
  const position = /at position (\d+)/.exec(messageOf(error))?.[1]
  return position === undefined ? null : Number(position)
}
