import { mkdirSync, copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FileFacts } from '../../shared/driver-file/facts'
import { runHostHere } from './local-host'
import type { KnownBatch } from './messages'
import { packageReaders } from './package-readers'
import { openQuarantine } from './quarantine'
import { buildEntry, type BuiltEntry } from './testing/build-entry'
import { Desk, Folder } from './testing/desk'
import { zip } from './testing/zips'
import { startAnalysisWorker, startYaraWorker } from './workers'

// The workers of the product, on the real fixtures.

const data = resolve(__dirname, '../../../data')
const fixtures = join(data, 'fixtures')

let analysis: BuiltEntry
let yara: BuiltEntry
beforeAll(async () => {
  analysis = await buildEntry('src/main/intake/analysis-worker.ts')
  yara = await buildEntry('src/main/intake/yara-worker.ts')
})
afterAll(() => {
  analysis.remove()
  yara.remove()
})

let folder: Folder
const desks: Desk[] = []
beforeEach(() => {
  folder = new Folder()
})
afterEach(() => {
  for (const desk of desks.splice(0)) desk.controller.close()
  folder.remove()
})

function open(over: ConstructorParameters<typeof Desk>[1] = {}): Desk {
  const desk = new Desk(
    () =>
      runHostHere({
        startAnalysis: startAnalysisWorker((options) => new Worker(analysis.file, options)),
        startYara: startYaraWorker((options) => new Worker(yara.file, options)),
        packages: packageReaders,
        // Other tests run beside this one.
        fileMsMax: 30_000,
      }),
    {
      settings: {
        capabilitiesFolder: join(data, 'capabilities'),
        importFrequencyFile: join(data, 'loldrivers', 'import-frequency.csv'),
        yaraFolder: null,
      },
      ...over,
    },
  )
  desks.push(desk)
  return desk
}

test('the fixtures come in with their facts, the archive among them', async () => {
  const desk = open()
  const job = await desk.import([join(fixtures, 'pe')])
  // expected.json is no export of ours.
  expect(job).toMatchObject({ state: 'done', total: 5, added: 4, merged: 1, failed: 0 })
  const expected = JSON.parse(
    readFileSync(join(fixtures, 'pe', 'expected.json'), 'utf8'),
  ) as Record<string, { sha256: string; imphash: string; authentihash: unknown }>
  for (const [name, { sha256, imphash, authentihash }] of Object.entries(expected)) {
    const file = desk.store.files.get(sha256)
    expect(file?.name).toBe(name)
    expect(FileFacts.safeParse(file?.facts).success).toBe(true)
    expect(file?.facts.image).toMatchObject({ imphash, authentihash })
  }
  const forged = desk.store.files.get(expected['ferry-forged.sys']?.sha256 ?? '')
  expect(forged?.facts.evidence.length).toBeGreaterThan(2)
  expect(forged?.facts.capabilities.length).toBeGreaterThan(0)
})

test('an INF beside its driver makes a package', async () => {
  mkdirSync(join(folder.path, 'pack'))
  const inf = readdirSync(join(fixtures, 'inf')).filter((name) => name.endsWith('.inf'))
  for (const name of inf) copyFileSync(join(fixtures, 'inf', name), join(folder.path, 'pack', name))
  copyFileSync(join(fixtures, 'pe', 'lantern.sys'), join(folder.path, 'pack', 'lamp.sys'))
  const desk = open()
  const job = await desk.import([join(folder.path, 'pack')])
  expect(job).toMatchObject({ state: 'done', failed: 0, added: 1 })
  expect([...desk.store.packages.values()].map(({ name }) => name).sort()).toEqual(inf.sort())
})

test('a driver signed by the catalogue beside it in an archive has that signature', async () => {
  const signed = (name: string): Buffer => readFileSync(join(fixtures, 'signed', name))
  const path = folder.put(
    'package.zip',
    await zip(
      {
        'beacon/catalogued.sys': signed('catalogued.sys'),
        'beacon/unsigned.sys': signed('unsigned.sys'),
        'beacon/beacon.cat': signed('catalogue-v2.cat'),
        'elsewhere/other.sys': signed('sha384.sys'),
      },
      { password: 'infected' },
    ),
  )
  const desk = open()
  expect(await desk.import([path])).toMatchObject({ state: 'done', added: 3, failed: 0 })
  const byName = Object.fromEntries([...desk.store.files.values()].map((file) => [file.name, file]))
  expect(byName['catalogued.sys']?.facts.signatures).toMatchObject([
    { source: 'catalogue', catalogue: 'beacon.cat', digestMatches: true, verifies: true },
  ])
  expect(byName['unsigned.sys']?.facts.signatures).toEqual([])
  const [landed] = desk.store.packages.values()
  expect(landed).toMatchObject({ name: 'beacon.cat', inf: null })
  expect(landed?.catalogue?.members.map(({ file }) => file)).toContain('catalogued.sys')
  expect(byName['catalogued.sys']?.packages).toEqual([{ key: landed?.key, isListed: true }])
  expect(byName['other.sys']?.packages).toEqual([])
})

test('bytes are kept when asked, and rules of YARA applied', async () => {
  const quarantine = { folder: join(folder.path, 'quarantine'), masterKey: Buffer.alloc(32, 7) }
  folder.put('rules/a.yar', 'rule lantern : mine { strings: $a = "MZ" condition: $a at 0 }')
  folder.put('rules/bad.yar', 'rule b { condition: nonsense }')
  const desk = open({ quarantine: () => quarantine })
  expect(await desk.controller.setYaraFolder(join(folder.path, 'rules'))).toEqual({
    isComplete: true,
    rules: 1,
    problems: ['bad.yar:1: undefined identifier "nonsense"'],
  })
  const path = join(fixtures, 'pe', 'lantern.sys')
  const job = await desk.import([path], { keepBytes: true })
  expect(job).toMatchObject({ state: 'done', added: 1, failed: 0 })
  const [file] = desk.store.files.values()
  if (!file) throw new Error('nothing came in')
  expect(file.yara).toEqual([
    { rule: 'lantern', tags: ['mine'], meta: {}, strings: [{ id: '$a', offset: 0, text: 'MZ' }] },
  ])
  const vault = openQuarantine(quarantine.folder, quarantine.masterKey)
  expect(file.quarantine).toBe(vault.nameOf(file.facts.hashes.sha256))
  const read = await vault.read(file.facts.hashes.sha256)
  expect(read.ok && Buffer.compare(read.value, readFileSync(path))).toBe(0)
})

test('bytes that cannot be kept for want of a key stop the import, which resumes later', async () => {
  let isOpen = false
  const quarantine = { folder: join(folder.path, 'quarantine'), masterKey: Buffer.alloc(32, 7) }
  const desk = open({ quarantine: () => (isOpen ? quarantine : null) })
  const job = await desk.import([join(fixtures, 'pe', 'lantern.sys')], { keepBytes: true })
  expect(job).toMatchObject({
    ...{ state: 'interrupted', added: 0, failed: 0 },
    interruption: 'The quarantine is locked. Unlock it and resume the import.',
  })
  isOpen = true
  await desk.controller.control(job.id, 'resume')
  expect(await desk.until(job.id, ({ state }) => state === 'done')).toMatchObject({
    added: 1,
    interruption: null,
  })
})

describe('reference data', () => {
  test('comes in batches, with what could not be read', async () => {
    folder.put('known/broken.yaml', 'Id: [unclosed')
    folder.put('known/readme.md', 'nothing')
    const batches: KnownBatch[] = []
    const paths = [
      join(fixtures, 'loldrivers'),
      join(fixtures, 'sipolicy'),
      join(folder.path, 'known'),
    ]
    const result = await open().controller.importKnown(paths, async (batch) => {
      batches.push(batch)
    })
    expect(result).toEqual({})
    const entries = batches.flatMap((batch) => batch.entries)
    expect(entries.length).toBe(10)
    expect(entries.reduce((sum, { samples }) => sum + samples.length, 0)).toBe(20)
    expect(batches.flatMap(({ policies }) => policies).length).toBe(1)
    expect(batches.flatMap(({ problems }) => problems)).toEqual([
      expect.stringMatching(/broken\.yaml/),
    ])
    expect(batches.at(-1)).toMatchObject({ filesDone: 12, filesTotal: 12, isLast: true })
    expect(batches.filter(({ isLast }) => isLast).length).toBe(1)
  })

  test('that cannot be written is told at once, and the helper is heard to the end', async () => {
    const [name = ''] = readdirSync(join(fixtures, 'loldrivers'))
    for (let number = 0; number < 400; number++) {
      const copy = folder.put(`known/${number}.yaml`, '')
      copyFileSync(join(fixtures, 'loldrivers', name), copy)
    }
    let written = 0
    let sent = 0
    const desk = open()
    const result = await desk.controller.importKnown([join(folder.path, 'known')], async () => {
      if (written++ === 0) throw new Error('database or disk is full')
    })
    expect(result).toEqual({ problem: 'database or disk is full' })
    await new Promise<void>((done) =>
      desk.hosts[0]?.onMessage((message) => {
        if (message.kind !== 'known') return
        sent++
        if (message.batch.isLast) done()
      }),
    )
    // More than may be on the way unwritten.
    expect(sent).toBeGreaterThan(2)
    expect(written).toBe(1)
  })
})

test('thousands of files go through with little work for each', async () => {
  const original = readFileSync(join(fixtures, 'pe', 'lantern.sys'))
  for (let number = 0; number < 600; number++) {
    const bytes = Buffer.from(original)
    bytes.writeUInt32LE(number + 1, bytes.length - 8)
    folder.put(`set/${number}.sys`, bytes)
  }
  const desk = open()
  const before = process.cpuUsage()
  const job = await desk.import([join(folder.path, 'set')])
  const { user, system } = process.cpuUsage(before)
  expect(job).toMatchObject({ state: 'done', added: 600, failed: 0 })
  // 5 ms a file of all threads together; what else the machine does is not counted.
  expect((user + system) / 1000 / 600).toBeLessThan(100)
})
