import { resolve } from 'node:path'
import type { ElectronApplication, Locator, Page } from '@playwright/test'
import { inMain } from '../fixtures/main-process'
import { expect } from '@playwright/test'

/** A file or folder of `data/fixtures`. */
export const fixture = (...parts: string[]): string =>
  resolve(__dirname, '../../data/fixtures', ...parts)

type Numbers = Record<'done' | 'total' | 'added' | 'merged' | 'failed', number>

/** The Catalogue's shelf of driver files, by what a person sees and hears. */
export class FilesPage {
  readonly root: Locator
  readonly search: Locator
  readonly completions: Locator
  /** How many were found, of how many. */
  readonly found: Locator
  readonly list: Locator
  readonly rows: Locator
  readonly facets: Locator
  /** Beside the list: one file in short, or what can be done with several. */
  readonly detail: Locator
  /** Over the list: a file's page, a comparison, a matrix. */
  readonly opened: Locator
  readonly imports: Locator

  constructor(
    private readonly app: ElectronApplication,
    readonly page: Page,
  ) {
    this.root = page.getByRole('main', { name: 'Catalogue' })
    this.search = this.root.getByRole('combobox', { name: 'Search driver files' })
    this.completions = this.root.getByRole('listbox', { name: 'Completions' })
    this.found = this.root.getByRole('status', { name: 'Driver files found' })
    this.list = this.root.getByRole('grid', { name: 'Driver files' })
    this.rows = this.list.locator('[role="row"][aria-selected]')
    this.facets = this.root.locator('[data-region="files-filters"]')
    this.detail = this.root.locator('[data-region="files-detail"]')
    this.opened = this.root.locator('[data-region="files-page"]')
    this.imports = this.root.locator('[data-region="intake"]')
  }

  /** The shelf is there, and the reference data that comes with the app is on it. */
  async open(): Promise<void> {
    await expect(this.page.getByText('Simulated kernel').first()).toBeVisible()
    await this.page.keyboard.press('Control+Shift+3')
    await expect(this.search).toBeVisible()
    await expect(this.found).toHaveText(/\d,\d{3}$/)
    await expect(this.root.getByText('Reading the reference data')).toBeHidden()
  }

  row(name: string): Locator {
    return this.rows.filter({ has: this.page.getByText(name, { exact: true }) })
  }

  /** Put a query into the line; `found` is what the count says then. */
  async searchFor(text: string, found: number | RegExp): Promise<void> {
    await this.search.fill(text)
    await expect(this.found).toHaveText(
      typeof found === 'number' ? new RegExp(`^${found.toLocaleString('en')}( of |$)`) : found,
    )
  }

  /** Names of the rows in sight, from above. */
  names(): Promise<string[]> {
    return this.rows.locator('.cell.name .text').allTextContents()
  }

  // ---- the system's dialogs

  /** The next dialogs that ask what to open answer with these paths. */
  async answerOpen(...paths: string[]): Promise<void> {
    await inMain(
      this.app,
      ({ dialog }, filePaths) => {
        dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths })
      },
      paths,
    )
  }

  /** The next dialogs that ask where to write answer with this path. */
  async answerSave(path: string): Promise<void> {
    await inMain(
      this.app,
      ({ dialog }, filePath) => {
        dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath })
      },
      path,
    )
  }

  // ---- imports

  /** Start an import by the Import menu. */
  async startImport(what: 'Files…' | 'Folder…', ...paths: string[]): Promise<void> {
    await this.answerOpen(...paths)
    await this.root.getByRole('button', { name: 'Import: Import' }).click()
    await this.page.getByRole('button', { name: what, exact: true }).click()
  }

  /** The line of an import in a state; the newest stands on top. */
  job(state: string | RegExp): Locator {
    return this.imports.getByRole('region', { name: state }).first()
  }

  /** What the newest import's line says, as numbers; done and total only while it goes on. */
  async numbers(): Promise<Numbers> {
    const said = (await this.job(/./).locator('.numbers').innerText()).replaceAll(',', '')
    const [, done, total] = /(\d+) \/ (\d+)/.exec(said) ?? []
    const count = (what: string): number =>
      Number(new RegExp(`(\\d+) ${what}`).exec(said)?.[1] ?? 0)
    return {
      done: Number(done ?? 0),
      total: Number(total ?? 0),
      added: count('added'),
      merged: count('merged'),
      failed: count('failed'),
    }
  }

  /** The same once what was being read when the import was stopped has landed. */
  async numbersAtRest(): Promise<Numbers> {
    let last: Numbers | null = null
    await expect(async () => {
      const before = last
      last = await this.numbers()
      expect(last).toEqual(before)
    }).toPass({ intervals: [700], timeout: 45_000 })
    return this.numbers()
  }

  /** How many driver files were found. */
  async countFound(): Promise<number> {
    return Number((await this.found.innerText()).replace(/ of .*|,/g, ''))
  }

  /** Import by the menu and wait for its end; @returns what its line says. */
  async import(what: 'Files…' | 'Folder…', ...paths: string[]): Promise<string> {
    await this.startImport(what, ...paths)
    const line = this.job(/^Imported /)
    await expect(line).toBeVisible()
    const said = (await line.locator('.numbers').innerText()).replace(/\s+/g, ' ').trim()
    await line.getByRole('button', { name: 'Dismiss' }).click()
    await expect(line).toHaveCount(0)
    return said
  }

  // ---- one file, and several

  /** Open the page of a file that is in sight. */
  async openPage(name: string): Promise<Locator> {
    await this.row(name).dblclick()
    const page = this.opened.getByRole('article', { name })
    await expect(page.getByRole('tablist', { name: 'Sides of the file' })).toBeVisible()
    return page
  }

  /** Export by the menu above the list, or by the one of the selection. */
  async export(format: string, path: string, from: Locator = this.root): Promise<void> {
    await this.answerSave(path)
    await from.getByRole('button', { name: 'Export: Export' }).first().click()
    await this.page
      .getByRole('dialog', { name: 'Export' })
      .getByRole('button', { name: new RegExp(`^${format} `) })
      .click()
    await expect(this.page.getByText(/files? exported\.$/)).toBeVisible()
  }
}
