import { accessibilityFindings } from './fixtures/axe'
import { LabPage } from './pages/lab-page'
import { expect, test } from './fixtures/launch'

test('the Explorer shows what the machine has at a step, and leads from one thing to another', async ({
  launch,
}) => {
  const { page } = await launch()
  const lab = new LabPage(page)
  // A sample that is opened runs at once, where no other run is under way.
  await lab.finished()
  await page.keyboard.press('Control+P')
  const picker = page.getByRole('dialog')
  await picker.getByRole('combobox').fill('handle-guard')
  await expect(picker.getByRole('option').first()).toContainText('Guard')
  await page.keyboard.press('Enter')
  await expect(page).toHaveTitle(/^Guard/)
  await expect(lab.output).toContainText('Guard:')
  await lab.finished()
  await page.keyboard.press('Control+2')

  const explorer = page.getByRole('main', { name: 'Explorer' })
  const kinds = explorer.getByRole('navigation', { name: 'Kinds of objects' })
  const rows = explorer.getByRole('listbox', { name: 'Objects' }).getByRole('option')
  const detail = explorer.getByRole('region', { name: 'Properties' })
  const step = explorer.getByRole('textbox', { name: 'Step', exact: true })

  // The program has opened the device, so the driver is at work.
  await step.fill('60')
  await step.press('Enter')
  await kinds.getByRole('button', { name: /^Callbacks/ }).click()
  // The field is drawn anew when rows come, and on a busy machine that was between the two.
  await expect(async () => {
    await explorer.getByRole('textbox', { name: 'compare with step' }).fill('1')
    await explorer.getByRole('textbox', { name: 'compare with step' }).press('Enter')
    await expect(rows).toHaveText(/\+\s*Guard!GuardPreOperation/, { timeout: 3000 })
  }).toPass()
  await detail.getByRole('button', { name: 'Guard', exact: true }).click()
  await expect(detail.getByRole('heading', { name: '\\Driver\\Guard' })).toBeVisible()
  await detail.getByRole('button', { name: 'Guard!GuardPreOperation' }).click()
  const registered = detail.getByRole('button', { name: /^#\d+$/ })
  const seq = (await registered.innerText()).slice(1)
  await registered.click()
  await expect(step).toHaveValue(seq)

  // The list of kinds is one stop; arrows move in it.
  await kinds.getByRole('button', { name: /^Callbacks/ }).focus()
  await page.keyboard.press('Home')
  await expect(kinds.getByRole('button', { name: /^Objects/ })).toBeFocused()
  await expect(rows.filter({ hasText: '\\Driver' })).toHaveCount(1)
  await page.keyboard.press('ArrowDown')
  await expect(kinds.getByRole('button', { name: /^Symbolic links/ })).toBeFocused()
  await page.keyboard.press('End')
  await expect(kinds.getByRole('button', { name: /^Registers/ })).toBeInViewport()
  await expect(explorer.getByText('None at this step.')).toBeVisible()
  expect(await accessibilityFindings(page)).toEqual([])
})
