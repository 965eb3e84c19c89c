import type { Locator, Page } from '@playwright/test'
import { expect } from '@playwright/test'

/** The Learn screen, by what a person sees and hears. */
export class LearnPage {
  readonly screen: Locator
  readonly lessons: Locator
  readonly text: Locator
  readonly goal: Locator
  readonly checks: Locator
  readonly editor: Locator
  readonly run: Locator

  constructor(readonly page: Page) {
    this.screen = page.getByRole('main', { name: 'Learn' })
    this.lessons = this.screen.getByRole('navigation', { name: 'Lessons' })
    this.text = this.screen.getByRole('article')
    this.goal = this.screen.getByRole('complementary', { name: 'Goal' })
    this.checks = this.goal.getByRole('list', { name: 'Checks' }).getByRole('listitem')
    this.editor = this.screen.locator('[data-editor]')
    this.run = this.screen.getByRole('region', { name: 'Last run' })
  }

  async open(): Promise<void> {
    await this.page.keyboard.press('Control+4')
    await expect(this.lessons).toBeVisible()
  }

  async openLesson(title: string): Promise<void> {
    await this.lessons.getByRole('button', { name: new RegExp(`^${title},`) }).click()
    await expect(this.text.getByRole('heading', { level: 2 })).toHaveText(title)
    await expect(this.editor.locator('.view-line').first()).toBeVisible()
  }

  /** Replace the text of the file in the editor. */
  async setText(text: string): Promise<void> {
    await this.editor.locator('.host').evaluate((host, next) => {
      ;(host as HTMLElement & { ring0Editor: { setText(text: string): void } }).ring0Editor.setText(
        next,
      )
    }, text)
  }

  async getText(): Promise<string> {
    return this.editor
      .locator('.host')
      .evaluate((host) =>
        (host as HTMLElement & { ring0Editor: { getText(): string } }).ring0Editor.getText(),
      )
  }

  /** How many checks hold, after a run. */
  async holding(count: number): Promise<void> {
    await expect(this.checks.filter({ hasText: '(holds)' })).toHaveCount(count)
  }
}
