import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { must } from '../testing/temporary-catalogue'
import { hashesOfFile, landed, temporaryShelf, type TestShelf } from './testing/temporary-shelf'

const NO_TAGS = { addTags: [], removeTags: [] }

function said(it: TestShelf, id: number): Record<string, unknown> {
  const { row, notes, verdictReason } = must(it.shelf.get(id))
  const { status, verdict, tags, hasNotes } = row
  return { status, verdict, verdictReason, tags, notes, hasNotes }
}

describe('annotations', () => {
  test('change many files at once, each with its trail, and one word takes all of it back', async () => {
    const it = temporaryShelf()
    const ids = it.put(landed('a.sys'), landed('b.sys'), landed('c.sys'))
    must(await it.shelf.annotations.annotate([ids[0]!], { addTags: ['Seen'], removeTags: [] }))
    const before = ids.map((id) => said(it, id))
    const change = must(
      await it.shelf.annotations.annotate(ids, {
        status: 'done',
        verdict: 'malicious',
        verdictReason: 'maps memory',
        notes: 'Found on two machines',
        addTags: [' byovd ', 'seen'],
        removeTags: [],
      }),
    )
    expect(change.changed).toBe(3)
    expect(it.names('tag:byovd verdict:malicious status:done machines')).toHaveLength(3)
    expect(said(it, ids[0]!)).toMatchObject({
      tags: ['byovd', 'Seen'],
      notes: 'Found on two machines',
    })
    const trail = it.shelf.annotations.history(ids[0]!)
    expect(trail.map((entry) => entry.what)).toEqual(
      expect.arrayContaining(['imported', 'tags', 'status', 'verdict', 'notes']),
    )
    expect(trail.find((entry) => entry.what === 'verdict')).toMatchObject({
      before: 'none',
      after: 'malicious: maps memory',
      undo: change.undo,
    })
    const back = must(await it.shelf.annotations.undo(change.undo!))
    expect(back.changed).toBe(3)
    expect(ids.map((id) => said(it, id))).toEqual(before)
    expect(it.names('tag:byovd')).toEqual([])
    expect(it.names('machines')).toEqual([])
    expect(it.shelf.annotations.history(ids[0]!).some((entry) => entry.what === 'undone')).toBe(
      true,
    )
    expect(await it.shelf.annotations.undo(change.undo!)).toMatchObject({
      ok: false,
      error: { code: 'not-found' },
    })
    // Undoing the undo.
    must(await it.shelf.annotations.undo(back.undo!))
    expect(it.names('tag:byovd verdict:malicious machines')).toHaveLength(3)
  })

  test('an undo restores exactly what was, for any change', async () => {
    const any = fc.record({
      status: fc.option(fc.constantFrom('new' as const, 'in-work' as const), { nil: undefined }),
      verdict: fc.option(fc.constantFrom('none' as const, 'benign' as const), { nil: undefined }),
      verdictReason: fc.option(fc.constantFrom('', 'why'), { nil: undefined }),
      notes: fc.option(fc.constantFrom('', 'one', 'two'), { nil: undefined }),
      addTags: fc.subarray(['a', 'B', 'c']),
      removeTags: fc.subarray(['b', 'c', 'd']),
    })
    const it = temporaryShelf()
    const ids = it.put(landed('a.sys'), landed('b.sys'))
    await fc.assert(
      fc.asyncProperty(
        any,
        any,
        fc.subarray(ids, { minLength: 1 }),
        async (first, second, some) => {
          await it.shelf.annotations.annotate(some, first as never)
          const before = ids.map((id) => said(it, id))
          const { undo } = must(await it.shelf.annotations.annotate(ids, second as never))
          if (undo !== null) must(await it.shelf.annotations.undo(undo))
          expect(ids.map((id) => said(it, id))).toEqual(before)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('an older change can be undone under a newer one, which stays', async () => {
    const it = temporaryShelf()
    const [id = 0] = it.put(landed('a.sys'))
    const first = must(await it.shelf.annotations.annotate([id], { ...NO_TAGS, addTags: ['one'] }))
    must(await it.shelf.annotations.annotate([id], { ...NO_TAGS, addTags: ['two'] }))
    must(await it.shelf.annotations.undo(first.undo!))
    expect(said(it, id)['tags']).toEqual(['two'])
  })

  test('a change that changes nothing leaves no trail', async () => {
    const it = temporaryShelf()
    const [id = 0] = it.put(landed('a.sys'))
    expect(must(await it.shelf.annotations.annotate([id], { ...NO_TAGS, status: 'new' }))).toEqual({
      changed: 0,
      undo: null,
    })
    expect(it.shelf.annotations.history(id)).toHaveLength(1)
  })
})

describe('removal', () => {
  test('takes files from lists, pages and kin, and one word brings exactly these back', async () => {
    const it = temporaryShelf()
    const [a = 0, b = 0] = it.put(landed('a.sys'), landed('b.sys'))
    const gone = must(await it.shelf.annotations.remove([a, 99]))
    expect(gone.changed).toBe(1)
    expect(it.names('')).toEqual(['b.sys'])
    expect(it.shelf.get(a)).toMatchObject({ ok: false, error: { code: 'not-found' } })
    must(await it.shelf.annotations.remove([b]))
    must(await it.shelf.annotations.undo(gone.undo!))
    expect(it.names('')).toEqual(['a.sys'])
  })

  test('is final after a while, and the bits of the file leave the index', async () => {
    const it = temporaryShelf()
    const [a = 0] = it.put(landed('a.sys'), landed('b.sys'))
    const gone = must(await it.shelf.annotations.remove([a]))
    expect(it.shelf.sweep('2026-11-22T09:00:00.000Z', 10)).toBe(0)
    expect(it.shelf.sweep('2026-11-22T11:00:00.000Z', 10)).toBe(1)
    expect(await it.shelf.annotations.undo(gone.undo!)).toMatchObject({ ok: false })
    expect(it.shelf.complete('name:', 5).completions.map(({ label }) => label)).toEqual([
      'name:b.sys',
    ])
    expect(it.names(hashesOfFile('a.sys').sha256!)).toEqual([])
    expect(it.put(landed('a.sys'))).not.toEqual([a])
    expect(it.names(hashesOfFile('a.sys').sha256!)).toEqual(['a.sys'])
  })
})

describe('what the window selected', () => {
  test('is the rows, or what a query finds that is understood whole', () => {
    const it = temporaryShelf()
    const [a = 0, b = 0] = it.put(landed('a.sys'), landed('b.sys'))
    expect(must(it.shelf.selected({ ids: [b, b, 77] }))).toEqual([b])
    expect(must(it.shelf.selected({ query: 'name:a' }))).toEqual([a])
    expect(it.shelf.selected({ query: 'name:a status:odd' })).toMatchObject({
      ok: false,
      error: { code: 'bad-request' },
    })
  })
})

describe('saved searches', () => {
  test('are kept by name', () => {
    const it = temporaryShelf()
    const { searches } = it.shelf
    searches.save('Mappers', 'import:MmMapIoSpace')
    const saved = searches.save('mappers', 'import:Mm*')
    expect(searches.list()).toEqual([{ ...saved, name: 'Mappers', query: 'import:Mm*' }])
    expect(searches.delete(saved.id).ok).toBe(true)
    expect(searches.delete(saved.id)).toMatchObject({ ok: false, error: { code: 'not-found' } })
  })
})
