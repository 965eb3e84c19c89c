import { accessibilityFindings } from './fixtures/axe'
import { expect, test } from './fixtures/launch'
import { LabPage } from './pages/lab-page'
import { TechniquesPage } from './pages/techniques-page'

test('a technique is found, run, stopped by a defence, and followed into the Lab', async ({
  launch,
}) => {
  const { page } = await launch()
  const lab = new LabPage(page)
  await lab.finished()
  const techniques = new TechniquesPage(page)
  await techniques.open()
  await techniques.choose('ssdt hook')
  await expect(techniques.text.getByRole('heading', { level: 2 })).toContainText('SSDT hook')

  await techniques.runToEnd(/The technique worked\./)
  const kernel = techniques.run.getByRole('region', { name: 'System services' })
  await expect(kernel).toContainText('NtOpenProcess')
  await expect(kernel).toContainText('changed')
  await expect(techniques.run.getByRole('region', { name: 'Alarms' })).toContainText('critical')
  expect(await accessibilityFindings(page)).toEqual([])

  // The defence that does not let it happen.
  await techniques.run.getByRole('checkbox', { name: /^Memory integrity/ }).check()
  await techniques.runToEnd(/stopped before it worked: 0xBE/)
  await techniques.run.getByRole('checkbox', { name: /^Memory integrity/ }).uncheck()

  // The twin reaches the same end, and nobody is alarmed.
  await techniques.run.getByRole('radio', { name: 'Its twin' }).check()
  await techniques.runToEnd(/The twin worked/)
  await expect(techniques.run.getByRole('region', { name: 'Alarms' })).toContainText(
    'No rule raised an alarm.',
  )

  // A statement leads to its step of this very run, in a project that can be changed.
  const step = techniques.run.getByRole('button', { name: /^Step \d+ in the Lab/ }).first()
  const seq = /\d+/.exec((await step.getAttribute('aria-label')) ?? '')?.[0] ?? ''
  await step.click()
  await expect(lab.step).toHaveValue(seq)
  await expect(page).toHaveTitle(/SSDT hook\): its twin/)
})

test('a rule is changed, mended, tried and kept', async ({ launch }) => {
  const { app, page } = await launch()
  await new LabPage(page).finished()
  const techniques = new TechniquesPage(page)
  await techniques.open()
  await techniques.choose('ssdt hook')
  await techniques.text.getByRole('button', { name: 'ssdt-entry-outside-kernel' }).click()
  await expect(techniques.editor.locator('.view-line').first()).toBeVisible()
  const shipped = await techniques.getRule()

  await techniques.setRule(shipped.replace('level: critical', 'level: loud'))
  await expect(techniques.mistakes).toHaveCount(1)
  await expect(techniques.mistakes).toContainText('level')
  const mended = shipped.replace('level: critical', 'level: low')
  await techniques.setRule(mended)
  await expect(techniques.mistakes).toHaveCount(0)

  await page.keyboard.press('F5')
  const runs = techniques.bench.getByRole('region', { name: 'Runs' })
  await expect(runs.getByRole('listitem').filter({ hasText: 'its twin · no alarm' })).toBeVisible({
    timeout: 30_000,
  })
  await expect(runs.getByRole('status')).toHaveText('all as they should be')
  expect(await accessibilityFindings(page)).toEqual([])
  await app.close()

  const second = await launch()
  await new LabPage(second.page).finished()
  const again = new TechniquesPage(second.page)
  await again.open()
  await again.choose('ssdt hook')
  await again.text.getByRole('button', { name: 'ssdt-entry-outside-kernel' }).click()
  await expect.poll(() => again.getRule()).toBe(mended)
  await again.rule.getByRole('button', { name: 'As it ships' }).click()
  await expect.poll(() => again.getRule()).toBe(shipped)
})
