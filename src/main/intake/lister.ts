/**
 * The list of a job: what the given files and folders hold that the import takes. Archives are
 * listed entry by entry, so that the bar knows its end; what lies in archives inside of archives is
 * found when those are read.
 */
import type { IntakeFailure } from '../../shared/contract/files'
import { CONTAINER_BYTES_MAX } from './limits'
import type { ItemReader } from './item-reader'
import type { NewItem } from './port'
import { Unreadable } from './reasons'
import { otherArchive, recognise } from './recognise'
import { walk, type FoundFile } from './walk'
import type { Archive } from './archive'
import { displayName } from './names'

export type Listed = { item: NewItem } | { failure: IntakeFailure }

export async function* list(paths: string[], reader: ItemReader): AsyncGenerator<Listed> {
  for await (const walked of walk(paths))
    if ('failure' in walked) {
      const { failure } = walked
      yield { failure: { ...failure, name: displayName(failure.name) } }
    } else yield* listFile({ ...walked.file, name: displayName(walked.file.name) }, reader)
}

async function* listFile(file: FoundFile, reader: ItemReader): AsyncGenerator<Listed> {
  const { path, name, size, isGiven } = file
  try {
    const head = await reader.head(path)
    switch (recognise(name, head)) {
      case 'driver':
      case 'inf':
      case 'catalogue':
        yield { item: { path, name, size, isGiven, entries: [] } }
        break
      case 'records':
        if (size > CONTAINER_BYTES_MAX)
          throw new Unreadable('This export is too large to be read at once. Export it in parts.')
        yield { item: { path, name, size, isGiven, entries: [] } }
        break
      case 'archive':
        yield* entriesOf(await reader.archive({ path, entries: [] }), { path, name, entries: [] })
        break
      case 'other-archive':
        throw new Unreadable(otherArchiveReason(head))
      default:
        if (isGiven) throw new Unreadable(NOT_TAKEN)
    }
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    yield { failure: { name, offset: error.offset, reason: error.message } }
  }
}

/** The files of an archive as items; `at` is the archive. */
export function* entriesOf(
  archive: Archive,
  at: { path: string; name: string; entries: number[] },
): Generator<Listed> {
  for (const { index, name, size } of archive.entries)
    yield {
      item: {
        path: at.path,
        name: `${at.name}/${name}`,
        size,
        isGiven: false,
        entries: [...at.entries, index],
      },
    }
  if (archive.isCut)
    yield {
      failure: {
        name: at.name,
        offset: null,
        reason: `Only the first ${archive.entries.length.toLocaleString('en')} entries of this archive were looked at. Unpack it and import it in parts.`,
      },
    }
}

export const NOT_TAKEN =
  'This is no driver (.sys, or anything that begins with MZ), no .inf or .cat, no zip archive and no export of this app.'

export function otherArchiveReason(head: Uint8Array): string {
  const format = otherArchive(head)
  return `${format ?? 'This'} archives cannot be opened here. Unpack it with another program and import the folder.`
}
