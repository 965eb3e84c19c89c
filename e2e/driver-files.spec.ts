import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { FilesPage, fixture } from './pages/files-page'
import { expect, test } from './fixtures/launch'
import { inMain } from './fixtures/main-process'

const FERRY = 'de5d9f5c547ab203c2724555ae801156c9d02b78d84ba999d1b13fcdaea8c895'

test('the shelf: a folder comes in, is found, judged, and comes in again without a loss', async ({
  launch,
}) => {
  const { app, page } = await launch()
  const shelf = new FilesPage(app, page)
  await shelf.open()
  const known = await shelf.countFound()

  await test.step('what LOLDrivers knows is there from the first start', async () => {
    expect(known).toBeGreaterThan(2000)
    await expect(shelf.root.getByText('No file of yours is here yet.')).toBeVisible()
    await shelf.searchFor('known:malicious', /^\d+ of /)
    await expect(shelf.rows.first()).toContainText('facts only')
  })

  await test.step('a folder: four drivers, and one again in an archive', async () => {
    await shelf.searchFor('', known)
    expect(await shelf.import('Folder…', fixture('pe'))).toMatch(/4 added 1 merged/)
    await expect(shelf.found).toHaveText((known + 4).toLocaleString('en'))
    await shelf.searchFor('origin:file', 4)
    expect((await shelf.names()).sort()).toEqual([
      'ferry-forged.sys',
      'lantern-signed.sys',
      'lantern-tampered.sys',
      'lantern.sys',
    ])
  })

  await test.step('the query line completes a field and its value by keyboard', async () => {
    await page.keyboard.press('Escape')
    await page.keyboard.press('Control+F')
    await shelf.search.fill('origin:file ')
    await shelf.search.pressSequentially('devi')
    await expect(shelf.completions.getByRole('option').first()).toContainText('device')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await expect(shelf.search).toHaveValue('origin:file device:')
    await shelf.search.pressSequentially('fer')
    await expect(shelf.completions.getByRole('option').first()).toContainText('erry')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Tab')
    await expect(shelf.search).toHaveValue(/^origin:file device:\S*ferry\S* ?$/i)
    await expect(shelf.found).toHaveText(/^1 of /)
    await expect(shelf.row('ferry-forged.sys')).toHaveAttribute('aria-selected', 'true')
    // Enter goes on to the list.
    await page.keyboard.press('Escape')
    await page.keyboard.press('Enter')
    await expect(shelf.list).toBeFocused()
  })

  await test.step('a facet writes the query, and leaves out with Shift', async () => {
    await shelf.searchFor('origin:file', 4)
    await shelf.facets.getByRole('button', { name: /^unsigned 1$/ }).click()
    await expect(shelf.search).toHaveValue('origin:file signature:none')
    await expect(shelf.found).toHaveText(/^1 of /)
    await expect(shelf.row('lantern.sys')).toBeVisible()
    await shelf.facets.getByRole('button', { name: /^unsigned/ }).click()
    await expect(shelf.search).toHaveValue('origin:file')
    await shelf.facets.getByRole('button', { name: /^unsigned 1$/ }).click({ modifiers: ['Shift'] })
    await expect(shelf.search).toHaveValue('origin:file -signature:none')
    await expect(shelf.found).toHaveText(/^3 of /)
    await expect(shelf.row('lantern.sys')).toHaveCount(0)
  })

  await test.step('a search is saved under a name and made again', async () => {
    await page.keyboard.press('Control+S')
    const dialog = page.getByRole('dialog', { name: 'Save this search' })
    await dialog.getByRole('textbox', { name: 'Name' }).fill('signed ones')
    await page.keyboard.press('Enter')
    await expect(dialog).toHaveCount(0)
    await shelf.searchFor('', known + 4)
    await shelf.root.getByRole('button', { name: /^Saved searches/ }).click()
    await page.getByRole('button', { name: /^signed ones/ }).click()
    await expect(shelf.search).toHaveValue('origin:file -signature:none')
    await expect(shelf.found).toHaveText(/^3 of /)
  })

  await test.step('a pasted hash finds its file; one that is not here is said', async () => {
    const paste = async (text: string): Promise<void> => {
      await inMain(app, ({ clipboard }, text) => clipboard.writeText(text), text)
      await page.keyboard.press('Control+F')
      await page.keyboard.press('Control+V')
      await expect(shelf.search).toHaveValue(text)
    }
    await paste(FERRY.toUpperCase())
    await expect(shelf.found).toHaveText(/^1 of /)
    await expect(shelf.row('ferry-forged.sys')).toBeVisible()
    await paste('0'.repeat(64))
    await expect(shelf.root.getByText('No file here has this hash.')).toBeVisible()
  })

  await test.step('all that was found get a tag at once, and lose it again', async () => {
    await shelf.searchFor('origin:file', 4)
    await page.keyboard.press('Escape')
    await shelf.list.press('Control+A')
    await expect(shelf.detail.getByText('4 files selected')).toBeVisible()
    await page.keyboard.press('Control+T')
    await page.keyboard.type('case 7')
    await page.keyboard.press('Enter')
    await expect(shelf.rows.filter({ hasText: 'case 7' })).toHaveCount(4)
    await shelf.list.press('Control+Z')
    await expect(shelf.rows.filter({ hasText: 'case 7' })).toHaveCount(0)
  })

  await test.step('a note outlives another import of the same files', async () => {
    await shelf.openPage('lantern.sys')
    await page.getByRole('tab', { name: 'Notes and history' }).click()
    await page.getByRole('button', { name: 'Write notes' }).click()
    await page.keyboard.type('seen in *two* cases')
    await page.keyboard.press('Escape')
    await expect(shelf.opened.getByText('seen in two cases')).toBeVisible()
    await page.keyboard.press('Alt+ArrowLeft')
    await expect(shelf.row('lantern.sys').getByLabel('has notes')).toBeVisible()
    expect(await shelf.import('Folder…', fixture('pe'))).toMatch(/^0 added 5 merged/)
    await expect(shelf.found).toHaveText(`4 of ${(known + 4).toLocaleString('en')}`)
    await shelf.openPage('lantern.sys')
    await page.getByRole('tab', { name: 'Notes and history' }).click()
    await expect(shelf.opened.getByText('seen in two cases')).toBeVisible()
  })
})

test('a block list says which file it stops, and by which rule', async ({ launch }) => {
  const { app, page } = await launch()
  const shelf = new FilesPage(app, page)
  await shelf.open()
  await shelf.import('Folder…', fixture('pe'))
  await shelf.answerOpen(fixture('sipolicy', 'sample-block-policy.xml'))
  await page.keyboard.press('Control+Alt+K')
  const dialog = page.getByRole('dialog', { name: 'Known data' })
  await expect(dialog.getByText(/^LOLDrivers/).first()).toBeVisible()
  await dialog.getByRole('button', { name: 'Files…' }).click()
  await expect(dialog.getByText('10.0.26100.1')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(dialog).toHaveCount(0)

  await shelf.searchFor('origin:file blocked:yes', /^\d+ of /)
  await expect(shelf.row('ferry-forged.sys')).toContainText('blocked')
  await shelf.openPage('ferry-forged.sys')
  await expect(
    shelf.opened.getByText('Blocked by “Lab Visible Legacy Code Signing CA”'),
  ).toBeVisible()
  await expect(shelf.opened.getByText(/OriginalFilename is ferry\.sys/)).toBeVisible()
  // What no rule is about stays as it was.
  await page.keyboard.press('Escape')
  await shelf.searchFor('origin:file -blocked:yes', /^\d+ of /)
  await expect(shelf.row('ferry-forged.sys')).toHaveCount(0)
})

test('exports: a table for a spreadsheet, and JSON that another profile takes in', async ({
  launch,
  profile,
}) => {
  const first = await launch()
  const shelf = new FilesPage(first.app, first.page)
  await shelf.open()
  await shelf.import('Folder…', fixture('pe'))
  await shelf.searchFor('origin:file', 4)
  await shelf.list.press('Control+A')
  await expect(shelf.detail.getByText('4 files selected')).toBeVisible()
  await first.page.keyboard.press('Control+T')
  await first.page.keyboard.type('=harbour')
  await first.page.keyboard.press('Enter')
  await expect(shelf.rows.filter({ hasText: '=harbour' })).toHaveCount(4)

  const csv = join(profile, 'shelf.csv')
  await shelf.export('CSV', csv, shelf.detail)
  const lines = readFileSync(csv, 'utf8').trim().split(/\r?\n/)
  expect(lines).toHaveLength(5)
  expect(lines.join('\n')).toContain(FERRY)
  for (const cell of lines.flatMap((line) => line.split(','))) expect(cell).not.toMatch(/^"?[=+@-]/)

  const json = join(profile, 'shelf.json')
  await shelf.export('JSON', json, shelf.detail)
  await first.app.close()

  const second = await launch({ userData: join(profile, 'second') })
  const other = new FilesPage(second.app, second.page)
  await other.open()
  expect(await other.import('Files…', json)).toMatch(/^4 added/)
  await other.searchFor('origin:file tag:"=harbour"', 4)
  await other.openPage('ferry-forged.sys')
  await expect(other.opened.getByText(FERRY)).toBeVisible()
  await second.page.keyboard.press('Escape')
  // Once more is nothing new, and what goes out again is what came in.
  expect(await other.import('Files…', json)).toMatch(/^0 added 4 merged/)
  const again = join(profile, 'again.json')
  await other.export('JSON', again)
  const files = (path: string): { sha256: string }[] =>
    (JSON.parse(readFileSync(path, 'utf8')) as { files: { sha256: string }[] }).files
  expect(files(again).map(({ sha256 }) => sha256)).toEqual(files(json).map(({ sha256 }) => sha256))
})

test('files dropped on the window come in; a path made up in the page does not', async ({
  launch,
}) => {
  const { app, page } = await launch()
  const shelf = new FilesPage(app, page)
  await shelf.open()
  // Real files get their paths from the browser alone: through an input they come as from a drop.
  await page.evaluate(() => {
    const input = document.createElement('input')
    Object.assign(input, { type: 'file', multiple: true, id: 'dropped' })
    document.body.append(input)
  })
  await page
    .locator('#dropped')
    .setInputFiles([fixture('pe', 'ferry-forged.sys'), fixture('pe', 'lantern-infected.zip')])
  await page.evaluate(() => {
    const input = document.querySelector<HTMLInputElement>('#dropped')!
    const transfer = new DataTransfer()
    for (const file of input.files!) transfer.items.add(file)
    input.remove()
    document
      .querySelector('main')!
      .dispatchEvent(new DragEvent('drop', { dataTransfer: transfer, bubbles: true }))
  })
  await expect(shelf.job(/^Imported 2 items/)).toContainText('2 added')
  await shelf.searchFor('origin:file', 2)

  const forged = await page.evaluate(
    async (path) => {
      const file = new File(['MZ'], 'made-up.sys')
      Object.defineProperty(file, 'path', { value: path })
      const answer = await window.lab.drop([file], { paths: [path] } as object)
      return { ok: answer.ok, names: Object.keys(window.lab).filter((name) => /drop/.test(name)) }
    },
    fixture('pe', 'lantern-signed.sys'),
  )
  expect(forged).toEqual({ ok: false, names: ['drop'] })
  await expect(shelf.imports.getByRole('region')).toHaveCount(1)
  await shelf.searchFor('origin:file', 2)
})
