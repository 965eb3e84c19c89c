import { repairedName } from './signers'
import { readFileSync, readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { KnownEntryData, KnownSampleData } from '../../../shared/driver-file/known'
import { KnownIndex, identityKey, matchIdentity } from '../identity'
import { mergeEntries } from '../merge'
import { parseLolDrivers } from './entry'
import { readFacts } from './facts'

const data = resolve(__dirname, '../../../../data')
const folder = resolve(data, 'fixtures/loldrivers')
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const facts = readFacts(readFileSync(resolve(data, 'loldrivers/loldrivers-facts.jsonl'), 'utf8'))

function read(start: string): { entry: KnownEntryData; problems: string[] } {
  const name = names.find((candidate) => candidate.startsWith(start)) ?? start
  const result = parseLolDrivers(readFileSync(resolve(folder, name), 'utf8'), name)
  if (!result.ok) throw new Error(result.error.message)
  const [entry] = result.value.entries
  if (!entry) throw new Error(`no entry in ${name}`)
  return { entry, problems: result.value.problems }
}
const entries = names.map((name) => read(name).entry)

function first(entry: KnownEntryData): KnownSampleData {
  const [sample] = entry.samples
  if (!sample) throw new Error(`no sample in ${entry.id}`)
  return sample
}

function parsed(text: string, name = 'made-up.yaml'): KnownEntryData {
  const result = parseLolDrivers(text, name)
  if (!result.ok) throw new Error(result.error.message)
  return result.value.entries[0] as KnownEntryData
}
const refusal = (text: string, name = 'made-up.yaml'): string => {
  const result = parseLolDrivers(text, name)
  return result.ok ? 'was read' : result.error.message
}

describe('the shipped facts', () => {
  test('hold what their README counts', () => {
    expect(facts.problems).toEqual([])
    const samples = facts.entries.flatMap((entry) => entry.samples)
    expect([facts.entries.length, samples.length]).toEqual([661, 2213])
    expect(facts.entries.filter(({ category }) => category === 'malicious')).toHaveLength(115)
    const hashless = samples.filter(({ sha256, sha1, md5 }) => !sha256 && !sha1 && !md5)
    expect(hashless).toHaveLength(84)
  })

  test('put 85 SHA-256 values into more than one entry', () => {
    const holders = new Map<string, Set<string>>()
    for (const entry of facts.entries) {
      for (const { sha256 } of entry.samples) {
        if (sha256) holders.set(sha256, (holders.get(sha256) ?? new Set()).add(entry.id))
      }
    }
    expect([...holders.values()].filter((ids) => ids.size > 1)).toHaveLength(85)
  })

  test('a line that is no entry is named and stops nothing', () => {
    const line = JSON.stringify({ id: 'a', samples: [{ md5: 'x' }] })
    const { entries: read, problems } = readFacts(`${line}\n{"id":\n\n[1]\n`)
    expect(read).toHaveLength(1)
    expect(problems).toEqual([
      'line 2: not an entry of LOLDrivers facts',
      'line 4: not an entry of LOLDrivers facts',
    ])
  })
})

describe('the ten originals', () => {
  test('give 10 entries, 20 rows and 18 distinct samples', () => {
    const keys = entries.flatMap((entry) => entry.samples.map(identityKey))
    expect([entries.length, keys.length, new Set(keys).size]).toEqual([10, 20, 18])
    expect(names.flatMap((name) => read(name).problems)).toEqual([])
  })

  // The facts were derived from these very files by other code, so each is a witness for the other.
  test.each(names)('%s says what the shipped facts say of it', (name) => {
    const { entry } = read(name)
    const fact = facts.entries.find(({ id }) => id === entry.id)
    const shared = ({ samples, ...rest }: KnownEntryData): object => ({
      ...rest,
      author: '',
      description: '',
      resources: '',
      rest: '',
      samples: samples.map((sample) => ({
        ...sample,
        // Facts keep a SHA-1 authentihash only where there is no SHA-256.
        authSha1: sample.authSha256 ? '' : sample.authSha1,
        authMd5: '',
        importedModules: '',
        importedFunctions: '',
        exportedFunctions: '',
        rest: '',
      })),
    })
    expect(fact).toBeDefined()
    expect(shared(entry)).toEqual(shared(fact as KnownEntryData))
  })

  test('a blank signer is a signer without a name', () => {
    expect(first(read('87593c63').entry).signers).toEqual([
      {
        cn: null,
        serial: '0dbdf488aeaa9795e332a1ca2747af0d',
        from: '2018-08-15',
        to: '2019-08-15',
        tbs: 'cd684ad96d510b669c0767e4b845fb7a04fba27c1f3a0935b09a988d94938f6e',
      },
    ])
  })

  test('a CVE may be a list or a text', () => {
    expect(read('6d21df78').entry.cve).toEqual(['CVE-2020-17382'])
    expect(read('96ba5e53').entry.cve).toEqual(['CVE-2026-3609'])
  })

  test('flat keys are read like nested ones, and twins leave nothing behind', () => {
    const sample = first(read('ee6fa2de').entry)
    expect(sample).toMatchObject({
      authSha256: '1f8812611cf7120e89e769cc908fabc0c9e49b27fded8dde6a3de51d9ce34f09',
      rich: 'd4f3dea543c7d1110de608833ff941e6',
      machine: 'AMD64',
      importedModules: ['ntoskrnl.exe', 'HAL.dll'],
    })
    expect(sample.importedFunctions).toHaveLength(12)
    expect(Object.keys(sample.rest).sort()).toEqual([
      'MagicHeader',
      'RichPEHeaderHash',
      'Sections',
      'Signatures',
    ])
  })

  test('a sample without file hashes is known by its authentihash', () => {
    expect(identityKey(first(read('1068f5cc').entry))).toBe(
      'authSha1:01779ee53f999464465ed690d823d160f73f10e7',
    )
  })

  test('hashes become lower case; the constant for "no Rich header" is dropped', () => {
    const { samples } = read('8750b245').entry
    expect(samples).toHaveLength(7)
    expect(samples[3]?.sha1).toBe('4b882748faf2c6c360884c6812dd5bcbce75ebff')
    expect(samples[0]?.rich).toBeNull()
    expect(samples[0]?.rest).not.toHaveProperty('RichPEHeaderHash')
    expect(samples[0]?.exportedFunctions).toEqual(['restore'])
    expect(samples[0]?.loadsDespiteHvci).toBe(true)
  })

  test('names written by hand and empty resources', () => {
    const { entry } = read('2740a074')
    expect(first(entry).signatureNames).toEqual([
      'Microsoft Windows Hardware Compatibility Publisher',
      'Microsoft Windows Third Party Component CA 2014',
      'Microsoft Root Certificate Authority 2010',
    ])
    expect(entry.resources).toEqual([
      'https://www.mandiant.com/resources/blog/hunting-attestation-signed-malware',
    ])
    expect(entry.attack).toEqual(['T1068'])
    expect(read('651d1cdc').entry.attack).toEqual(['T1056.001'])
  })

  test('what has no field of its own is kept as it stands', () => {
    const { entry } = read('87593c63')
    expect(entry.rest).toMatchObject({ Commands: { OperatingSystem: 'Windows 10' } })
    expect(first(entry).rest).toMatchObject({
      Sections: { '.text': { Entropy: 6.244772828250603, 'Virtual Size': '0x5f44' } },
      Signatures: [{ Certificates: [{ IsCA: true, Version: 3 }, {}, {}] }],
    })
  })

  test('every text of the originals is somewhere in what was read', () => {
    const lost = names.flatMap((name) => {
      const { entry } = read(name)
      const kept = JSON.stringify(entry).toLowerCase()
      const source = readFileSync(resolve(folder, name), 'utf8')
      // Values on one line, without the constants that were dropped on purpose.
      const values = [...source.matchAll(/^[ -]*(?:[\w. ]+: )?([\w][\w./:-]{5,})$/gm)]
      return values
        .map(([, value = '']) => value.toLowerCase())
        .filter((value) => !kept.includes(value) && !value.endsWith(':'))
    })
    const noRich = ['ffdf660eb1ebf020a1d0a55a90712dfb', '3e905e3d061d0d59de61fcf39c994fcb0ec1bab3']
    const constants = [
      ...noRich,
      '2b3f99a94b7a7132854be769e27b331419c53989ef42f686d6f5ba09ddefefd6',
    ]
    expect(lost.filter((value) => !constants.includes(value))).toEqual([])
  })
})

describe('the JSON of the interface', () => {
  test('gives the same entries as the YAML files', () => {
    // Plain YAML of the originals as the interface would write it: keys and values as they are.
    const record = {
      Id: 'AAAA-1',
      Tags: ['a.sys'],
      Category: 'vulnerable driver',
      MitreID: 'T1068',
      CVEs: ['CVE-2021-0001', 'CVE-2021-00'],
      Verified: true,
      KnownVulnerableSamples: [{ MD5: 'A'.repeat(32), ExportedFunctions: 'a, b', X: { y: 1 } }],
    }
    const json = parsed(JSON.stringify([record, { ...record, Id: 'B' }], null, 1), 'drivers.json')
    expect(json).toEqual(parsed(JSON.stringify(record), 'one.json'))
    expect(json).toMatchObject({
      id: 'aaaa-1',
      cve: ['CVE-2021-0001'],
      rest: { CVEs: ['CVE-2021-0001', 'CVE-2021-00'] },
      samples: [{ md5: 'a'.repeat(32), exportedFunctions: ['a', 'b'], rest: { X: { y: 1 } } }],
    })
  })

  test('an entry that cannot be used is named and the others come in', () => {
    const good = { Id: 'a', KnownVulnerableSamples: [{ SHA256: 'no hash' }, 7] }
    const result = parseLolDrivers(JSON.stringify([good, { Id: 'b' }, 1]), 'drivers.json')
    expect(result).toMatchObject({
      ok: true,
      value: {
        entries: [{ id: 'a', samples: [{ sha256: null, rest: { SHA256: 'no hash' } }] }],
        problems: [
          'drivers.json, entry 1, sample 1: SHA256 is not a hash of 64 digits: no hash',
          'drivers.json, entry 1, sample 2: not a record of fields',
          'drivers.json, entry 2: no list KnownVulnerableSamples',
          'drivers.json, entry 3: no Id',
        ],
      },
    })
  })
})

describe('files that mean no good', () => {
  test('bad YAML and bad JSON are refused with file and line', () => {
    expect(refusal('Id: a\nTags: [b\nCategory: c\n')).toMatch(/^made-up\.yaml, line [34] is not/)
    expect(refusal('[\n{"Id": "a"},\n{"Id" "b"}]', 'd.json')).toMatch(/^d\.json, line 3, column 7/)
    expect(refusal('just text')).toBe('made-up.yaml: no Id - this is no LOLDrivers file.')
    expect(refusal('')).toMatch(/no Id/)
  })

  test('a key that stands twice is said', () => {
    const text = 'Id: a\nKnownVulnerableSamples:\n- MD5: x\n  Filename: a\n  Filename: b\n'
    const result = parseLolDrivers(text, 'twice.yaml')
    expect(result.ok && result.value.problems[0]).toBe(
      'twice.yaml, line 5: Filename stands here twice; the last counts',
    )
  })

  test.each([
    ['aliases that multiply', bomb()],
    ['an alias of what holds it', 'Id: &a [*a]\n'],
    ['brackets without end', '['.repeat(1_000_000)],
    ['braces without end', `Id: ${'{'.repeat(400_000)}`],
    ['lists in lists', '- '.repeat(400_000)],
    [
      'indentation without end',
      Array.from({ length: 900 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    ],
    ['millions of lines', '- a\n'.repeat(4_000_000)],
    ['more than 20 MB', `Id: a\nX: ${'x'.repeat(20_000_001)}`],
  ])('%s are refused in a bounded time', (_, text) => {
    const start = performance.now()
    expect(refusal(text)).toMatch(/^made-up\.yaml/)
    expect(performance.now() - start).toBeLessThan(60_000)
  })

  test('a hundred thousand keys in one record are read in a bounded time', () => {
    const keys = Array.from({ length: 100_000 }, (_, i) => `k${i}: 1\n`).join('')
    const start = performance.now()
    expect(Object.keys(parsed(`Id: a\nKnownVulnerableSamples: []\n${keys}`).rest)).toHaveLength(1e5)
    expect(performance.now() - start).toBeLessThan(60_000)
  })

  test.each([
    [
      '{"Id":"a","KnownVulnerableSamples":[{"__proto__":{"md5":"bad"},"X":{"__proto__":{"polluted":1}}}]}',
    ],
    [
      'Id: a\nKnownVulnerableSamples:\n- __proto__: {md5: bad}\n  X: {__proto__: {polluted: 1}, constructor: {a: 1}}\n',
    ],
  ])('keys with a meaning of their own change nothing: %s', (text) => {
    const entry = parsed(text)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    expect(first(entry).md5).toBeNull()
    expect(Object.getPrototypeOf(first(entry).rest)).toBe(Object.prototype)
    expect(JSON.stringify(entry)).not.toContain('polluted')
  })

  test('numbers that would not read back stay text', () => {
    const digits = '1'.repeat(40)
    const entry = parsed(
      `Id: a\nKnownVulnerableSamples:\n- SHA1: ${digits}\n  FileVersion: 1.10\n  MD5: 12345678901234567890123456789e12\n`,
    )
    expect(first(entry)).toMatchObject({
      sha1: digits,
      fileVersion: '1.10',
      md5: '12345678901234567890123456789e12',
    })
  })
})

describe('recognising a file', () => {
  const md5 = 'a'.repeat(32)
  const sha1 = 'b'.repeat(40)
  const sha256 = 'c'.repeat(64)
  const authSha256 = 'd'.repeat(64)

  test.each([
    ['SHA-256', { sha256, md5 }, { sha256, md5: 'x' }, 'sha256'],
    ['SHA-1 when the sample has nothing stronger', { sha1, md5 }, { sha256, sha1, md5 }, 'sha1'],
    ['MD5 alone', { md5 }, { sha256, sha1, md5 }, 'md5'],
    ['not by MD5 when SHA-256 speaks against it', { sha256, md5 }, { sha256: 'e', md5 }, null],
    [
      'the image under another signature',
      { sha256, authSha256 },
      { sha256: 'e', authSha256 },
      'authentihash',
    ],
    ['a SHA-1 authentihash alone', { authSha1: sha1 }, { sha256, authSha1: sha1 }, 'authentihash'],
    ['an MD5 authentihash alone', { authMd5: md5 }, { sha256, authMd5: md5 }, 'authentihash'],
    [
      'not by a weaker authentihash when a stronger one speaks against it',
      { authSha256, authSha1: sha1 },
      { authSha256: 'e', authSha1: sha1 },
      null,
    ],
    ['not by a file hash that equals an authentihash', { authSha1: sha1 }, { sha1 }, null],
    ['nothing to compare', {}, { sha256 }, null],
  ])('%s', (_, sample, file, matchedBy) => {
    expect(matchIdentity(sample, file)).toBe(matchedBy)
  })

  test('a file of two entries is found in both, by its strongest hash', () => {
    const index = new KnownIndex(facts.entries)
    const counts = new Map<string, number>()
    for (const { samples } of facts.entries) {
      for (const hash of new Set(samples.map((sample) => sample.sha256))) {
        if (hash) counts.set(hash, (counts.get(hash) ?? 0) + 1)
      }
    }
    const twice = [...counts].find(([, count]) => count === 2)?.[0] ?? ''
    const matches = index.find({ sha256: twice })
    expect(matches).toHaveLength(2)
    expect(matches.map(({ matchedBy }) => matchedBy)).toEqual(['sha256', 'sha256'])
    expect(index.find({ sha256: 'f'.repeat(64) })).toEqual([])
  })
})

describe('two sources of one entry', () => {
  const { entry: yaml } = read('ee6fa2de')
  const fact = facts.entries.find(({ id }) => id === yaml.id) as KnownEntryData

  test('an imported file over shipped facts is the file', () => {
    const merged = mergeEntries(facts.entries, [yaml])
    expect(merged).toHaveLength(661)
    expect(merged.find(({ id }) => id === yaml.id)).toEqual(yaml)
  })

  test('newer facts over an imported file keep what only the file says', () => {
    const newer = { ...fact, category: 'malicious', samples: fact.samples.slice(0, 1) }
    const [merged] = mergeEntries([yaml], [newer])
    expect(merged?.category).toBe('malicious')
    expect(merged?.description).toBe(yaml.description)
    expect(merged?.samples).toHaveLength(1)
    expect(merged?.samples[0]?.importedFunctions).toHaveLength(12)
    expect(merged?.samples[0]?.rest).toHaveProperty('Signatures')
  })

  test('entries only one of them has stay', () => {
    expect(mergeEntries([yaml], [read('1068f5cc').entry]).map(({ id }) => id.slice(0, 8))).toEqual([
      'ee6fa2de',
      '1068f5cc',
    ])
  })
})

/** Six levels of ten aliases each. */
function bomb(): string {
  const level = (name: string, of: string): string =>
    `${name}: &${name} [${Array.from({ length: 10 }, () => of).join(', ')}]\n`
  return ['x', '*a', '*b', '*c', '*d', '*e'].map((of, at) => level('abcdef'[at] ?? '', of)).join('')
}

test.each([
  ['MICRO,STAR INTERNATIONAL CO., LTD.', 'MICRO-STAR INTERNATIONAL CO., LTD.'],
  ["Micro,Star Int'l Co. Ltd.", "Micro-Star Int'l Co. Ltd."],
  ['GIGA,BYTE TECHNOLOGY CO., LTD.', 'GIGA-BYTE TECHNOLOGY CO., LTD.'],
  ['GlobalSign CodeSigning CA , G2', 'GlobalSign CodeSigning CA - G2'],
  ['Some Co,Ltd', 'Some Co,Ltd'],
  ['thawte, Inc.', 'thawte, Inc.'],
  ['Pinchins Technology Co.,Ltd.', 'Pinchins Technology Co.,Ltd.'],
])('the name %s was %s', (written, name) => {
  expect(repairedName(written)).toBe(name)
})
