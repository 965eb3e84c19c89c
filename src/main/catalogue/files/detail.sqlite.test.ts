import { describe, expect, test } from 'vitest'
import { must } from '../testing/temporary-catalogue'
import { entryOf, landed, sampleOf, SOURCE, temporaryShelf } from './testing/temporary-shelf'

const HASH = 'ab'.repeat(32)

describe('the page of a file', () => {
  test('tells rules that did not match from rules that were never held against it', () => {
    const it = temporaryShelf()
    const [never = 0, clean = 0] = it.put(
      { ...landed('a.sys'), yara: null },
      { ...landed('b.sys'), yara: [] },
    )
    expect(must(it.shelf.get(never))).toMatchObject({ yaraRead: false, yara: [] })
    expect(must(it.shelf.get(clean))).toMatchObject({ yaraRead: true, yara: [] })
  })

  test('has what reference data says of the sample, once though two entries say it', async () => {
    const it = temporaryShelf()
    const sample = sampleOf({ sha256: HASH, company: 'Old Harbour', importedFunctions: ['ZwOpen'] })
    const other = sampleOf({ sha256: HASH, company: 'New Harbour' })
    await it.shelf.known.apply(SOURCE, [
      entryOf('one', { samples: [sample] }),
      entryOf('two', { samples: [sample] }),
      entryOf('three', { samples: [other] }),
    ])
    const [id = 0] = must(it.shelf.selected({ query: '' }))
    const { knownSamples, known, facts } = must(it.shelf.get(id))
    expect(facts).toBeNull()
    expect(known).toHaveLength(3)
    expect(knownSamples.map(({ company }) => company)).toEqual(
      expect.arrayContaining(['Old Harbour', 'New Harbour']),
    )
    expect(knownSamples).toHaveLength(2)
  })

  test('with no block policy, nothing is said to be on no block list', () => {
    const it = temporaryShelf()
    const [id = 0] = it.put(landed('a.sys'))
    const { blockPolicies, knownAsOf } = must(it.shelf.get(id))
    expect(blockPolicies).toBe(0)
    expect(knownAsOf.at(-1)).toMatch(/^No block policy was taken in/)
    const { hashNote } = it.shelf.list({
      query: HASH,
      sort: { key: 'added', descending: true },
      offset: 0,
      limit: 1,
    })
    expect(hashNote).toContain('Reference data does not name it. ')
    expect(hashNote).not.toContain('nor a block policy')
  })
})
