/** What leaves the shelf: exports of a selection, and a toy driver made of one file. */
import type { z } from 'zod'
import type { filesContract } from '../../shared/contract/files'
import type { Handlers } from '../../shared/contract/table'
import { fail, ok, type Result } from '../../shared/errors'
import type { Catalogue } from '../catalogue/catalogue'
import type { FileShelf } from '../catalogue/files/shelf'
import { EXPORT_ENDINGS, exportText } from '../exchange'
import { toyOf } from '../exchange/toy'
import type { Asking } from './asking'
import { writeText } from './write-text'

type Format = z.output<(typeof filesContract)['files.export']['input']>['format']
type ExportHandlers = Pick<Handlers<typeof filesContract>, 'files.export' | 'files.openAsToy'>

/** The text of an export. @param left  gets a sentence for each file that has no place in it */
export function exportPieces(
  shelf: FileShelf,
  format: Format,
  ids: readonly number[],
  now: Date,
  left: string[],
): Iterable<string> {
  if (format === 'json') return shelf.documents.text(ids, left)
  const source = { rows: () => shelf.rowsOf(ids), details: () => shelf.detailsOf(ids) }
  return exportText(format, source, now, left)
}

export function createExportHandlers(
  catalogue: Catalogue,
  ask: Pick<Asking, 'save'>,
  now: () => Date,
): ExportHandlers {
  const { files } = catalogue
  return {
    'files.export': async ({ selection, format }) => {
      const selected = files.selected(selection)
      if (!selected.ok) return selected
      const ids = selected.value
      const [only] = ids.length === 1 ? [...files.rowsOf(ids)] : []
      const ending = EXPORT_ENDINGS[format]
      const name = only?.name.split(/[\\/]/).at(-1) ?? 'Driver files'
      const path = await ask.save({ title: 'Export driver files', name, ending })
      if (path === null) return ok({ path, files: 0, left: [] })
      const left: string[] = []
      const written = await writeText(path, exportPieces(files, format, ids, now(), left))
      // Every line of `left` is a file.
      return written.ok ? ok({ path, files: ids.length - left.length, left }) : written
    },

    'files.openAsToy': async ({ id }) => {
      const found = files.get(id)
      if (!found.ok) return found
      const { toySampleId } = found.value
      if (toySampleId !== null) return ok({ sampleId: toySampleId })
      const toy = toyOf(found.value)
      if (toy === null)
        return fail(
          'file-invalid',
          `${found.value.row.name} holds no driver that was read, so no toy can be made of it.`,
          'Import the file itself; reference data alone has no dispatch table.',
        )
      const made = await createSample(catalogue, toy)
      if (!made.ok) return made
      files.linkToy(id, made.value)
      return ok({ sampleId: made.value })
    },
  }
}

async function createSample(
  catalogue: Catalogue,
  toy: NonNullable<ReturnType<typeof toyOf>>,
): Promise<Result<number>> {
  const made = await catalogue.handlers['samples.create']({ ...toy, status: 'draft', notes: '' })
  return made.ok ? ok(made.value.id) : made
}
