/** The calls about driver files that need nothing but the shelf; main adds those with dialogs. */
import type { filesContract } from '../../../shared/contract/files'
import type { Handlers } from '../../../shared/contract/table'
import { ok, type Result } from '../../../shared/errors'
import { toAppError } from '../database'
import type { FileShelf } from './shelf'

export type ShelfCall =
  | 'files.list'
  | 'files.ids'
  | 'files.complete'
  | 'files.get'
  | 'files.kin'
  | 'files.compare'
  | 'files.matrix'
  | 'files.annotate'
  | 'files.remove'
  | 'files.undo'
  | 'files.history'
  | 'searches.list'
  | 'searches.save'
  | 'searches.delete'
  | 'known.info'
  | 'known.removePolicy'
export type ShelfHandlers = Pick<Handlers<typeof filesContract>, ShelfCall>

/**
 * @param file       the catalogue's file, for messages
 * @param onChanged  rows changed that a list may be showing
 */
export function createShelfHandlers(
  shelf: FileShelf,
  file: string,
  onChanged: (reason: string) => void,
): ShelfHandlers {
  async function guard<T>(
    work: () => Result<T> | Promise<Result<T>>,
    reason?: string,
  ): Promise<Result<T>> {
    try {
      const result = await work()
      if (result.ok && reason !== undefined) onChanged(reason)
      return result
    } catch (error) {
      return { ok: false, error: toAppError(error, file) }
    }
  }

  return {
    'files.list': (input) => guard(() => ok(shelf.list(input))),
    'files.ids': (input) => guard(() => ok({ ids: shelf.ids(input) })),
    'files.complete': ({ text, cursor }) => guard(() => ok(shelf.complete(text, cursor))),
    'files.get': ({ id }) => guard(() => shelf.get(id)),
    'files.kin': ({ id, tlshDistanceMax }) => guard(() => shelf.kin(id, tlshDistanceMax)),
    'files.compare': ({ left, right }) => guard(() => shelf.compare(left, right)),
    'files.matrix': ({ ids }) => guard(() => ok(shelf.matrix(ids))),
    'files.annotate': ({ selection, ...change }) =>
      guard(async () => {
        const ids = shelf.selected(selection)
        return ids.ok ? shelf.annotations.annotate(ids.value, change) : ids
      }, 'annotated'),
    'files.remove': ({ selection }) =>
      guard(async () => {
        const ids = shelf.selected(selection)
        return ids.ok ? shelf.annotations.remove(ids.value) : ids
      }, 'removed'),
    'files.undo': ({ undo }) => guard(() => shelf.annotations.undo(undo), 'undone'),
    'files.history': ({ id }) => guard(() => ok({ entries: shelf.annotations.history(id) })),

    'searches.list': () => guard(() => ok({ searches: shelf.searches.list() })),
    'searches.save': ({ name, query }) => guard(() => ok(shelf.searches.save(name, query))),
    'searches.delete': ({ id }) => guard(() => shelf.searches.delete(id)),

    'known.info': () =>
      guard(() => ok({ sources: shelf.known.sources(), policies: shelf.blocks.policies() })),
    'known.removePolicy': ({ id }) => guard(() => shelf.blocks.remove(id), 'policy removed'),
  }
}
