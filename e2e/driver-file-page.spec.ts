import { FilesPage, fixture } from './pages/files-page'
import { LabPage } from './pages/lab-page'
import { expect, test } from './fixtures/launch'

test('a page of one file: what speaks against its signature, its times, its sides, its toy', async ({
  launch,
}) => {
  const { app, page } = await launch()
  const shelf = new FilesPage(app, page)
  await shelf.open()
  await shelf.import('Folder…', fixture('pe'))
  await shelf.searchFor('origin:file', 4)

  await test.step('five sentences, each with what it rests on', async () => {
    const ferry = await shelf.openPage('ferry-forged.sys')
    for (const sentence of [
      'Compiled 2023-05-02, but the certificate of "Old Harbour Software Visible" expired 2014-04-09.',
      'Compiled 2023-05-02, but the time stamp says it was signed 2013-10-01.',
      'was issued 2013-04-09, before 2015-07-29',
      'ends at "Lab Visible Homemade TSA Root", which is none of the roots that Windows ships with',
      'this signature rests on SHA-1',
    ])
      await expect(ferry.getByText(sentence)).toBeVisible()
    await expect(ferry.locator('details')).toHaveCount(5)
    const item = ferry.locator('details').filter({ hasText: 'the time stamp says it was signed' })
    await item.locator('summary').click()
    await expect(item.getByText('claimed signing 2013-10-01')).toBeVisible()
  })

  await test.step('the times on one axis, read by keyboard, and as a table', async () => {
    const axis = shelf.opened.getByRole('slider', { name: 'Times of the file and its signature' })
    await axis.press('Home')
    await expect(axis).toHaveAttribute('aria-valuetext', /^20\d\d-\d\d-\d\d/)
    await axis.press('t')
    const table = shelf.opened.getByRole('region', { name: 'Times as a table' })
    await expect(table.getByRole('row').filter({ hasText: '2023-05-02' })).toBeVisible()
    const times = await table
      .getByRole('cell')
      .filter({ hasText: /^\d{4}-/ })
      .allInnerTexts()
    expect(times).toEqual(times.toSorted())
    await shelf.opened.getByRole('button', { name: 'Show Times as a table' }).press('t')
    await expect(axis).toBeVisible()
  })

  await test.step('signature, code and kin by keyboard', async () => {
    const tab = (name: RegExp): ReturnType<typeof page.getByRole> =>
      shelf.opened.getByRole('tab', { name })
    await tab(/^Overview/).press('ArrowRight')
    await expect(tab(/^Signature/)).toBeFocused()
    await expect(shelf.opened.getByRole('heading', { name: 'Certificates' })).toBeVisible()
    await page.keyboard.press('ArrowRight')
    await expect(tab(/^Code/)).toBeFocused()
    await expect(shelf.opened.getByRole('row').filter({ hasText: '0x0012C803' })).toContainText(
      'METHOD_NEITHER',
    )
    await expect(shelf.opened.getByRole('button', { name: '\\Device\\LabFerry' })).toBeVisible()
    await page.keyboard.press('End')
    await page.keyboard.press('ArrowLeft')
    await expect(tab(/^Kin/)).toBeFocused()
    const kin = shelf.opened.getByRole('listbox', { name: /^Kin of this file/ })
    await expect(kin.or(shelf.opened.getByText(/^No file on the shelf shares/))).toBeVisible()
  })

  await test.step('its toy driver has its device and codes, and runs', async () => {
    await shelf.opened.getByRole('button', { name: 'Open as toy driver' }).click()
    const lab = new LabPage(page)
    await expect(page).toHaveTitle(/ferry-forged\.sys/)
    await lab.ready()
    expect(await lab.textAtTop()).toContain('ferry-forged.sys')
    await page.keyboard.press('F5')
    await lab.finished()
    await expect(page.getByRole('tab', { selected: true, name: /Run \d+.*ok/ })).toBeVisible()
    await expect(page.getByRole('region', { name: /^(Bug check|Driver Verifier)/ })).toHaveCount(0)
    // There and back: the file knows its toy.
    await page.keyboard.press('Control+Shift+3')
    await expect(shelf.opened.getByRole('button', { name: 'Open its toy driver' })).toBeVisible()
  })
})

test('the kin of a file, two files compared, and a matrix of several', async ({ launch }) => {
  const { app, page } = await launch()
  const shelf = new FilesPage(app, page)
  await shelf.open()
  await shelf.import('Folder…', fixture('pe'))
  await shelf.searchFor('origin:file', 4)

  await test.step('kin: the same image under another signature', async () => {
    await shelf.openPage('lantern.sys')
    await page.getByRole('tab', { name: 'Kin' }).click()
    const kin = shelf.opened.getByRole('listbox', { name: /^Kin of this file/ })
    await kin.press('t')
    const table = shelf.opened.getByRole('region', { name: 'Kin as a table' })
    await expect(table.getByRole('row').filter({ hasText: 'lantern-signed.sys' })).toBeVisible()
    await page.keyboard.press('Alt+ArrowLeft')
    await expect(shelf.list).toBeFocused()
  })

  await test.step('two files beside each other: they differ in what was signed', async () => {
    await shelf.row('lantern.sys').click()
    await shelf.row('lantern-signed.sys').click({ modifiers: ['Control'] })
    await expect(shelf.detail.getByText('2 files selected')).toBeVisible()
    await page.keyboard.press('Control+D')
    const values = shelf.opened.getByRole('region', { name: 'Values of both files' })
    const line = (label: string): ReturnType<typeof page.getByRole> =>
      values.getByRole('row').filter({ has: page.getByRole('rowheader', { name: label }) })
    await expect(line('SHA-256').first()).toContainText('differs')
    await shelf.opened.getByRole('checkbox', { name: 'Only differences' }).uncheck()
    await expect(line('Authentihash SHA-256')).toContainText('the same')
    await page.keyboard.press('Escape')
    await expect(shelf.list).toBeVisible()
  })

  await test.step('what a selection can do, side by side', async () => {
    await shelf.list.press('Control+A')
    await expect(shelf.detail.getByText('4 files selected')).toBeVisible()
    await page.keyboard.press('Control+M')
    const matrix = shelf.opened.getByRole('region', { name: 'Capabilities of the selected files' })
    await expect(matrix.getByRole('columnheader').filter({ hasText: '.sys' })).toHaveCount(4)
    await expect(matrix.getByText('yes', { exact: true }).first()).toBeAttached()
    // A capability is a query.
    await matrix.getByRole('rowheader').getByRole('button').first().click()
    await expect(shelf.search).toHaveValue(/capability:/)
    await expect(shelf.rows.first()).toBeVisible()
  })
})
