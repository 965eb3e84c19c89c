import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync, truncateSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { FileFacts } from '../../shared/driver-file/facts'
import { FILE_BYTES_MAX } from './limits'
import { newOwner } from './owner'
import { openQuarantine } from './quarantine'
import { buildEntry, type BuiltEntry } from './testing/build-entry'
import { RecordingStore } from './testing/recording-store'
import { childHost, Desk, Folder, localHost, request } from './testing/desk'
import { zip } from './testing/zips'

// Real folders, real archives, real worker threads; the analyser does what a file asks for.

const fixtures = resolve(__dirname, '../../../data/fixtures/pe')
const lantern = readFileSync(join(fixtures, 'lantern.sys'))

let analysis: BuiltEntry
let child: BuiltEntry
beforeAll(async () => {
  analysis = await buildEntry('src/main/intake/testing/faulty-worker.ts')
  child = await buildEntry('src/main/intake/testing/host-child.ts')
})
afterAll(() => {
  analysis.remove()
  child.remove()
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
function local(over: ConstructorParameters<typeof Desk>[1] = {}, fileMsMax?: number): Desk {
  const desk = new Desk(localHost(analysis.file, fileMsMax ? { fileMsMax } : {}), over)
  desks.push(desk)
  return desk
}

/** 300 files of which 12 are broken in six ways, and things that are no drivers. */
async function generated(): Promise<{ path: string; good: number }> {
  for (let number = 0; number < 280; number++)
    folder.put(`set/${number % 7}/file${number}.sys`, `MZ fine ${number}`)
  folder.put('set/again/copy.sys', 'MZ fine 1')
  folder.put('set/readme.txt', 'no driver')
  folder.put('set/hidden-driver', 'MZ fine by content')
  folder.put('set/bad/hang.sys', 'MZ hang ')
  folder.put('set/bad/throw.sys', 'MZ throw ')
  folder.put('set/bad/exit.sys', 'MZ exit ')
  folder.put('set/bad/eat.sys', 'MZ eat ')
  folder.put('set/bad/empty.sys', '')
  folder.put('set/bad/cut.zip', (await zip({ 'a.sys': lantern })).subarray(0, 500))
  folder.put('set/bad/secret.zip', await zip({ 'a.sys': lantern }, { password: 'unknown' }))
  folder.put('set/bad/archive.7z', Buffer.from('377abcaf271c0004', 'hex'))
  const damaged = await zip({ 'x.sys': lantern, 'y.sys': 'MZ fine y' }, { level: 0 })
  damaged[1000] = (damaged[1000] ?? 0) ^ 1
  folder.put('set/bad/damaged.zip', damaged)
  const infected = { password: 'infected', zipCrypto: true }
  folder.put('set/good.zip', await zip({ 'in/1.sys': 'MZ fine z1', 'in/2.sys': lantern }, infected))
  return { path: join(folder.path, 'set'), good: 280 + 1 + 4 + 1 + 2 }
}

describe('a folder with broken files', () => {
  test('comes in, each broken file being one line', async () => {
    const { path, good } = await generated()
    const desk = local({}, 4000)
    const job = await desk.import([path])
    expect(job).toMatchObject({ state: 'done', phase: 'reading', done: job.total, added: good })
    expect(job.bytesDone).toBe(job.bytesTotal)
    expect(job.merged).toBe(1)
    const { failures, total } = desk.controller.failures(job.id, 0)
    expect(total).toBe(job.failed)
    expect(Object.fromEntries(failures.map(({ name, reason }) => [name, reason]))).toEqual({
      'set/bad/archive.7z': expect.stringContaining('7z archives cannot be opened'),
      'set/bad/cut.zip': expect.stringContaining('cut off'),
      'set/bad/empty.sys': 'The file is empty.',
      'set/bad/damaged.zip/x.sys': 'It is damaged: its checksum does not fit.',
      'set/bad/secret.zip/a.sys': expect.stringContaining('none of the 1 passwords'),
    })
    const anomalies = [...desk.store.files.values()].flatMap(({ from, facts }) =>
      facts.anomalies.map(({ id }) => [from, id]),
    )
    expect(Object.fromEntries(anomalies)).toEqual({
      'set/bad/hang.sys': 'time-limit',
      'set/bad/throw.sys': 'analysis-failed',
      'set/bad/exit.sys': 'analysis-failed',
      // On a busy machine its time may be over before its memory is.
      'set/bad/eat.sys': expect.stringMatching(/^(memory|time)-limit$/),
    })
    for (const { facts } of desk.store.files.values()) FileFacts.parse(facts)
    const sha256 = createHash('sha256').update(lantern).digest('hex')
    expect(desk.store.files.get(sha256)).toMatchObject({
      name: '2.sys',
      from: 'set/good.zip/in/2.sys',
    })
    const again = await desk.import([path])
    expect(again).toMatchObject({ state: 'done', added: 0, merged: good + 1, failed: 5 })
    expect(desk.store.files.size).toBe(good)
  })

  test('is paused, and goes on after the app was restarted, reading nothing twice', async () => {
    for (let number = 0; number < 300; number++)
      folder.put(`set/file${number}.sys`, `MZ slow ${number}`)
    const first = local()
    const job = first.controller.start(request([join(folder.path, 'set')]))
    await first.until(job, ({ done }) => done > 50)
    await first.controller.control(job, 'pause')
    const paused = first.store.get(job)
    expect(paused).toMatchObject({ state: 'paused', total: 300 })
    expect(paused.done).toBeLessThan(300)
    first.controller.close()

    const second = local({ store: first.store })
    expect(second.controller.jobs()[0]).toMatchObject({ state: 'paused', done: paused.done })
    await second.controller.control(job, 'resume')
    const done = await second.until(job, ({ state }) => state === 'done')
    expect(done).toMatchObject({ done: 300, added: 300, merged: 0, failed: 0 })
    expect([...second.store.reads.values()].filter((count) => count > 1)).toEqual([])
  })

  test('is cancelled: what came in stays, and can be undone', async () => {
    for (let number = 0; number < 300; number++)
      folder.put(`set/file${number}.sys`, `MZ slow ${number}`)
    const desk = local()
    const job = desk.controller.start(request([join(folder.path, 'set')]))
    await desk.until(job, ({ done }) => done > 50)
    await desk.controller.control(job, 'cancel')
    const { state, added } = desk.store.get(job)
    expect(state).toBe('cancelled')
    expect(desk.store.files.size).toBe(added)
    expect(added).toBeGreaterThan(50)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(desk.store.files.size).toBe(added)
    expect(await desk.controller.control(job, 'undo')).toMatchObject({ changed: added })
    expect(desk.store.files.size).toBe(0)
    const again = await desk.import([join(folder.path, 'set')])
    expect(again).toMatchObject({ state: 'done', added: 300 })
  })

  test('an import that was running when the app died is interrupted, and goes on', async () => {
    for (let number = 0; number < 300; number++)
      folder.put(`set/file${number}.sys`, `MZ slow ${number}`)
    const first = local()
    const job = first.controller.start(request([join(folder.path, 'set')]))
    await first.until(job, ({ done }) => done > 50)
    first.controller.close()
    // An app that died had no time to write that down.
    first.store.setState(job, 'running')
    const before = first.store.get(job).done
    const second = local({ store: first.store })
    expect(second.store.get(job)).toMatchObject({
      state: 'interrupted',
      interruption: expect.stringMatching(/^The program ended/),
    })
    await second.controller.control(job, 'resume')
    const done = await second.until(job, ({ state }) => state === 'done')
    expect(done).toMatchObject({ done: 300, added: 300, merged: 0 })
    expect(before).toBeLessThan(300)
  })
})

describe('an import that another program runs', () => {
  test('is left alone by the desk of this one, until that program is gone', () => {
    const first = local()
    const { store } = first
    const given = { title: 'theirs', paths: [], keepBytes: false, tags: [] }
    const [, , booted] = newOwner().split(' ')
    const theirs = store.create(given, `${process.ppid} - ${booted} x`)
    const dead = store.create(given, `${spawnSync(process.execPath, ['-e', '']).pid} - ${booted} x`)
    const second = local({ store })
    expect(second.controller.isElsewhere(theirs)).toBe(true)
    second.controller.close()
    expect([theirs, dead].map((job) => store.get(job).state)).toEqual(['running', 'interrupted'])
    store.setState(dead, 'running', { owner: 'gone' })
    expect(first.controller.jobs().map(({ state }) => state)).toEqual(['interrupted', 'running'])
  })
})

describe('a helper', () => {
  test('that has nothing to do is ended, and another does the next import', async () => {
    const desk = local({ idleMs: 20 })
    const path = folder.put('a.sys', 'MZ fine')
    const ended = new Promise<void>((done) => {
      const { store } = desk
      void desk.import([path]).then((job) => {
        expect(store.get(job.id).state).toBe('done')
        desk.hosts[0]?.onExit(() => done())
      })
    })
    await ended
    expect(await desk.import([path])).toMatchObject({ state: 'done', merged: 1 })
    expect(desk.hosts.length).toBe(2)
  })
})

describe('a helper in a process of its own', () => {
  const remote = (): Desk => {
    const desk = new Desk(childHost(child.file, analysis.file))
    desks.push(desk)
    return desk
  }

  test('killed again and again: everything comes in once', async () => {
    for (let number = 0; number < 400; number++)
      folder.put(`set/file${number}.sys`, `MZ slow ${number}`)
    const desk = remote()
    const job = desk.controller.start(request([join(folder.path, 'set')]))
    for (const bound of [60, 180, 290]) {
      await desk.until(job, ({ done }) => done > bound)
      desk.hosts.at(-1)?.kill()
    }
    const done = await desk.until(job, ({ state }) => state !== 'running')
    expect(done).toMatchObject({ state: 'done', done: 400, added: 400, merged: 0, failed: 0 })
    expect(desk.hosts.length).toBe(4)
  })

  test('a file that crashes the process is named, and the rest comes in', async () => {
    for (let number = 0; number < 150; number++)
      folder.put(`set/file${number}.sys`, `MZ fine ${number}`)
    folder.put('set/file40-crash.sys', 'MZ crash 1')
    folder.put('set/file90-crash.sys', 'MZ crash 2')
    const desk = remote()
    const job = await desk.import([join(folder.path, 'set')])
    expect(job).toMatchObject({ state: 'done', total: 152, done: 152, added: 150, failed: 2 })
    const { failures } = desk.controller.failures(job.id, 0)
    expect(failures.map(({ name }) => name)).toEqual([
      'set/file40-crash.sys',
      'set/file90-crash.sys',
    ])
    expect(failures[0]?.reason).toMatch(/^It was left out: its process ended/)
  })

  test('that died while its job is paused: the next one opens nothing', async () => {
    for (let number = 0; number < 300; number++)
      folder.put(`set/file${number}.sys`, `MZ slow ${number}`)
    const posts: string[][] = []
    const start = childHost(child.file, analysis.file)
    const desk = new Desk(() => {
      const host = start()
      const own: string[] = []
      posts.push(own)
      return { ...host, post: (message) => (own.push(message.kind), host.post(message)) }
    })
    desks.push(desk)
    const job = desk.controller.start(request([join(folder.path, 'set')]))
    await desk.until(job, ({ done }) => done > 50)
    const died = new Promise<void>((done) => desk.hosts[0]?.onExit(() => done()))
    desk.hosts[0]?.kill()
    await died
    await desk.controller.control(job, 'pause')
    expect(posts[1]).toEqual(['settings', 'stop'])
    await desk.controller.control(job, 'resume')
    expect(await desk.until(job, ({ state }) => state === 'done')).toMatchObject({ added: 300 })
  })

  test('a helper that cannot start leaves the job interrupted with the reason', async () => {
    const desk = new Desk(childHost(join(folder.path, 'missing.cjs'), analysis.file))
    desks.push(desk)
    const job = await desk.import([folder.put('a.sys', 'MZ fine')])
    expect(job).toMatchObject({ state: 'interrupted', done: 0, failed: 0 })
    expect(job.interruption).toMatch(/^Its process ended/)
    expect(desk.hosts.length).toBe(3)
  })
})

test('a store that cannot write interrupts the import, which resumes where it was', async () => {
  for (let number = 0; number < 200; number++)
    folder.put(`set/file${number}.sys`, `MZ slow ${number}`)
  let isFull = true
  class Full extends RecordingStore {
    override land(
      ...given: Parameters<RecordingStore['land']>
    ): ReturnType<RecordingStore['land']> {
      if (isFull && this.files.size > 60) throw new Error('database or disk is full')
      return super.land(...given)
    }
  }
  const desk = local({ store: new Full() })
  const job = await desk.import([join(folder.path, 'set')])
  expect(job).toMatchObject({
    state: 'interrupted',
    interruption: 'The disk is full. Free some space and resume the import.',
    failed: 0,
  })
  isFull = false
  await desk.controller.control(job.id, 'resume')
  const done = await desk.until(job.id, ({ state }) => state === 'done')
  expect(done).toMatchObject({ done: 200, added: 200, merged: 0 })
})

test('imports wait for each other; one that waits can be cancelled', async () => {
  for (let number = 0; number < 100; number++)
    folder.put(`set/file${number}.sys`, `MZ slow ${number}`)
  const desk = local()
  const first = desk.controller.start(request([join(folder.path, 'set')]))
  const second = desk.controller.start(request([folder.put('b.sys', 'MZ fine b')]))
  const third = desk.controller.start(request([folder.put('c.sys', 'MZ fine c')]))
  await desk.controller.control(second, 'cancel')
  await desk.until(third, ({ state }) => state === 'done')
  expect([first, second, third].map((job) => desk.store.get(job).state)).toEqual([
    'done',
    'cancelled',
    'done',
  ])
  expect(desk.store.files.size).toBe(101)
})

test('archives inside of archives are opened to three levels', async () => {
  const fourth = await zip({ 'd.sys': 'MZ fine d' })
  const third = await zip({ 'c.sys': 'MZ fine c', 'four.zip': fourth })
  const second = await zip({ 'b.sys': 'MZ fine b', 'three.zip': third }, { password: 'infected' })
  const path = folder.put('one.zip', await zip({ 'a.sys': 'MZ fine a', 'two.zip': second }))
  const desk = local()
  const job = await desk.import([path])
  expect([...desk.store.files.values()].map(({ from }) => from).sort()).toEqual(
    ['one.zip/a.sys', 'one.zip/two.zip/b.sys', 'one.zip/two.zip/three.zip/c.sys'].sort(),
  )
  expect(desk.controller.failures(job.id, 0).failures).toEqual([
    {
      name: 'one.zip/two.zip/three.zip/four.zip',
      offset: null,
      reason: expect.stringContaining('3 levels'),
    },
  ])
})

test('what comes in with less than was asked for is noted, and has not failed', async () => {
  const large = folder.put('large.sys', 'MZ fine')
  truncateSync(large, FILE_BYTES_MAX + 1)
  const good = folder.put('good.sys', 'MZ fine as well')
  const quarantine = { folder: join(folder.path, 'quarantine'), masterKey: Buffer.alloc(32, 7) }
  const desk = local({ quarantine: () => quarantine })
  const job = await desk.import([large, good], { keepBytes: true })
  expect(job).toMatchObject({ state: 'done', added: 2, failed: 0, noted: 1 })
  expect(desk.controller.failures(job.id, 0).failures).toEqual([
    {
      name: 'large.sys',
      offset: null,
      reason: 'It was read, but its bytes were not kept. It is larger than 96 MB.',
    },
  ])
  const kept = [...desk.store.files.values()].map(({ name, quarantine: copy }) => [name, copy])
  const vault = openQuarantine(quarantine.folder, quarantine.masterKey)
  const sha256 = createHash('sha256').update('MZ fine as well').digest('hex')
  expect(Object.fromEntries(kept)).toEqual({ 'large.sys': null, 'good.sys': vault.nameOf(sha256) })
})

test('a password given with the import opens the archive', async () => {
  const path = folder.put('a.zip', await zip({ 'a.sys': 'MZ fine' }, { password: 'their own' }))
  const desk = local()
  expect(await desk.import([path])).toMatchObject({ added: 0, failed: 1 })
  expect(await desk.import([path], { passwords: ['their own'] })).toMatchObject({
    added: 1,
    failed: 0,
  })
})

test('a given file that is nothing for the shelf is said to be; a found one is left out', async () => {
  const path = folder.put('set/notes.txt', 'hello')
  const desk = local()
  const given = await desk.import([path])
  expect(desk.controller.failures(given.id, 0).failures).toEqual([
    { name: 'notes.txt', offset: null, reason: expect.stringMatching(/^This is no driver/) },
  ])
  expect(await desk.import([join(folder.path, 'set')])).toMatchObject({ total: 0, failed: 0 })
})

test('our own export comes back in stretches', async () => {
  const files = Array.from({ length: 150 }, (_, number) => ({ number }))
  const path = folder.put(
    'export.json',
    JSON.stringify({ format: 'ring0-files', version: 1, files }),
  )
  const desk = local()
  expect(await desk.import([path])).toMatchObject({ done: 1, failed: 0 })
  expect(desk.store.records.map(({ header, files }) => [header, files.length])).toEqual([
    [{ format: 'ring0-files', version: 1 }, 64],
    [{ format: 'ring0-files', version: 1 }, 64],
    [{ format: 'ring0-files', version: 1 }, 22],
  ])
  const broken = folder.put('broken.json', '{"format": "ring0-files", "files": [1, 2')
  const job = await desk.import([broken])
  expect(desk.controller.failures(job.id, 0).failures[0]?.reason).toMatch(/^This is no JSON/)
})

describe('driver packages', () => {
  const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

  test.each([['a folder'], ['an archive']])(
    'in %s are read with their catalogue',
    async (where) => {
      const members = {
        'pack/a.sys': 'MZ context a',
        'pack/b.sys': 'MZ context b',
        'pack/x.inf': 'catalog=x.cat\nfile=A.SYS\nfile=b.sys\n',
        'pack/x.cat': digest('MZ context a'),
        'other/c.sys': 'MZ context c',
      }
      for (const [name, text] of Object.entries(members)) folder.put(`set/${name}`, text)
      const path =
        where === 'a folder' ? join(folder.path, 'set') : folder.put('set.zip', await zip(members))
      const desk = local()
      const job = await desk.import([path])
      expect(job).toMatchObject({ state: 'done', done: 5, added: 3, failed: 0 })
      const seen = [...desk.store.files.values()]
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, facts, packages }) => [
          name,
          JSON.parse(facts.anomalies[0]?.text ?? '{}').catalogues,
          packages.map(({ isListed }) => isListed),
        ])
      expect(seen).toEqual([
        ['a.sys', ['x.cat'], [true]],
        ['b.sys', ['x.cat'], [false]],
        ['c.sys', [], []],
      ])
      expect([...desk.store.packages.values()]).toMatchObject([
        { name: 'x.inf', inf: { version: { CatalogFile: 'x.cat' } }, catalogue: { problems: [] } },
      ])
    },
  )

  test('of a file that was given alone, its neighbours on disk are left alone', async () => {
    folder.put('x.cat', digest('MZ context a'))
    const path = folder.put('a.sys', 'MZ context a')
    const desk = local()
    await desk.import([path])
    expect(desk.store.packages.size).toBe(0)
    await desk.import([path, join(folder.path, 'x.cat')])
    expect(desk.store.packages.size).toBe(1)
  })
})

test('progress is told at most five times a second, with a rate and an estimate', async () => {
  for (let number = 0; number < 3000; number++)
    folder.put(`set/${number % 10}/file${number}.sys`, `MZ fine ${number}`)
  const desk = local()
  const startedAt = performance.now()
  const job = await desk.import([join(folder.path, 'set')])
  // However long it takes, more of it means more to tell.
  const seconds = (performance.now() - startedAt) / 1000
  expect(job).toMatchObject({ state: 'done', added: 3000 })
  // Changes of state are told at once: two at the start, one at the end.
  expect(desk.progress.length).toBeLessThanOrEqual(seconds * 5 + 5)
  const reading = desk.progress.filter(({ phase, done }) => phase === 'reading' && done < 3000)
  expect(reading.every(({ total }) => total === 3000)).toBe(true)
  expect(desk.store.batches.every(({ items }) => items.length <= 64)).toBe(true)
})
