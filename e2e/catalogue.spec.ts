import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CataloguePage } from './pages/catalogue-page'
import { expect, test } from './fixtures/launch'

test('the shelf: search, duplicate, delete, undo, and back again after a restart', async ({
  launch,
}) => {
  const first = await launch()
  const catalogue = new CataloguePage(first.app, first.page)
  const { page } = first
  await catalogue.create('Completed twice', { tags: ['irp', 'day 1'], notes: 'about *completion*' })
  await catalogue.create('Left behind')
  await catalogue.open()
  const all = await catalogue.rows.count()

  await test.step('words find text inside identifiers and notes', async () => {
    await catalogue.searchFor('ompletio tag:"day 1"', 1)
    await expect(catalogue.row('Completed twice')).toBeVisible()
    await expect(catalogue.rows.first()).toHaveAttribute('aria-selected', 'true')
    await expect(catalogue.detail.getByRole('textbox', { name: 'Title' })).toHaveValue(
      'Completed twice',
    )
  })

  await test.step('a query that is not understood is said, and harms nothing', async () => {
    await catalogue.search.fill(`status:brokn "'; DROP TABLE samples; --`)
    await expect(page.getByText('There is no status “brokn”')).toBeVisible()
    await catalogue.searchFor('', all)
  })

  await test.step('duplicate', async () => {
    await catalogue.list.press('End')
    await catalogue.row('Completed twice').click()
    await catalogue.detail.getByRole('button', { name: 'Duplicate' }).click()
    await expect(catalogue.row('Completed twice (copy)')).toHaveAttribute('aria-selected', 'true')
  })

  await test.step('delete, undo from the notice', async () => {
    await catalogue.detail.getByRole('button', { name: 'Delete' }).click()
    await expect(catalogue.row('Completed twice (copy)')).toHaveCount(0)
    await page.getByRole('button', { name: 'Undo' }).click()
    await expect(catalogue.row('Completed twice (copy)')).toBeVisible()
  })

  await test.step('what is deleted can be brought back after a restart', async () => {
    await catalogue.list.press('End')
    await catalogue.row('Left behind').click()
    await page.keyboard.press('Delete')
    await expect(catalogue.row('Left behind')).toHaveCount(0)
    await first.app.close()
    const second = await launch()
    const again = new CataloguePage(second.app, second.page)
    await again.open()
    await expect(again.row('Left behind')).toHaveCount(0)
    await second.page.getByRole('button', { name: 'Deleted samples' }).click()
    await second.page.getByRole('button', { name: 'Bring back Left behind' }).click()
    await again.list.press('End')
    await expect(again.row('Left behind')).toBeVisible()
  })
})

test('a lab goes out as one file and comes in again', async ({ launch, profile }) => {
  const file = join(profile, 'mine.ring0lab')
  const { app, page } = await launch()
  const catalogue = new CataloguePage(app, page)
  await catalogue.create('Handed on', { tags: ['course'], notes: 'Look at **this**' })
  await catalogue.open()
  const found = page.getByLabel('Samples found')
  const all = Number(await found.innerText())
  await catalogue.answerDialog(file)
  await catalogue.root.getByRole('button', { name: 'Export…' }).click()
  await expect(page.getByText(/were exported/)).toBeVisible()
  const document = JSON.parse(readFileSync(file, 'utf8')) as { format: string; version: number }
  expect(document).toMatchObject({ format: 'ring0lab', version: 1 })

  await catalogue.list.press('End')
  await catalogue.row('Handed on').click()
  await page.keyboard.press('Delete')
  await expect(found).toHaveText(String(all - 1))
  await catalogue.root.getByRole('button', { name: 'Import…' }).click()
  await expect(page.getByText(`1 sample added, ${all - 1} merged.`)).toBeVisible()
  await catalogue.list.press('End')
  await catalogue.row('Handed on').click()
  await expect(catalogue.detail.getByText('imported')).toBeVisible()
  await expect(catalogue.detail.getByText('Look at this')).toBeVisible()

  // A file from who knows where: said with its place, and nothing changes.
  writeFileSync(file, readFileSync(file, 'utf8').replace('Handed on', 'Handed oh'))
  await catalogue.root.getByRole('button', { name: 'Import…' }).click()
  await expect(page.getByText(/checksum does not fit/)).toBeVisible()
  await expect(found).toHaveText(String(all))
})

test('F6 walks through search, filters, list and detail, and round', async ({ launch }) => {
  const { app, page } = await launch()
  const catalogue = new CataloguePage(app, page)
  await catalogue.open()
  await page.keyboard.press('Control+F')
  await expect(catalogue.search).toBeFocused()
  await page.keyboard.press('F6')
  await expect(catalogue.root.locator('.facet').first()).toBeFocused()
  await page.keyboard.press('F6')
  await expect(catalogue.list).toBeFocused()
  await page.keyboard.press('F6')
  await expect(catalogue.detail.getByRole('button', { name: 'Open in the Lab' })).toBeFocused()
  await page.keyboard.press('Shift+F6')
  await expect(catalogue.list).toBeFocused()
})

test('tags, notes and status by keyboard alone', async ({ launch }) => {
  const { app, page } = await launch()
  const catalogue = new CataloguePage(app, page)
  await catalogue.create('Alpha')
  await catalogue.create('Beta')
  await catalogue.open()
  // Find, choose both, tag both.
  await page.keyboard.press('Control+F')
  await expect(catalogue.search).toBeFocused()
  await page.keyboard.type('-origin:bu')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await expect(catalogue.rows).toHaveCount(2)
  await page.keyboard.press('Enter')
  await expect(catalogue.list).toBeFocused()
  await page.keyboard.press('Control+A')
  await expect(page.getByText('2 samples selected')).toBeVisible()
  await page.keyboard.press('Control+T')
  await page.keyboard.type('both')
  await page.keyboard.press('Enter')
  await expect(catalogue.rows.filter({ hasText: 'both' })).toHaveCount(2)
  // Write a note on one, open it in the Lab.
  await page.keyboard.press('Control+F')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Home')
  await expect(catalogue.detail.getByRole('textbox', { name: 'Title' })).toHaveValue('Alpha')
  const notes = catalogue.detail.getByRole('button', { name: 'Write notes' })
  for (let i = 0; i < 30 && !(await notes.evaluate((it) => it === document.activeElement)); i++)
    await page.keyboard.press('Tab')
  await expect(notes).toBeFocused()
  await page.keyboard.press('Enter')
  await page.keyboard.type('Read *me*')
  await page.keyboard.press('Escape')
  await expect(catalogue.detail.getByText('Read me')).toBeVisible()
  await page.keyboard.press('Control+F')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Enter')
  await expect(catalogue.root).toBeHidden()
  await expect(page).toHaveTitle(/Alpha/)
})
