import type { Locator, Page } from '@playwright/test'
import { expect } from '@playwright/test'

/** The Lab screen, by what a person sees and hears. */
export class LabPage {
  readonly runButton: Locator
  readonly editor: Locator
  readonly status: Locator

  constructor(readonly page: Page) {
    this.runButton = page.getByTestId('run')
    this.editor = page.locator('[data-editor]').first()
    this.status = page.getByRole('contentinfo', { name: 'Status' })
  }

  /** The editor is there and shows a file. */
  async ready(): Promise<void> {
    await expect(this.editor.locator('.view-line').first()).toBeVisible()
  }

  /** The first lines of the file as the editor shows them. */
  async text(): Promise<string> {
    const lines = await this.editor.locator('.view-lines').first().innerText()
    return lines.replaceAll('\u00a0', ' ')
  }

  /** Type at the very beginning of the file, as a person does. */
  async typeAtTop(text: string): Promise<void> {
    await this.editor.locator('.view-lines').first().click()
    await this.page.keyboard.press('Control+Home')
    await this.page.keyboard.type(text)
  }
}
