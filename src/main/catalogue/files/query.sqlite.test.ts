import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { FileFacts } from '../../../shared/driver-file/facts'
import { parseFileQuery, clausesOf, type FileMatch } from '../../../shared/file-query'
import { must } from '../testing/temporary-catalogue'
import { factsOf, imageOf, ioctlOf, signatureOf } from './testing/synthetic'
import { importing, landed, temporaryShelf, type TestShelf } from './testing/temporary-shelf'

/** What the test thinks a file is; the query is answered from it without any index. */
interface Model {
  name: string
  facts: FileFacts
  tags: string[]
  notes: string
  status: string
  isRemoved: boolean
}

const lower = (texts: (string | null | undefined)[]): string[] =>
  texts.flatMap((text) => (text ? [text.toLowerCase()] : []))

function valuesOf(file: Model, field: string): string[] {
  const { image, driver, signatures, evidence, capabilities } = file.facts
  const version = image?.version?.strings ?? {}
  const imports = image?.imports.flatMap((it) => [it.dll, ...it.functions.map((f) => f.name)])
  switch (field) {
    case 'import':
      return lower(imports ?? [])
    case 'signer':
      return lower(signatures.map((it) => it.chain[0]?.subjectName))
    case 'signature':
      return signatures.length > 0 ? [signatures[0]!.kind] : ['none']
    case 'is':
      return [signatures.length > 0 ? 'signed' : 'unsigned']
    case 'device':
      return lower((driver?.deviceNames ?? []).map((it) => it.text))
    case 'ioctl':
      return lower((driver?.ioctls ?? []).map((it) => it.code))
    case 'company':
      return lower([version['CompanyName']])
    case 'capability':
      return capabilities.map((it) => it.id)
    case 'evidence':
      return evidence.map((it) => it.id)
    case 'tag':
      return lower(file.tags)
    case 'status':
      return [file.status]
    case 'name':
      return lower([file.name])
    case 'has':
      return ['import', 'signer', 'device', 'tag', 'company', 'ioctl']
        .filter((each) => valuesOf(file, each).length > 0)
        .concat(file.notes === '' ? [] : ['notes'])
    default:
      throw new Error(field)
  }
}

function numberOf(file: Model, field: string): number | null {
  const { image, size, evidence, capabilities } = file.facts
  switch (field) {
    case 'size':
      return size
    case 'compiled':
      return image?.compiled ? Date.parse(image.compiled) / 1000 : null
    case 'entropy':
      return Math.max(...(image?.sections ?? []).map((it) => it.entropy))
    case 'evidence':
      return evidence.length
    case 'capability':
      return capabilities.length
    default:
      throw new Error(field)
  }
}

function meets(file: Model, match: FileMatch): boolean {
  switch (match.kind) {
    case 'text': {
      const texts = ['name', 'signer', 'device', 'company', 'tag', 'import', 'capability'].flatMap(
        (field) => valuesOf(file, field),
      )
      return [...texts, file.notes.toLowerCase()].some((text) => text.includes(match.text))
    }
    case 'values':
      return match.values.some((value) => valuesOf(file, match.field).includes(value))
    case 'pattern': {
      const pattern = new RegExp(
        `^${match.pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`,
      )
      return valuesOf(file, match.field).some((value) => pattern.test(value))
    }
    case 'hash':
      return Object.values(file.facts.hashes).includes(match.hash)
    case 'range': {
      const value = numberOf(file, match.field)
      return (
        value !== null &&
        (match.from === null || value >= match.from) &&
        (match.to === null || value < match.to)
      )
    }
  }
}

const expected = (files: readonly Model[], query: string): string[] =>
  files
    .filter((file) => !file.isRemoved)
    .filter((file) =>
      clausesOf(parseFileQuery(query).terms).every(
        ({ any, negated }) => any.some(({ match }) => meets(file, match)) !== negated,
      ),
    )
    .map((file) => file.name)
    .sort()

// Few values, so that files share them and queries find something.
const IMPORTS = ['MmMapIoSpace', 'MmUnmapIoSpace', 'ZwOpenProcess', 'IoCreateDevice', 'Фу']
const COMPANIES = ['Old Harbour', 'Old Harbour Software', '100% _safe_', 'Фирма', 'ab']
const TAGS = ['byovd', 'Seen Before', 'q']

const anyFacts = fc.record({
  imports: fc.subarray(IMPORTS),
  company: fc.option(fc.constantFrom(...COMPANIES)),
  signer: fc.option(fc.constantFrom(...COMPANIES)),
  device: fc.option(fc.constantFrom('\\Device\\Lantern', '\\Device\\Ferry01', '\\Device\\L')),
  codes: fc.subarray([0x80102040, 0x222003]),
  size: fc.constantFrom(100, 4096, 20_480, 2_000_000),
  compiled: fc.option(
    fc.constantFrom('2012-05-01T00:00:00Z', '2022-12-31T23:59:59Z', '2023-01-01T00:00:00Z'),
  ),
  entropy: fc.constantFrom(1, 6.9999, 7, 7.0001, 7.5),
  evidence: fc.subarray(['sha1-digest', 'digest-mismatch'] as const),
  capabilities: fc.subarray(['map-memory', 'kill-process']),
})

function toFacts(
  name: string,
  it: typeof anyFacts extends fc.Arbitrary<infer T> ? T : never,
): FileFacts {
  return factsOf(name, {
    size: it.size,
    image: imageOf({
      ...importing(...it.imports),
      compiled: it.compiled,
      version: {
        fileVersion: null,
        productVersion: null,
        strings: it.company === null ? {} : { CompanyName: it.company },
        languages: [],
      },
      sections: [
        {
          ...{ name: '.text', rva: 0, virtualSize: 1, offset: 0, rawSize: 1 },
          ...{ flags: 'RX', characteristics: 0, entropy: it.entropy },
        },
      ],
    }),
    signatures: it.signer === null ? [] : [signatureOf(it.signer, 'whcp', null)],
    evidence: it.evidence.map((id) => ({ id, text: '', caveat: '', data: {}, signature: 0 })),
    driver: {
      ...factsOf('').driver!,
      deviceNames: it.device === null ? [] : [{ text: it.device, offset: null }],
      ioctls: it.codes.map(ioctlOf),
    },
    capabilities: it.capabilities.map((id) => ({
      ...{ id, name: id, axis: 'hardware' as const, attack: [], references: [] },
      ...{ description: '', evidence: [], baseRate: null },
    })),
  })
}

const anyTerm = fc.constantFrom(
  ...[
    'import:mmmapiospace',
    'import:Mm*',
    'import:*Space',
    'import:none',
    'import:*',
    'import:ntoskrnl.exe',
  ],
  ...[
    'signer:harbour',
    'signer:"old harbour"',
    'signer:*software',
    'signer:none',
    'signed',
    'unsigned',
  ],
  ...['company:%', 'company:_', 'company:"100% _safe_"', 'company:фирма', 'company:a', 'company:*'],
  ...['device:lantern', 'device:\\Device\\L*', 'device:e', 'ioctl:0x80102040', 'ioctl:2236419'],
  ...[
    'size>4096',
    'size<=4kb',
    'size:20kb',
    'compiled>2022',
    'compiled<2022-12-31',
    'compiled:none',
  ],
  ...[
    'compiled:2022',
    'entropy>7',
    'entropy>=7',
    'entropy:7',
    'entropy<7',
    'evidence>0',
    'evidence:2',
  ],
  ...[
    'evidence:sha1-digest',
    'capability:map-memory',
    'capability<2',
    'signature:whcp',
    'signature:none',
  ],
  ...[
    'tag:byovd',
    'tag:"seen before"',
    'tag:*',
    'status:new',
    'status:done',
    'has:notes',
    'name:file-1',
  ],
  ...[
    'harbour',
    '"old harbour"',
    'mmmap',
    'oSpace',
    'ab',
    'q',
    'ol',
    'фир',
    '"harbour software"',
    'lantern',
  ],
  ...[
    '"device\\lantern"',
    'ferry01',
    'remark',
    '"a remark on"',
    'file',
    '.sys',
    '100',
    '"100% _safe_"',
  ],
)
const anyQuery = fc
  .array(fc.tuple(fc.boolean(), anyTerm), { maxLength: 4 })
  .map((terms) => terms.map(([negated, term]) => (negated ? `-${term}` : term)).join(' '))

const anyChange = fc.oneof(
  fc.record({ what: fc.constant('put' as const), facts: anyFacts }),
  fc.record({
    what: fc.constant('annotate' as const),
    which: fc.nat(20),
    addTags: fc.subarray(TAGS),
    removeTags: fc.subarray(TAGS),
    notes: fc.option(fc.constantFrom('', 'A remark on Lantern', 'q'), { nil: undefined }),
    status: fc.option(fc.constantFrom('new' as const, 'done' as const), { nil: undefined }),
  }),
  fc.record({ what: fc.constant('remove' as const), which: fc.nat(20) }),
  fc.record({ what: fc.constant('undo' as const) }),
)

describe('what a query finds', () => {
  test('is what looking at every file finds, whatever was done to the shelf', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyChange, { minLength: 1, maxLength: 14 }),
        fc.array(anyQuery, { minLength: 1, maxLength: 12 }),
        async (changes, queries) => {
          const it = temporaryShelf()
          const files: Model[] = []
          const ids: number[] = []
          let back: { word: string; files: Model[] } | null = null
          for (const change of changes) {
            const at = 'which' in change ? change.which % Math.max(1, files.length) : 0
            const file = files[at]
            if (change.what === 'put') {
              const name = `file-${files.length}.sys`
              const facts = toFacts(name, change.facts)
              ids.push(...it.put({ ...landed(name), facts }))
              const fresh = { name, facts, tags: [], notes: '', status: 'new', isRemoved: false }
              files.push(fresh)
              // What is undone later does not undo this.
              back?.files.push(fresh)
            } else if (change.what === 'undo') {
              if (!back) continue
              await it.shelf.annotations.undo(back.word)
              files.splice(0, files.length, ...back.files)
              back = null
            } else if (file && !file.isRemoved) {
              const before = files.map((each) => ({ ...each }))
              const done =
                change.what === 'remove'
                  ? must(await it.shelf.annotations.remove([ids[at]!]))
                  : must(
                      await it.shelf.annotations.annotate([ids[at]!], {
                        addTags: change.addTags,
                        removeTags: change.removeTags,
                        ...(change.notes === undefined ? {} : { notes: change.notes }),
                        ...(change.status === undefined ? {} : { status: change.status }),
                      }),
                    )
              if (change.what === 'remove') file.isRemoved = true
              else {
                const tags = new Set([...file.tags, ...change.addTags])
                for (const tag of change.removeTags) tags.delete(tag)
                file.tags = [...tags]
                file.notes = change.notes ?? file.notes
                file.status = change.status ?? file.status
              }
              if (done.undo !== null) back = { word: done.undo, files: before }
            }
          }
          const check = (): void => {
            for (const query of queries) {
              expect([query, it.names(query)]).toEqual([query, expected(files, query)])
              const { total } = it.shelf.list(listing(query))
              expect(total).toBe(expected(files, query).length)
            }
          }
          check()
          // The index is what the tables say, and nothing else.
          await it.shelf.reindex()
          check()
          it.close()
        },
      ),
      { numRuns: 40 },
    )
  })
})

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
