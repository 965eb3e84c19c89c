import { expect, test } from 'vitest'
import type { FileFacts } from '../../../shared/driver-file/facts'
import { must } from '../testing/temporary-catalogue'
import { digestsOf, imageOf, signatureOf } from './testing/synthetic'
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

// Which of several readings of one file the shelf keeps.

const evidence: FileFacts['evidence'] = [
  { id: 'sha1-digest', text: 'SHA-1', caveat: '', data: {}, signature: 0 },
]
const lost: FileFacts['anomalies'] = [
  { id: 'time-limit', severity: 'broken', text: 'too long', offset: null },
]

/** Take a file in by a document of another shelf. */
function tell(it: TestShelf, over: Partial<FileFacts>): void {
  const there = temporaryShelf()
  const ids = there.put(landed('a.sys', over))
  const merged = it.shelf.documents.merge(
    there.shelf.documents.header(ids),
    [...there.shelf.documents.files(ids)],
    null,
  )
  expect(merged.problems).toEqual([])
}

test('bytes read here count for more than a document that came first', async () => {
  const it = temporaryShelf()
  tell(it, { evidence: [], image: importing('Harmless') })
  const [id = 0] = must(it.shelf.selected({ query: '' }))
  must(
    await it.shelf.annotations.annotate([id], {
      notes: 'kept',
      status: 'done',
      addTags: ['kept'],
      removeTags: [],
    }),
  )
  const facts = landed('a.sys', { evidence, image: importing('MmMapIoSpace') })
  expect(it.shelf.put([facts], [], null, ['new'])).toEqual({ added: [], merged: [id] })
  expect(must(it.shelf.get(id))).toMatchObject({
    facts: { evidence },
    notes: 'kept',
    row: { evidence: 1, status: 'done', tags: ['kept'] },
  })
  expect(it.names('import:harmless')).toEqual([])
  expect(it.names('import:mmmapiospace evidence>0')).toEqual(['a.sys'])
  // And a document that comes later changes nothing.
  tell(it, { evidence: [], image: importing('Harmless') })
  expect(must(it.shelf.get(id)).facts).toEqual(facts.facts)
})

test('a whole reading takes the place of one that was lost to a limit, and not the other way', () => {
  const it = temporaryShelf()
  const [id = 0] = it.put(landed('a.sys', { anomalies: lost }))
  it.put(landed('a.sys', { image: importing('MmMapIoSpace') }))
  expect(it.names('import:mmmapiospace -anomaly:time-limit')).toEqual(['a.sys'])
  it.put(landed('a.sys', { anomalies: lost }))
  expect(must(it.shelf.get(id)).facts?.anomalies).toEqual([])
})

test('a catalogue that comes with its driver later speaks for it', () => {
  const it = temporaryShelf()
  const signed = (source: 'embedded' | 'catalogue'): FileFacts['signatures'] => [
    { ...signatureOf('Old Harbour', 'whcp', null), source },
  ]
  it.put(landed('a.sys', { signatures: signed('embedded') }))
  it.put(landed('a.sys', { signatures: signed('catalogue') }))
  const [id = 0] = must(it.shelf.selected({ query: '' }))
  expect(must(it.shelf.get(id)).facts?.signatures[0]?.source).toBe('catalogue')
  it.put(landed('a.sys', { signatures: [] }))
  expect(must(it.shelf.get(id)).facts?.signatures).toHaveLength(1)
})

test('known entries and blocks follow the better reading', async () => {
  const it = temporaryShelf()
  const [told, real] = [digestsOf('told'), digestsOf('real')]
  await it.shelf.known.apply(SOURCE, [
    entryOf('told', { samples: [sampleOf({ authSha256: told.sha256 })] }),
    entryOf('real', { samples: [sampleOf({ authSha256: real.sha256 })] }),
  ])
  await it.shelf.blocks.apply({
    ...{ name: 'P', version: '1', policyId: '{1}', files: [], signers: [], notes: [] },
    hashes: [{ id: 'H', name: 'by hash', hash: told.sha256 }],
  })
  const blocked = it.names('blocked:yes')
  expect(blocked).toEqual(['told.sys'])
  const at = must(it.shelf.selected({ query: 'name:told' }))
  tell(it, { image: imageOf({ authentihash: told }) })
  // The document's file is the sample that is known by its image.
  expect(must(it.shelf.get(at[0]!)).row).toMatchObject({ origin: 'file', blocked: true })
  it.put(landed('a.sys', { image: imageOf({ authentihash: real }) }))
  expect(must(it.shelf.get(at[0]!))).toMatchObject({
    row: { origin: 'file', blocked: false },
    known: [{ id: 'real' }],
  })
  // The sample it was taken for has a row again.
  expect(it.names('entry:told origin:known')).toHaveLength(1)
})

test('a removed file that comes back with worse facts keeps the better ones', async () => {
  const it = temporaryShelf()
  const [id = 0] = it.put(landed('a.sys', { evidence }))
  must(await it.shelf.annotations.remove([id]))
  tell(it, { evidence: [] })
  expect(must(it.shelf.get(id)).facts?.evidence).toEqual(evidence)
  expect(hashesOfFile('a.sys').sha256).toBe(must(it.shelf.get(id)).row.sha256)
})

test('a removed file that an import brings back gets the tags of the import', async () => {
  const it = temporaryShelf()
  const [id = 0] = it.put(landed('a.sys'))
  must(await it.shelf.annotations.remove([id]))
  it.shelf.put([landed('a.sys')], [], null, ['set'])
  expect(must(it.shelf.get(id)).row.tags).toEqual(['set'])
})
