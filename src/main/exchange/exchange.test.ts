import Ajv from 'ajv'
import addFormats from 'ajv-formats'
import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { EXPORT_FORMATS, type FileDetail } from '../../shared/contract/files'
import { csvCell } from './csv'
import { exportText, type TextFormat } from './index'
import { NOW, ferry, winio } from './testing/details'
import { uuid5 } from './uuid'

const write = (format: TextFormat, details: FileDetail[], left: string[] = []): string => {
  const source = { rows: () => details.map(({ row }) => row), details: () => details }
  return [...exportText(format, source, NOW, left)].join('')
}

const TEXT_FORMATS = EXPORT_FORMATS.filter((format) => format !== 'json')

test.each(TEXT_FORMATS)('%s: the same files give the same bytes', (format) => {
  expect(write(format, [ferry, winio])).toBe(write(format, [ferry, winio]))
})

test('ids are those of RFC 9562: the example of its appendix', () => {
  expect(uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  )
})

describe('CSV', () => {
  test.each([
    ['=1+1', `"'=1+1"`],
    ['+49', `"'+49"`],
    ['-2', `"'-2"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['  =1+1', `"'  =1+1"`],
    ['＝1+1', `"'＝1+1"`],
    ['\tx', `"'\tx"`],
    ['x;=1+1', '"x;=1+1"'],
    ['a,b', '"a,b"'],
    ['say "hi"', '"say ""hi""' + '"'],
    ['=cmd|"/c calc"!A1', `"'=cmd|""/c calc""!A1"`],
    ['two\nlines', '"two\nlines"'],
    ['plain', '"plain"'],
  ])('the cell %j is written as %j', (value, cell) => {
    expect(csvCell(value)).toBe(cell)
  })

  test('a number below zero stays a number, and nothing is an empty cell', () => {
    expect([csvCell(-5), csvCell(null), csvCell(true)]).toEqual(['-5', '', 'true'])
  })

  test('one line a row, with the head of the table', () => {
    const lines = write('csv', [ferry, winio]).trimEnd().split('\r\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/^name,sha256,origin,/)
    expect(lines[1]).toContain('ferry.sys')
    expect(lines[2]!.split(',')).toHaveLength(lines[0]!.split(',').length)
  })
})

describe('LOLDrivers YAML', () => {
  // The fields and types that their published schema demands, in the words of JSON Schema.
  const text = { type: 'string' }
  const texts = { type: 'array', items: text }
  const demands = (names: string[]): object => ({
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, text])),
    required: names,
  })
  const schema = {
    type: 'object',
    properties: {
      Author: text,
      Created: { type: 'string', format: 'date' },
      MitreID: text,
      Category: text,
      Verified: text,
      Commands: demands(['Command', 'Description', 'Usecase', 'Privileges', 'OperatingSystem']),
      Resources: texts,
      Acknowledgement: demands(['Person', 'Handle']),
      Detection: { type: 'array', items: demands(['type', 'value']) },
      KnownVulnerableSamples: {
        type: 'array',
        minItems: 1,
        items: {
          type: 'object',
          properties: {
            ...Object.fromEntries(
              ['Filename', 'MD5', 'SHA1', 'SHA256', 'Date', 'Publisher', 'Company', 'Description']
                .concat(['Product', 'ProductVersion', 'FileVersion', 'MachineType'])
                .concat(['OriginalFilename', 'InternalName', 'Copyright', 'ExportedFunctions'])
                .concat('PDBPath')
                .map((name) => [name, text]),
            ),
            Signature: texts,
            Imports: texts,
            Authentihash: demands(['MD5', 'SHA1', 'SHA256']),
          },
          required: ['Filename', 'MD5'],
        },
      },
    },
    required: ['Created', 'MitreID', 'Category', 'Verified', 'Commands', 'Resources'].concat([
      'Acknowledgement',
      'Detection',
      'KnownVulnerableSamples',
    ]),
  }
  const ajv = new Ajv()
  addFormats(ajv)
  const validate = ajv.compile(schema)
  const read = (details: FileDetail[]): Record<string, unknown>[] =>
    parseAllDocuments(write('loldrivers-yaml', details)).map((document) => {
      expect(document.errors).toEqual([])
      return document.toJS() as Record<string, unknown>
    })

  test('is valid by the schema, with and without facts', () => {
    const entries = read([ferry, winio])
    expect(entries).toHaveLength(2)
    for (const entry of entries) expect(validate(entry) ? [] : validate.errors).toEqual([])
    expect(entries[0]).toMatchObject({
      Category: 'malicious',
      CVE: ['CVE-2023-0001'],
      Tags: ['ferry.sys', 'reddriver.sys'],
    })
  })

  test('files of one name are samples of one entry', () => {
    const twin: FileDetail = { ...ferry, row: { ...ferry.row, id: 3, name: 'other/FERRY.SYS' } }
    const [entry, ...rest] = read([ferry, twin])
    expect(rest).toEqual([])
    expect(entry!['KnownVulnerableSamples']).toHaveLength(2)
  })

  test('what nobody found anything of is not proposed, and named as left out', () => {
    const row = { ...ferry.row, known: null }
    const left: string[] = []
    const text = write(
      'loldrivers-yaml',
      [
        { ...ferry, known: [], row: { ...row, verdict: 'none', name: 'a.sys' } },
        { ...ferry, row: { ...ferry.row, verdict: 'benign', name: 'b.sys' } },
      ],
      left,
    )
    expect(text).toBe('')
    expect(left.map((line) => line.slice(0, 5))).toEqual(['a.sys', 'b.sys'])
  })

  test('a hostile name does not get into the line that people paste', () => {
    const [entry] = read([
      { ...ferry, names: [], row: { ...ferry.row, name: 'x && calc.exe & rem.sys' } },
    ])
    expect(entry!['Commands']).toMatchObject({
      Command:
        'sc.exe create driver binPath=C:\\windows\\temp\\driver.sys type=kernel && sc.exe start driver',
    })
  })

  test('no technique is made up', () => {
    const [entry] = read([{ ...ferry, known: [], facts: { ...ferry.facts!, capabilities: [] } }])
    expect(entry!['MitreID']).toBe('')
  })

  test('keeps digests, certificates and sections of each sample', () => {
    const [entry] = read([ferry])
    expect(entry!['KnownVulnerableSamples']).toMatchObject([
      {
        Filename: 'ferry.sys',
        SHA256: 'a'.repeat(64),
        Authentihash: { SHA256: '9'.repeat(64) },
        ImportedFunctions: ['FwpsCalloutRegister1'],
        Sections: { '.text': { Entropy: 5.0152, 'Virtual Size': '0x370' } },
        Signatures: [{ Certificates: [{ TBS: { SHA256: '5'.repeat(64) } }] }],
      },
    ])
  })
})

describe('STIX 2.1', () => {
  const bundle = JSON.parse(write('stix', [ferry, winio])) as {
    id: string
    objects: Record<string, unknown>[]
  }
  const ofType = (type: string): Record<string, unknown>[] =>
    bundle.objects.filter((object) => object['type'] === type)

  test('every object has a type, an id of that type and the version, and no id twice', () => {
    for (const object of bundle.objects) {
      expect(object['spec_version']).toBe('2.1')
      expect(String(object['id'])).toMatch(
        new RegExp(`^${String(object['type'])}--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab]`),
      )
    }
    const ids = bundle.objects.map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('every reference leads to an object of the bundle', () => {
    const ids = new Set(bundle.objects.map(({ id }) => id))
    for (const object of bundle.objects)
      for (const [key, value] of Object.entries(object))
        if (key.endsWith('_ref')) expect(ids).toContain(value)
        else if (key.endsWith('_refs'))
          for (const each of value as string[]) expect(ids).toContain(each)
  })

  test('a file has its hashes and PE facts, a harmful one an indicator based on it', () => {
    expect(ofType('file')[0]).toMatchObject({
      name: 'ferry.sys',
      hashes: { 'SHA-256': 'a'.repeat(64) },
      extensions: { 'windows-pebinary-ext': { pe_type: 'sys', machine_hex: '8664' } },
    })
    expect(ofType('indicator')[0]).toMatchObject({
      pattern: `[file:hashes.'SHA-256' = '${'a'.repeat(64)}']`,
      indicator_types: ['malicious-activity'],
    })
    expect(ofType('attack-pattern').map(({ name }) => name)).toContain('Adversary-in-the-Middle')
    expect(ofType('vulnerability')).toMatchObject([{ name: 'CVE-2023-0001' }])
    expect(ofType('note')).toMatchObject([{ content: 'Seen with <b>a proxy</b>.' }])
  })

  test('what is known by its authentihash alone is a file without an indicator', () => {
    expect(ofType('file')[1]).toMatchObject({ name: 'WinIO32A.sys' })
    expect(ofType('indicator')).toHaveLength(1)
  })
})

test('MISP: a file object that refers to its pe and x509 objects', () => {
  const { Event } = JSON.parse(write('misp', [ferry, winio])) as {
    Event: { Object: Record<string, unknown>[]; Tag: { name: string }[] }
  }
  expect(Event.Object.map(({ name }) => name)).toEqual(['file', 'pe', 'x509', 'file'])
  const [file, pe, x509] = Event.Object
  expect(file!['ObjectReference']).toMatchObject([
    { referenced_uuid: pe!['uuid'], relationship_type: 'includes' },
    { referenced_uuid: x509!['uuid'], relationship_type: 'signed-by' },
  ])
  expect(file!['Attribute']).toContainEqual(
    expect.objectContaining({ type: 'sha256', value: 'a'.repeat(64), to_ids: true }),
  )
  expect(Event.Tag.map(({ name }) => name)).toContain('misp-galaxy:mitre-attack-pattern="T1557"')
  expect(write('misp', [])).toContain('"Object":[\n]')
})

describe('SiPolicy', () => {
  test('denies the authentihashes and refers to each rule once', () => {
    const left: string[] = []
    const text = write('sipolicy', [ferry], left)
    expect(XMLValidator.validate(text)).toBe(true)
    expect(text.match(/<Deny /g)).toHaveLength(2)
    expect(text).toContain(`Hash="${'9'.repeat(64)}"`)
    const policy = new XMLParser({ ignoreAttributes: false }).parse(text) as never
    const rules = [...text.matchAll(/<Deny ID="([^"]+)"/g)].map(([, id]) => id)
    const refs = [...text.matchAll(/RuleID="(ID_DENY[^"]+)"/g)].map(([, id]) => id)
    expect(refs).toEqual(rules)
    expect(policy).toBeTruthy()
    expect(left).toEqual([])
  })

  test('a name cannot break out of its attribute', () => {
    const evil = { ...ferry, row: { ...ferry.row, name: 'a"><Allow ID="x" /><!--\u0001.sys' } }
    const text = write('sipolicy', [evil])
    expect(XMLValidator.validate(text)).toBe(true)
    expect(text.match(/<Allow /g)).toHaveLength(2)
  })

  test('a file without an authentihash is named as left out', () => {
    const left: string[] = []
    write('sipolicy', [{ ...winio, hashes: {} }], left)
    expect(left).toEqual(['WinIO32A.sys: no authentihash is known'])
  })
})

describe('the report in HTML', () => {
  const text = write('html', [ferry, winio])

  test('loads nothing and runs nothing', () => {
    expect(text).toContain(`default-src 'none'`)
    expect(text).not.toMatch(/<script|<link|<img|src=|href=|url\(/i)
  })

  test('texts of the file are texts, never markup', () => {
    expect(text).toContain('Seen with &lt;b&gt;a proxy&lt;/b&gt;.')
    expect(text).not.toContain('<b>')
  })

  test('says what the window says: evidence with its data, base rates, decoded codes', () => {
    expect(text).toContain('Compiled 3297 days after the signer expired.')
    expect(text).toContain('signer valid until: 2014-04-09T23:59:59Z')
    expect(text).toContain('0.6 % of vulnerable, 49 % of malicious samples')
    expect(text).toContain('0x0012C803')
  })
})
