import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { EXPORT_FORMATS, type FileDetail } from '../../shared/contract/files'
import { newOwner } from '../intake/owner'
import { buildEntry } from '../intake/testing/build-entry'
import { must } from '../catalogue/testing/temporary-catalogue'
import { parseLolDrivers } from '../known/loldrivers/entry'
import { parseSiPolicy } from '../known/sipolicy/parse'
import { seedReference } from './reference'
import { FIXTURES, temporaryDesk, type TestDesk, type Workers } from './testing/temporary-desk'

// Everything from dropped paths to exported text, with nothing made up but the answers to dialogs.

let workers: Workers
beforeAll(async () => {
  workers = {
    analysis: await buildEntry('src/main/intake/analysis-worker.ts'),
    yara: await buildEntry('src/main/intake/yara-worker.ts'),
  }
})
afterAll(() => {
  workers.analysis.remove()
  workers.yara.remove()
})

const PE = join(FIXTURES, 'pe')
const detail = async (desk: TestDesk, query: string): Promise<FileDetail> =>
  must(await desk.handlers['files.get']({ id: desk.only(query) })) as FileDetail

describe('importing', () => {
  test('a folder with an archive: files once, names as aliases, evidence as it was planted', async () => {
    const desk = await temporaryDesk(workers)
    const job = await desk.import([PE], { tags: ['lab'] })
    expect(job).toMatchObject({ state: 'done', added: 4, merged: 1, failed: 0 })
    const ferry = await detail(desk, 'name:ferry-forged.sys')
    expect(ferry.facts?.evidence.map(({ id }) => id).sort()).toEqual(
      [
        'compiled-after-claimed-signing-time',
        'compiled-after-signer-expired',
        'pre-2015-07-29-exemption-claimed',
        'sha1-digest',
        'untrusted-timestamp-root',
      ].sort(),
    )
    expect(ferry.row).toMatchObject({ types: ['WFP', 'WDM'], tags: ['lab'], evidence: 5 })
    const lantern = await detail(desk, 'ioctl:0x80102040 -signed')
    expect(lantern.names.map(({ name }) => name)).toEqual(['lantern.sys'])
    expect(lantern.sameImage.map(({ name }) => name)).toEqual(['lantern-signed.sys'])
  })

  test('again: nothing changes, and no note is lost', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([PE])
    const id = desk.only('name:lantern.sys')
    must(
      await desk.handlers['files.annotate']({
        selection: { ids: [id] },
        notes: 'seen twice',
        addTags: ['mine'],
        removeTags: [],
      }),
    )
    const before = await desk.handlers['files.get']({ id })
    const job = await desk.import([PE])
    expect(job).toMatchObject({ added: 0, merged: 5, failed: 0 })
    expect(await desk.handlers['files.get']({ id })).toEqual(before)
  })

  test('a driver package: the catalogue speaks for the driver, the INF says what is installed', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([join(FIXTURES, 'signed')])
    const it = await detail(desk, 'name:catalogued.sys')
    expect(it.facts?.signatures.map(({ source }) => source)).toContain('catalogue')
    expect(it.packages.flatMap(({ members }) => members)).toContainEqual(
      expect.objectContaining({ name: 'catalogued.sys', isListed: true }),
    )
  })

  test('bytes are kept only in an open quarantine, encrypted, and come out as an infected zip', async () => {
    const desk = await temporaryDesk(workers)
    const refused = await desk.handlers['intake.dropped']({
      paths: [PE],
      keepBytes: true,
      tags: [],
      passwords: [],
    })
    expect(refused).toMatchObject({ ok: false, error: { code: 'bad-request' } })
    must(
      await desk.handlers['quarantine.setUp']({
        key: 'passphrase',
        passphrase: 'six old red boats',
      }),
    )
    await desk.import([join(PE, 'lantern.sys')], { keepBytes: true })
    const info = must(await desk.handlers['quarantine.info']({}))
    expect(info).toMatchObject({ key: 'passphrase', files: 1, locked: null })
    const folder = join(desk.folder, 'quarantine')
    const kept = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /[0-9a-f]{64}$/.test(name),
    )
    expect(kept).toHaveLength(1)
    expect(readFileSync(join(folder, kept[0]!)).includes('This program cannot')).toBe(false)

    const id = desk.only('name:lantern.sys')
    desk.answers.save = join(desk.folder, 'out.zip')
    must(await desk.handlers['quarantine.export']({ id }))
    const elsewhere = await temporaryDesk(workers)
    const job = await elsewhere.import([desk.answers.save])
    expect(job).toMatchObject({ added: 1, failed: 0 })

    expect(must(await desk.handlers['quarantine.forget']({ ids: [id] }))).toEqual({ forgotten: 1 })
    expect(existsSync(join(folder, kept[0]!))).toBe(false)
  })
})

test('copies that another catalogue keeps in the same quarantine survive the start of the app', async () => {
  const desk = await temporaryDesk(workers)
  must(await desk.handlers['quarantine.setUp']({ key: 'key-file', passphrase: '' }))
  await desk.import([join(PE, 'lantern.sys')], { keepBytes: true })
  const copies = (): string[] =>
    readdirSync(join(desk.folder, 'quarantine'), { recursive: true, encoding: 'utf8' })
  const before = copies()
  const other = await temporaryDesk(workers, { userData: desk.folder })
  await other.prepare()
  await other.tidy()
  expect(copies()).toEqual(before)
  desk.answers.save = join(desk.folder, 'out.zip')
  const id = desk.only('name:lantern.sys')
  expect(await desk.handlers['quarantine.export']({ id })).toMatchObject({ ok: true })
})

test('an import that another program runs is not controlled from here', async () => {
  const desk = await temporaryDesk(workers)
  const [, , booted] = newOwner().split(' ')
  const { jobs } = desk.catalogue.files
  const given = { title: 'theirs', paths: [], keepBytes: false, tags: [] }
  const job = jobs.create(given, `${process.ppid} - ${booted} x`)
  expect(await desk.handlers['intake.control']({ job, action: 'cancel' })).toMatchObject({
    ok: false,
    error: { message: 'Another program is running this import.' },
  })
  expect(jobs.get(job).state).toBe('running')
})

describe('reference data', () => {
  test('what ships is on the shelf once', async () => {
    const desk = await temporaryDesk(workers)
    const sort = { key: 'added', descending: true } as const
    const list = (): { all: number; isFilling: boolean } =>
      desk.catalogue.files.list({ query: '', sort, offset: 0, limit: 1 })
    const prepared = desk.prepare()
    while (!list().isFilling) await new Promise((done) => setImmediate(done))
    const begun = list().all
    await prepared
    const { all, isFilling } = list()
    expect({ grown: all > begun, isFilling }).toEqual({ grown: true, isFilling: false })
    const { sources } = must(await desk.handlers['known.info']({}))
    expect(sources).toMatchObject([{ entries: 661, samples: 2213, shipped: true }])
    const { files } = desk.catalogue
    expect(must(await seedReference(files, 'nowhere'))).toBe(false)
  })

  test('ten originals in YAML: ten entries, twenty rows, eighteen samples', async () => {
    const desk = await temporaryDesk(workers)
    desk.answers.open = [join(FIXTURES, 'loldrivers')]
    const counted = must(await desk.handlers['known.import']({ what: 'folder' }))
    expect(counted).toMatchObject({ entries: 10, samples: 20, problems: [], cancelled: false })
    const { all } = desk.catalogue.files.list({
      query: '',
      sort: { key: 'added', descending: true },
      offset: 0,
      limit: 1,
    })
    expect(all).toBe(18)
  })

  test('a block policy: which files it blocks, by which rule, also those that come later', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([join(PE, 'lantern.sys')])
    desk.answers.open = [join(FIXTURES, 'sipolicy')]
    expect(must(await desk.handlers['known.import']({ what: 'files' })).rules).toBeGreaterThan(0)
    await desk.import([PE])
    const blocked = async (name: string): Promise<string[]> =>
      (await detail(desk, `name:${name}`)).blocks.map(({ matchedBy }) => matchedBy)
    expect(await blocked('lantern.sys')).toContain('authentihash')
    expect(await blocked('lantern-signed.sys')).toContain('authentihash')
    expect(await blocked('ferry-forged.sys')).toEqual(['signer'])
    expect(await blocked('lantern-tampered.sys')).toEqual([])
  })
})

describe('exporting', () => {
  const write = async (
    desk: TestDesk,
    format: (typeof EXPORT_FORMATS)[number],
    query = '',
  ): Promise<string> => {
    desk.answers.save = join(desk.folder, `export.${format}`)
    const answer = must(await desk.handlers['files.export']({ selection: { query }, format }))
    expect(answer.path).toBe(desk.answers.save)
    return readFileSync(desk.answers.save, 'utf8')
  }

  test('every format holds the digests of the files, and none loses the way back', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([PE])
    must(
      await desk.handlers['files.annotate']({
        selection: { query: '' },
        verdict: 'vulnerable',
        addTags: [],
        removeTags: [],
      }),
    )
    const sha256 = (await detail(desk, 'name:ferry-forged.sys')).row.sha256!
    const authentihash = (await detail(desk, 'name:ferry-forged.sys')).facts!.image!.authentihash!
    for (const format of EXPORT_FORMATS) {
      const text = await write(desk, format)
      if (format === 'sipolicy') expect(text).toContain(authentihash.sha256.toUpperCase())
      else expect(text).toContain(sha256)
      expect(existsSync(join(desk.folder, `export.${format}.part`))).toBe(false)
    }
    // What others read of our own is read by our own readers too.
    const yaml = await write(desk, 'loldrivers-yaml', 'name:ferry-forged.sys')
    expect(parse(yaml)).toMatchObject({ Tags: ['ferry-forged.sys'] })
    expect(must(parseLolDrivers(yaml, 'export.yaml')).entries[0]?.samples).toMatchObject([
      { sha256, authSha256: authentihash.sha256 },
    ])
    const policy = must(parseSiPolicy(await write(desk, 'sipolicy'), 'export.xml'))
    expect(JSON.stringify(policy)).toContain(authentihash.sha256)
  })

  test('our own JSON, taken in by an empty desk, gives back what was exported', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([PE])
    must(
      await desk.handlers['files.annotate']({
        selection: { query: 'name:ferry-forged.sys' },
        notes: '# Ferry\nredirects',
        verdict: 'malicious',
        verdictReason: 'forged time',
        status: 'done',
        addTags: ['byovd', 'red'],
        removeTags: [],
      }),
    )
    const text = await write(desk, 'json')
    const other = await temporaryDesk(workers)
    const job = await other.import([desk.answers.save!])
    expect(other.intake.failures(job.id, 0).failures).toEqual([])
    expect(job).toMatchObject({ added: 4, failed: 0 })
    const files = (json: string): unknown => (JSON.parse(json) as { files: unknown }).files
    expect(files(await write(other, 'json'))).toEqual(files(text))
  })

  test('files that have no place in a format are not counted as written', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([join(PE, 'lantern.sys')])
    desk.answers.save = join(desk.folder, 'export.yaml')
    const format = 'loldrivers-yaml'
    expect(
      must(await desk.handlers['files.export']({ selection: { query: '' }, format })),
    ).toMatchObject({ files: 0, left: [expect.stringMatching(/^lantern\.sys: /)] })
  })

  test('a query that is not understood exports nothing', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([PE])
    const answer = await desk.handlers['files.export']({
      selection: { query: 'compiled>yesterdays' },
      format: 'csv',
    })
    expect(answer).toMatchObject({ ok: false, error: { code: 'bad-request' } })
    expect(desk.answers.asked).toEqual([])
  })

  test('a folder that is not there: a clear error, and nothing half written', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([join(PE, 'lantern.sys')])
    desk.answers.save = join(desk.folder, 'absent', 'x.csv')
    expect(
      await desk.handlers['files.export']({ selection: { query: '' }, format: 'csv' }),
    ).toMatchObject({ ok: false, error: { code: 'file-unreadable' } })
  })

  test('a toy driver is made once and opened again', async () => {
    const desk = await temporaryDesk(workers)
    await desk.import([join(PE, 'lantern.sys')])
    const id = desk.only('name:lantern.sys')
    const first = must(await desk.handlers['files.openAsToy']({ id }))
    expect(must(await desk.handlers['files.openAsToy']({ id }))).toEqual(first)
    const sample = must(await desk.catalogue.handlers['samples.get']({ id: first.sampleId }))
    expect(sample.files['driver.ts']).toContain("RTL_CONSTANT_STRING('\\\\Device\\\\LabLantern')")
    expect(sample.files['ioctl.ts']).toContain('0x80102040')
  })
})

test('YARA: the rules of a folder are tried, and matches stand with their files', async () => {
  const desk = await temporaryDesk(workers)
  const { mkdirSync, writeFileSync } = await import('node:fs')
  const rules = join(desk.folder, 'rules')
  mkdirSync(rules)
  writeFileSync(
    join(rules, 'lab.yar'),
    'rule lantern : lab { strings: $a = "LabLantern" wide condition: $a }\n',
  )
  writeFileSync(join(rules, 'bad.yar'), 'rule broken {\n  condition: nothing\n}\n')
  desk.answers.open = [rules]
  must(await desk.handlers['yara.chooseFolder']({}))
  const info = must(await desk.handlers['yara.info']({}))
  expect(info).toMatchObject({ folder: rules, rules: 1 })
  expect(info.problems.join()).toMatch(/bad\.yar:2/)
  await desk.import([join(PE, 'lantern.sys'), join(PE, 'ferry-forged.sys')])
  expect((await detail(desk, 'yara:lantern')).row.name).toBe('lantern.sys')
  expect((await detail(desk, 'name:ferry-forged.sys')).yara).toEqual([])
})
