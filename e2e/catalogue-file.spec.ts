import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ElectronApplication, Page } from '@playwright/test'
import { inMain } from './fixtures/main-process'
import { expect, test } from './fixtures/launch'

// A catalogue that cannot be opened is explained, and its file is left as it was.

const fileIn = (profile: string): string => join(profile, 'catalogue.sqlite')

/** Make a catalogue with the app itself, then change its bytes. */
async function makeCatalogue(
  launch: () => Promise<{ app: ElectronApplication; page: Page }>,
): Promise<void> {
  const { app, page } = await launch()
  await page.evaluate(() =>
    window.lab['samples.create']({ title: 'Precious', files: { 'driver.ts': 'x' } }),
  )
  await app.close()
}

/** The window that comes after the problem page. */
const nextWindow = async (app: ElectronApplication, act: () => Promise<void>): Promise<Page> => {
  const opened = app.waitForEvent('window')
  // The page may be gone before the key or button is let go.
  await act().catch(() => undefined)
  return opened
}

test('from a newer version: said with its place, not touched, another folder is offered', async ({
  launch,
  profile,
}) => {
  await makeCatalogue(launch)
  const bytes = readFileSync(fileIn(profile))
  bytes.writeUInt32BE(99, 60)
  writeFileSync(fileIn(profile), bytes)

  const { app, page } = await launch()
  await expect(page.getByRole('heading')).toContainText('newer Ring0 Lab')
  await expect(page.getByRole('main')).toContainText(fileIn(profile))
  await expect(page.getByRole('link', { name: /begin anew/ })).toHaveCount(0)

  const other = join(profile, 'other')
  mkdirSync(other)
  await inMain(
    app,
    ({ dialog }, folder) => {
      dialog.showOpenDialog = () => Promise.resolve({ canceled: false, filePaths: [folder] })
    },
    other,
  )
  // The first button has the focus: the keyboard is enough.
  await expect(page.getByRole('link', { name: 'Open another folder…' })).toBeFocused()
  const main = await nextWindow(app, () => page.keyboard.press('Enter'))
  await expect(main).toHaveURL('ring0://app/index.html')
  await expect(main.getByRole('main').first()).toBeVisible()
  expect(readdirSync(other)).toContain('catalogue.sqlite')
  await app.close()
  expect(readFileSync(fileIn(profile)).equals(bytes)).toBe(true)

  // The choice holds for the next start.
  const again = await launch()
  await expect(again.page).toHaveURL('ring0://app/index.html')
})

test('damaged: it can be kept aside and a new one begun', async ({ launch, profile }) => {
  await makeCatalogue(launch)
  const bytes = readFileSync(fileIn(profile))
  bytes.fill(0xa5, 4096, 5 * 4096)
  writeFileSync(fileIn(profile), bytes)

  const { app, page } = await launch()
  await expect(page.getByRole('heading')).toContainText('damaged')
  const main = await nextWindow(app, () => page.getByRole('link', { name: /begin anew/ }).click())
  await expect(main.getByRole('main').first()).toBeVisible()
  const [aside] = readdirSync(profile).filter((name) =>
    /^catalogue\.damaged-.*\.sqlite$/.test(name),
  )
  expect(readFileSync(join(profile, aside!)).equals(bytes)).toBe(true)
  const list = await main.evaluate(() => window.lab['samples.list']({ query: 'Precious' }))
  expect(list).toMatchObject({ ok: true, value: { total: 0 } })
})

test('not a database: quitting leaves it as it was', async ({ launch, profile }) => {
  writeFileSync(fileIn(profile), 'my shopping list, which is precious')
  const { app, page } = await launch()
  await expect(page.getByRole('heading')).toContainText('cannot be read')
  const gone = app.waitForEvent('close')
  await page
    .getByRole('link', { name: 'Quit' })
    .click()
    .catch(() => undefined)
  await gone
  expect(readFileSync(fileIn(profile), 'utf8')).toBe('my shopping list, which is precious')
})
