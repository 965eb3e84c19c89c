import { mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from './fixtures/launch'
import { inMain } from './fixtures/main-process'
import { LabPage } from './pages/lab-page'
import { LearnPage } from './pages/learn-page'

// A walk through five lessons, one of each part: predicted, run as they are, seen to fail, mended and passed.
// Pictures of every lesson before and after, in light and dark, lie in reports/walk for people to look at.

const pictures = resolve(__dirname, '../reports/walk')
const lessons = resolve(__dirname, '../samples/lessons')

const WALK = [
  ['02-address-spaces', 'Address spaces', 'client.ts'],
  ['10-hello-driverentry', 'Hello, DriverEntry', 'driver.ts'],
  ['17-control-codes', 'Control codes and buffers', 'driver.ts'],
  ['22-locks', 'Locks', 'driver.ts'],
  ['27-cross-view', 'A process that is in no list', 'driver.ts'],
] as const

for (const theme of ['light', 'dark'] as const)
  test(`five lessons are walked through, ${theme}`, async ({ launch }) => {
    mkdirSync(pictures, { recursive: true })
    const { app, page } = await launch()
    await new LabPage(page).finished()
    await inMain(
      app,
      ({ Menu }, id) => Menu.getApplicationMenu()!.getMenuItemById(id)!.click(),
      `theme.${theme}`,
    )
    const learn = new LearnPage(page)
    await learn.open()
    for (const [slug, title, file] of WALK) {
      const picture = (what: string) =>
        page.screenshot({ path: resolve(pictures, `${slug}-${what}-${theme}.png`) })
      await learn.openLesson(title)
      await learn.text.getByRole('radio').first().check()
      await page.keyboard.press('F5')
      await expect(learn.checks.filter({ hasText: '(does not hold)' }).first()).toBeAttached()
      await picture('begun')
      await expect(learn.screen.getByRole('tab', { name: file })).toHaveAttribute(
        'aria-selected',
        'true',
      )
      await learn.setText(readFileSync(resolve(lessons, slug, 'solution', file), 'utf8'))
      await page.keyboard.press('F5')
      await expect(learn.goal.getByRole('region', { name: 'Passed' })).toBeVisible()
      await learn.holding(await learn.checks.count())
      await picture('passed')
    }
    await expect(learn.lessons).toContainText('5 of')
  })
