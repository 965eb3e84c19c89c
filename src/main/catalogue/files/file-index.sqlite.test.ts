import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { must, temporaryCatalogue } from '../testing/temporary-catalogue'
import type { FileShelf } from './shelf'
import {
  entryOf,
  hashesOfFile,
  importing,
  landed,
  sampleOf,
  SOURCE,
  temporaryShelf,
} from './testing/temporary-shelf'

const QUERIES = [
  ...['', 'import:mmmapiospace', 'import:new', 'name:alias', 'size>5000', 'added:2026'],
  ...['origin:known', 'origin:file', 'company:reference', 'tag:set', 'yara:*', 'known:yes'],
]
const KEYS = ['added', 'name', 'size', 'signer'] as const

const answers = (shelf: FileShelf): unknown =>
  QUERIES.flatMap((query) =>
    KEYS.map((key) => {
      const sort = { key, descending: false }
      const { rows, total, facets } = shelf.list({ query, sort, offset: 0, limit: 100 })
      return { query, key, ids: rows.map(({ id }) => id), total, facets }
    }),
  )

test('a write that fails in its middle leaves in memory what is on the disk', async () => {
  const it = temporaryShelf()
  await it.shelf.known.apply(SOURCE, [
    entryOf('one', { samples: [sampleOf({ ...hashesOfFile('k.sys'), company: 'Reference' })] }),
  ])
  const [a = 0] = it.put(landed('a.sys', { image: importing('MmMapIoSpace') }), landed('b.sys'))
  must(await it.shelf.annotations.remove([a]))
  const before = answers(it.shelf)
  const broken = landed('z.sys')
  Object.defineProperty(broken.facts, 'signatures', {
    get: () => {
      throw new Error('no facts')
    },
  })
  const yara = [{ rule: 'r', tags: [], meta: {}, strings: [] }]
  // A new file, a known one that is real now, an alias, one that comes back; then the broken one.
  const batch = [
    landed('new.sys', { image: importing('New'), size: 9999 }, { yara }),
    landed('k.sys'),
    { ...landed('b.sys'), name: 'alias.sys' },
    landed('a.sys'),
    broken,
  ]
  expect(() => it.shelf.put(batch, [], null, ['set'])).toThrow('no facts')
  expect(answers(it.shelf)).toEqual(before)
  const fresh = temporaryCatalogue({ folder: dirname(it.file) })
  expect(answers(fresh.files)).toEqual(before)

  it.shelf.put(batch.slice(0, -1), [], null, ['set'])
  expect(answers(it.shelf)).not.toEqual(before)
  expect(answers(fresh.files)).toEqual(answers(it.shelf))
})
