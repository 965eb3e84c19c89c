import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FileDocument, type DocumentFile } from '../../../shared/driver-file/document'
import { readFacts } from '../../known/loldrivers/facts'
import { must } from '../testing/temporary-catalogue'
import { importRates, syntheticFile } from './testing/synthetic'
import {
  entryOf,
  hashesOfFile,
  landed,
  sampleOf,
  SOURCE,
  temporaryShelf,
  type TestShelf,
} from './testing/temporary-shelf'

const loldrivers = resolve(import.meta.dirname, '../../../../data/loldrivers')
const rates = importRates(readFileSync(join(loldrivers, 'import-frequency.csv'), 'utf8'))

const everything = (it: TestShelf): number[] => must(it.shelf.selected({ query: '' }))

function exported(it: TestShelf, ids = everything(it)): FileDocument {
  const text = [...it.shelf.documents.text(ids)].join('')
  return FileDocument.parse(JSON.parse(text))
}

/** Without the order of the shelf, which an import does not promise. */
const sorted = (document: FileDocument): unknown => ({
  ...document,
  createdAt: '',
  files: document.files.toSorted((a, b) => (a.identity < b.identity ? -1 : 1)),
})

async function filledShelf(): Promise<TestShelf> {
  const it = temporaryShelf()
  const { entries } = readFacts(readFileSync(join(loldrivers, 'loldrivers-facts.jsonl'), 'utf8'))
  await it.shelf.known.apply(SOURCE, entries.slice(0, 20))
  it.shelf.put(
    Array.from({ length: 30 }, (_, n) => ({
      ...syntheticFile(n, rates),
      yara: n % 7 === 0 ? [{ rule: `r${n}`, tags: [], meta: {}, strings: [] }] : null,
    })),
    [],
    null,
    [],
  )
  it.setTime('2026-11-23T10:00:00.000Z')
  const first = syntheticFile(3, rates)
  it.shelf.put([{ ...first, name: 'alias.sys', from: 'elsewhere/alias.sys' }], [], null, [])
  must(
    await it.shelf.annotations.annotate(everything(it).slice(10, 25), {
      notes: 'Zeile eins\n“zwei”',
      verdict: 'suspicious',
      verdictReason: 'because',
      status: 'in-work',
      addTags: ['tag one', 'two'],
      removeTags: [],
    }),
  )
  return it
}

describe('our own JSON', () => {
  test('gives an empty shelf what was exported', async () => {
    const from = await filledShelf()
    const document = exported(from)
    expect(document.files.length).toBeGreaterThan(50)
    const into = temporaryShelf()
    into.setTime('2027-01-01T00:00:00.000Z')
    const { files, ...header } = document
    const merged = into.shelf.documents.merge(header, files, null)
    expect(merged.problems).toEqual([])
    expect(merged.added + merged.merged).toBe(files.length)
    expect(sorted(exported(into))).toEqual(sorted(document))
    for (const query of [
      'known:yes',
      'tag:two zeile',
      'import:io*',
      'yara:*',
      'added:2026',
      'status:new',
      'verdict:none',
      'driver',
    ])
      expect([query, into.names(query).sort()]).toEqual([query, from.names(query).sort()])
  })

  test('taken into the shelf it came from changes nothing', async () => {
    const it = await filledShelf()
    const before = exported(it)
    const { files, ...header } = before
    expect(it.shelf.documents.merge(header, files, null)).toEqual({
      added: 0,
      merged: files.length,
      problems: [],
    })
    expect(sorted(exported(it))).toEqual(sorted(before))
  })

  test('keeps the words of both sides', async () => {
    const there = temporaryShelf()
    const [id = 0] = there.put(landed('a.sys'))
    const say = async (it: TestShelf, notes: string, tag: string): Promise<unknown> =>
      must(
        await it.shelf.annotations.annotate([id], {
          notes,
          verdict: 'benign',
          verdictReason: notes,
          addTags: [tag],
          removeTags: [],
        }),
      )
    await say(there, 'theirs', 'b')
    const { files, ...header } = exported(there)
    const here = temporaryShelf()
    here.put(landed('a.sys'))
    await say(here, 'ours', 'a')
    for (let times = 0; times < 2; times++) here.shelf.documents.merge(header, files, null)
    expect(must(here.shelf.get(id))).toMatchObject({
      notes: 'ours\n\ntheirs',
      verdictReason: 'ours',
      row: { tags: ['a', 'b'] },
    })
  })

  test('an item that cannot be used is named, and the others come in', () => {
    const there = temporaryShelf()
    there.put(landed('a.sys'), landed('b.sys'))
    const { files, ...header } = exported(there)
    const here = temporaryShelf()
    const broken = [
      { ...files[0], tags: 'none' },
      null,
      {
        ...files[0],
        identity: `md5:${'0'.repeat(32)}`,
        facts: null,
      } satisfies Partial<DocumentFile>,
      files[1],
    ]
    const merged = here.shelf.documents.merge(header, broken, null)
    expect(merged).toMatchObject({ added: 1, merged: 0 })
    expect(merged.problems).toEqual([
      expect.stringContaining('file 1 cannot be used (tags'),
      expect.stringContaining('file 2 cannot be used'),
      'file 3 (a.sys) has no facts and is not known here',
    ])
    expect(here.shelf.documents.merge({ format: 'else' }, files, null).problems).toHaveLength(1)
  })

  test('hashes have their length, times are times, and names are one plain line', () => {
    const there = temporaryShelf()
    there.put(landed('a.sys'))
    const { files, ...header } = exported(there)
    const [file] = files as [DocumentFile]
    const here = temporaryShelf()
    const taken = (over: Partial<DocumentFile>): string[] =>
      here.shelf.documents.merge(header, [{ ...file, ...over }], null).problems
    const hash = '0'.repeat(63)
    expect(taken({ identity: `sha256:${hash}` })[0]).toContain('(identity')
    expect(taken({ hashes: { sha256: hash } })[0]).toContain('(hashes.sha256')
    expect(taken({ addedAt: 'yesterday' })[0]).toContain('(addedAt')
    const [name] = file.names as [DocumentFile['names'][number]]
    expect(taken({ names: [{ ...name, at: '2026' }] })[0]).toContain('(names.0.at')
    const odd = { ...name, name: 'a\u202egpj\n.sys', from: 'set/\u001b[31m' }
    expect(taken({ names: [odd] })).toEqual([])
    const [id = 0] = everything(here)
    expect(must(here.shelf.get(id)).names).toEqual([
      { name: 'a gpj .sys', from: 'set/ [31m', at: name.at },
    ])
  })

  test('says which files have no place in it', async () => {
    const it = temporaryShelf()
    const listing = (...samples: ReturnType<typeof sampleOf>[]): Promise<unknown> =>
      it.shelf.known.apply(SOURCE, [entryOf('one', { samples })])
    await listing(sampleOf(hashesOfFile('b.sys')))
    must(
      await it.shelf.annotations.annotate(everything(it), {
        notes: 'n',
        addTags: [],
        removeTags: [],
      }),
    )
    // No entry lists it any more; it stays for its notes.
    await listing()
    it.put(landed('a.sys'))
    const left: string[] = []
    const text = [...it.shelf.documents.text(everything(it), left)].join('')
    expect((JSON.parse(text) as FileDocument).files.map(({ names }) => names[0]?.name)).toEqual([
      'a.sys',
    ])
    expect(left).toEqual([expect.stringMatching(/^one\.sys: /)])
  })

  test('brings the entries of a known sample with it, and no others', async () => {
    const there = temporaryShelf()
    await there.shelf.known.apply(SOURCE, [
      entryOf('one', {
        samples: [sampleOf(hashesOfFile('a.sys')), sampleOf(hashesOfFile('b.sys'))],
      }),
      entryOf('two', { samples: [sampleOf(hashesOfFile('c.sys'))] }),
    ])
    const [a = 0] = everything(there)
    const { files, ...header } = exported(there, [a])
    expect(header.reference).toMatchObject([{ entries: [{ id: 'one' }] }])
    const here = temporaryShelf()
    expect(here.shelf.documents.merge(header, files, null).problems).toEqual([])
    expect(here.names('')).toHaveLength(1)
    expect(here.names('entry:one known:vulnerable')).toHaveLength(1)
  })
})
