import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ElectronApplication } from '@playwright/test'
import { accessibilityFindings } from './fixtures/axe'
import { CataloguePage } from './pages/catalogue-page'
import { LabPage } from './pages/lab-page'
import { expect, test } from './fixtures/launch'

// Every screen in light and dark, the large ones in high contrast too: checked by axe, and a picture of each for people to
// look at, in reports/screens.

const pictures = resolve(__dirname, '../reports/screens')
mkdirSync(pictures, { recursive: true })

const command = (app: ElectronApplication, id: string): Promise<void> =>
  app.evaluate(({ Menu }, id) => Menu.getApplicationMenu()!.getMenuItemById(id)!.click(), id)

const usual = ['light', 'dark'] as const
const all = [...usual, 'contrast'] as const

test('no finding of axe on any screen, in any theme', async ({ launch }) => {
  test.setTimeout(120_000)
  const { app, page } = await launch()
  const lab = new LabPage(page)
  await lab.ready()
  await lab.finished()

  const check = async (
    screen: string,
    themes: readonly (typeof all)[number][] = usual,
  ): Promise<void> => {
    for (const theme of themes) {
      await command(app, `theme.${theme}`)
      await expect(page.locator(`html[data-theme="${theme}"]`)).toBeVisible()
      await page.screenshot({ path: resolve(pictures, `${screen}-${theme}.png`) })
      const findings = await accessibilityFindings(page, { coloursOnly: theme !== 'light' })
      expect.soft(findings, `${screen}, ${theme}`).toEqual([])
    }
  }
  await check('lab', all)

  await page.keyboard.press('Control+P')
  await page.getByRole('combobox').first().fill('double-completion')
  await expect(page.getByRole('option').first()).toBeVisible()
  await check('open')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: /^Bug check/ })).toBeVisible()
  await check('bugcheck', all)
  await page.keyboard.press('Enter')
  await expect(page.getByRole('region', { name: /^Report/ })).toBeVisible()
  await check('report')
  await page.keyboard.press('Escape')
  await check('lab-crashed')

  await command(app, 'view.explorer')
  await check('explorer', all)

  const catalogue = new CataloguePage(app, page)
  await catalogue.create('One with everything', {
    tags: ['memory', 'day 1'],
    notes: '# Look\n\nat **this** and `that`\n\n- one\n- two',
  })
  await catalogue.open()
  await catalogue.row('One with everything').click()
  await expect(catalogue.detail.getByText('at this and that')).toBeVisible()
  await check('catalogue', all)
  await catalogue.search.pressSequentially('st')
  await expect(page.getByRole('listbox', { name: 'Completions' })).toBeVisible()
  await check('catalogue-search')
  await page.keyboard.press('Escape')
  await catalogue.search.fill('')
  await expect(page.getByLabel('Samples found')).toHaveText(/^\d+$/)
  await catalogue.list.press('Control+A')
  await check('catalogue-selection')

  await command(app, 'view.lab')
  await command(app, 'palette.open')
  await expect(page.getByRole('dialog')).toBeVisible()
  await check('commands')
  await page.keyboard.press('Escape')
  await command(app, 'help.keys')
  await expect(page.getByRole('dialog')).toBeVisible()
  await check('keys')
})

for (const theme of ['light', 'dark'] as const)
  test(`${theme}: no finding of axe on the page of a damaged catalogue`, async ({
    launch,
    profile,
  }) => {
    writeFileSync(join(profile, 'catalogue.sqlite'), 'not a database')
    writeFileSync(join(profile, 'local-settings.json'), JSON.stringify({ theme }))
    const { page } = await launch()
    await expect(page.getByRole('heading')).toBeVisible()
    await page.screenshot({ path: resolve(pictures, `damaged-${theme}.png`) })
    expect(await accessibilityFindings(page)).toEqual([])
  })
