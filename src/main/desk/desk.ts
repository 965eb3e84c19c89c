/**
 * The analyst's desk: everything behind the calls about driver files, put together from the shelf,
 * the import, reference data, exports and the quarantine. It knows nothing of Electron: dialogs, the
 * helper process and the key store are given to it.
 */
import { basename, join } from 'node:path'
import type { IntakeJob, filesContract } from '../../shared/contract/files'
import type { Handlers } from '../../shared/contract/table'
import { fail, ok, type Result } from '../../shared/errors'
import type { Catalogue } from '../catalogue/catalogue'
import { IntakeController } from '../intake/controller'
import type { HostPort } from '../intake/messages'
import type { OsKeyStore } from '../intake/quarantine-key'
import type { Asking } from './asking'
import { createExportHandlers } from './exporting'
import { createReferenceHandlers, prepareShelf } from './reference'
import { openVault, quarantineFolder } from './vault'
import { createYaraHandlers } from './yara'

export interface DeskOptions {
  catalogue: Catalogue
  /** `data/` as shipped: reference data and rules. */
  dataFolder: string
  /** The quarantine lies below it. */
  userData: string
  startHost(): HostPort
  osKeyStore: OsKeyStore
  ask: Asking
  /** The folder of the user's YARA rules, kept outside of the catalogue. */
  yaraFolder: { get(): string | null; set(folder: string | null): void }
  onChanged(reason: string): void
  onProgress(job: IntakeJob): void
  /** What went wrong without being an answer to anyone. */
  onProblem(text: string): void
  now?: () => Date
}

export interface Desk {
  handlers: Handlers<typeof filesContract>
  intake: IntakeController
  /** Bring index and reference data up to date; the desk can be used meanwhile. */
  prepare(): Promise<void>
  /** Remove what crashes left in the app's folder. For the app, which owns that folder. */
  tidy(): Promise<void>
  close(): void
}

export async function openDesk(options: DeskOptions): Promise<Desk> {
  const { catalogue, dataFolder, ask, yaraFolder, onChanged } = options
  const now = options.now ?? ((): Date => new Date())
  const shelf = catalogue.files
  const vault = await openVault({
    folder: quarantineFolder(options.userData),
    osKeyStore: options.osKeyStore,
    shelf,
    ask,
    onChanged,
  })
  const intake = new IntakeController({
    store: shelf.jobs,
    start: options.startHost,
    settings: {
      capabilitiesFolder: join(dataFolder, 'capabilities'),
      importFrequencyFile: join(dataFolder, 'loldrivers', 'import-frequency.csv'),
      yaraFolder: yaraFolder.get(),
    },
    quarantine: vault.access,
    onProgress: options.onProgress,
    onChanged,
    onProblem: options.onProblem,
  })

  function begin(
    paths: string[],
    { passwords, tags, keepBytes }: { passwords: string[]; tags: string[]; keepBytes: boolean },
  ): Result<{ job: number | null }> {
    if (keepBytes && vault.access() === null)
      return fail(
        'bad-request',
        'Bytes are to be kept, and the quarantine is not open.',
        'Set it up or unlock it under Known data, or import without keeping the bytes.',
      )
    return ok({
      job: intake.start({ title: titleOf(paths), paths, keepBytes, tags, passwords }),
    })
  }

  const handlers: Handlers<typeof filesContract> = {
    ...catalogue.fileHandlers,
    ...createExportHandlers(catalogue, ask, now),
    ...createReferenceHandlers({ shelf, intake, ask, now, onChanged }),
    ...vault.handlers,
    ...createYaraHandlers({ intake, ask, yaraFolder }),

    'intake.choose': async ({ what, ...rest }) => {
      const paths = await ask.open({
        title: 'Import driver files',
        what,
        filter: { name: 'Drivers and archives', extensions: ['sys', 'zip', 'inf', 'cat', 'json'] },
      })
      return paths.length === 0 ? ok({ job: null }) : begin(paths, rest)
    },
    'intake.dropped': ({ paths, ...rest }) => begin(paths, rest),
    'intake.jobs': () => ok({ jobs: intake.jobs() }),
    'intake.control': async ({ job, action }) =>
      intake.isElsewhere(job)
        ? fail(
            'bad-request',
            'Another program is running this import.',
            'Wait for its end, or end that program. If there is none, restart the computer.',
          )
        : ok(await intake.control(job, action)),
    'intake.failures': ({ job, offset }) => ok(intake.failures(job, offset)),
  }

  return {
    handlers,
    intake,
    prepare: () => prepareShelf(shelf, dataFolder, options),
    async tidy() {
      try {
        await vault.sweep(now())
      } catch (error) {
        options.onProblem(`The quarantine could not be tidied up: ${String(error)}`)
      }
    },
    close: () => intake.close(),
  }
}

/** What a job is called: the one thing that was given, or how many. */
function titleOf(paths: readonly string[]): string {
  const [first] = paths
  return paths.length === 1 && first !== undefined ? basename(first) : `${paths.length} items`
}
