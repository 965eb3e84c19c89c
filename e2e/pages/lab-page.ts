import type { Locator, Page } from '@playwright/test'
import { expect } from '@playwright/test'

/** The Lab screen, by what a person sees and hears. */
export class LabPage {
  readonly runButton: Locator
  readonly editor: Locator
  readonly status: Locator
  readonly steps: Locator
  readonly step: Locator
  readonly output: Locator
  /** What the compiler says, in the status bar. */
  readonly problems: Locator

  constructor(readonly page: Page) {
    this.runButton = page.getByTestId('run')
    this.editor = page.locator('[data-editor]').first()
    this.status = page.getByRole('contentinfo', { name: 'Status' })
    this.steps = page.getByRole('toolbar', { name: 'Steps' })
    this.step = this.steps.getByRole('textbox', { name: 'Step' })
    this.problems = this.status.getByTestId('problems')
    this.output = page.getByRole('listbox', { name: 'Output' })
  }

  /** The editor is there and shows a file. */
  async ready(): Promise<void> {
    await expect(this.editor.locator('.view-line').first()).toBeVisible()
  }

  /** The first lines of the file as the editor shows them. */
  async textAtTop(): Promise<string> {
    await this.goToTop()
    const lines = await this.editor.locator('.view-lines').first().innerText()
    return lines.replaceAll('\u00a0', ' ')
  }

  /** Type at the very beginning of the file, as a person does. */
  async typeAtTop(text: string): Promise<void> {
    await this.goToTop()
    await this.page.keyboard.type(text)
  }

  private async goToTop(): Promise<void> {
    // Not by a click: the lines are larger than the editor, and scrolling them into sight first
    // moves the text away under the pointer.
    await this.editor.locator('.native-edit-context, textarea').first().focus()
    await this.page.keyboard.press('Control+Home')
    await expect(this.editor.locator('.line-numbers', { hasText: /^1$/ })).toBeVisible()
  }

  /** A run is finished and shown. */
  async finished(): Promise<void> {
    await expect(this.runButton).toHaveText('Run again')
  }

  async currentStep(): Promise<number> {
    return Number(await this.step.inputValue())
  }

  /** Put a driver of one's own on the shelf and open it in the Lab. */
  async openDriver(title: string, files: Record<string, string>): Promise<void> {
    const made = await this.page.evaluate(
      ([title, files]) => window.lab['samples.create']({ title, files }),
      [title, files] as const,
    )
    if (!made.ok) throw new Error(made.error.message)
    await this.page.keyboard.press('Control+P')
    const picker = this.page.getByRole('dialog')
    await picker.getByRole('combobox').fill(title)
    await picker.getByRole('option', { name: title }).first().click()
    await expect(this.page).toHaveTitle(new RegExp(title))
    await this.ready()
  }
}
