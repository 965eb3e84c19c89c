import { describe, expect, test } from 'vitest'
import type { IntakeBatch, NewItem } from '../../../shared/driver-file/intake'
import { must, temporaryCatalogue } from '../testing/temporary-catalogue'
import { digestsOf, imageOf } from './testing/synthetic'
import {
  entryOf,
  hashesOfFile,
  importing,
  landed,
  sampleOf,
  SOURCE,
  temporaryShelf,
  type TestShelf,
} from './testing/temporary-shelf'

const item = (name: string, size = 10): NewItem => ({
  ...{ name, path: `/tmp/${name}`, entries: [1, 2], size, isGiven: true },
})
const batch = (over: Partial<IntakeBatch> = {}): IntakeBatch => ({
  ...{ items: [], found: [], packages: [], files: [], records: [] },
  ...{ failures: [], notices: [], skipped: 0 },
  ...over,
})

function jobWith(it: TestShelf, ...names: string[]): number {
  const { jobs } = it.shelf
  const job = jobs.create({ title: 'set', paths: ['/tmp'], keepBytes: false, tags: ['set'] })
  jobs.listed(
    job,
    names.map((name) => item(name)),
    [],
    true,
  )
  return job
}

describe('an import job', () => {
  test('lists, reads and counts', () => {
    const it = temporaryShelf()
    const { jobs } = it.shelf
    const job = jobs.create({ title: 'set', paths: ['/tmp'], keepBytes: true, tags: ['set'] })
    expect(jobs.get(job)).toMatchObject({ state: 'running', phase: 'listing', keepBytes: true })
    jobs.listed(job, [item('a.sys'), item('b.zip', 5)], [], false)
    jobs.clearList(job)
    expect(jobs.get(job)).toMatchObject({ total: 0, bytesTotal: 0 })
    const failure = { name: 'x', offset: 7, reason: 'cannot be opened' }
    jobs.listed(job, [item('a.sys'), item('b.zip', 5)], [failure], true)
    expect(() => jobs.clearList(job)).toThrow('complete')
    expect(jobs.pending(job, 1, 9)).toEqual([{ ...item('b.zip', 5), number: 2 }])

    const first = batch({
      items: [1, 2],
      found: [item('b.zip/c.sys', 3)],
      files: [landed('a.sys')],
      failures: [{ name: 'b.zip/d', offset: null, reason: 'no image' }],
      notices: [{ name: 'a.sys', offset: null, reason: 'its bytes were not kept' }],
      skipped: 1,
    })
    expect(jobs.land(job, first)).toEqual({ added: 1, merged: 0, failed: 1, problems: [] })
    const after = {
      ...{ total: 3, done: 2, added: 1, merged: 0, failed: 2, noted: 1, skipped: 1 },
      ...{ bytesDone: 15, bytesTotal: 18 },
    }
    expect(jobs.get(job)).toMatchObject(after)
    // Sent again after a crash between the write and the answer.
    expect(jobs.land(job, first)).toEqual({ added: 0, merged: 0, failed: 0, problems: [] })
    expect(jobs.get(job)).toMatchObject(after)
    expect(jobs.pending(job, 0, 9).map(({ number }) => number)).toEqual([3])
    expect(jobs.failures(job, 0, 1)).toEqual({ total: 3, failures: [failure] })
    expect(it.names(`job:${job} tag:set`)).toEqual(['a.sys'])

    jobs.setState(job, 'interrupted', { interruption: 'The disk is full.' })
    expect(jobs.get(job)).toMatchObject({ owner: null, interruption: 'The disk is full.' })
    jobs.setState(job, 'running', { owner: 'me' })
    expect(jobs.get(job)).toMatchObject({ owner: 'me', interruption: null })
    jobs.setState(job, 'done')
    expect(jobs.get(job).owner).toBeNull()
    expect(jobs.jobs().map(({ state }) => state)).toEqual(['done'])
    jobs.dismiss(job)
    expect(jobs.jobs()).toEqual([])
    expect(it.names('')).toEqual(['a.sys'])
    expect(() => jobs.get(99)).toThrow('There is no import 99.')
  })

  test('goes on where it was when the file is opened again', () => {
    const it = temporaryShelf()
    const job = jobWith(it, 'a.sys', 'b.sys')
    it.shelf.jobs.land(job, batch({ items: [1], files: [landed('a.sys')] }))
    it.close()
    const again = temporaryCatalogue({ folder: it.file.replace(/[\\/][^\\/]*$/, '') }).files
    expect(again.jobs.pending(job, 0, 9).map(({ name }) => name)).toEqual(['b.sys'])
    expect(again.jobs.get(job)).toMatchObject({ state: 'running', done: 1, added: 1 })
  })

  test('is taken back: what it added goes, what it merged stays, known samples are known again', async () => {
    const it = temporaryShelf()
    await it.shelf.known.apply(SOURCE, [
      entryOf('one', {
        samples: [sampleOf({ ...hashesOfFile('known.sys'), company: 'Reference' })],
      }),
    ])
    it.put(landed('here.sys'))
    const job = jobWith(it, 'here.sys', 'new.sys', 'known.sys')
    const image = importing('MmMapIoSpace')
    const files = [landed('here.sys'), landed('new.sys'), landed('known.sys', { image })]
    const landing = it.shelf.jobs.land(job, batch({ items: [1, 2, 3], files }))
    expect(landing).toMatchObject({ added: 2, merged: 1 })
    expect(it.names('origin:known')).toEqual([])
    expect((await it.shelf.jobs.undo(job)).changed).toBe(2)
    expect(it.names('')).toEqual(['here.sys', 'one.sys'])
    expect(it.names('origin:known known:vulnerable company:reference')).toEqual(['one.sys'])
    expect(it.names('import:*')).toEqual([])
    expect(await it.shelf.jobs.undo(job)).toEqual({ changed: 0, undo: null })
    it.put(landed('known.sys', { image }))
    expect(it.names('import:mmmapiospace')).toEqual(['one.sys'])
  })

  test('is taken back with a trail and a way back, and is not resumed after it', async () => {
    const it = temporaryShelf()
    const job = jobWith(it, 'a.sys', 'b.sys')
    it.shelf.jobs.land(job, batch({ items: [1], files: [landed('a.sys')] }))
    const [id = 0] = must(it.shelf.selected({ query: '' }))
    must(await it.shelf.annotations.annotate([id], { notes: 'n', addTags: [], removeTags: [] }))
    it.shelf.jobs.setState(job, 'interrupted')
    const { changed, undo } = await it.shelf.jobs.undo(job)
    expect(changed).toBe(1)
    expect(it.names('')).toEqual([])
    expect(it.shelf.jobs.get(job).state).toBe('cancelled')
    expect(it.shelf.jobs.pending(job, 0, 9)).toEqual([])
    expect(must(await it.shelf.annotations.undo(undo!)).changed).toBe(1)
    expect(must(it.shelf.get(id)).notes).toBe('n')
    expect(it.shelf.annotations.history(id).map(({ what }) => what)).toEqual([
      ...['undone', 'removed', 'notes', 'imported'],
    ])
  })

  test('is taken back: a sample that is known again keeps nothing that came with its file', async () => {
    const it = temporaryShelf()
    const auth = digestsOf('image')
    const sample = sampleOf(hashesOfFile('known.sys'))
    await it.shelf.known.apply(SOURCE, [
      entryOf('one', { samples: [sample] }),
      entryOf('other', {
        samples: [sampleOf({ ...hashesOfFile('other.sys'), authSha256: auth.sha256 })],
      }),
    ])
    await it.shelf.blocks.apply({
      ...{ name: 'P', version: '1', policyId: '{1}', files: [], signers: [], notes: [] },
      hashes: [{ id: 'H', name: 'by hash', hash: auth.sha256 }],
    })
    const [id = 0] = must(it.shelf.selected({ query: 'entry:one' }))
    must(await it.shelf.annotations.annotate([id], { addTags: ['mine'], removeTags: [] }))
    const { row, hashes, known } = must(it.shelf.get(id))
    const job = jobWith(it, 'known.sys')
    it.shelf.jobs.land(
      job,
      batch({
        items: [1],
        files: [
          {
            ...landed('known.sys', { image: imageOf({ authentihash: auth }) }),
            ...{ quarantine: 'f00d', yara: [{ rule: 'r', tags: [], meta: {}, strings: [] }] },
            packages: [{ key: 'k', isListed: true }],
          },
        ],
        packages: [{ key: 'k', name: 'a.inf', inf: null, catalogue: null }],
      }),
    )
    expect(must(it.shelf.get(id))).toMatchObject({
      row: { blocked: true, tags: ['mine', 'set'], names: 2 },
      known: [{ id: 'one' }, { id: 'other' }],
      quarantined: true,
    })
    expect(it.shelf.quarantine.orphans()).toEqual([])
    expect(await it.shelf.jobs.undo(job)).toEqual({ changed: 1, undo: null })
    expect(must(it.shelf.get(id))).toMatchObject({
      row: { ...row, addedAt: expect.any(String) },
      ...{ hashes, known, blocks: [], yara: [], packages: [], facts: null, quarantined: false },
    })
    for (const query of ['yara:*', 'tag:set', 'name:known', `job:${job}`])
      expect([query, it.names(query)]).toEqual([query, []])
    expect(it.names('blocked:yes')).toEqual(['other.sys'])
    expect(it.shelf.quarantine.orphans()).toEqual(['f00d'])
    it.shelf.quarantine.drop(['f00d'])
    expect(it.shelf.quarantine.totals()).toEqual({ files: 0, bytes: 0 })
  })

  test('goes on past what the store cannot take, and names it', () => {
    const it = temporaryShelf()
    const job = jobWith(it, 'a.sys', 'bad.sys', 'c.sys')
    const bad = landed('bad.sys')
    Object.defineProperty(bad.facts, 'signatures', {
      get: () => {
        throw new Error('no facts')
      },
    })
    const files = [landed('a.sys'), bad, landed('c.sys')]
    expect(it.shelf.jobs.land(job, batch({ items: [1, 2, 3], files }))).toEqual({
      ...{ added: 2, merged: 0, failed: 1, problems: [] },
    })
    expect(it.names('')).toEqual(['a.sys', 'c.sys'])
    expect(it.shelf.jobs.get(job)).toMatchObject({ done: 3, added: 2, failed: 1 })
    expect(it.shelf.jobs.failures(job, 0, 9).failures).toEqual([
      {
        ...{ name: 'set/bad.sys', offset: null },
        reason: 'It cannot be put on the shelf: no facts',
      },
    ])
  })

  test('takes files of our own JSON, and lists what it cannot take', () => {
    const there = temporaryShelf()
    there.put(landed('a.sys'))
    const ids = must(there.shelf.selected({ query: '' }))
    const it = temporaryShelf()
    const job = jobWith(it, 'export.json')
    const files = [...there.shelf.documents.files(ids), { broken: true }]
    const header = { ...there.shelf.documents.header(ids) }
    const records = [{ from: 'export.json', header, files }]
    const landing = it.shelf.jobs.land(job, batch({ items: [1], records }))
    expect(landing).toMatchObject({ added: 1, failed: 1 })
    expect(landing.problems[0]).toContain('export.json: file 2 cannot be used')
    expect(it.shelf.jobs.failures(job, 0, 9).failures[0]?.name).toBe('export.json')
    expect(it.names(`job:${job}`)).toEqual(['a.sys'])
  })
})
