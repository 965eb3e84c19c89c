import { expect, test } from 'vitest'
import { readRules } from './read'

const RULE = `title: A rule
id: a-rule
status: test
description: What it finds.
logsource: { product: ring0, category: trace }
detection:
  call: { t: ddi.called, name: ZwClose }
  condition: call
level: high
`

test('rules are read with their text, several of a file', () => {
  const { rules, problems } = readRules('a.yaml', `${RULE}---\n${RULE.replace('a-rule', 'b-rule')}`)
  expect(problems).toEqual([])
  expect(rules.map(({ rule, file }) => [rule.id, file])).toEqual([
    ['a-rule', 'a.yaml'],
    ['b-rule', 'a.yaml'],
  ])
  expect(rules[0]?.rule).toMatchObject({ tests: [], tags: [], falsepositives: [] })
})

test('numbers that are addresses keep all their digits', () => {
  const { rules } = readRules(
    'a.yaml',
    RULE.replace('name: ZwClose', 'a: 0xFFFFF80700400001, b: 0x22, c: -1'),
  )
  expect(rules[0]?.rule.detection['call']).toEqual({
    t: 'ddi.called',
    a: '0xFFFFF80700400001',
    b: 34,
    c: -1,
  })
})

test.each([
  [
    'a name that is not there',
    RULE.replace('condition: call', 'condition: calls'),
    8,
    14,
    "no search 'calls'; there are call",
  ],
  [
    'a kind of event that there is none of',
    RULE.replace('ddi.called', 'ddi.caled'),
    7,
    14,
    "there is no kind of event 'ddi.caled'; there are ddi.called, ddi.returned",
  ],
  [
    'an argument that the routine does not take',
    RULE.replace('name: ZwClose', 'name: ZwClose, args.Handel: 4'),
    7,
    54,
    "there is no parameter 'Handel'; there are Handle",
  ],
  [
    'a field that the table does not have',
    RULE.replace('trace', 'memory, table: ssdt').replace('t: ddi.called', 'modul: toy'),
    7,
    18,
    "the table has no field 'modul'; there are index, service",
  ],
  ['an unknown field', `${RULE}severity: 5\n`, 10, 11, "There is no field 'severity'."],
  [
    'a modifier',
    RULE.replace('name:', 'name|is:'),
    7,
    35,
    "'is' is no modifier; known are contains",
  ],
  ['a missing field', RULE.replace('level: high\n', ''), 1, 1, 'level: it is missing'],
  [
    'a level that there is none of',
    RULE.replace('level: high', 'level: loud'),
    9,
    8,
    'one of informational, low',
  ],
  ['text that is no YAML', RULE.replace('title: A', 'title: "A'), 10, 1, 'This is no YAML'],
  ['a field twice', `${RULE}level: low\n`, 10, 1, "'level' is there twice."],
  ['a text in place of a rule', 'hello', 1, 1, 'The rule: it wants fields.'],
  [
    'a bomb of aliases',
    `a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: [*c, *c, *c, *c]\n`,
    1,
    1,
    'Excessive alias count',
  ],
])('%s is told with its place', (_what, text, line, column, words) => {
  const { rules, problems } = readRules('a.yaml', text)
  expect(rules).toEqual([])
  expect(problems[0]).toMatchObject({ file: 'a.yaml', line, column })
  expect(problems.map(({ message }) => message).join('\n')).toContain(words)
  expect(problems[0]?.hint).not.toBe('')
})

test.each([
  ['a tab', RULE.replace('detection:\n  ', 'detection:\n\t'), 'Indent by spaces.'],
  ['a quote that stays open', RULE.replace('title: A', 'title: "A'), 'Close each quote'],
])('%s is told with its remedy', (_what, text, hint) => {
  expect(readRules('a.yaml', text).problems[0]?.hint).toContain(hint)
})

test('an empty file has no rule and no mistake', () => {
  expect(readRules('a.yaml', '# nothing yet\n')).toEqual({ rules: [], problems: [] })
})

test('of very many mistakes the first are told, and of very many documents', () => {
  const fields = Array.from({ length: 100 }, (_, i) => `field${i}: 1\n`).join('')
  expect(readRules('a.yaml', RULE + fields).problems).toHaveLength(20)
  const { problems } = readRules('a.yaml', 'a\n---\n'.repeat(2000))
  expect(problems).toHaveLength(1001)
  expect(problems.at(-1)).toMatchObject({ line: 2000, message: expect.stringContaining('1000') })
})
