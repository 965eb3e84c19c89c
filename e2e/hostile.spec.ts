import type { ElectronApplication } from '@playwright/test'
import { inMain } from './fixtures/main-process'
import { killApp } from './fixtures/kill'
import { LabPage } from './pages/lab-page'
import { expect, test } from './fixtures/launch'

// A hostile driver ends its run, at worst the helper process, and never the window.

const driver = (body: string): Record<string, string> => ({
  'driver.ts': `import { STATUS_SUCCESS } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
${body}
  return STATUS_SUCCESS
}
`,
})

/** Process ids of helper processes that run the lab. */
const labProcesses = (app: ElectronApplication): Promise<number[]> =>
  inMain(app, ({ app }) =>
    app
      .getAppMetrics()
      .filter((metric) => metric.type === 'Utility' && metric.name === 'Ring0 Lab host')
      .map((metric) => metric.pid),
  )

test.describe('hostile drivers', () => {
  for (const [name, body] of [
    ['an endless loop', '  let i = 0\n  for (;;) i = (i + 1) & 0xff'],
    [
      'endless memory',
      '  const held: number[][] = []\n  for (;;) held.push([1, 2, 3, 4, 5, 6, 7, 8, 9])',
    ],
    ['endless recursion', '  return DriverEntry(DriverObject, RegistryPath)'],
  ] as const)
    test(`${name} ends the run; the window answers, and the next driver runs`, async ({
      launch,
    }) => {
      const { page } = await launch()
      const lab = new LabPage(page)
      await lab.finished()
      await lab.openDriver('Zebra hostile', driver(body))
      await page.keyboard.press('F5')
      // The window answers while the helper is busy.
      const answered = await page.evaluate(async () => {
        const started = performance.now()
        const result = await window.lab['settings.get']({})
        return { ok: result.ok, ms: performance.now() - started }
      })
      expect(answered.ok).toBe(true)
      expect(answered.ms).toBeLessThan(2000)
      await lab.finished()
      // Whatever stopped it is said in words.
      await expect(
        page
          .getByRole('region', { name: /hang|limit|bug check|verifier|load/i })
          .or(page.getByText(/memory|process that ran the machine ended|not part of the language/i))
          .first(),
      ).toBeVisible()

      await lab.openDriver('Zebra harmless', driver('  let i = 0\n  i = i + 1'))
      await page.keyboard.press('F5')
      await expect(lab.status).toContainText(/\d+ events in/)
    })
})

test('a helper process that dies is replaced, and nothing saved is lost', async ({ launch }) => {
  const { app, page } = await launch()
  const lab = new LabPage(page)
  await lab.finished()
  await lab.typeAtTop('// kept\n')
  await expect(lab.status).toContainText('draft saved')
  const [pid] = await labProcesses(app)
  expect(pid).toBeDefined()
  process.kill(pid!, 'SIGKILL')
  await expect(page.getByText(/process that ran the machine ended/).first()).toBeVisible()
  expect(await lab.textAtTop()).toContain('// kept')
  await page.keyboard.press('F5')
  await expect(lab.status).toContainText(/\d+ events in/)
  await expect.poll(() => labProcesses(app)).not.toContain(pid)
})

test('a long run can be stopped, and kill -9 during one loses nothing saved', async ({
  launch,
}) => {
  const first = await launch()
  const lab = new LabPage(first.page)
  await lab.finished()
  // A load test of the shipped echo driver that would take minutes.
  await lab.openDriver('Zebra endurance', await longRun(first.page))
  await first.page.keyboard.press('F5')
  await expect(lab.runButton).toHaveText(/Stop \(step [\d,]{4,}\)/)
  await first.page.keyboard.press('Shift+F5')
  await lab.finished()

  await first.page.keyboard.press('F5')
  await expect(lab.runButton).toHaveText(/Stop \(step [\d,]{4,}\)/)
  await lab.typeAtTop('// typed while it ran\n')
  await expect(lab.status).toContainText('draft saved')
  await killApp(first.app)

  const second = await launch()
  const again = new LabPage(second.page)
  await again.ready()
  expect(await again.textAtTop()).toContain('// typed while it ran')
  const samples = await second.page.evaluate(() =>
    window.lab['samples.list']({ query: 'Zebra endurance' }),
  )
  expect(samples).toMatchObject({ ok: true, value: { total: 1 } })
})

/** The echo sample with a scenario of ten million requests. */
async function longRun(page: LabPage['page']): Promise<Record<string, string>> {
  return page.evaluate(async () => {
    const list = await window.lab['samples.list']({ query: 'tag:ioctl origin:bundled' })
    if (!list.ok) throw new Error(list.error.message)
    const echo = list.value.samples.find((sample) => sample.slug === 'ioctl-echo')
    if (!echo) throw new Error('ioctl-echo is not on the shelf')
    const sample = await window.lab['samples.get']({ id: echo.id })
    if (!sample.ok) throw new Error(sample.error.message)
    const { 'driver.ts': driver = '', 'ioctl.ts': ioctl = '' } = sample.value.files
    return {
      'driver.ts': driver,
      'ioctl.ts': ioctl,
      'scenario.json': JSON.stringify({
        steps: [
          { do: 'open', path: '\\\\.\\Echo' },
          { do: 'ioctl', code: '0x222000', outputLength: 8, repeat: 10_000_000 },
        ],
      }),
    }
  })
}
