import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { factsOf, imageOf, signatureOf } from './testing/synthetic'
import { importing, landed, temporaryShelf, type TestShelf } from './testing/temporary-shelf'

const listing = (query: string): Parameters<TestShelf['shelf']['list']>[0] => ({
  query,
  sort: { key: 'added', descending: true },
  offset: 0,
  limit: 200,
})

describe('the list', () => {
  test('pages in any order, files without a value last either way', () => {
    const it = temporaryShelf()
    const compiled = ['2020-01-01T00:00:00Z', null, '2010-01-01T00:00:00Z', '2030-01-01T00:00:00Z']
    it.put(
      ...compiled.map((time, at) =>
        landed(`${'dbca'[at]}.sys`, { size: at * 10, image: imageOf({ compiled: time }) }),
      ),
    )
    const order = (key: 'compiled' | 'name' | 'size' | 'signer', descending: boolean): string =>
      it.shelf
        .list({ ...listing(''), sort: { key, descending } })
        .rows.map((row) => row.name[0])
        .join('')
    expect(order('compiled', false)).toBe('cdab')
    expect(order('compiled', true)).toBe('adcb')
    expect(order('name', false)).toBe('abcd')
    expect(order('name', true)).toBe('dcba')
    expect(order('size', false)).toBe('dbca')
    expect(order('signer', true)).toBe('dbca')
    const page = it.shelf.list({
      ...listing(''),
      sort: { key: 'compiled', descending: false },
      offset: 1,
      limit: 2,
    })
    expect(page.rows.map((row) => row.name)).toEqual(['d.sys', 'a.sys'])
    expect(page).toMatchObject({ total: 4, all: 4, problem: null, hashNote: null })
  })

  test('counts facets over the result', () => {
    const it = temporaryShelf()
    it.put(
      landed('a.sys', { signatures: [signatureOf('Old Harbour', 'whcp', null)] }),
      landed('b.sys', { signatures: [signatureOf('New Harbour', 'test', null)] }),
      landed('c.sys', { image: imageOf({ machine: 'I386' }) }),
    )
    const facets = (query: string): Record<string, Record<string, number>> =>
      Object.fromEntries(
        it.shelf
          .list(listing(query))
          .facets.map(({ field, values }) => [
            field,
            Object.fromEntries(values.map(({ value, count }) => [value, count])),
          ]),
      )
    expect(facets('')).toMatchObject({
      signature: { whcp: 1, test: 1, none: 1 },
      machine: { AMD64: 2, I386: 1 },
      known: { no: 3 },
      blocked: { no: 3 },
      verdict: { none: 3 },
      origin: { file: 3 },
    })
    expect(facets('signed')).toMatchObject({
      signature: { whcp: 1, test: 1 },
      machine: { AMD64: 2 },
    })
    expect(facets('signed')['signature']).not.toHaveProperty('none')
  })

  test('finds a file by any of its hashes, and says when a hash is not here', () => {
    const it = temporaryShelf()
    const signature = signatureOf('Old Harbour', 'whcp', '2020-01-01T00:00:00Z')
    const [digest, image] = [factsOf('x').hashes, factsOf('image').hashes]
    it.put(
      landed('other.sys'),
      landed('x.sys', {
        hashes: digest,
        signatures: [signature],
        image: imageOf({ authentihash: image, imphash: 'ab'.repeat(16), pageHash: image }),
      }),
    )
    const leaf = signature.chain[0]!
    const hashes = [digest.md5, digest.sha1, digest.sha256, image.sha1, image.sha256]
    for (const hash of [...hashes, leaf.thumbprint.sha1, leaf.tbs.sha256, 'AB'.repeat(16)])
      expect(it.names(hash)).toEqual(['x.sys'])
    expect(it.names(`sha256:${digest.sha256.slice(0, 9)}*`)).toEqual(['x.sys'])
    expect(it.names(`authentihash:${digest.sha256}`)).toEqual([])
    const none = it.shelf.list(listing('0'.repeat(64)))
    expect(none.hashNote).toContain('No file here has this hash.')
    expect(none.total).toBe(0)
  })

  test('says what it did not understand and answers the rest', () => {
    const it = temporaryShelf()
    it.put(landed('a.sys'), landed('b.sys'))
    expect(it.shelf.list(listing('name:a status:odd'))).toMatchObject({
      total: 1,
      problem: 'There is no status “odd”. It is one of new, in-work and done.',
    })
  })

  test('follows what another process writes', () => {
    const it = temporaryShelf()
    it.put(landed('a.sys'))
    expect(it.names('')).toEqual(['a.sys'])
    const other = temporaryShelf({ folder: it.file.replace(/[\\/][^\\/]*$/, '') })
    other.put(landed('b.sys', { image: importing('MmMapIoSpace') }))
    expect(it.names('')).toEqual(['a.sys', 'b.sys'])
    expect(it.names('import:mmmapiospace')).toEqual(['b.sys'])
    it.put(landed('c.sys', { image: importing('MmMapIoSpace') }))
    expect(other.names('import:mmmapiospace')).toEqual(['b.sys', 'c.sys'])
  })

  test('keeps answering across the borders of chunks', () => {
    const it = temporaryShelf()
    const image = importing('MmMapIoSpace')
    for (let n = 0; n < 4200; n += 300)
      it.put(
        ...Array.from({ length: 300 }, (_, at) =>
          landed(`${n + at}.sys`, (n + at) % 1000 === 99 ? { image } : { image: null }),
        ),
      )
    expect(it.names('import:mmmapiospace')).toEqual([
      '1099.sys',
      '2099.sys',
      '3099.sys',
      '4099.sys',
      '99.sys',
    ])
    expect(it.shelf.list(listing('-import:mmmapiospace')).total).toBe(4195)
  })
})

describe('completion', () => {
  const labels = (it: TestShelf, text: string): string[] =>
    it.shelf.complete(text, text.length).completions.map(({ label }) => label)

  test('offers fields, then values that occur, the frequent ones first', () => {
    const it = temporaryShelf()
    it.put(
      landed('a.sys', { image: importing('MmMapIoSpace', 'MmGetPhysicalAddress') }),
      landed('b.sys', { image: importing('MmGetPhysicalAddress') }),
    )
    expect(labels(it, 'im')).toEqual(['import:', 'imphash:'])
    expect(labels(it, 'import:mm')).toEqual(['import:MmGetPhysicalAddress', 'import:MmMapIoSpace'])
    expect(labels(it, 'x -import:iosp')).toEqual(['import:MmMapIoSpace'])
    expect(labels(it, 'status:')).toEqual(['status:new', 'status:in-work', 'status:done'])
    expect(labels(it, 'has:no')).toEqual(['has:notes'])
    const { from, completions } = it.shelf.complete('x -import:iosp', 14)
    expect([from, completions[0]?.insert]).toEqual([2, '-import:MmMapIoSpace '])
  })

  test('never throws', () => {
    const it = temporaryShelf()
    it.put(landed('a.sys'))
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), fc.nat(40), (text, cursor) => {
        const { from } = it.shelf.complete(text, cursor)
        expect(from).toBeLessThanOrEqual(text.length)
      }),
    )
  })
})
