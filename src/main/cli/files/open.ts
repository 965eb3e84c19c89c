/** The analyst's desk in a terminal: the catalogue's file, and the import in this very process. */
import type { Result } from '../../../shared/errors'
import { openCatalogue, type Catalogue } from '../../catalogue/catalogue'
import { openDesk, type Desk } from '../../desk/desk'
import { startLocalHost } from './local-host'
import { cataloguePlace, dataFolder, version } from './places'

export interface OpenDesk {
  catalogue: Catalogue
  desk: Desk
  /** Ends the helper and lets go of the file. */
  close(): void
}

/** Open the catalogue and its desk. @param named  what `--catalogue` said */
export async function openShelf(
  named: string | null,
  onProgress: Parameters<typeof openDesk>[0]['onProgress'] = () => undefined,
): Promise<Result<OpenDesk>> {
  const { file, folder } = cataloguePlace(named)
  const opened = openCatalogue({
    file,
    appVersion: version(),
    bundledFolder: null,
    askExportPath: () => Promise.resolve(null),
    askImportPath: () => Promise.resolve(null),
    onChanged: () => undefined,
    onProblem: (text) => process.stderr.write(`ring0: ${text}\n`),
  })
  if (!opened.ok) return opened
  const catalogue = opened.value
  const desk = await openDesk({
    catalogue,
    dataFolder: dataFolder(),
    userData: folder,
    startHost: startLocalHost,
    osKeyStore: {
      isAvailable: () => false,
      encrypt: () => new Uint8Array(0),
      decrypt: () => '',
    },
    ask: { open: () => Promise.resolve([]), save: () => Promise.resolve(null) },
    yaraFolder: { get: () => null, set: () => undefined },
    onChanged: () => undefined,
    onProgress,
    onProblem: (text) => process.stderr.write(`ring0: ${text}\n`),
  })
  await desk.prepare()
  const close = (): void => {
    desk.close()
    catalogue.close()
  }
  return { ok: true, value: { catalogue, desk, close } }
}
