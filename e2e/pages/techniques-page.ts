import type { Locator, Page } from '@playwright/test'
import { expect } from '@playwright/test'

/** The Techniques screen, by what a person sees and hears. */
export class TechniquesPage {
  readonly screen: Locator
  readonly list: Locator
  readonly text: Locator
  readonly run: Locator
  /** How the last run ended. */
  readonly end: Locator
  readonly matrix: Locator
  readonly rule: Locator
  readonly editor: Locator
  readonly mistakes: Locator
  readonly bench: Locator

  constructor(readonly page: Page) {
    this.screen = page.getByRole('main', { name: 'Techniques' })
    this.list = this.screen.getByRole('navigation', { name: 'Techniques' })
    this.text = this.screen.getByRole('article')
    this.run = this.screen.getByRole('region', { name: 'Run it' })
    this.end = this.run.getByRole('status')
    this.matrix = this.screen.getByRole('table')
    this.rule = this.screen.getByRole('region', { name: 'Rule', exact: true })
    this.editor = this.rule.locator('[data-editor]')
    this.mistakes = this.rule.getByRole('list', { name: 'Mistakes' }).getByRole('listitem')
    this.bench = this.rule.getByRole('region', { name: 'Try the rule' })
  }

  async open(): Promise<void> {
    await this.page.keyboard.press('Control+5')
    await expect(this.list).toBeVisible()
  }

  /** Find a technique by typing and open the first one. */
  async choose(words: string): Promise<void> {
    const filter = this.list.getByRole('textbox', { name: 'Filter techniques' })
    await filter.fill(words)
    await filter.press('Enter')
  }

  /** Run what is chosen and wait for its end. */
  async runToEnd(words: RegExp): Promise<void> {
    await this.page.keyboard.press('F5')
    await expect(this.end).toContainText(words, { timeout: 30_000 })
  }

  async getRule(): Promise<string> {
    return this.editor.evaluate((host) =>
      (host as HTMLElement & { ring0Editor: { getText(): string } }).ring0Editor.getText(),
    )
  }

  async setRule(text: string): Promise<void> {
    await this.editor.evaluate((host, next) => {
      ;(host as HTMLElement & { ring0Editor: { setText(text: string): void } }).ring0Editor.setText(
        next,
      )
    }, text)
  }
}
