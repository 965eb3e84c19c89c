import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { KnownEntryData } from '../../../shared/driver-file/known'
import { parseLolDrivers } from '../../known/loldrivers/entry'
import { readFacts, SHIPPED_FACTS } from '../../known/loldrivers/facts'
import { parseSiPolicy } from '../../known/sipolicy/parse'
import type { SiPolicy } from '../../known/sipolicy/policy'
import { must, temporaryCatalogue } from '../testing/temporary-catalogue'
import { digestsOf, imageOf, signatureOf } from './testing/synthetic'
import {
  entryOf,
  hashesOfFile,
  landed,
  sampleOf,
  SOURCE,
  temporaryShelf,
  type TestShelf,
} from './testing/temporary-shelf'

const data = resolve(import.meta.dirname, '../../../../data')
const shipped = { ...SHIPPED_FACTS, shipped: true }

const total = (it: TestShelf, query: string): number =>
  it.shelf.list({ query, sort: { key: 'added', descending: true }, offset: 0, limit: 1 }).total

describe('reference data', () => {
  test('the shipped facts are on the shelf whole, and applying them again changes nothing', async () => {
    const it = temporaryShelf()
    const { entries } = readFacts(
      readFileSync(join(data, 'loldrivers', 'loldrivers-facts.jsonl'), 'utf8'),
    )
    const applied = await it.shelf.known.apply(shipped, entries)
    expect(applied).toMatchObject({ entries: 661, samples: 2213 })
    const samples = entries.flatMap((entry) => entry.samples)
    const distinct = new Set(
      samples.map((it_) => it_.sha256 ?? it_.sha1 ?? it_.md5 ?? it_.authSha256 ?? it_.authSha1),
    )
    distinct.delete(null)
    expect(total(it, 'origin:known')).toBe(distinct.size)
    expect(it.shelf.known.sources()).toEqual([
      {
        ...shipped,
        entries: 661,
        samples: 2213 - applied.nameless,
        drivers: distinct.size,
        importedAt: '2026-11-22T10:00:00.000Z',
      },
    ])
    expect(it.shelf.known.hasSource(shipped.name, shipped.version)).toBe(true)
    const before = total(it, 'known:malicious')
    expect(before).toBeGreaterThan(300)
    await it.shelf.known.apply(shipped, entries)
    expect([total(it, ''), total(it, 'known:malicious')]).toEqual([distinct.size, before])
    // The index says what the tables say.
    const counts = [
      'known:vulnerable',
      'signer:micro',
      'cve:*',
      'attack:T1068',
      'machine:I386',
      'driver',
    ]
    const said = counts.map((query) => total(it, query))
    await it.shelf.reindex()
    expect(counts.map((query) => total(it, query))).toEqual(said)
  })

  test('the ten originals are 10 entries, 20 listed samples and 18 files', async () => {
    const it = temporaryShelf()
    const folder = join(data, 'fixtures', 'loldrivers')
    const entries = readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .flatMap(
        (name) => must(parseLolDrivers(readFileSync(join(folder, name), 'utf8'), name)).entries,
      )
    expect(await it.shelf.known.apply(SOURCE, entries)).toMatchObject({ entries: 10, samples: 20 })
    expect(total(it, '')).toBe(18)
  })

  test('a newer entry fills what an older one left open, and lets go of samples it dropped', async () => {
    const it = temporaryShelf()
    const old = entryOf('one', {
      description: 'told at length',
      samples: [
        sampleOf({ ...hashesOfFile('a.sys'), company: 'Old Harbour' }),
        sampleOf({ ...hashesOfFile('b.sys') }),
      ],
    })
    const newer = entryOf('one', {
      category: 'malicious',
      samples: [sampleOf({ ...hashesOfFile('a.sys'), product: 'Lantern' })],
    })
    await it.shelf.known.apply(SOURCE, [old])
    expect(total(it, 'known:vulnerable')).toBe(2)
    await it.shelf.known.apply({ ...SOURCE, version: '2' }, [newer])
    expect(total(it, '')).toBe(1)
    expect(total(it, 'known:malicious company:harbour product:lantern')).toBe(1)
    expect(total(it, 'known:vulnerable')).toBe(0)
    const [id = 0] = must(it.shelf.selected({ query: '' }))
    expect(must(it.shelf.get(id)).known).toMatchObject([
      { category: 'malicious', description: 'told at length', samples: 1 },
    ])
  })

  test('entries come to the same at once and one after the other', async () => {
    const shared = { ...hashesOfFile('a.sys'), filename: 'a.sys', company: 'Harbour' }
    const image = digestsOf('image').sha256
    const entries = [
      entryOf('one', { cve: ['CVE-2020-1'], samples: [sampleOf(shared), sampleOf(shared)] }),
      entryOf('two', {
        category: 'malicious',
        samples: [sampleOf({ ...shared, machine: 'I386' })],
      }),
      // The same image twice under other signatures, and an entry that is said anew.
      entryOf('three', { samples: [sampleOf({ ...hashesOfFile('b'), authSha256: image })] }),
      entryOf('four', { samples: [sampleOf({ ...hashesOfFile('c'), authSha256: image })] }),
      entryOf('one', { samples: [sampleOf({ ...hashesOfFile('d'), product: 'Lantern' })] }),
    ]
    const said = (it: TestShelf): unknown =>
      ['', 'known:malicious', 'known:vulnerable', 'company:harbour', 'cve:*', 'machine:I386']
        .concat('entry:one', 'product:lantern')
        .map((query) => it.names(query))
    const together = temporaryShelf()
    await together.shelf.known.apply(SOURCE, entries)
    const apart = temporaryShelf()
    for (const entry of entries) await apart.shelf.known.apply(SOURCE, [entry])
    expect(said(together)).toEqual(said(apart))
    expect(together.names('')).toHaveLength(4)
    expect(together.names('known:malicious company:harbour')).toEqual(['a.sys'])
    const before = said(together)
    await together.shelf.reindex()
    expect(said(together)).toEqual(before)
  })

  test('a file that is here is recognised when its entry comes, by hash or by image', async () => {
    const it = temporaryShelf()
    const auth = digestsOf('image')
    const [a = 0, b = 0] = it.put(
      landed('a.sys'),
      landed('b.sys', { image: imageOf({ authentihash: auth }) }),
    )
    const entries: KnownEntryData[] = [
      entryOf('by-file', {
        cve: ['CVE-2020-1'],
        samples: [sampleOf({ md5: hashesOfFile('a.sys').md5 })],
      }),
      entryOf('by-image', {
        attack: ['T1014', 'T1056.001'],
        samples: [sampleOf({ ...hashesOfFile('other'), authSha256: auth.sha256 })],
      }),
    ]
    await it.shelf.known.apply(SOURCE, entries)
    expect(must(it.shelf.get(a)).known).toMatchObject([{ id: 'by-file', matchedBy: 'md5' }])
    expect(must(it.shelf.get(b)).known).toMatchObject([
      { id: 'by-image', matchedBy: 'authentihash' },
    ])
    expect(it.names('known:no')).toEqual([])
    // The sample that was not seen itself has a row of its own.
    expect(it.names('origin:known')).toEqual(['by-image.sys'])
    expect(it.names('attack:T1056')).toEqual(['b.sys', 'by-image.sys'])
    expect(it.names('cve:cve-2020-1')).toEqual(['a.sys'])
    expect(must(it.shelf.get(a)).knownAsOf[0]).toContain(
      'LOLDrivers (test), version 1 (Apache-2.0)',
    )
  })

  test('what an import changed stays when what ships is taken in again, or anew', async () => {
    const it = temporaryShelf()
    const entry = (id: string, category: string): KnownEntryData =>
      entryOf(id, { category, samples: [sampleOf(hashesOfFile(id))] })
    const ships = { ...SOURCE, name: 'LOLDrivers (ships)', shipped: true }
    await it.shelf.known.apply(ships, [entry('one', 'vulnerable driver'), entry('two', 'old')])
    const day = { ...SOURCE, name: 'LOLDrivers, imported', version: '2026-11-23' }
    await it.shelf.known.apply(day, [entry('one', 'malicious')])
    it.close()
    const again = temporaryCatalogue({ folder: dirname(it.file) }).files
    expect(again.known.hasSource(ships.name, '1')).toBe(true)
    await again.known.apply({ ...ships, version: '2' }, [
      entry('one', 'vulnerable driver'),
      entry('two', 'newer'),
      entry('three', 'new'),
    ])
    expect(again.known.hasSource(ships.name, '1')).toBe(false)
    expect(again.known.sources()).toMatchObject([
      { ...ships, version: '2', entries: 2, samples: 2 },
      { ...day, entries: 1, samples: 1 },
    ])
    const found = (query: string): unknown[] =>
      must(again.selected({ query })).map((id) => must(again.get(id)).row.known)
    expect(found('known:loldrivers').sort()).toEqual(['malicious', 'new', 'newer'])
    const [one = 0] = must(again.selected({ query: 'entry:one' }))
    expect(must(again.get(one)).known).toMatchObject([{ source: day.name, category: 'malicious' }])
    expect(must(again.get(one)).knownAsOf.slice(0, 2)).toEqual([
      'LOLDrivers (ships), version 2 (Apache-2.0): 2 entries, taken in on 2026-11-22.',
      'LOLDrivers, imported, version 2026-11-23 (Apache-2.0): 1 entries, taken in on 2026-11-22.',
    ])
  })

  test('an entry of which a document brought a part is made whole by what ships', async () => {
    const there = temporaryShelf()
    const whole = entryOf('one', {
      samples: [sampleOf(hashesOfFile('a.sys')), sampleOf(hashesOfFile('b.sys'))],
    })
    await there.shelf.known.apply(SOURCE, [whole])
    const ids = must(there.shelf.selected({ query: '' })).slice(0, 1)
    const it = temporaryShelf()
    const { documents, known } = it.shelf
    documents.merge(there.shelf.documents.header(ids), [...there.shelf.documents.files(ids)], null)
    expect(total(it, 'known:yes')).toBe(1)
    expect(known.hasSource(SOURCE.name, SOURCE.version)).toBe(false)
    await known.apply({ ...SOURCE, shipped: true }, [whole])
    expect(total(it, 'known:yes')).toBe(2)
    expect(known.sources()).toMatchObject([{ shipped: true, entries: 1, samples: 2 }])
  })

  test('one file in two entries, and twice in one, is one file', async () => {
    const it = temporaryShelf()
    const sample = sampleOf(hashesOfFile('a.sys'))
    await it.shelf.known.apply(SOURCE, [
      entryOf('one', { samples: [sample, sampleOf({ sha1: sample.sha1 })] }),
      entryOf('two', { category: 'malicious', samples: [sample] }),
    ])
    expect(total(it, '')).toBe(1)
    const [id = 0] = must(it.shelf.selected({ query: '' }))
    const detail = must(it.shelf.get(id))
    expect(detail.known.map((entry) => [entry.id, entry.matchedBy, entry.samples])).toEqual([
      ['one', 'sha256', 2],
      ['two', 'sha256', 1],
    ])
    expect(detail.row.known).toBe('malicious')
  })
})

describe('block policies', () => {
  const sample = (): SiPolicy =>
    must(
      parseSiPolicy(
        readFileSync(join(data, 'fixtures', 'sipolicy', 'sample-block-policy.xml'), 'utf8'),
        'sample.xml',
      ),
    )
  const denying = (over: Partial<SiPolicy>): SiPolicy => ({
    ...{ name: 'Test policy', version: '1.0.0.0', policyId: '{1}', hashes: [], files: [] },
    ...{ signers: [], notes: [] },
    ...over,
  })

  test('hold files that are here and files that come, by hash, name and signer', async () => {
    const it = temporaryShelf()
    const auth = digestsOf('image')
    const version = (OriginalFilename: string, fileVersion: string) => ({
      ...{ fileVersion, productVersion: null, languages: [] },
      strings: { OriginalFilename },
    })
    const signature = signatureOf('Old Harbour', 'whcp', null)
    const files = [
      landed('hash.sys', { image: imageOf({ authentihash: auth }) }),
      landed('name.sys', { image: imageOf({ version: version('Ferry.sys', '1.0.0.0') }) }),
      landed('newer.sys', { image: imageOf({ version: version('Ferry.sys', '3.0.0.0') }) }),
      landed('signed.sys', { signatures: [signature] }),
      landed('free.sys'),
    ]
    it.put(...files.slice(0, 2))
    const policy = denying({
      hashes: [{ id: 'H', name: 'by hash', hash: auth.sha256 }],
      files: [
        {
          ...{ id: 'F', name: 'by name', fileName: 'ferry.sys', internalName: null },
          ...{ fileDescription: null, productName: null, minimumVersion: null },
          maximumVersion: '2.0.0.0',
        },
      ],
      signers: [
        {
          ...{ id: 'S', name: 'by signer', tbs: signature.chain[0]!.tbs.sha256, publisher: null },
          ...{ issuer: null, oem: null, ekus: [], signedAfter: null, files: [], exceptions: [] },
        },
      ],
    })
    const applied = await it.shelf.blocks.apply(policy)
    expect(applied).toMatchObject({ rules: 3, matches: 2 })
    it.put(...files.slice(2))
    expect(it.names('blocked:yes')).toEqual(['hash.sys', 'name.sys', 'signed.sys'])
    expect(it.names('blocked:"test policy" -blocked:other')).toHaveLength(3)
    expect(it.names('blocked:no')).toEqual(['free.sys', 'newer.sys'])
    const [id = 0] = must(it.shelf.selected({ query: 'name:signed' }))
    expect(must(it.shelf.get(id))).toMatchObject({
      row: { blocked: true },
      blocks: [{ policy: 'Test policy', rule: 'S', matchedBy: 'signer' }],
    })
    expect(it.shelf.blocks.policies()).toMatchObject([{ rules: 3, matches: 3 }])

    // A newer version of the same policy makes the old one go, with what it blocked.
    await it.shelf.blocks.apply(denying({ version: '2.0.0.0', hashes: policy.hashes }))
    expect(it.names('blocked:yes')).toEqual(['hash.sys'])
    const [{ id: policyId } = { id: 0 }] = it.shelf.blocks.policies()
    expect(it.shelf.blocks.remove(policyId).ok).toBe(true)
    expect(it.names('blocked:yes')).toEqual([])
    expect(it.shelf.blocks.remove(policyId)).toMatchObject({
      ok: false,
      error: { code: 'not-found' },
    })
  })

  test('a policy that a crash cut short is held against the rest at the next start', async () => {
    const it = temporaryShelf()
    const images = Array.from({ length: 60 }, (_, n) => digestsOf(`image ${n}`))
    it.put(
      ...images.map((authentihash, n) => landed(`${n}.sys`, { image: imageOf({ authentihash }) })),
    )
    const hashes = images.map(({ sha256 }, n) => ({ id: `H${n}`, name: 'by hash', hash: sha256 }))
    // The file is let go of between two slices.
    const applying = it.shelf.blocks.apply(denying({ hashes })).catch(() => 'cut short')
    it.close()
    expect(await applying).toBe('cut short')
    const again = temporaryCatalogue({ folder: dirname(it.file) }).files
    const blocked = (): number => must(again.selected({ query: 'blocked:yes' })).length
    expect(blocked()).toBeLessThan(60)
    const [id = 0] = must(again.selected({ query: 'blocked:yes' }))
    expect(must(again.get(id)).knownAsOf.join()).toContain('still being held against the files')
    await again.prepare()
    expect(blocked()).toBe(60)
    expect(must(again.get(id)).knownAsOf.join()).not.toContain('still')
  })

  test('the sample policy is kept and read again', async () => {
    const it = temporaryShelf()
    await it.shelf.blocks.apply(sample())
    it.put(landed('a.sys'))
    expect(it.shelf.blocks.policies()[0]).toMatchObject({ matches: 0, rules: expect.any(Number) })
    const hash = sample().hashes[0]!.hash
    expect(
      it.shelf.list({ query: hash, sort: { key: 'added', descending: true }, offset: 0, limit: 1 })
        .hashNote,
    ).toContain('denies it by rule')
  })
})
