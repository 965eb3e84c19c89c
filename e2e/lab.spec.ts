import { CataloguePage } from './pages/catalogue-page'
import { LabPage } from './pages/lab-page'
import { expect, test } from './fixtures/launch'

test('the Lab opens with a finished run, runs again, and steps both ways', async ({ launch }) => {
  const { page } = await launch()
  const lab = new LabPage(page)
  await lab.ready()
  await lab.finished()
  await expect(lab.status).toContainText(/\d+ events in/)
  await expect(lab.output.getByRole('option')).not.toHaveCount(0)

  await page.keyboard.press('F5')
  await expect(page.getByRole('tab', { name: /Run 2/ })).toHaveAttribute('aria-selected', 'true')
  await lab.finished()

  const start = await lab.currentStep()
  await page.keyboard.press('F11')
  await expect(lab.step).toHaveValue(String(start + 1))
  await page.keyboard.press('Control+F11')
  await expect(lab.step).toHaveValue(String(start))
  await page.keyboard.press('F10')
  const over = await lab.currentStep()
  expect(over).toBeGreaterThan(start)
  await page.keyboard.press('Control+F10')
  await expect.poll(() => lab.currentStep()).toBeLessThan(over)

  // Equal seeds give equal runs: both tabs have the same number of events.
  const [events] = /[\d,]+ events/.exec(await lab.status.innerText()) ?? ['']
  await page.getByRole('tab', { name: /Run 1/ }).click()
  await expect(lab.status).toContainText(events)
})

test('a crash shows its card, its report, and the way back to its cause', async ({ launch }) => {
  const { app, page } = await launch()
  const lab = new LabPage(page)
  await lab.finished()
  const catalogue = new CataloguePage(app, page)
  await catalogue.open()
  await catalogue.search.fill('IoCompleteRequest tag:0x44')
  await expect(catalogue.rows).toHaveCount(1)
  await page.keyboard.press('Enter')
  await expect(catalogue.list).toBeFocused()
  await page.keyboard.press('Enter')

  const card = page.getByRole('region', { name: /^Bug check/ })
  await expect(card).toContainText('MULTIPLE_IRP_COMPLETE_REQUESTS')
  await expect(card.getByRole('button', { name: /Report/ })).toBeFocused()
  await page.keyboard.press('Enter')
  const report = page.getByRole('region', { name: /^Report: Bug check/ })
  await expect(report).toContainText('driver.ts')
  await page.keyboard.press('Escape')
  await expect(report).toBeHidden()

  const stop = await lab.currentStep()
  await page.keyboard.press('Control+F11')
  await expect(lab.step).toHaveValue(String(stop - 1))
})

test('a run is kept, found on the shelf, and played again from there', async ({ launch }) => {
  const { app, page } = await launch()
  const lab = new LabPage(page)
  await lab.finished()
  await page.keyboard.press('F5')
  await expect(page.getByRole('tab', { name: /Run 2/ })).toBeVisible()
  await lab.finished()
  const [events] = /[\d,]+ events/.exec(await lab.status.innerText()) ?? ['']

  const catalogue = new CataloguePage(app, page)
  await catalogue.open()
  await catalogue.search.fill('outcome:ok')
  await expect(catalogue.rows).toHaveCount(1)
  await catalogue.detail.getByTitle(/Open this run in the Lab/).click()
  await expect(catalogue.root).toBeHidden()
  await lab.finished()
  await expect(lab.status).toContainText(events)
})

test('what is edited is what runs: a mistake is shown in place, and mended', async ({ launch }) => {
  const { page } = await launch()
  const lab = new LabPage(page)
  await lab.ready()
  await lab.finished()
  // What the advice says of the driver as it is.
  const before = await lab.problems.innerText()
  await lab.typeAtTop('class Nope {}\n')
  await expect(lab.problems).toContainText('error')
  await page.keyboard.press('F5')
  await expect(page.getByText(/class/i).filter({ visible: true }).first()).toBeVisible()
  await expect(page.getByRole('tab', { name: /Run 2/ })).toHaveCount(0)
  await page.keyboard.press('Control+Home')
  await page.keyboard.press('Shift+End')
  await page.keyboard.press('Delete')
  await expect(lab.problems).toHaveText(before)
  await page.keyboard.press('F5')
  await expect(page.getByRole('tab', { name: /Run 2/ })).toBeVisible()
  await lab.finished()
})

test('a mistake is found before the run, and a quick fix mends it', async ({ launch }) => {
  const { page } = await launch()
  const lab = new LabPage(page)
  await lab.ready()
  await lab.finished()
  await lab.openDriver('Forgets', {
    'driver.ts': `import { IRP_MJ_CREATE, STATUS_SUCCESS } from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, IRP, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Create
  DriverObject.DriverUnload = Unload
  return STATUS_SUCCESS
}

function Create(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return STATUS_SUCCESS
}

function Unload(DriverObject: DRIVER_OBJECT): void {}
`,
  })
  await expect(lab.problems).toHaveText('1 warning')
  const fix = page.getByRole('button', { name: 'Complete it with STATUS_SUCCESS' })
  await fix.click()
  await expect(lab.problems).toHaveText('no problems')
  await expect(lab.editor).toContainText('IoCompleteRequest(Irp, IO_NO_INCREMENT)')
  // It is a change like any other.
  await page.keyboard.press('Control+Z')
  await expect(lab.problems).toHaveText('1 warning')
  // By the keyboard, at the place: the light bulb's list.
  await lab.editor.locator('.view-line', { hasText: 'return' }).last().click()
  await page.keyboard.press('Control+.')
  await expect(page.getByText('Quick Fix')).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(lab.problems).toHaveText('no problems')
})
