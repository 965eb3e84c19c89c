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
      return [...texts, file.notes.toLowerCase().replaceAll('\n', ' ')].some((text) =>
        text.includes(match.text),
      )
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
    '"on ärger"',
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
    notes: fc.option(fc.constantFrom('', 'A remark\non Ärger', 'q'), { nil: undefined }),
    status: fc.option(fc.constantFrom('new' as const, 'done' as const), { nil: undefined }),
  }),
  fc.record({ what: fc.constant('remove' as const), which: fc.nat(20) }),
  fc.record({ what: fc.constant('undo' as const) }),
)

const listing = (query: string): Parameters<TestShelf['shelf']['list']>[0] => ({
  query,
  sort: { key: 'added', descending: true },
  offset: 0,
  limit: 200,
})

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
