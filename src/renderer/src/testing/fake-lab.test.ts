import { describe, expect, it } from 'vitest'
import { contract } from '../../../shared/contract'
import { createFakeLab } from './fake-lab'
import { FAKE_SAMPLES, recordingFor } from './fake-samples'

const questions: [string, unknown][] = [
  ['app.info', {}],
  ['samples.list', { query: 'echo' }],
  ['samples.get', { id: 1 }],
  ['samples.create', { title: 'mine', files: { 'driver.ts': '' } }],
  ['drafts.load', { key: 'sample:1' }],
  ['settings.get', {}],
  ['lab.check', { files: { 'driver.ts': 'class A {}\nDate' } }],
  ['lab.events', { runId: 'run', from: 1, to: 20 }],
  ['lab.irp', { runId: 'run', irp: 1 }],
  ['lab.calls', { runId: 'run', step: 12 }],
  ['lab.call', { runId: 'run', first: 30 }],
  ['lab.state', { runId: 'run', step: 12 }],
  ['lab.timeline', { runId: 'run', from: 1, to: 50, width: 100 }],
  ['lab.console', { runId: 'run', offset: 0 }],
  ['lab.lineSteps', { runId: 'run', file: 'driver.ts', line: 18 }],
  ['lab.why', { runId: 'run', seq: 30 }],
  ['lessons.list', {}],
  ['lessons.open', { slug: '15-complete-once' }],
  ['lessons.check', { slug: '15-complete-once', runId: 'run' }],
  ['lessons.progress', { slug: '15-complete-once', predicted: 1 }],
  ['techniques.list', {}],
  ['techniques.defences', {}],
  ['techniques.matrix', {}],
  ['techniques.run', { runId: 'run', slug: 'ssdt-hook', defences: ['patchguard'] }],
  ['detections.list', {}],
  ['detections.sample', { name: 'drivers/hello' }],
  ['rules.names', {}],
  ['rules.read', { files: [{ file: 'a.yaml', text: 'level: high' }] }],
  ['lab.types', {}],
  ['lab.ddi', {}],
]

describe('the fake lab', () => {
  it.each(questions)('answers %s as the contract says', async (name, input) => {
    const lab = createFakeLab()
    await lab['lab.run']({ runId: 'run', files: FAKE_SAMPLES[0]!.files })
    const row = contract[name as 'lab.run']
    const ask = (lab as unknown as Record<string, (input: unknown) => Promise<unknown>>)[name]!
    const result = (await ask(input)) as { ok: boolean; value: unknown }
    expect(result.ok).toBe(true)
    row.input.parse({ files: {}, runId: 'run', ...(input as object) })
    row.output.parse(result.value)
  })

  it.each(FAKE_SAMPLES.map((sample) => [sample.slug, sample] as const))(
    'records %s as a trace without gaps whose causes come first',
    async (_, sample) => {
      const lab = createFakeLab()
      const { value } = (await lab['lab.run']({ runId: 'run', files: sample.files })) as {
        value: { report: { stats: { events: number } } }
      }
      const events = await lab['lab.events']({ runId: 'run', from: 1, to: 5000 })
      if (!events.ok) throw new Error(events.error.message)
      expect(events.value.events.map((event) => event.seq)).toEqual(
        Array.from({ length: value.report.stats.events }, (_, i) => i + 1),
      )
      for (const event of events.value.events) expect(event.cause ?? 0).toBeLessThan(event.seq)
    },
  )

  it('gives the fixed twin of a crashing sample a run that ends well', () => {
    const crashing = FAKE_SAMPLES.find((sample) => sample.slug === 'double-completion')!
    expect(recordingFor(crashing.files)).toBe('double')
    expect(recordingFor({ ...crashing.files, 'driver.ts': crashing.files['fixed.ts']! })).toBe(
      'echo',
    )
  })

  it('fails as asked', async () => {
    const error = { code: 'internal' as const, message: 'no', hint: 'none' }
    const lab = createFakeLab({ failing: { 'samples.get': error } })
    expect(await lab['samples.get']({ id: 1 })).toEqual({ ok: false, error })
    expect(await lab['lab.state']({ runId: 'nothing', step: 1 })).toMatchObject({ ok: false })
  })
})
