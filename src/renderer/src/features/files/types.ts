/** Names for parts of the files contract that the shelf passes around. */
import type { z } from 'zod'
import type { FILE_SORTS, Selection, filesContract } from '../../../../shared/contract/files'

type FilesContract = typeof filesContract
type CallName = Exclude<keyof FilesContract, 'files.changed' | 'intake.progress'>

/** What a call takes and answers. */
export type Input<K extends CallName> = z.input<FilesContract[K]['input']>
export type Answer<K extends CallName> = z.output<FilesContract[K]['output']>

export type ListAnswer = Answer<'files.list'>
export type SavedSearch = Answer<'searches.list'>['searches'][number]
export type Selected = z.output<typeof Selection>
export type SortKey = (typeof FILE_SORTS)[number]
export interface Sort {
  key: SortKey
  descending: boolean
}
