import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { openDatabase } from '../database'
import { MIGRATIONS } from '../migrations'
import {
  must,
  sampleFields,
  temporaryCatalogue,
  temporaryFolder,
} from '../testing/temporary-catalogue'
import { createTextStore } from '../texts'
import { createSampleStore } from '../samples'
import { landed } from './testing/temporary-shelf'

describe('a catalogue from before the driver files', () => {
  test('keeps what is in it and takes driver files', () => {
    const folder = temporaryFolder()
    const file = join(folder, 'catalogue.sqlite')
    const old = must(
      openDatabase({ file, appVersion: '0.1.0', migrations: MIGRATIONS.slice(0, 1) }),
    )
    const samples = createSampleStore(old, createTextStore(old), () => new Date())
    const kept = must(samples.create(sampleFields('Kept', { tags: ['t'], notes: 'n' }), 'user'))
    old.close()

    const catalogue = temporaryCatalogue({ folder })
    expect(catalogue.handlers['samples.get']({ id: kept.id })).toMatchObject({
      ok: true,
      value: { title: 'Kept', tags: ['t'], notes: 'n', files: kept.files },
    })
    const { added } = catalogue.files.put([landed('a.sys')], [], null, [])
    catalogue.files.linkToy(added[0]!, kept.id)
    expect(must(catalogue.files.get(added[0]!))).toMatchObject({ toySampleId: kept.id })
    const before = must(
      openDatabase({
        file: join(folder, 'catalogue.before-2.sqlite'),
        appVersion: '0.1.0',
        migrations: MIGRATIONS.slice(0, 1),
      }),
    )
    expect(before.prepare('SELECT title FROM samples').pluck().all()).toEqual(['Kept'])
    before.close()
  })
})

describe('the index', () => {
  test('of other terms than these is written anew at the next start', async () => {
    const it = temporaryCatalogue()
    await it.files.prepare()
    it.files.put([landed('a.sys')], [], null, [])
    it.close()
    const db = must(openDatabase({ file: it.file, appVersion: '0.1.0' }))
    db.exec(`UPDATE meta SET value = 'older' WHERE key = 'files.index'; DELETE FROM postings`)
    db.close()
    const again = temporaryCatalogue({ folder: join(it.file, '..') })
    const total = (): number =>
      again.files.list({
        query: 'name:a',
        sort: { key: 'added', descending: true },
        offset: 0,
        limit: 1,
      }).total
    expect(total()).toBe(0)
    await again.files.prepare()
    expect(total()).toBe(1)
  })

  test('has its columns written anew too', async () => {
    const it = temporaryCatalogue()
    it.files.put([landed('a.sys')], [], null, [])
    const db = new Sqlite(it.file)
    db.exec('DELETE FROM columns')
    db.close()
    const found = (): number => must(it.files.selected({ query: 'size>1 added:2026' })).length
    expect(found()).toBe(0)
    await it.files.reindex()
    expect(found()).toBe(1)
  })
})

describe('the calls', () => {
  test('answer, tell lists what changed, and give errors as data', async () => {
    const changes: string[] = []
    const it = temporaryCatalogue({ onFilesChanged: ({ reason }) => void changes.push(reason) })
    const [id = 0] = it.files.put([landed('a.sys')], [], null, []).added
    const calls = it.fileHandlers
    const change = must(
      await calls['files.annotate']({ selection: { query: 'a' }, addTags: ['x'], removeTags: [] }),
    )
    expect(change.changed).toBe(1)
    must(await calls['files.undo']({ undo: change.undo! }))
    must(await calls['files.remove']({ selection: { ids: [id] } }))
    expect(changes).toEqual(['annotated', 'undone', 'removed'])
    expect(await calls['files.get']({ id })).toMatchObject({
      ok: false,
      error: { code: 'not-found' },
    })
    expect(must(await calls['known.info']({}))).toEqual({ sources: [], policies: [] })
    it.close()
    expect(await calls['files.get']({ id })).toMatchObject({
      ok: false,
      error: { code: 'internal' },
    })
  })
})
