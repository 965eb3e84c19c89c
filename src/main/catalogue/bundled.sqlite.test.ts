import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { describeReadme, readBundledSamples } from './bundled'
import {
  must,
  temporaryCatalogue,
  temporaryFolder,
  type TestCatalogue,
} from './testing/temporary-catalogue'

function ship(folder: string, bundle: string, files: Record<string, string>): void {
  mkdirSync(join(folder, bundle), { recursive: true })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, bundle, name), text)
}

const all = async (catalogue: TestCatalogue) =>
  must(
    await catalogue.handlers['samples.list']({ query: '', sort: 'shelf', limit: 100, offset: 0 }),
  ).samples

function shipment(): string {
  const folder = temporaryFolder()
  ship(folder, 'hello', {
    'driver.ts': 'first',
    'README.md':
      '# Hello, `DriverEntry`\n\nThe smallest driver, see\n[the docs](https://x).\n\nMore.',
    'sample.json': '{"tags":["beginner"],"order":1}',
    'expected.jsonl': '{}',
  })
  ship(folder, 'double-complete', {
    'driver.ts': 'IoCompleteRequest',
    'fixed.ts': 'once',
    'sample.json': '{"order":2}',
  })
  ship(folder, 'no-driver', { 'README.md': '# Nothing' })
  return folder
}

describe('shipped samples', () => {
  test('are read from their folders', () => {
    const { samples, problems } = readBundledSamples(shipment())
    expect(problems).toEqual([])
    expect(samples.map(({ files, ...rest }) => ({ ...rest, files: Object.keys(files) }))).toEqual([
      {
        bundle: 'double-complete',
        title: 'double-complete',
        summary: '',
        status: 'crashing',
        tags: [],
        order: 2,
        files: ['driver.ts', 'fixed.ts'],
      },
      {
        bundle: 'hello',
        title: 'Hello, DriverEntry',
        summary: 'The smallest driver, see the docs.',
        status: 'reference',
        tags: ['beginner'],
        order: 1,
        files: ['README.md', 'driver.ts'],
      },
    ])
  })

  test('stand in their order and are put there once', async () => {
    const bundledFolder = shipment()
    const folder = temporaryFolder()
    const first = temporaryCatalogue({ folder, bundledFolder })
    const before = await all(first)
    expect(before.map((sample) => sample.title)).toEqual(['Hello, DriverEntry', 'double-complete'])
    expect(before[0]).toMatchObject({ origin: 'bundled', slug: 'hello', tags: ['beginner'] })
    first.close()
    const again = temporaryCatalogue({
      folder,
      bundledFolder,
      now: () => new Date('2027-01-01T00:00:00Z'),
    })
    expect(await all(again)).toEqual(before)
  })

  test('follow a newer text, and keep what the user put on them', async () => {
    const bundledFolder = shipment()
    const folder = temporaryFolder()
    const first = temporaryCatalogue({ folder, bundledFolder })
    const id = (await all(first))[0]!.id
    must(await first.handlers['samples.tag']({ ids: [id], add: ['mine'], remove: [] }))
    must(await first.handlers['samples.update']({ id, notes: 'my note' }))
    const copy = must(await first.handlers['samples.duplicate']({ id }))
    first.close()

    ship(bundledFolder, 'hello', {
      'driver.ts': 'second text',
      'sample.json': '{"tags":["start"],"order":1}',
    })
    rmSync(join(bundledFolder, 'double-complete'), { recursive: true })
    const second = temporaryCatalogue({ folder, bundledFolder })
    expect(must(await second.handlers['samples.get']({ id }))).toMatchObject({
      files: { 'driver.ts': 'second text' },
      tags: ['mine', 'start'],
      notes: 'my note',
    })
    const untouched = must(await second.handlers['samples.get']({ id: copy.id }))
    expect(untouched.files['driver.ts']).toBe('first')
    // No longer shipped, but somebody may have runs of it.
    expect((await all(second)).map((sample) => sample.title)).toContain('double-complete')
  })

  test('cannot be edited in place', async () => {
    const catalogue = temporaryCatalogue({ bundledFolder: shipment() })
    const id = (await all(catalogue))[0]!.id
    for (const change of [
      { title: 'X' },
      { files: { 'driver.ts': 'x' } },
      { status: 'draft' as const },
    ])
      expect(await catalogue.handlers['samples.update']({ id, ...change })).toMatchObject({
        ok: false,
        error: { code: 'bad-request', hint: expect.stringContaining('Duplicate') as string },
      })
  })

  test('that were deleted stay away through updates until they are asked back', async () => {
    const bundledFolder = shipment()
    const folder = temporaryFolder()
    const first = temporaryCatalogue({ folder, bundledFolder })
    const id = (await all(first))[0]!.id
    must(await first.handlers['samples.delete']({ ids: [id] }))
    first.close()
    ship(bundledFolder, 'hello', { 'driver.ts': 'newer' })
    const later = temporaryCatalogue({
      folder,
      bundledFolder,
      now: () => new Date('2027-06-01T00:00:00Z'),
    })
    expect((await all(later)).map((sample) => sample.id)).not.toContain(id)
    expect(must(await later.handlers['samples.restoreBundled']({}))).toEqual({ restored: 1 })
    const back = must(await later.handlers['samples.get']({ id }))
    expect(back.files['driver.ts']).toBe('newer')
    const found = must(
      await later.handlers['samples.list']({ query: 'newer', sort: 'title', limit: 9, offset: 0 }),
    )
    expect(found.total).toBe(1)
  })

  test('one that cannot be read is named, and the others come', async () => {
    const bundledFolder = shipment()
    ship(bundledFolder, 'broken', { 'driver.ts': 'x', 'sample.json': '{' })
    const problems: string[] = []
    const catalogue = temporaryCatalogue({
      bundledFolder,
      onProblem: (text) => void problems.push(text),
    })
    expect(problems).toEqual([expect.stringMatching(/^broken: /)])
    expect(await all(catalogue)).toHaveLength(2)
  })

  test('a folder that is absent is a problem, not a crash', async () => {
    const problems: string[] = []
    const catalogue = temporaryCatalogue({
      bundledFolder: '/nowhere/at/all',
      onProblem: (text) => void problems.push(text),
    })
    expect(problems).toHaveLength(1)
    expect(await all(catalogue)).toEqual([])
  })
})

test.each([
  ['# T\n\nOne\ntwo.\n\nThree', { title: 'T', summary: 'One two.' }],
  ['# T\r\n\r\nOne\r\n\r\nTwo', { title: 'T', summary: 'One' }],
  ['# T\n\n```ts\ncode\n```\n', { title: 'T', summary: '' }],
  ['no heading', { title: 'folder', summary: 'no heading' }],
  ['', { title: 'folder', summary: '' }],
])('the README %j', (text, described) => expect(describeReadme(text, 'folder')).toEqual(described))
