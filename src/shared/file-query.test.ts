import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  clausesOf,
  FILE_FIELD_NAMES,
  formatFileTerm,
  parseFileQuery,
  type FileMatch,
} from './file-query'

function inShort(match: FileMatch): string {
  switch (match.kind) {
    case 'text':
      return `text ${match.text}`
    case 'values':
      return `${match.field} = ${match.values.join(' | ')}`
    case 'pattern':
      return `${match.field} ~ ${match.pattern}`
    case 'hash':
      return `${match.field ?? 'any'} # ${match.hash}`
    case 'range':
      return `${match.field} ${match.from ?? '-'} .. ${match.to ?? '-'}`
  }
}
const short = (text: string): string[] =>
  parseFileQuery(text).terms.map(
    ({ match, negated }) => `${negated ? 'not ' : ''}${inShort(match)}`,
  )

const day = (text: string): number => Date.parse(`${text}T00:00:00Z`) / 1000
const SHA256 = 'ab'.repeat(32)
const MD5 = 'cd'.repeat(16)

describe('parseFileQuery', () => {
  test('the example of the issue', () => {
    const query =
      'import:MmMapIoSpace -signed tag:byovd type:wfp signer:"Old Harbour" compiled>2022 ioctl:0x80102040 "free text"'
    expect(short(query)).toEqual([
      'import = mmmapiospace',
      'is = unsigned',
      'tag = byovd',
      'type = wfp',
      'signer ~ *old harbour*',
      `compiled ${day('2023-01-01')} .. -`,
      'ioctl = 0x80102040',
      'text free text',
    ])
    expect(parseFileQuery(query).problems).toEqual([])
  })

  test.each([
    ['unsigned', ['is = unsigned']],
    ['-unsigned', ['is = signed']],
    ['"signed"', ['text signed']],
    ['import:Mm*', ['import ~ mm*']],
    ['import:*', ['has = import']],
    ['-pdb:*', ['not has = pdb']],
    ['pdb:none', ['not has = pdb']],
    ['signature:none', ['signature = none']],
    ['known:no', ['not has = known']],
    ['-known:no', ['has = known']],
    ['known:malicious', ['known = malicious']],
    ['blocked:yes', ['has = blocked']],
    ['tag:yes', ['tag = yes']],
    ['machine:x64', ['machine = amd64']],
    ['method:METHOD_NEITHER', ['method = neither']],
    ['\\Device\\Foo', ['text device\\foo']],
    ['.sys', ['text sys']],
    [`size>1mb`, ['size 1048576.0001 .. -']],
    [`size<=20kb`, ['size - .. 20480.0001']],
    ['size:64kb', ['size 65536 .. 66560']],
    ['entropy>7', ['entropy 7.0001 .. -']],
    ['entropy:7.2', ['entropy 7.2 .. 7.3']],
    ['evidence>0', ['evidence 0.0001 .. -']],
    ['evidence:2', ['evidence 2 .. 3']],
    ['evidence:sha1-digest', ['evidence = sha1-digest']],
    ['compiled<2015-07-29', [`compiled - .. ${day('2015-07-29')}`]],
    ['signed:2013', [`signed ${day('2013-01-01')} .. ${day('2014-01-01')}`]],
    ['added>=2026-02', [`added ${day('2026-02-01')} .. -`]],
    ['compiled:none', ['not compiled - .. -']],
    [SHA256.toUpperCase(), [`any # ${SHA256}`]],
    [`sha256:${SHA256}`, [`sha256 # ${SHA256}`]],
    [`SHA-256: ${SHA256}`, [`any # ${SHA256}`]],
    [MD5.replace(/(..)/g, '$1 '), [`any # ${MD5}`]],
    [`${MD5} ${MD5}`, [`any # ${MD5}`, `any # ${MD5}`]],
    ['imphash:f34d*', ['imphash # f34d*']],
  ])('%s', (text, terms) => {
    expect(short(text)).toEqual(terms)
    expect(parseFileQuery(text).problems).toEqual([])
  })

  test.each([
    ['0x80102040'],
    ['0X80102040'],
    ['80102040h'],
    ['0x8010_2040'],
    ['2148540480'],
    ['"CTL_CODE(0x8010, 0x810, METHOD_BUFFERED, FILE_ANY_ACCESS)"'],
    ['"ctl_code(32784,2064,0,0)"'],
  ])('ioctl:%s is one code', (code) => {
    expect(short(`ioctl:${code}`)).toEqual(['ioctl = 0x80102040'])
  })

  test('digits that can be hexadecimal and decimal are both', () =>
    expect(short('ioctl:2236420')).toEqual(['ioctl = 0x02236420 | 0x00222004']))

  test.each([
    ['compiled>soon', '“soon” is not a date: write 2022, 2022-03 or 2022-03-17.'],
    ['compiled:2022-02-30', '“2022-02-30” is not a date: write 2022, 2022-03 or 2022-03-17.'],
    ['size>big', '“big” is not a number: write 20480, 20kb or 1.5mb.'],
    ['sha256:xyz', '“xyz” is not a hash: sha256: takes hexadecimal digits.'],
    ['status:odd', 'There is no status “odd”. It is one of new, in-work and done.'],
    ['is:odd', '“is:” does not take “odd”. It takes signed and unsigned.'],
    ['-', 'The minus sign at column 1 needs a word right after it.'],
    ['"***"', '“***” has no letter and no digit, so it was left out.'],
    ['import:', '“import:” at column 1 needs a value.'],
  ])('%s says what is wrong and is left out', (text, problem) => {
    expect(parseFileQuery(text)).toEqual({ terms: [], problems: [problem] })
  })

  test('any text is a query, and terms lie where they say', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(...FILE_FIELD_NAMES).map((field) => `${field}:`),
      fc.constantFrom('-', '"', '*', '>', '<=', '2022', '0x1', ' '),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('')
        let last = 0
        for (const { from, to } of parseFileQuery(text).terms) {
          expect(from).toBeGreaterThanOrEqual(last)
          expect(to).toBeGreaterThan(from)
          last = to
        }
        expect(last).toBeLessThanOrEqual(text.length)
      }),
    )
  })
})

describe('clausesOf', () => {
  const clauses = (text: string): string[] =>
    clausesOf(parseFileQuery(text).terms).map(
      ({ any, negated }) => `${negated ? 'not ' : ''}${any.map(({ value }) => value).join('|')}`,
    )

  test('values of a field that a file has once are joined by OR, others by AND', () => {
    expect(clauses('status:new tag:a status:done tag:b -status:new')).toEqual([
      'new|done',
      'a',
      'b',
      'not new',
    ])
    expect(clauses(`${MD5} x ${SHA256}`)).toEqual([`${MD5}|${SHA256}`, 'x'])
  })
})

describe('a written term', () => {
  test('is read again', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('tag', 'signer', 'company', null),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
        fc.boolean(),
        (field, raw, negated) => {
          const value = raw.replace(/[\s\p{Cc}]+/gu, ' ').trim()
          const before = parseFileQuery(formatFileTerm(field as 'tag', value, negated))
          fc.pre(value !== '' && before.terms.length > 0)
          expect(before.terms).toHaveLength(1)
          expect(before.terms[0]!.value).toBe(value)
        },
      ),
    )
  })
})
