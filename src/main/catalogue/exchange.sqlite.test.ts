import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readLab, writeLab } from './labfile'
import { canonicalJson, sha256 } from './text'
import {
  HELLO,
  must,
  reportOf,
  sampleFields,
  temporaryCatalogue,
  temporaryFolder,
  type TestCatalogue,
} from './testing/temporary-catalogue'

interface Lab extends TestCatalogue {
  path: string
}

function lab(folder = temporaryFolder()): Lab {
  const path = join(folder, 'x.ring0lab')
  const catalogue = temporaryCatalogue({
    askExportPath: () => Promise.resolve(path),
    askImportPath: () => Promise.resolve(path),
  })
  return { ...catalogue, path }
}

const everything = async (catalogue: TestCatalogue) => {
  const { samples } = must(
    await catalogue.handlers['samples.list']({ query: '', sort: 'title', limit: 100, offset: 0 }),
  )
  return Promise.all(
    samples.map(async ({ id }) => must(await catalogue.handlers['samples.get']({ id }))),
  )
}

async function filled(folder?: string): Promise<Lab> {
  const catalogue = lab(folder)
  const double = must(
    await catalogue.handlers['samples.create'](
      sampleFields('Double', { tags: ['irp'], notes: 'one', status: 'crashing', summary: 'twice' }),
    ),
  )
  must(
    await catalogue.handlers['samples.create'](
      sampleFields('Other', { files: { 'driver.ts': 'x' } }),
    ),
  )
  const request = { files: HELLO, seed: 3, verifier: ['io'], trace: 'full' as const }
  for (const [id, sampleId] of [
    ['run-1', double.id],
    ['run-2', null],
  ] as const)
    must(
      await catalogue.handlers['runs.save']({
        id,
        sampleId,
        sampleTitle: 'Double',
        request,
        report: reportOf(),
      }),
    )
  return catalogue
}

describe('a lab file', () => {
  test('brings a whole lab to an empty catalogue', async () => {
    const folder = temporaryFolder()
    const from = await filled(folder)
    expect(must(await from.handlers['labfile.export']({ ids: [] }))).toEqual({
      path: from.path,
      samples: 2,
    })
    expect(readdirSync(folder)).toEqual(['x.ring0lab'])
    const to = lab(folder)
    expect(must(await to.handlers['labfile.import']({}))).toEqual({
      path: to.path,
      added: 2,
      merged: 0,
      skipped: [],
    })
    const strip = ({ origin: _origin, ...rest }: Awaited<ReturnType<typeof everything>>[number]) =>
      rest
    expect((await everything(to)).map(strip)).toEqual((await everything(from)).map(strip))
    expect((await everything(to)).map((sample) => sample.origin)).toEqual(['imported', 'imported'])
    for (const id of ['run-1', 'run-2'])
      expect(must(await to.handlers['runs.get']({ id }))).toEqual(
        must(await from.handlers['runs.get']({ id })),
      )
    expect(to.changes).toEqual(['imported'])
  })

  test('of chosen samples holds these and their runs', async () => {
    const catalogue = await filled()
    const [double] = await everything(catalogue)
    expect(must(await catalogue.handlers['labfile.export']({ ids: [double!.id] })).samples).toBe(1)
    const { content } = must(readLab(readFileSync(catalogue.path, 'utf8')))
    expect(content.samples.map((sample) => sample.title)).toEqual(['Double'])
    expect(content.runs.map((run) => run.id)).toEqual(['run-1'])
  })

  test('merges into what is there: twice is once, and nothing present is lost', async () => {
    const folder = temporaryFolder()
    const from = await filled(folder)
    must(await from.handlers['labfile.export']({ ids: [] }))
    const to = lab(folder)
    const own = must(
      await to.handlers['samples.create'](sampleFields('Double', { tags: ['mine'], notes: 'two' })),
    )
    must(
      await to.handlers['runs.save']({
        id: 'run-1',
        sampleId: own.id,
        sampleTitle: 'Mine',
        request: { files: HELLO, seed: 99, verifier: [], trace: 'off' },
        report: reportOf(),
      }),
    )
    expect(must(await to.handlers['labfile.import']({}))).toMatchObject({ added: 1, merged: 1 })
    const [double] = await everything(to)
    expect(double).toMatchObject({
      id: own.id,
      origin: 'user',
      tags: ['irp', 'mine'],
      notes: 'two\n\n---\n\none',
    })
    expect(must(await to.handlers['runs.get']({ id: 'run-1' })).request.seed).toBe(99)
    const count = async (): Promise<number> =>
      must(await to.handlers['runs.list']({ sampleId: null, limit: 100 })).runs.length
    expect(await count()).toBe(3)
    const before = await everything(to)
    expect(must(await to.handlers['labfile.import']({}))).toMatchObject({ added: 0, merged: 2 })
    expect(await everything(to)).toEqual(before)
  })

  test('is not asked for when the dialog is cancelled', async () => {
    const catalogue = temporaryCatalogue()
    expect(must(await catalogue.handlers['labfile.export']({ ids: [] })).path).toBeNull()
    expect(must(await catalogue.handlers['labfile.import']({})).path).toBeNull()
  })

  test('replaces an older file only when the new one is whole', async () => {
    const catalogue = await filled()
    writeFileSync(catalogue.path, 'old')
    must(await catalogue.handlers['labfile.export']({ ids: [] }))
    expect(statSync(catalogue.path).size).toBeGreaterThan(100)
    const impossible = temporaryCatalogue({
      askExportPath: () => Promise.resolve('/nowhere/at/all.ring0lab'),
    })
    expect(await impossible.handlers['labfile.export']({ ids: [] })).toMatchObject({
      ok: false,
      error: { code: 'file-unreadable' },
    })
  })
})

/** A document with a fitting checksum, whatever it holds. */
const sealed = (content: unknown, head: object = {}): string =>
  JSON.stringify({
    format: 'ring0lab',
    version: 1,
    sha256: sha256(canonicalJson(content)),
    content,
    ...head,
  })
const goodSample = { key: 's1', title: 'Good', files: { 'driver.ts': 'x' } }

describe('a hostile file', () => {
  test.each<[string, string | Buffer, RegExp]>([
    ['nothing', '', /not JSON/],
    ['text', 'hello', /not JSON/],
    ['bytes', Buffer.from([0xff, 0xfe, 0x00, 0x80]), /not UTF-8/],
    ['another JSON', '{"format":"other"}', /no mark/],
    ['an array', '[]', /no mark/],
    ['no version', '{"format":"ring0lab"}', /no version/],
    ['a later version', sealed({ samples: [], runs: [] }, { version: 7 }), /reads up to version 1/],
    ['no lists', '{"format":"ring0lab","version":1,"content":{}}', /no lists/],
    ['a wrong checksum', sealed({ samples: [goodSample], runs: [] }, { sha256: 'x' }), /checksum/],
    [
      'deep nesting',
      `{"format":"ring0lab","version":1,"content":{"samples":[],"runs":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
      /64 deep/,
    ],
    [
      'too many items',
      sealed({ samples: Array.from({ length: 20_001 }, () => 0), runs: [] }),
      /more than 20000/,
    ],
  ])('%s is refused, and nothing changes', async (_name, text, message) => {
    const catalogue = lab()
    writeFileSync(catalogue.path, text)
    const result = await catalogue.handlers['labfile.import']({})
    expect(result).toMatchObject({ ok: false, error: { code: 'file-invalid' } })
    if (!result.ok) expect(result.error.message).toMatch(message)
    expect(await everything(catalogue)).toEqual([])
    expect(catalogue.changes).toEqual([])
  })

  test('cut short says where', () => {
    const text = sealed({ samples: [], runs: [] })
    const result = readLab(`{\n  "format": nope${text}`)
    expect(result).toMatchObject({
      ok: false,
      error: { detail: expect.stringMatching(/^Line 2, column 13: “nope/) as string },
    })
  })

  test('items that cannot be used are named with their place, the others come in', async () => {
    const catalogue = lab()
    writeFileSync(
      catalogue.path,
      sealed({
        samples: [
          goodSample,
          { key: 's2', title: 'Way out', files: { '../../etc/passwd': 'x' } },
          JSON.parse('{"key":"s3","title":"Proto","files":{"__proto__":"x"}}'),
          { key: 's4', title: 'No files', files: {} },
          { key: 's5', files: { 'driver.ts': 'x' } },
          { key: 's6', title: 'Wrong', files: { 'driver.ts': 7 } },
          null,
        ],
        runs: [{ id: 'r', sample: 's1', sampleTitle: '', startedAt: 'yesterday' }],
      }),
    )
    const result = must(await catalogue.handlers['labfile.import']({}))
    expect(result.added).toBe(1)
    expect(result.skipped).toEqual([
      expect.stringMatching(
        /^content\.samples\[1\] “Way out”, field files: a file has a forbidden name/,
      ),
      expect.stringMatching(/^content\.samples\[2\] “Proto”/),
      expect.stringMatching(
        /^content\.samples\[3\] “No files”, field files: a sample has 1 to 200/,
      ),
      expect.stringMatching(/^content\.samples\[4\], field title/),
      expect.stringMatching(/^content\.samples\[5\] “Wrong”, field files.driver\.ts/),
      expect.stringMatching(/^content\.samples\[6\]/),
      expect.stringMatching(/^content\.runs\[0\], field startedAt/),
    ])
    expect((await everything(catalogue)).map((sample) => sample.title)).toEqual(['Good'])
  })

  test('any JSON in place of the content is answered, not thrown', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (samples, runs) => {
        const result = readLab(sealed({ samples, runs }))
        expect(typeof result.ok).toBe('boolean')
      }),
    )
  })

  test('any single changed character is noticed or harmless', () => {
    const content = {
      samples: [
        { ...must(readLab(sealed({ samples: [goodSample], runs: [] }))).content.samples[0]! },
      ],
      runs: [],
    }
    const text = writeLab(content, 'test', new Date(0))
    const start = text.indexOf('"content"')
    fc.assert(
      fc.property(
        fc.integer({ min: start, max: text.length - 2 }),
        fc.constantFrom('x', '1', '}', '"'),
        (at, put) => {
          const changed = text.slice(0, at) + put + text.slice(at + 1)
          if (changed === text) return
          const result = readLab(changed)
          expect(result.ok).toBe(false)
        },
      ),
    )
  })
})
