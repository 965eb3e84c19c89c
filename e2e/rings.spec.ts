import { accessibilityFindings } from './fixtures/axe'
import { LabPage } from './pages/lab-page'
import { expect, test } from './fixtures/launch'

test('the rings show one system call stop by stop, by the keyboard too', async ({ launch }) => {
  const { page } = await launch()
  const lab = new LabPage(page)
  await lab.finished()
  await page.keyboard.press('Control+P')
  const picker = page.getByRole('dialog')
  await picker.getByRole('combobox').fill('open-process')
  await expect(picker.getByRole('option').first()).toContainText('Open a process')
  await page.keyboard.press('Enter')
  await expect(lab.output).toContainText('Doorman:')
  await lab.finished()
  await page.keyboard.press('Control+Shift+R')

  const rings = page.getByRole('region', { name: 'Rings' })
  const calls = rings.getByRole('navigation', { name: 'System calls of the run' })
  const way = rings.getByRole('group', { name: /^The way of the call/ })
  const story = rings.getByRole('status')
  const registers = rings.getByRole('region', { name: 'Registers at this stop' })
  await calls
    .getByRole('button', { name: /^NtOpenProcess.*by KERNEL32!OpenProcess/ })
    .first()
    .click()
  await expect(story).toContainText('Stop 1 of 9')

  // Down into ring 0: first the ring alone, then the stack.
  await way.focus()
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowDown')
  await expect(story).toContainText('RSP is not touched')
  await expect(registers.getByRole('row', { name: /^CPL/ })).toContainText('changed, was 3')
  const step = await lab.currentStep()
  await page.keyboard.press('ArrowDown')
  await expect(story).toContainText('Stop 5 of 9')
  await expect(rings.getByText('changed here, to the kernel stack')).toBeVisible()
  // A stop is a step of the run.
  await expect(lab.step).toHaveValue(String(step + 1))
  await page.keyboard.press('ArrowRight')
  await expect(story).toContainText('Stop 6 of 9')
  await expect(way.getByRole('button', { name: /KiServiceTable/ })).toHaveAttribute(
    'aria-current',
    'step',
  )
  expect(await accessibilityFindings(page)).toEqual([])

  // A call from ring 0 has no stop above the boundary.
  await calls.getByRole('button', { name: /^NtQuerySystemInformation.*by Doorman/ }).click()
  await expect(rings.getByText('the call comes from the kernel itself')).toBeVisible()
  await way.focus()
  await page.keyboard.press('t')
  await expect(rings.getByRole('row', { name: /KiServiceInternal/ })).toBeVisible()
  expect(await accessibilityFindings(page)).toEqual([])

  await rings.getByRole('button', { name: 'Lesson' }).click()
  await expect(page.getByRole('heading', { name: 'Rings and system calls' }).first()).toBeVisible()
})
