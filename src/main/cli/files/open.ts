/** The catalogue in a terminal: its shelf alone, or the analyst's desk with the import in this process. */
import type { Result } from '../../../shared/errors'
import { openCatalogue, type Catalogue } from '../../catalogue/catalogue'
import { openDesk, type Desk } from '../../desk/desk'
import { prepareShelf } from '../../desk/reference'
import { startLocalHost } from './local-host'
import { cataloguePlace, dataFolder, version } from './places'

export interface OpenShelf {
  catalogue: Catalogue
  /** Lets go of the file. */
  close(): void
}

export interface OpenDesk extends OpenShelf {
  desk: Desk
}

const onProblem = (text: string): void => void process.stderr.write(`ring0: ${text}\n`)

/** Open the catalogue to look at it. Its imports are left alone. @param named  what `--catalogue` said */
export async function openShelf(named: string | null): Promise<Result<OpenShelf>> {
  const opened = openCatalogue({
    file: cataloguePlace(named).file,
    appVersion: version(),
    bundledFolder: null,
    askExportPath: () => Promise.resolve(null),
    askImportPath: () => Promise.resolve(null),
    onChanged: () => undefined,
    onProblem,
  })
  if (!opened.ok) return opened
  const catalogue = opened.value
  await prepareShelf(catalogue.files, dataFolder(), { onChanged: () => undefined, onProblem })
  return { ok: true, value: { catalogue, close: () => catalogue.close() } }
}

/** Open the catalogue and its desk, to import. */
export async function openShelfWithDesk(
  named: string | null,
  onProgress: Parameters<typeof openDesk>[0]['onProgress'],
): Promise<Result<OpenDesk>> {
  const opened = await openShelf(named)
  if (!opened.ok) return opened
  const { catalogue } = opened.value
  const desk = await openDesk({
    catalogue,
    dataFolder: dataFolder(),
    userData: cataloguePlace(named).folder,
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
    onProblem,
  })
  const close = (): void => {
    desk.close()
    catalogue.close()
  }
  return { ok: true, value: { catalogue, desk, close } }
}
