import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RunReport, RunRequest } from '../../shared/contract/model'
import { summaryOf } from './runs'
import {
  HELLO,
  must,
  reportOf,
  sampleFields,
  temporaryCatalogue,
} from './testing/temporary-catalogue'

const request = (over: Partial<RunRequest> = {}): RunRequest => ({
  files: HELLO,
  seed: 1,
  verifier: [],
  trace: 'full',
  ...over,
})
const crash: RunReport = reportOf({
  outcome: 'bugcheck',
  bugcheck: {
    code: '0x00000044',
    name: 'MULTIPLE_IRP_COMPLETE_REQUESTS',
    parameters: ['0x1', '0x2', '0x3', '0x4'],
    at: { file: 'driver.ts', line: 12 },
  },
})

describe('runs', () => {
  test('are kept as they were asked and answered', async () => {
    const catalogue = temporaryCatalogue()
    const sample = must(await catalogue.handlers['samples.create'](sampleFields('Double')))
    const asked = request({
      seed: 42,
      verifier: ['io', 'VR-IRP-1'],
      scenario: { unload: false, steps: [{ do: 'wait', milliseconds: 5 }] },
    })
    must(
      await catalogue.handlers['runs.save']({
        id: 'a',
        sampleId: sample.id,
        sampleTitle: 'Double',
        request: asked,
        report: crash,
      }),
    )
    const run = must(await catalogue.handlers['runs.get']({ id: 'a' }))
    expect(run.request).toEqual(asked)
    expect(run.report).toEqual(crash)
    expect(run.row).toEqual({
      id: 'a',
      sampleId: sample.id,
      sampleTitle: 'Double',
      startedAt: '2026-11-22T10:00:00.000Z',
      seed: 42,
      outcome: 'bugcheck',
      events: 57,
      summary: '0x44 MULTIPLE_IRP_COMPLETE_REQUESTS',
    })
  })

  test('any request and report come back equal: what is replayed is what was run', async () => {
    const catalogue = temporaryCatalogue()
    let number = 0
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          files: fc.dictionary(
            fc.stringMatching(/^[a-z]{1,8}\.ts$/),
            fc.string({ unit: 'grapheme', maxLength: 200 }),
            { minKeys: 1, maxKeys: 4 },
          ),
          seed: fc.maxSafeInteger(),
          verifier: fc.array(fc.constantFrom('io', 'all', 'special-pool'), { maxLength: 3 }),
          trace: fc.constantFrom('off' as const, 'full' as const),
        }),
        fc.array(fc.string({ unit: 'binary', maxLength: 40 }), { maxLength: 5 }),
        async (asked, dbgPrint) => {
          const id = `run-${++number}`
          const report = reportOf({ dbgPrint, seed: asked.seed })
          // Stored text is UTF-8: a lone surrogate cannot be a source text.
          const files = Object.fromEntries(
            Object.entries(asked.files).map(([path, text]) => [path, Buffer.from(text).toString()]),
          )
          must(
            await catalogue.handlers['runs.save']({
              id,
              sampleId: null,
              sampleTitle: '',
              request: { ...asked, files },
              report,
            }),
          )
          const kept = must(await catalogue.handlers['runs.get']({ id }))
          expect(kept.request).toEqual({ ...asked, files })
          expect(kept.report).toEqual(report)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('are listed newest first, for one sample or all, and show on the shelf', async () => {
    const catalogue = temporaryCatalogue()
    const sample = must(await catalogue.handlers['samples.create'](sampleFields('Double')))
    const save = (id: string, sampleId: number | null, report: RunReport) =>
      catalogue.handlers['runs.save']({
        id,
        sampleId,
        sampleTitle: 'T',
        request: request(),
        report,
      })
    await save('first', sample.id, crash)
    catalogue.setTime('2026-11-22T11:00:00.000Z')
    await save('second', sample.id, reportOf())
    await save('other', null, reportOf({ outcome: 'hang', reason: 'A thread waits for ever.' }))
    await save('dangling', 4711, reportOf())
    const all = must(await catalogue.handlers['runs.list']({ sampleId: null, limit: 10 }))
    expect(all.runs.map((run) => run.id)).toEqual(['dangling', 'other', 'second', 'first'])
    expect(all.runs[0]?.sampleId).toBeNull()
    const own = must(await catalogue.handlers['runs.list']({ sampleId: sample.id, limit: 10 }))
    expect(own.runs.map((run) => run.id)).toEqual(['second', 'first'])
    const { samples } = must(
      await catalogue.handlers['samples.list']({
        query: 'outcome:ok',
        sort: 'title',
        limit: 10,
        offset: 0,
      }),
    )
    expect(samples).toMatchObject([{ runs: 2, lastOutcome: 'ok' }])

    expect(must(await catalogue.handlers['runs.delete']({ ids: ['second', 'no'] }))).toEqual({
      deleted: 1,
    })
    expect(await catalogue.handlers['runs.get']({ id: 'second' })).toMatchObject({
      ok: false,
      error: { code: 'not-found' },
    })
  })

  test('kept in a form that is not known any more are said so, and stay in the list', async () => {
    const catalogue = temporaryCatalogue()
    must(
      await catalogue.handlers['runs.save']({
        id: 'old',
        sampleId: null,
        sampleTitle: 'T',
        request: request(),
        report: reportOf(),
      }),
    )
    const db = new Sqlite(catalogue.file)
    db.prepare(`UPDATE runs SET report = '{"schema":"ring0-run/0"}'`).run()
    db.close()
    expect(await catalogue.handlers['runs.get']({ id: 'old' })).toMatchObject({
      ok: false,
      error: { code: 'file-invalid' },
    })
    expect(
      must(await catalogue.handlers['runs.list']({ sampleId: null, limit: 9 })).runs,
    ).toHaveLength(1)
  })

  test('saved again under the same id stay one, at their place', async () => {
    const catalogue = temporaryCatalogue()
    const save = (report: RunReport) =>
      catalogue.handlers['runs.save']({
        id: 'a',
        sampleId: null,
        sampleTitle: 'T',
        request: request(),
        report,
      })
    await save(reportOf())
    catalogue.setTime('2026-11-23T10:00:00.000Z')
    await save(crash)
    const { runs } = must(await catalogue.handlers['runs.list']({ sampleId: null, limit: 10 }))
    expect(runs).toMatchObject([{ outcome: 'bugcheck', startedAt: '2026-11-22T10:00:00.000Z' }])
  })
})

test.each<[string, RunReport]>([
  ['0 requests', reportOf()],
  ['0x44 MULTIPLE_IRP_COMPLETE_REQUESTS', crash],
  [
    '2 requests, 1 failed',
    reportOf({
      requests: ['0x00000000', '0xC0000010'].map((status) => ({
        api: 'DeviceIoControl',
        major: 'IRP_MJ_DEVICE_CONTROL',
        status,
        information: 0,
      })),
    }),
  ],
  [
    'left behind: 2 pool Toy1, 1 device',
    reportOf({
      outcome: 'leak',
      leaks: [
        { kind: 'pool', tag: 'Toy1', bytes: 32, count: 2 },
        { kind: 'device', count: 1 },
      ],
    }),
  ],
  [
    'Stopped after 2,000,000 operations',
    reportOf({ outcome: 'limit', reason: 'Stopped after 2,000,000 operations' }),
  ],
  [
    'DriverEntry gave 0xC0000001',
    reportOf({ outcome: 'load-failed', driverEntry: { status: '0xC0000001' } }),
  ],
])('%s', (text, report) => expect(summaryOf(report)).toBe(text))

test('drafts and settings: the last save is the one that is found', async () => {
  const catalogue = temporaryCatalogue()
  const draft = { key: 'lab', files: HELLO, sampleId: null, view: '{}' }
  expect(must(await catalogue.handlers['drafts.load']({ key: 'lab' })).draft).toBeNull()
  must(await catalogue.handlers['drafts.save'](draft))
  must(await catalogue.handlers['drafts.save']({ ...draft, files: { 'driver.ts': 'later' } }))
  expect(must(await catalogue.handlers['drafts.load']({ key: 'lab' })).draft).toEqual({
    files: { 'driver.ts': 'later' },
    sampleId: null,
    view: '{}',
    savedAt: '2026-11-22T10:00:00.000Z',
  })
  must(await catalogue.handlers['drafts.discard']({ key: 'lab' }))
  expect(must(await catalogue.handlers['drafts.load']({ key: 'lab' })).draft).toBeNull()

  must(await catalogue.handlers['settings.set']({ key: 'theme', value: 'dark' }))
  must(await catalogue.handlers['settings.set']({ key: 'theme', value: 'light' }))
  must(await catalogue.handlers['settings.set']({ key: '__proto__', value: 'x' }))
  expect(must(await catalogue.handlers['settings.get']({})).values['theme']).toBe('light')
})
