import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { catalogueContract, type SampleSummary } from '../../shared/contract/catalogue'
import { formatQuery } from '../../shared/query'
import {
  HELLO,
  must,
  reportOf,
  sampleFields,
  temporaryCatalogue,
  type TestCatalogue,
} from './testing/temporary-catalogue'

type ListInput = z.input<(typeof catalogueContract)['samples.list']['input']>

async function list(catalogue: TestCatalogue, input: ListInput = {}) {
  const parsed = catalogueContract['samples.list'].input.parse(input)
  return must(await catalogue.handlers['samples.list'](parsed))
}
const titles = async (catalogue: TestCatalogue, query: string): Promise<string[]> =>
  (await list(catalogue, { query, sort: 'title' })).samples.map((sample) => sample.title)

async function create(
  catalogue: TestCatalogue,
  ...args: Parameters<typeof sampleFields>
): Promise<SampleSummary> {
  return must(await catalogue.handlers['samples.create'](sampleFields(...args)))
}

async function shelf(): Promise<TestCatalogue> {
  const catalogue = temporaryCatalogue()
  await create(catalogue, 'Double completion', {
    summary: 'Completes one packet twice',
    status: 'crashing',
    tags: ['irp', 'Beginner'],
    files: { 'driver.ts': 'IoCompleteRequest(Irp, IO_NO_INCREMENT)\nIoCompleteRequest(Irp, 0)' },
  })
  await create(catalogue, 'Pool overrun', {
    status: 'crashing',
    tags: ['memory'],
    notes: 'Shown on the second day. 50% off_by_one',
    files: { 'driver.ts': 'ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, TAG)' },
  })
  await create(catalogue, 'Hello', { status: 'working', tags: ['beginner', 'use after "free"'] })
  return catalogue
}

describe('search', () => {
  test.each([
    ['', ['Double completion', 'Hello', 'Pool overrun']],
    ['completerequest', ['Double completion']],
    ['IoComplete', ['Double completion']],
    ['"packet twice"', ['Double completion']],
    ['"twice packet"', []],
    ['driver.ts', ['Double completion', 'Hello', 'Pool overrun']],
    ['second day', ['Pool overrun']],
    ['double-compl', ['Double completion']],
    ['tag:BEGINNER', ['Double completion', 'Hello']],
    ['tag:"use after ""free"""', ['Hello']],
    ['-tag:beginner', ['Pool overrun']],
    ['status:crashing', ['Double completion', 'Pool overrun']],
    ['status:crashing status:working', ['Double completion', 'Hello', 'Pool overrun']],
    ['-status:crashing', ['Hello']],
    ['status:crashing -pool', ['Double completion']],
    ['outcome:none -hello', ['Double completion', 'Pool overrun']],
    ['origin:bundled', []],
    ['io', ['Double completion', 'Hello']],
    ['0%', ['Pool overrun']],
    ['%', ['Pool overrun']],
    ['_b', ['Pool overrun']],
    ['-pr', ['Double completion', 'Hello', 'Pool overrun']],
    ['title:hello', []],
    ['hel* OR pool', []],
    ['NEAR(pool,tag)', []],
  ])('%j', async (query, expected) => expect(await titles(await shelf(), query)).toEqual(expected))

  test('counts, facets and the problem', async () => {
    const catalogue = await shelf()
    const answer = await list(catalogue, { query: 'status:crashing tag:memory what:ever' })
    expect(answer.all).toBe(3)
    expect(answer.total).toBe(0)
    expect(answer.problem).toContain('“what:” is not a field')
    const facets = await list(catalogue, { query: 'status:crashing' })
    expect(facets.tags).toEqual([
      { tag: 'Beginner', count: 1 },
      { tag: 'irp', count: 1 },
      { tag: 'memory', count: 1 },
    ])
    // Counted without the status that is asked for: what choosing another one would give.
    expect(facets.statuses).toEqual([
      { status: 'crashing', count: 2 },
      { status: 'working', count: 1 },
    ])
    expect(facets.outcomes).toEqual([{ outcome: 'none', count: 2 }])
    expect(facets.problem).toBeNull()
  })

  test('marks where the words are, and puts a hit in the title first', async () => {
    const catalogue = await shelf()
    await create(catalogue, 'Notes about pool', { summary: 'overrun', notes: 'completion' })
    const { samples } = await list(catalogue, { query: 'completion', sort: 'relevance' })
    expect(samples[0]?.title).toBe('Double completion')
    expect(samples.map((sample) => sample.snippet?.replace(/\s+/g, ' '))).toEqual([
      expect.stringContaining('‹completion›'),
      expect.stringContaining('‹completion›'),
    ])
  })

  test('pages', async () => {
    const catalogue = await shelf()
    const page = await list(catalogue, { sort: 'title', limit: 1, offset: 1 })
    expect(page).toMatchObject({ total: 3, all: 3, samples: [{ title: 'Hello' }] })
  })

  test('no text is an injection: it finds what holds it, or nothing, and never fails', async () => {
    const catalogue = await shelf()
    const all = await titles(catalogue, '')
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'grapheme', maxLength: 60 }),
          fc
            .array(
              fc.constantFrom(
                '"',
                "'",
                '--',
                ';',
                '*',
                'OR',
                'NOT',
                'NEAR(',
                ')',
                '{title}:',
                '^',
                '%',
                '_',
                '\\',
                "x' OR 1=1",
                'tag:',
                'pool',
                '\u0000',
                '\ud800',
              ),
              { maxLength: 8 },
            )
            .map((parts) => parts.join('')),
        ),
        async (query) => {
          const found = await titles(catalogue, query.slice(0, 500))
          expect(all).toEqual(expect.arrayContaining(found))
        },
      ),
      { numRuns: 300 },
    )
    expect(await titles(catalogue, '')).toEqual(all)
  })

  test('a word of any sample finds that sample', async () => {
    const catalogue = temporaryCatalogue()
    let number = 0
    await fc.assert(
      fc.asyncProperty(
        fc
          .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
          // SQLite folds case by simple rules and text by code point; the query trims.
          .filter((text) => /^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(text) && !/\p{Cs}/u.test(text)),
        async (word) => {
          const title = `Sample ${++number}`
          await create(catalogue, title, { notes: `before ${word} after` })
          const query = formatQuery([{ field: null, value: word, negated: false }])
          expect(await titles(catalogue, query)).toContain(title)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('changes', () => {
  test('create, get, update: the sample is what was saved, and a save keeps the text before', async () => {
    const catalogue = temporaryCatalogue()
    const { id } = await create(catalogue, 'Mine', { tags: [' two  words ', 'Irp', 'irp'] })
    catalogue.setTime('2026-11-23T10:00:00.000Z')
    const files = { 'driver.ts': 'second', 'lib/helper.ts': 'x' }
    must(await catalogue.handlers['samples.update']({ id, files, notes: '# why' }))
    const sample = must(await catalogue.handlers['samples.get']({ id }))
    expect(sample).toMatchObject({
      title: 'Mine',
      slug: 'mine',
      tags: ['Irp', 'two words'],
      notes: '# why',
      files,
      origin: 'user',
      createdAt: '2026-11-22T10:00:00.000Z',
      updatedAt: '2026-11-23T10:00:00.000Z',
    })
    const { versions } = must(await catalogue.handlers['samples.versions']({ id }))
    expect(versions).toEqual([
      { version: 1, savedAt: '2026-11-22T10:00:00.000Z', title: 'Mine', files: ['driver.ts'] },
    ])
    const reverted = must(await catalogue.handlers['samples.revert']({ id, version: 1 }))
    expect(reverted.files).toEqual(HELLO)
    const after = must(await catalogue.handlers['samples.versions']({ id }))
    expect(after.versions.map((version) => version.version)).toEqual([2, 1])
    expect(await titles(catalogue, 'second')).toEqual([])
    expect(catalogue.changes).toEqual(['created', 'updated', 'updated'])
  })

  test('keeps the last 50 versions, and none for a save of the same text', async () => {
    const catalogue = temporaryCatalogue()
    const { id } = await create(catalogue, 'Mine')
    for (let i = 0; i < 60; i++)
      must(await catalogue.handlers['samples.update']({ id, files: { 'driver.ts': `text ${i}` } }))
    must(await catalogue.handlers['samples.update']({ id, files: { 'driver.ts': 'text 59' } }))
    must(await catalogue.handlers['samples.update']({ id, notes: 'only notes' }))
    const { versions } = must(await catalogue.handlers['samples.versions']({ id }))
    expect(versions).toHaveLength(50)
    expect(versions[0]?.version).toBe(60)
    expect(versions.at(-1)?.version).toBe(11)
  })

  test('duplicate is a draft of the user with the same text', async () => {
    const catalogue = await shelf()
    const original = (await list(catalogue, { query: 'double' })).samples[0]!
    const copy = must(await catalogue.handlers['samples.duplicate']({ id: original.id }))
    expect(copy).toMatchObject({
      title: 'Double completion (copy)',
      status: 'draft',
      origin: 'user',
      tags: original.tags,
    })
    expect(copy.id).not.toBe(original.id)
    expect(copy.slug).not.toBe(original.slug)
  })

  test('tagging several at once', async () => {
    const catalogue = await shelf()
    const ids = (await list(catalogue)).samples.map((sample) => sample.id)
    expect(
      must(
        await catalogue.handlers['samples.tag']({
          ids: [...ids, 999],
          add: ['Day 1', 'MEMORY'],
          remove: ['irp'],
        }),
      ),
    ).toEqual({ changed: 3 })
    expect(await titles(catalogue, 'tag:"day 1" tag:memory -tag:irp')).toHaveLength(3)
    expect(await titles(catalogue, 'tag:irp')).toEqual([])
    expect(
      must(await catalogue.handlers['samples.tag']({ ids, add: ['day 1'], remove: [] })),
    ).toEqual({ changed: 0 })
  })

  test.each(['../driver.ts', '/etc/passwd', 'a\\b.ts', 'a//b', 'con:', '__proto__', 'x/.', ''])(
    'a file cannot be called %j',
    async (name) => {
      const catalogue = temporaryCatalogue()
      const files = Object.fromEntries([[name, 'x']])
      expect(
        await catalogue.handlers['samples.create'](sampleFields('Bad', { files })),
      ).toMatchObject({ ok: false, error: { code: 'bad-request' } })
      expect((await list(catalogue)).all).toBe(0)
    },
  )

  test('what is not there is said', async () => {
    const catalogue = temporaryCatalogue()
    const missing = { ok: false, error: { code: 'not-found' } }
    expect(await catalogue.handlers['samples.get']({ id: 7 })).toMatchObject(missing)
    expect(await catalogue.handlers['samples.update']({ id: 7 })).toMatchObject(missing)
    expect(await catalogue.handlers['samples.duplicate']({ id: 7 })).toMatchObject(missing)
    expect(await catalogue.handlers['samples.delete']({ ids: [7] })).toMatchObject(missing)
    expect(await catalogue.handlers['samples.versions']({ id: 7 })).toMatchObject(missing)
    expect(await catalogue.handlers['samples.undoDelete']({ undo: 'x' })).toMatchObject(missing)
  })
})

describe('deleting', () => {
  test('takes samples out of list and search, and undo brings exactly these back', async () => {
    const catalogue = await shelf()
    const before = await list(catalogue, { sort: 'title' })
    const [first, second, third] = before.samples
    await catalogue.handlers['samples.delete']({ ids: [third!.id] })
    const { undo } = must(
      await catalogue.handlers['samples.delete']({ ids: [first!.id, second!.id] }),
    )
    expect((await list(catalogue)).all).toBe(0)
    expect(await titles(catalogue, 'completerequest')).toEqual([])
    const { deletions } = must(await catalogue.handlers['samples.deleted']({}))
    expect(deletions.map((deletion) => deletion.titles)).toEqual([
      ['Double completion', 'Hello'],
      ['Pool overrun'],
    ])
    expect(deletions[0]?.undo).toBe(undo)
    expect(must(await catalogue.handlers['samples.undoDelete']({ undo }))).toEqual({ restored: 2 })
    expect((await list(catalogue, { sort: 'title' })).samples).toEqual([first, second])
    expect(await titles(catalogue, 'completerequest')).toEqual(['Double completion'])
    expect(await catalogue.handlers['samples.undoDelete']({ undo })).toMatchObject({ ok: false })
  })

  test('a sample whose short name was taken meanwhile comes back under another', async () => {
    const catalogue = temporaryCatalogue()
    const first = await create(catalogue, 'Same')
    const { undo } = must(await catalogue.handlers['samples.delete']({ ids: [first.id] }))
    await create(catalogue, 'Same')
    must(await catalogue.handlers['samples.undoDelete']({ undo }))
    const { samples } = await list(catalogue)
    expect(samples.map((sample) => sample.slug).sort()).toEqual(['same', 'same-2'])
  })

  test('is final after 30 days; runs stay, without their sample', async () => {
    const folder = temporaryCatalogue()
    const sample = await create(folder, 'Gone')
    const request = { files: HELLO, seed: 1, verifier: [], trace: 'full' as const }
    await folder.handlers['runs.save']({
      id: 'run-1',
      sampleId: sample.id,
      sampleTitle: 'Gone',
      request,
      report: reportOf(),
    })
    await folder.handlers['samples.delete']({ ids: [sample.id] })
    folder.close()
    const path = folder.file.replace(/[/\\]catalogue\.sqlite$/, '')
    const early = temporaryCatalogue({ folder: path, now: () => new Date('2026-12-22T09:00:00Z') })
    expect(must(await early.handlers['runs.get']({ id: 'run-1' })).row.sampleId).toBe(sample.id)
    early.close()
    const late = temporaryCatalogue({ folder: path, now: () => new Date('2026-12-22T11:00:00Z') })
    const run = must(await late.handlers['runs.get']({ id: 'run-1' }))
    expect(run.row).toMatchObject({ sampleId: null, sampleTitle: 'Gone' })
    expect(run.request.files).toEqual(HELLO)
    const next = await create(late, 'Next')
    expect(next.id).toBeGreaterThan(sample.id)
  })
})
