import { describe, expect, test } from 'vitest'
import { must } from '../testing/temporary-catalogue'
import { digestsOf, factsOf, imageOf, signatureOf } from './testing/synthetic'
import {
  entryOf,
  hashesOfFile,
  importing,
  landed,
  sampleOf,
  SOURCE,
  temporaryShelf,
} from './testing/temporary-shelf'

describe('a file that comes in', () => {
  test('is read back as it was', () => {
    const it = temporaryShelf()
    const facts = factsOf('a', {
      image: imageOf({ compiled: '2023-05-02T00:00:00Z' }),
      signatures: [signatureOf('Old Harbour', 'cross-signed', '2013-10-01T00:00:00Z')],
    })
    const [id = 0] = it.put({ ...landed('a.sys'), facts })
    const detail = must(it.shelf.get(id))
    expect(detail.facts).toEqual(facts)
    expect(detail.row).toMatchObject({
      name: 'a.sys',
      origin: 'file',
      signer: 'Old Harbour',
      signature: 'cross-signed',
      signedAt: '2013-10-01T00:00:00Z',
      compiled: '2023-05-02T00:00:00Z',
      status: 'new',
    })
    expect(detail.names).toEqual([
      { name: 'a.sys', from: 'set/a.sys', at: '2026-11-22T10:00:00.000Z' },
    ])
  })

  test('again changes nothing and loses no note, under another name it gets an alias', async () => {
    const it = temporaryShelf()
    const [id = 0] = it.put(landed('a.sys'))
    must(
      await it.shelf.annotations.annotate([id], {
        notes: 'kept',
        addTags: ['kept'],
        removeTags: [],
      }),
    )
    const before = must(it.shelf.get(id))
    expect(it.shelf.put([landed('a.sys')], [], null, ['other'])).toEqual({
      added: [],
      merged: [id],
    })
    expect(must(it.shelf.get(id))).toEqual(before)
    it.shelf.put([{ ...landed('a.sys'), name: 'alias.sys', from: 'x/alias.sys' }], [], null, [])
    expect(must(it.shelf.get(id)).row).toMatchObject({ name: 'a.sys', names: 2, tags: ['kept'] })
    expect(it.names('name:alias')).toEqual(['a.sys'])
  })

  test('that was removed comes back with what was said of it', async () => {
    const it = temporaryShelf()
    const [id = 0] = it.put(landed('a.sys'))
    must(await it.shelf.annotations.annotate([id], { notes: 'n', addTags: [], removeTags: [] }))
    must(await it.shelf.annotations.remove([id]))
    expect(it.shelf.put([landed('a.sys')], [], null, [])).toEqual({ added: [id], merged: [] })
    expect(must(it.shelf.get(id)).notes).toBe('n')
  })

  test('lies with the same image under other signatures', () => {
    const it = temporaryShelf()
    const image = imageOf({ authentihash: digestsOf('image') })
    const [a = 0, b = 0] = it.put(
      landed('a.sys', { image }),
      landed('b.sys', { image, signatures: [signatureOf('Old Harbour', 'test', null)] }),
      landed('c.sys'),
    )
    expect(must(it.shelf.get(a)).sameImage.map((row) => row.id)).toEqual([b])
  })

  test('brings its package, its YARA matches and its copy', () => {
    const it = temporaryShelf()
    const yara = [{ rule: 'maps_memory', tags: [], meta: {}, strings: [] }]
    it.shelf.put(
      [
        {
          ...landed('a.sys'),
          quarantine: 'f00d',
          yara,
          packages: [{ key: 'k', isListed: true }],
        },
      ],
      [{ key: 'k', name: 'set/a.inf', inf: null, catalogue: null }],
      null,
      [],
    )
    const [id = 0] = must(it.shelf.selected({ query: 'yara:maps_memory' }))
    const detail = must(it.shelf.get(id))
    expect(detail).toMatchObject({ yara, quarantined: true })
    expect(detail.packages).toEqual([
      {
        ...{ id: 1, name: 'set/a.inf', inf: null, catalogue: null },
        members: [{ name: 'a.sys', sha256: hashesOfFile('a.sys').sha256, isListed: true }],
      },
    ])
    expect(it.shelf.quarantine.copyOf(id)).toBe('f00d')
    expect(it.shelf.quarantine.totals()).toEqual({ files: 1, bytes: 4096 })
    expect(it.shelf.quarantine.forget([id])).toEqual(['f00d'])
    expect(must(it.shelf.get(id)).quarantined).toBe(false)
  })

  test('leaves its copy to be removed once it cannot come back any more', async () => {
    const it = temporaryShelf()
    const [id = 0] = it.put({ ...landed('a.sys'), quarantine: 'f00d' })
    must(await it.shelf.annotations.remove([id]))
    expect(it.shelf.quarantine.orphans()).toEqual([])
    expect(it.shelf.sweep('2027-01-01T00:00:00.000Z', 10)).toBe(1)
    expect(it.shelf.quarantine.orphans()).toEqual(['f00d'])
    it.shelf.quarantine.drop(['f00d'])
    expect(it.shelf.quarantine.orphans()).toEqual([])
    expect(it.shelf.quarantine.totals()).toEqual({ files: 0, bytes: 0 })
  })

  test('with texts that no table likes is taken all the same', () => {
    const it = temporaryShelf()
    const odd = ['a\u0000b', '\ud800', '%_\\', "'; DROP TABLE files; --", '"', '', '\u202e', '🦉']
    const [id = 0] = it.put(
      landed('x\u0000\ud83d.sys', {
        image: {
          ...importing(...odd)!,
          version: {
            fileVersion: null,
            productVersion: null,
            strings: Object.fromEntries(odd.map((text) => [text, text])),
            languages: [],
          },
        },
      }),
      landed('y.sys', { image: importing('\udfff', '\ud800') }),
    )
    expect(must(it.shelf.get(id)).row.name).toBe('x .sys')
    expect(it.names('import:"\'; drop table files; --"')).toEqual(['x .sys'])
    expect(it.names('import:%_\\')).toEqual(['x .sys'])
    expect(it.names('import:🦉')).toEqual(['x .sys'])
  })

  test('of a batch that fails leaves nothing behind, and the shelf goes on', () => {
    const it = temporaryShelf()
    it.put(landed('a.sys', { image: importing('MmMapIoSpace') }))
    expect(it.names('import:mmmapiospace')).toEqual(['a.sys'])
    const broken = landed('c.sys')
    Object.defineProperty(broken.facts, 'signatures', {
      get: () => {
        throw new Error('no facts')
      },
    })
    expect(() => it.put(landed('b.sys', { image: importing('MmMapIoSpace') }), broken)).toThrow(
      'no facts',
    )
    expect(it.names('import:mmmapiospace')).toEqual(['a.sys'])
    it.put(landed('d.sys', { image: importing('MmMapIoSpace') }))
    expect(it.names('import:mmmapiospace')).toEqual(['a.sys', 'd.sys'])
  })
})

describe('kin', () => {
  const digest = (tail: string): string => `T1${'AB'.repeat(35).slice(0, -tail.length)}${tail}`

  test('share image, imports, tools, signer, build folder, or are near by TLSH', () => {
    const it = temporaryShelf()
    const image = imageOf({
      imphash: 'ab'.repeat(16),
      authentihash: digestsOf('image'),
      debug: [{ type: 'CODEVIEW', time: null, pdb: 'D:\\work\\a\\x.pdb', guid: null, age: 1 }],
    })
    const signatures = [signatureOf('Old Harbour', 'whcp', null)]
    const [a = 0, b = 0, c = 0, d = 0] = it.put(
      landed('a.sys', { image, signatures, tlsh: digest('00') }),
      landed('b.sys', { image: { ...image, authentihash: null }, tlsh: digest('01') }),
      landed('c.sys', { signatures }),
      landed('d.sys', { tlsh: `T1${'19'.repeat(35)}` }),
    )
    const kin = must(it.shelf.kin(a, 60))
    expect(kin.files[0]?.id).toBe(a)
    expect(kin.files.map((row) => row.id).sort()).toEqual([a, b, c])
    expect(kin.groups.map(({ relation, files }) => [relation, [...files].sort()])).toEqual([
      ['tlsh', [a, b]],
      ['imphash', [a, b]],
      ['pdb-folder', [a, b]],
      ['signer', [a, c]],
    ])
    expect(kin.groups[0]?.distances[b]).toBeGreaterThan(0)
    expect(kin.more).toBe(0)
    expect(must(it.shelf.kin(d, 60)).groups).toEqual([])
    expect(it.shelf.kin(99, 60)).toMatchObject({ ok: false })
  })
})

describe('comparison and matrix', () => {
  test('say what is the same, what changed, and what one file has alone', () => {
    const it = temporaryShelf()
    const capability = {
      ...{ id: 'map', name: 'Map memory', axis: 'hardware' as const, attack: [], references: [] },
      ...{ description: '', evidence: [], baseRate: null },
    }
    const [a = 0, b = 0] = it.put(
      landed('a.sys', { image: importing('One', 'Two'), capabilities: [capability] }),
      landed('b.sys', { image: importing('Two', 'Three'), size: 1 }),
    )
    const { sections } = must(it.shelf.compare(a, b))
    const rows = (title: string): string[] =>
      sections
        .find((section) => section.title === title)!
        .rows.map(({ label, state }) => `${state} ${label}`)
    expect(rows('Imports')).toEqual([
      'removed ntoskrnl.exe!One',
      'added ntoskrnl.exe!Three',
      'same ntoskrnl.exe!Two',
    ])
    expect(rows('Identity')).toEqual(
      expect.arrayContaining(['changed Name', 'changed Size', 'same Machine', 'changed SHA-256']),
    )
    expect(rows('Capabilities')).toEqual(['removed Map memory'])
    const { evidence: _, ...kept } = capability
    expect(it.shelf.matrix([a, b, 99])).toMatchObject({
      capabilities: [kept],
      files: [{ capabilities: ['map'] }, { capabilities: [] }],
    })
  })
})

describe('a known sample', () => {
  test('becomes the real file when that arrives, and keeps what was said of it', async () => {
    const it = temporaryShelf()
    const auth = digestsOf('image')
    await it.shelf.known.apply(SOURCE, [
      entryOf('one', { samples: [sampleOf({ ...hashesOfFile('a.sys'), company: 'Reference' })] }),
      entryOf('two', {
        category: 'malicious',
        samples: [sampleOf({ authSha1: auth.sha1, filename: 'image.sys' })],
      }),
    ])
    expect(it.names('origin:known')).toEqual(['image.sys', 'one.sys'])
    const [one = 0] = must(it.shelf.selected({ query: 'name:one' }))
    must(
      await it.shelf.annotations.annotate([one], { notes: 'kept', addTags: ['t'], removeTags: [] }),
    )
    const landing = it.shelf.put(
      [
        landed('a.sys', { image: importing('MmMapIoSpace') }),
        landed('signed.sys', { image: imageOf({ authentihash: auth }) }),
        landed('resigned.sys', { image: imageOf({ authentihash: auth }), size: 3 }),
      ],
      [],
      null,
      ['new'],
    )
    expect(landing.added).toHaveLength(3)
    expect(it.names('origin:known')).toEqual([])
    const detail = must(it.shelf.get(one))
    expect(detail).toMatchObject({
      notes: 'kept',
      row: { id: one, name: 'one.sys', names: 2, tags: ['new', 't'], origin: 'file' },
      known: [{ id: 'one', matchedBy: 'sha256', samples: 1 }],
    })
    // What the file says counts now, not what reference data said.
    expect(it.names('company:reference')).toEqual([])
    expect(it.names('import:mmmapiospace known:vulnerable tag:new')).toEqual(['one.sys'])
    expect(it.names('known:malicious')).toEqual(['image.sys', 'resigned.sys'])
    expect(must(it.shelf.get(landing.added[2]!)).known[0]).toMatchObject({
      id: 'two',
      matchedBy: 'authentihash',
    })
  })
})
