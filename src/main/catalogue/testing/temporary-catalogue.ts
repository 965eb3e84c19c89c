/** A catalogue in a folder of its own, for tests; removed when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { ProjectFiles } from '../../../shared/contract/model'
import type { Result } from '../../../shared/errors'
import { openCatalogue, type Catalogue, type CatalogueOptions } from '../catalogue'

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ring0-catalogue-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** The value of a result that is expected to be one. */
export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`)
  return result.value
}

export interface TestCatalogue extends Catalogue {
  file: string
  /** Reasons of `samples.changed`, in order. */
  changes: string[]
  /** Move the clock; it stands still otherwise. */
  setTime(time: string): void
}

export function temporaryCatalogue(
  options: Partial<CatalogueOptions> & { folder?: string } = {},
): TestCatalogue {
  const file = join(options.folder ?? temporaryFolder(), 'catalogue.sqlite')
  const changes: string[] = []
  let time = new Date('2026-11-22T10:00:00.000Z')
  const catalogue = must(
    openCatalogue({
      file,
      appVersion: '0.1.0',
      bundledFolder: null,
      askExportPath: () => Promise.resolve(null),
      askImportPath: () => Promise.resolve(null),
      onChanged: ({ reason }) => void changes.push(reason),
      onProblem: (text) => {
        throw new Error(text)
      },
      now: () => time,
      ...options,
    }),
  )
  onTestFinished(() => catalogue.close())
  return { ...catalogue, file, changes, setTime: (text) => void (time = new Date(text)) }
}

export const HELLO: ProjectFiles = {
  'driver.ts':
    "import { IoCreateDevice } from 'wdm'\nexport function DriverEntry() {\n  return 0\n}\n",
}

/** Fields of a new sample. */
export const sampleFields = (
  title: string,
  over: Partial<{
    summary: string
    status: 'draft' | 'working' | 'crashing' | 'fixed' | 'reference'
    tags: string[]
    notes: string
    files: ProjectFiles
  }> = {},
): {
  title: string
  summary: string
  status: 'draft' | 'working' | 'crashing' | 'fixed' | 'reference'
  tags: string[]
  notes: string
  files: ProjectFiles
} => ({ title, summary: '', status: 'draft', tags: [], notes: '', files: HELLO, ...over })

export { reportOf } from './report'
