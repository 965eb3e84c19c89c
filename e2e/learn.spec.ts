import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { accessibilityFindings } from './fixtures/axe'
import { expect, test } from './fixtures/launch'
import { LabPage } from './pages/lab-page'
import { LearnPage } from './pages/learn-page'

const HELLO = resolve(__dirname, '../samples/lessons/10-hello-driverentry')
const solution = readFileSync(join(HELLO, 'solution', 'driver.ts'), 'utf8')
const RULE = resolve(__dirname, '../samples/lessons/39-detection-rule/solution/rule.yaml')

test('a lesson is predicted, failed, repaired and passed, and a restart keeps all of it', async ({
  launch,
}) => {
  const { app, page } = await launch()
  await new LabPage(page).finished()
  const learn = new LearnPage(page)
  await learn.open()
  await learn.openLesson('Hello, DriverEntry')
  await expect(learn.checks).toHaveCount(3)

  await learn.text.getByRole('radio', { name: /stays loaded/ }).check()
  await page.keyboard.press('F5')
  await expect(learn.run.getByRole('status')).toContainText('This failure is the exercise')
  await learn.holding(0)
  await expect(learn.text).toContainText('Not as you predicted.')

  // A finding leads to its step.
  await learn.goal.press('h')
  await expect(learn.goal.getByRole('region', { name: 'Hints' })).toContainText('Hint 1 of 3')
  expect(await accessibilityFindings(page)).toEqual([])

  await learn.setText(solution)
  await page.keyboard.press('F5')
  await expect(learn.goal.getByRole('region', { name: 'Passed' })).toContainText('4 of 4')
  await learn.holding(3)
  await learn.goal.getByRole('button', { name: /^Step \d+: The debugger/ }).click()
  await expect(learn.run.getByRole('textbox', { name: 'Step' })).toHaveValue('8')

  // The same run in the Lab, where the lesson is a driver like any other.
  await learn.run.getByRole('button', { name: 'In the Lab' }).click()
  await expect(new LabPage(page).step).toHaveValue('8')
  await expect(page).toHaveTitle(/Hello, DriverEntry/)
  await app.close()

  const second = await launch()
  await new LabPage(second.page).finished()
  const again = new LearnPage(second.page)
  await again.open()
  await expect(again.lessons).toContainText('1 of')
  await again.openLesson('Hello, DriverEntry')
  await expect(again.goal.getByRole('region', { name: 'Passed' })).toBeVisible()
  await expect(again.text.getByRole('radio', { name: /stays loaded/ })).toBeChecked()
  expect(await again.getText()).toBe(solution)

  // Reset brings the start back, and can be taken back itself.
  await again.goal.getByRole('button', { name: 'Reset' }).click()
  await expect.poll(() => again.getText()).toContain('STATUS_UNSUCCESSFUL')
  await second.page.getByRole('button', { name: 'Undo' }).click()
  await expect.poll(() => again.getText()).toBe(solution)
})

test('a rule is written in a lesson: a mistake is marked, a false alarm told, the right one passes', async ({
  launch,
}) => {
  const { page } = await launch()
  await new LabPage(page).finished()
  const learn = new LearnPage(page)
  await learn.open()
  await learn.openLesson('A rule that raises an alarm')
  const start = await learn.getText()
  await learn.setText(start.replace('ddi.called', 'ddi.caled'))
  await expect(learn.screen).toContainText("there is no kind of event 'ddi.caled'")

  await learn.setText(start)
  await page.keyboard.press('F5')
  const quiet = learn.checks.filter({ hasText: 'It is quiet where one driver' })
  await quiet.getByText('Why').click({ timeout: 60_000 })
  await learn.holding(2)
  await expect(learn.goal).toContainText('A false alarm in honest.json')
  expect(await accessibilityFindings(page)).toEqual([])

  await learn.setText(readFileSync(RULE, 'utf8'))
  await page.keyboard.press('F5')
  const passed = learn.goal.getByRole('region', { name: 'Passed' })
  await expect(passed).toContainText('7 of 7', { timeout: 60_000 })
})
