import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { ElectronApplication } from '@playwright/test'
import { inMain } from './fixtures/main-process'
import { accessibilityFindings } from './fixtures/axe'
import { CataloguePage } from './pages/catalogue-page'
import { FilesPage, fixture } from './pages/files-page'
import { LabPage } from './pages/lab-page'
import { TechniquesPage } from './pages/techniques-page'
import { expect, test, type LaunchedApp } from './fixtures/launch'

// Every screen in light and dark, the large ones in high contrast too: checked by axe, and a picture of each for people to
// look at, in reports/screens.

const pictures = resolve(__dirname, '../reports/screens')
mkdirSync(pictures, { recursive: true })

const command = (app: ElectronApplication, id: string): Promise<void> =>
  inMain(app, ({ Menu }, id) => Menu.getApplicationMenu()!.getMenuItemById(id)!.click(), id)

const usual = ['light', 'dark'] as const
const all = [...usual, 'contrast'] as const

type Check = (screen: string, themes?: readonly (typeof all)[number][]) => Promise<void>

/** Look at what is shown, in each theme. */
const checker =
  ({ app, page }: LaunchedApp): Check =>
  async (screen, themes = usual) => {
    for (const theme of themes) {
      await command(app, `theme.${theme}`)
      await expect(page.locator(`html[data-theme="${theme}"]`)).toBeVisible()
      await page.screenshot({ path: resolve(pictures, `${screen}-${theme}.png`) })
      const findings = await accessibilityFindings(page, { coloursOnly: theme !== 'light' })
      expect.soft(findings, `${screen}, ${theme}`).toEqual([])
    }
  }

test('no finding of axe on any screen, in any theme', async ({ launch }) => {
  const launched = await launch()
  const { app, page } = launched
  const check = checker(launched)
  const lab = new LabPage(page)
  await lab.ready()
  await lab.finished()
  await check('lab', all)
  await page.keyboard.press('Control+Shift+R')
  await expect(page.getByRole('group', { name: /^The way of the call/ })).toBeVisible()
  await check('rings', all)
  await page.keyboard.press('Control+Shift+R')

  await page.keyboard.press('Control+P')
  const picker = page.getByRole('dialog')
  await picker.getByRole('combobox').fill('double-completion')
  await expect(picker.getByRole('option').first()).toBeVisible()
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
  // The newest is the last on the shelf, and only rows in sight are on the page.
  await catalogue.list.press('End')
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

test('no finding of axe at techniques, their matrix and the rules, in any theme', async ({
  launch,
}) => {
  const launched = await launch()
  const { page } = launched
  const check = checker(launched)
  await new LabPage(page).finished()
  const techniques = new TechniquesPage(page)
  await techniques.open()
  await techniques.choose('dkom')
  await techniques.run.getByRole('checkbox', { name: /^Patch protection/ }).check()
  await techniques.runToEnd(/0x109/)
  await check('technique', all)
  await page.keyboard.press('s')
  await expect(page.getByRole('dialog').locator('.view-line').first()).toBeVisible()
  await check('technique-sources')
  await page.keyboard.press('Escape')
  await techniques.screen.getByRole('tab', { name: 'Matrix' }).click()
  await expect(techniques.screen.getByRole('tabpanel', { name: 'Matrix' })).toBeVisible()
  await check('technique-matrix', all)
  await techniques.screen.getByRole('tab', { name: 'Detections' }).click()
  await expect(techniques.editor.locator('.view-line').first()).toBeVisible()
  await page.keyboard.press('F5')
  const runs = techniques.bench.getByRole('region', { name: 'Runs' })
  await expect(runs.getByRole('listitem').first()).toBeVisible({ timeout: 30_000 })
  await check('detections', all)
})

test('no finding of axe at the shelf of driver files, in any theme', async ({ launch }) => {
  const launched = await launch()
  const { app, page } = launched
  const check = checker(launched)
  const shelf = new FilesPage(app, page)
  await shelf.open()
  await check('files-first')

  await shelf.import('Folder…', fixture('pe'))
  await shelf.answerOpen(fixture('sipolicy', 'sample-block-policy.xml'))
  await page.keyboard.press('Control+Alt+K')
  const reference = page.getByRole('dialog', { name: 'Known data' })
  await reference.getByRole('button', { name: 'Files…' }).click()
  await expect(reference.getByText('rules were taken in')).toBeVisible()
  await check('reference', all)
  for (const side of ['YARA rules', 'Quarantine']) {
    await reference.getByRole('tab', { name: side }).click()
    await check(`reference-${side.split(' ')[0]!.toLowerCase()}`)
  }
  await page.keyboard.press('Escape')

  await shelf.startImport('Files…', fixture('inf', 'broken.inf'), fixture('pe', 'lantern.sys'))
  await expect(shelf.job(/^Imported /)).toBeVisible()
  await shelf.row('ferry-forged.sys').click()
  await expect(shelf.detail.getByRole('article', { name: 'ferry-forged.sys' })).toBeVisible()
  await expect(shelf.detail.locator('[aria-busy="true"]')).toHaveCount(0)
  await check('files', all)
  await shelf.root.getByRole('button', { name: 'Import: Import' }).click()
  await expect(page.getByRole('dialog', { name: 'Import' })).toBeVisible()
  await check('files-import')
  await page.keyboard.press('Escape')
  await shelf.search.fill('origin:file ')
  await shelf.search.pressSequentially('si')
  await expect(shelf.completions).toBeVisible()
  await check('files-search')
  await page.keyboard.press('Escape')
  await shelf.searchFor('origin:file', /^\d of /)
  await shelf.list.press('Control+A')
  await expect(shelf.detail.getByText('files selected')).toBeVisible()
  await check('files-selection')
  await page.keyboard.press('Control+M')
  await expect(shelf.opened.getByRole('columnheader').first()).toBeVisible()
  await check('file-matrix')
  await page.keyboard.press('Escape')

  const ferry = await shelf.openPage('ferry-forged.sys')
  await check('file-page', all)
  for (const [side, name] of [
    ['signature', /^Signature/],
    ['code', /^Code/],
    ['imports', /^Imports/],
    ['sections', /^Sections/],
    ['strings', /^Strings/],
    ['headers', /^Headers/],
    ['findings', /^Anomalies/],
    ['notes', /^Notes/],
  ] as const) {
    await ferry.getByRole('tab', { name }).click()
    await expect(ferry.getByRole('tabpanel', { name })).toBeVisible()
    await check(`file-${side}`)
  }
  await page.keyboard.press('Escape')

  const lantern = await shelf.openPage('lantern.sys')
  await lantern.getByRole('tab', { name: 'Kin' }).click()
  await expect(lantern.getByRole('listbox', { name: /^Kin of this file/ })).toBeVisible()
  await check('file-kin')
  await page.keyboard.press('Escape')

  await shelf.row('lantern.sys').click()
  await shelf.row('lantern-signed.sys').click({ modifiers: ['Control'] })
  await page.keyboard.press('Control+D')
  await expect(shelf.opened.getByRole('region', { name: 'Values of both files' })).toBeVisible()
  await check('file-compare')
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
