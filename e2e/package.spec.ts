import { accessibilityFindings } from './fixtures/axe'
import { expect, test } from './fixtures/launch'
import { LabPage } from './pages/lab-page'

test('a driver package is signed, and one version of Windows loads what another refuses', async ({
  launch,
}) => {
  const { page } = await launch()
  const lab = new LabPage(page)
  await lab.finished()
  await page.keyboard.press('Control+Shift+D')
  const files = page.getByRole('region', { name: 'Files', exact: true })
  await expect(files.locator('.view-line').first()).toBeVisible()
  const versions = page.getByRole('list', { name: 'Versions of Windows' })
  await expect(versions.getByRole('listitem').first()).toBeVisible()
  expect(await accessibilityFindings(page)).toEqual([])

  const loads = versions.getByRole('button').filter({ hasText: 'loads' })
  const refuses = versions.getByRole('button').filter({ hasText: 'refused' })
  const preset = page.getByRole('form', { name: 'Signature' }).getByLabel('Try')

  // A forged time: old rules take it, new ones do not, and the rule that refuses says why.
  await preset.selectOption({ label: 'Expired, forged time' })
  await expect(loads.first()).toBeVisible()
  await expect(refuses.first()).toBeVisible()
  await refuses.first().click()
  await expect(refuses.first()).toHaveAttribute('aria-pressed', 'true')
  await preset.selectOption({ label: 'Tested (WHCP)' })
  await expect(refuses).toHaveCount(0)
  await preset.selectOption({ label: 'Not signed' })
  await expect(refuses.last()).toBeVisible()

  // Asked for again, it leads back to the sources.
  await page.keyboard.press('Control+Shift+D')
  await expect(lab.editor).toBeVisible()
  await expect(versions).toHaveCount(0)
})
