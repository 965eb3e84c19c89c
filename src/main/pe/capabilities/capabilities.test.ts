import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { CapabilityMatch } from '../../../shared/driver-file/facts'
import { analyse } from '../analyse'
import { evaluate, loadRules, readBaseRates, type CapabilityRule } from '.'
import { fits, readPattern } from './pattern'
import { madeUpFacts, type MadeUp } from './testing/made-up-facts'

const data = resolve(__dirname, '../../../../data')
const rates = readBaseRates(readFileSync(resolve(data, 'loldrivers/import-frequency.csv'), 'utf8'))

/** A rule file around these features, each on a line of its own from line 6 on. */
const ruleText = (...features: string[]): string =>
  [
    'rule:',
    '  meta:',
    '    { name: a rule, axis: hardware, description: Something to be found.,',
    "      att&ck: ['Process Injection::Asynchronous Procedure Call [T1055.004]'] }",
    '  features:',
    ...features.map((line) => `    ${line}`),
  ].join('\n')

function rule(...features: string[]): CapabilityRule {
  const { rules, problems } = loadRules([{ name: 'a-rule.yaml', text: ruleText(...features) }])
  expect(problems).toEqual([])
  return rules[0] as CapabilityRule
}
function match(features: string[], made: MadeUp): CapabilityMatch | undefined {
  return evaluate(madeUpFacts(made), [rule(...features)], rates)[0]
}
const problemsOf = (text: string, name = 'a-rule.yaml'): string[] =>
  loadRules([{ name, text }]).problems

describe('statements', () => {
  const a = { imports: ['A'] }
  const ab = { imports: ['A', 'B'] }

  test.each([
    ['and', ['- and: [{ import: A }, { import: B }]'], ab, a],
    ['or', ['- or: [{ import: A }, { import: B }]'], a, { imports: ['C'] }],
    ['a list at the top is and', ['- import: A', '- import: B'], ab, a],
    ['not', ['- import: A', '- not: { import: B }'], a, ab],
    ['N or more', ['- 2 or more: [{ import: A }, { import: B }, { import: C }]'], ab, a],
    ['optional', ['- import: A', '- optional: [{ import: B }]'], a, { imports: ['B'] }],
    ['an import without case', ['- import: zwopensection'], { imports: ['ZwOpenSection'] }, a],
    ['a module', ['- module: fltmgr.sys'], { imports: ['FLTMGR.SYS!X'] }, a],
    [
      'a resolved routine',
      ['- resolved: ZwClose'],
      { resolved: ['ZwClose'] },
      { imports: ['ZwClose'] },
    ],
    ['api is either', ['- api: ZwClose'], { resolved: ['ZwClose'] }, a],
    [
      'an expression over imports',
      ['- import: /^Zw.*Key$/'],
      { imports: ['ZwOpenKey'] },
      { imports: ['ZwOpenKeyEx'] },
    ],
    [
      'a whole text',
      ["- string: '\\Device\\Tcp'"],
      { strings: ['\\DEVICE\\TCP'] },
      { strings: ['\\Device\\Tcp6'] },
    ],
    [
      'a part of a text',
      ['- substring: kbdclass'],
      { strings: ['\\Driver\\KbdClass\\x'] },
      { strings: ['kbd'] },
    ],
    [
      'an expression over texts',
      ['- string: /kbd(class|hid)/i'],
      { strings: ['\\Driver\\KBDHID'] },
      { strings: ['kbd'] },
    ],
    [
      'texts of a class',
      ['- string class: security-product', '  at least: 2'],
      { products: ['x', 'y'] },
      { products: ['x', 'X'] },
    ],
    [
      'an instruction',
      ['- instruction: mov cr0'],
      { instructions: ['mov cr0,rax'] },
      { instructions: ['mov cr4,rax'] },
    ],
    ['a driver type', ['- driver type: WFP'], { types: ['WFP'] }, { types: ['WDM'] }],
    [
      'an IOCTL code',
      ['- ioctl: METHOD_NEITHER FILE_WRITE_ACCESS'],
      { ioctls: [['METHOD_NEITHER', 'FILE_READ_ACCESS|FILE_WRITE_ACCESS']] },
      {
        ioctls: [
          ['METHOD_NEITHER', 'FILE_ANY_ACCESS'],
          ['METHOD_BUFFERED', 'FILE_WRITE_ACCESS'],
        ],
      },
    ],
  ] satisfies [string, string[], MadeUp, MadeUp][])('%s', (_, features, holds, fails) => {
    expect(match(features, holds)).toBeDefined()
    expect(match(features, fails)).toBeUndefined()
  })

  test('an absence alone is no capability', () => {
    expect(match(['- not: { import: B }'], a)).toBeUndefined()
  })

  test('device, link, major function, export, section and signature are leaves', () => {
    const facts = madeUpFacts({})
    const { image, driver } = facts
    if (!image || !driver) throw new Error('made up without an image')
    driver.deviceNames = [{ text: '\\Device\\Lab', offset: 0x40 }]
    driver.symbolicLinks = [{ text: '\\??\\Lab', offset: null }]
    driver.majorFunctions = [{ index: 14, name: 'IRP_MJ_DEVICE_CONTROL', handler: 0x1300, rva: 1 }]
    image.exports = {
      dll: 'x.sys',
      functions: [{ name: 'restore', ordinal: 1, rva: 0x1400, forwarder: null }],
    }
    image.sections = [
      {
        name: '.vmp0',
        rva: 0x9000,
        virtualSize: 1,
        offset: 0x800,
        rawSize: 1,
        entropy: 7.9,
        flags: 'RX',
        characteristics: 0,
      },
    ]
    const all = rule(
      '- device name: /^.Device.Lab/',
      "- symbolic link: '\\??\\lab'",
      '- major function: IRP_MJ_DEVICE_CONTROL',
      '- export: restore',
      '- section: /^.vmp/',
    )
    expect(evaluate(facts, [all], rates)[0]?.evidence).toEqual([
      { text: 'makes the device \\Device\\Lab', rva: null, offset: 0x40 },
      { text: 'makes the link \\??\\Lab', rva: null, offset: null },
      { text: 'handles IRP_MJ_DEVICE_CONTROL', rva: 0x1300, offset: null },
      { text: 'exports restore', rva: 0x1400, offset: null },
      { text: 'has a section .vmp0', rva: 0x9000, offset: 0x800 },
    ])
    expect(evaluate(facts, [rule('- signature: attestation')], rates)).toEqual([])
  })

  test('a file without image or driver facts shows nothing', () => {
    const facts = { ...madeUpFacts({ strings: ['x'] }), image: null, driver: null }
    expect(evaluate(facts, [rule('- or: [{ api: A }, { instruction: cli }]')], rates)).toEqual([])
  })
})

describe('evidence', () => {
  test('says what matched and where', () => {
    const found = match(
      ['- or: [{ import: MmMapIoSpace }, { instruction: rdmsr }, { string: _SM_ }]'],
      { imports: ['HAL.dll!MmMapIoSpace'], instructions: ['rdmsr', 'rdmsr'], strings: ['_SM_'] },
    )
    expect(found).toMatchObject({
      id: 'a-rule',
      name: 'a rule',
      axis: 'hardware',
      attack: [{ id: 'T1055.004', name: 'Process Injection: Asynchronous Procedure Call' }],
      evidence: [
        { text: 'imports MmMapIoSpace from HAL.dll', rva: 0x5000, offset: null },
        { text: 'executes rdmsr', rva: 0x1100, offset: null },
        { text: 'executes rdmsr', rva: 0x1101, offset: null },
        { text: 'holds the text "_SM_"', rva: null, offset: 0x1000 },
      ],
    })
  })

  test('names a few places of a leaf, not hundreds', () => {
    const instructions = Array.from({ length: 500 }, () => 'out dx,al')
    expect(match(['- instruction: out'], { instructions })?.evidence).toHaveLength(3)
  })
})

describe('base rates', () => {
  test('of MmMapIoSpace: 49 % of vulnerable, 0.6 % of malicious samples', () => {
    const rate = match(['- import: MmMapIoSpace'], { imports: ['MmMapIoSpace'] })?.baseRate
    expect(Math.round((rate?.vulnerable ?? 0) * 100)).toBe(49)
    expect(Math.round((rate?.malicious ?? 0) * 1000)).toBe(6)
  })

  test('are of the rarest matched import, which is named first', () => {
    const found = match(['- api: ZwClose', '- api: MmCopyMemory'], {
      imports: ['ZwClose', 'MmCopyMemory'],
    })
    expect(found?.evidence[0]?.text).toBe('imports MmCopyMemory from ntoskrnl.exe')
    expect(found?.baseRate).toEqual({ vulnerable: 12 / 1770, malicious: 2 / 321 })
  })

  test.each([
    ['an instruction', ['- instruction: cli'], { instructions: ['cli'] }],
    ['a routine looked up at run time', ['- api: MmMapIoSpace'], { resolved: ['MmMapIoSpace'] }],
    [
      'a function the reference data does not count',
      ['- import: Nowhere'],
      { imports: ['Nowhere'] },
    ],
  ])('are not made up for %s', (_, features, made) => {
    expect(match(features, made)).toMatchObject({ baseRate: null })
  })

  test('are not of what is optional', () => {
    const found = match(['- api: ZwClose', '- optional: [{ api: MmCopyMemory }]'], {
      imports: ['ZwClose', 'MmCopyMemory'],
    })
    expect(found?.evidence).toHaveLength(2)
    expect(found?.baseRate).toEqual({ vulnerable: 1078 / 1770, malicious: 269 / 321 })
  })

  test('are read from the whole table', () => {
    expect(rates.size).toBe(1190)
    expect(readBaseRates('function,samples\nbad line\nA,3,1,2\r\n').get('A')).toEqual({
      vulnerable: 2 / 1770,
      malicious: 1 / 321,
      samples: 3,
    })
  })
})

describe('mistakes in rule files are named with their line', () => {
  test.each([
    ['bad YAML', 'rule: [\n', /^a-rule\.yaml, line \d+: /],
    ['no rule', 'x: 1', /^a-rule\.yaml, line 1: rule: /],
    [
      'an unknown axis',
      ruleText('- api: A').replace('hardware', 'other'),
      /^a-rule\.yaml, line 3: rule\.meta\.axis: /,
    ],
    [
      'a key that is not known',
      ruleText('- api: A').replace('name:', 'nam:'),
      /line 3: rule\.meta/,
    ],
    ['no features', ruleText().replace('features:', 'features: []'), /line 5: rule\.features/],
    [
      'an unknown feature',
      ruleText('- api: A', '- apis: B'),
      /line 7: "apis" is neither a statement nor a feature/,
    ],
    [
      'two keys in a statement',
      ruleText('- api: A', '  string: B'),
      /line 6: a statement is one key/,
    ],
    ['a statement that is a text', ruleText('- api: A', '- B'), /line 7: a statement is one key/],
    ['an empty or', ruleText('- or: []'), /line 6: or needs a list/],
    ['a feature without text', ruleText('- api: 7'), /line 6: api: 7 is not a text/],
    [
      'an unknown class',
      ruleText('- string class: colour'),
      /line 6: there is no string class "colour"/,
    ],
    [
      '"at least" elsewhere',
      ruleText('- api: A', '  at least: 2'),
      /line 6: "at least" belongs to/,
    ],
    ['an unknown IOCTL word', ruleText('- ioctl: METHOD_ANY'), /line 6: "METHOD_ANY" says nothing/],
    [
      'an expression that cannot be',
      ruleText('- string: /(/'),
      /line 6: string: \/\(\/ is not a regular expression/,
    ],
    [
      'an expression that may take long',
      ruleText('- string: /(a+)+$/'),
      /line 6: string: .* repeats a group/,
    ],
    ['aliases', `a: &a [x]\n${ruleText('- api: A')}\nb: *a`, /line 1: /],
    [
      'too deep',
      ruleText(`${'- not: { '.repeat(1)}${'not: { '.repeat(20)}api: A${' }'.repeat(21)}`),
      /line 6: nested deeper/,
    ],
    ['too long', ruleText(`- api: ${'A'.repeat(64_000)}`), /line 1: longer than/],
  ])('%s', (_, text, message) => {
    expect(problemsOf(text)[0]).toMatch(message)
    expect(loadRules([{ name: 'a-rule.yaml', text }]).rules).toEqual([])
  })

  test('a file name that is no id, and one id twice', () => {
    const text = ruleText('- api: A')
    expect(problemsOf(text, 'A Rule.yaml')).toEqual([
      'A Rule.yaml, line 1: the file name is not kebab-case',
    ])
    const { rules, problems } = loadRules([
      { name: 'a.yaml', text },
      { name: 'a.yml', text },
    ])
    expect(rules).toHaveLength(1)
    expect(problems).toEqual(['a.yml, line 1: id is taken'])
  })
})

describe('expressions stay cheap', () => {
  test.each([
    '/(a|b)*c/',
    '/(a+)+/',
    '/a*b*c*/',
    '/(?=a)/',
    '/(a)\\1/',
    '/a{1,1000}/',
    `/${'a'.repeat(201)}/`,
  ])('%s is refused', (source) => expect(readPattern(source)).toBeTypeOf('string'))

  test.each(['/^mov cr\\d+,/i', '/[*+]{3}/', '/a\\+b\\*c\\(d\\)e+/', '/\\\\Driver\\\\./'])(
    '%s is taken',
    (source) => expect(readPattern(source)).not.toBeTypeOf('string'),
  )

  test('over a hundred thousand hostile texts', () => {
    const facts = madeUpFacts({ strings: Array.from({ length: 100_000 }, () => 'a'.repeat(3000)) })
    const costly = rule(
      '- or:',
      ...Array.from({ length: 20 }, (_, i) => `    - string: /a.*a.*b${i}$/`),
    )
    const start = performance.now()
    expect(evaluate(facts, [costly], rates)).toEqual([])
    expect(performance.now() - start).toBeLessThan(60_000)
  })

  test('long texts are looked at only at their beginning', () => {
    const pattern = readPattern('/end$/')
    if (typeof pattern === 'string') throw new Error(pattern)
    expect(fits(pattern, 'the end')).toBe(true)
    expect(fits(pattern, `${'x'.repeat(400)}end`)).toBe(false)
  })
})

describe('the fixtures', () => {
  const read = (name: string): ReturnType<typeof analyse> =>
    analyse(readFileSync(resolve(data, 'fixtures/pe', name)))

  test('have the imports that the rules look at', () => {
    const redirect = rule('- api: FwpsRedirectHandleCreate0')
    expect(evaluate(read('ferry-forged.sys'), [redirect], rates)).toMatchObject([
      {
        evidence: [{ text: 'imports FwpsRedirectHandleCreate0 from fwpkclnt.sys' }],
        baseRate: { vulnerable: 19 / 1770, malicious: 3 / 321 },
      },
    ])
    expect(evaluate(read('lantern.sys'), [redirect], rates)).toEqual([])
  })
})
