/** A desk in a folder of its own: real SQLite, the product's worker threads, answers made up. */
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { onTestFinished } from 'vitest'
import type { IntakeJob } from '../../../shared/contract/files'
import {
  must,
  temporaryCatalogue,
  temporaryFolder,
} from '../../catalogue/testing/temporary-catalogue'
import type { Catalogue } from '../../catalogue/catalogue'
import { runHostHere } from '../../intake/local-host'
import { packageReaders } from '../../intake/package-readers'
import type { BuiltEntry } from '../../intake/testing/build-entry'
import { startAnalysisWorker, startYaraWorker } from '../../intake/workers'
import type { OpenQuestion, SaveQuestion } from '../asking'
import { openDesk, type Desk } from '../desk'

export const DATA = resolve(__dirname, '../../../../data')
export const FIXTURES = join(DATA, 'fixtures')

export interface Workers {
  analysis: BuiltEntry
  yara: BuiltEntry
}

export interface TestDesk extends Desk {
  catalogue: Catalogue
  folder: string
  /** What the next questions are answered with, and what was asked. */
  answers: { open: string[]; save: string | null; asked: (OpenQuestion | SaveQuestion)[] }
  /** Take paths in and wait for the end. */
  import(paths: string[], over?: { keepBytes?: boolean; tags?: string[] }): Promise<IntakeJob>
  /** The only file that a query finds. */
  only(query: string): number
}

export async function temporaryDesk(
  workers: Workers,
  over: { folder?: string; userData?: string } = {},
): Promise<TestDesk> {
  const folder = over.folder ?? temporaryFolder()
  const catalogue = temporaryCatalogue({ folder })
  const answers: TestDesk['answers'] = { open: [], save: null, asked: [] }
  const waiting = new Set<() => void>()
  let yaraFolder: string | null = null
  const desk = await openDesk({
    catalogue,
    dataFolder: DATA,
    userData: over.userData ?? folder,
    startHost: () =>
      runHostHere({
        startAnalysis: startAnalysisWorker((options) => new Worker(workers.analysis.file, options)),
        startYara: startYaraWorker((options) => new Worker(workers.yara.file, options)),
        packages: packageReaders,
        poolSize: 2,
        // A busy machine is no hostile file.
        fileMsMax: 20_000,
      }),
    osKeyStore: { isAvailable: () => false, encrypt: () => new Uint8Array(0), decrypt: () => '' },
    ask: {
      open(question) {
        answers.asked.push(question)
        return Promise.resolve(answers.open)
      },
      save(question) {
        answers.asked.push(question)
        return Promise.resolve(answers.save)
      },
    },
    yaraFolder: { get: () => yaraFolder, set: (next) => void (yaraFolder = next) },
    onChanged: () => undefined,
    onProgress: () => {
      for (const look of waiting) look()
    },
    onProblem: (text) => {
      throw new Error(text)
    },
  })
  onTestFinished(() => desk.close())
  const until = (job: number, isWanted: (state: IntakeJob) => boolean): Promise<IntakeJob> =>
    new Promise((done) => {
      const look = (): void => {
        const state = desk.intake.jobs().find(({ id }) => id === job)
        if (!state || !isWanted(state)) return
        waiting.delete(look)
        done(state)
      }
      waiting.add(look)
      look()
    })
  return {
    ...desk,
    catalogue,
    folder,
    answers,
    async import(paths, { keepBytes = false, tags = [] } = {}) {
      const started = must(
        await desk.handlers['intake.dropped']({ paths, keepBytes, tags, passwords: [] }),
      )
      return until(started.job ?? 0, ({ state }) => state !== 'running')
    },
    only(query) {
      const { rows, total } = catalogue.files.list({
        query,
        sort: { key: 'added', descending: true },
        offset: 0,
        limit: 2,
      })
      if (total !== 1) throw new Error(`${query} finds ${total} files`)
      return rows[0]?.id ?? 0
    },
  }
}
