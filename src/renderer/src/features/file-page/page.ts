/** What the parts of a file's page can do, given down by the page itself. */
import { inject, provide, type InjectionKey } from 'vue'
import type { RingClient } from '../../../../shared/contract'

type Change = Omit<Parameters<RingClient['files.annotate']>[0], 'selection'>

export interface FilePageActions {
  /** Search the shelf, e.g. `import:MmMapIoSpace`. */
  query(text: string): void
  /** Show another file. */
  open(id: number): void
  /** Hold two files against each other. */
  compare(left: number, right: number): void
  /**
   * Write what people say of a file; false when it could not be written.
   * @param said  what was done, for the notice that offers to undo it; empty for no notice
   */
  annotate(id: number, change: Change, said: string): Promise<boolean>
  /** Take a change back. */
  undo(word: string): Promise<void>
  copy(text: string, what: string): Promise<void>
}

const key: InjectionKey<FilePageActions> = Symbol('file page')

export const providePage = (actions: FilePageActions): void => provide(key, actions)

export function usePage(): FilePageActions {
  const actions = inject(key)
  if (!actions) throw new Error('This part belongs on the page of a file')
  return actions
}
