import { CataloguePage } from './pages/catalogue-page'
import { LabPage } from './pages/lab-page'
import { killApp } from './fixtures/kill'
import { expect, test } from './fixtures/launch'

// No work is lost: neither by kill -9 nor by closing in the middle of a word.

test('a draft is there again after kill -9', async ({ launch }) => {
  const first = await launch()
  const lab = new LabPage(first.page)
  await lab.ready()
  await lab.typeAtTop('// typed before the crash\n')
  await expect(lab.status).toContainText('draft saved')
  await killApp(first.app)

  const second = await launch()
  const again = new LabPage(second.page)
  await again.ready()
  expect(await again.textAtTop()).toContain('// typed before the crash')
  await expect(again.status).toContainText('draft saved')
})

test('closing asks nothing and keeps the last word typed', async ({ launch }) => {
  const first = await launch()
  const lab = new LabPage(first.page)
  await lab.ready()
  await lab.typeAtTop('// the last word')
  await first.app.close()

  const again = new LabPage((await launch()).page)
  await again.ready()
  expect(await again.textAtTop()).toContain('// the last word')
})

test('kill -9 in the middle of saving loses nothing that was answered with saved', async ({
  launch,
}) => {
  const told: { sample: number; run: string; text: string }[] = []
  let draft = -1
  // Killed more than once, because each time it is another moment.
  for (let round = 0; round < 3; round++) {
    const { app, page } = await launch()
    await page.exposeFunction('tellSaved', (saved: (typeof told)[number], number: number) => {
      told.push(saved)
      draft = number
    })
    const writing = page.evaluate(async (round) => {
      const tell = (window as unknown as { tellSaved(saved: unknown, n: number): Promise<void> })
        .tellSaved
      for (let number = round * 1000; ; number++) {
        const text = `// ${number} ${'x'.repeat((number * 97) % 2000)}`
        const files = { 'driver.ts': text }
        const sample = await window.lab['samples.create']({ title: `Saved ${number}`, files })
        if (!sample.ok) throw new Error(sample.error.message)
        const run = await window.lab['runs.save']({
          id: `run-${number}`,
          sampleId: sample.value.id,
          sampleTitle: sample.value.title,
          request: { files, seed: number },
          report: {
            schema: 'ring0-run/1',
            outcome: 'ok',
            driverEntry: null,
            requests: [],
            leaks: [],
            dbgPrint: [],
            diagnostics: [],
            seed: number,
            verifier: [],
            stats: { events: 1, ticks: 1, irps: 0, ddiCalls: 0, poolBytesMax: 0, requests: 0 },
          },
        })
        if (!run.ok) throw new Error(run.error.message)
        const draft = await window.lab['drafts.save']({
          key: 'test',
          files,
          sampleId: null,
          view: String(number),
        })
        if (!draft.ok) throw new Error(draft.error.message)
        await tell({ sample: sample.value.id, run: run.value.id, text }, number)
      }
    }, round)
    writing.catch(() => undefined)
    const enough = told.length + 15
    await expect.poll(() => told.length).toBeGreaterThan(enough)
    await killApp(app)
  }

  const { app, page } = await launch()
  const found = await page.evaluate(async (told) => {
    const lost: string[] = []
    for (const { sample, run, text } of told) {
      const one = await window.lab['samples.get']({ id: sample })
      if (!one.ok || one.value.files['driver.ts'] !== text) lost.push(`sample ${sample}`)
      const kept = await window.lab['runs.get']({ id: run })
      if (!kept.ok || kept.value.request.files['driver.ts'] !== text) lost.push(run)
    }
    const draft = await window.lab['drafts.load']({ key: 'test' })
    return { lost, draft: draft.ok ? Number(draft.value.draft?.view) : -1 }
  }, told)
  expect(found.lost).toEqual([])
  expect(found.draft).toBeGreaterThanOrEqual(draft)
  const catalogue = new CataloguePage(app, page)
  await catalogue.open()
  await expect(catalogue.rows.first()).toBeVisible()
})
