import type { ElectronApplication, Locator, Page } from '@playwright/test'
import { inMain } from '../fixtures/main-process'
import { expect } from '@playwright/test'

/** The Catalogue's shelf of toy drivers, by what a person sees and hears. */
export class CataloguePage {
  readonly root: Locator
  readonly search: Locator
  readonly list: Locator
  readonly rows: Locator
  readonly detail: Locator

  constructor(
    private readonly app: ElectronApplication,
    readonly page: Page,
  ) {
    this.root = page.getByRole('main', { name: 'Catalogue' })
    this.search = this.root.getByRole('combobox', { name: 'Search samples' })
    this.list = this.root.getByRole('listbox', { name: 'Samples', exact: true })
    this.rows = this.list.getByRole('option')
    this.detail = this.root.getByRole('complementary', { name: 'Selected sample' })
  }

  async open(): Promise<void> {
    await expect(this.page.getByText('Simulated kernel').first()).toBeVisible()
    await this.page.keyboard.press('Control+3')
    await expect(this.root).toBeVisible()
    await this.root.getByRole('button', { name: 'Toy drivers' }).click()
    await expect(this.search).toBeVisible()
    await expect(this.root.locator('[aria-busy="true"]')).toHaveCount(0)
  }

  /** Put something of one's own on the shelf. */
  async create(title: string, over: { tags?: string[]; notes?: string } = {}): Promise<number> {
    const result = await this.page.evaluate(
      ([title, over]) =>
        window.lab['samples.create']({
          title,
          files: { 'driver.ts': `// ${title}\nexport {}\n` },
          ...over,
        }),
      [title, over] as const,
    )
    if (!result.ok) throw new Error(result.error.message)
    return result.value.id
  }

  row(title: string): Locator {
    return this.rows.filter({ has: this.page.getByText(title, { exact: true }) })
  }

  async titles(): Promise<string[]> {
    return this.rows.locator('.name').allTextContents()
  }

  async searchFor(text: string, found: number): Promise<void> {
    await this.search.fill(text)
    await expect(this.rows).toHaveCount(found)
  }

  /** The next file dialog answers with this path; null cancels it. */
  async answerDialog(path: string | null): Promise<void> {
    await inMain(
      this.app,
      ({ dialog }, file) => {
        dialog.showSaveDialog = () =>
          Promise.resolve({ canceled: file === null, filePath: file ?? '' })
        dialog.showOpenDialog = () =>
          Promise.resolve({ canceled: file === null, filePaths: file === null ? [] : [file] })
      },
      path,
    )
  }
}
