import { describe, expect, test } from 'vitest'
import type { IntakeBatch, NewItem } from '../../../shared/driver-file/intake'
import { must, temporaryCatalogue } from '../testing/temporary-catalogue'
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
    expect(it.shelf.jobs.undo(job)).toBe(2)
    expect(it.names('')).toEqual(['here.sys', 'one.sys'])
    expect(it.names('origin:known known:vulnerable company:reference')).toEqual(['one.sys'])
    expect(it.names('import:*')).toEqual([])
    expect(it.shelf.jobs.undo(job)).toBe(0)
    it.put(landed('known.sys', { image }))
    expect(it.names('import:mmmapiospace')).toEqual(['one.sys'])
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
