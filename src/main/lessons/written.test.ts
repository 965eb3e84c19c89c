/** Checks about what a student writes beside drivers: rules, tried on runs, and answers. */
import { expect, test } from 'vitest'
import type { ProjectFiles } from '../../shared/contract/model'
import { shownFiles } from '../../shared/lessons/lesson'
import { judgeAnswers } from './answers'
import { grade } from './grade'
import { readLesson } from './read'

const HEADER = `title: A rule
part: Testing
summary: What this lesson is about.
concepts: [rule]
predict:
  question: What happens?
  options: [Nothing, Something]
  answer: 2
  because: Something always does.
files: [rule.yaml]
hints: [The first hint., The second hint., The third hint.]
checks:
  - says: The rule finds it
    rule: rule.yaml
    raises: [scenario.json]
    quiet: [honest.json]
    points: 2
    hint: Look for the word.
  - says: It finds what it was not shown
    rule: rule.yaml
    raises: [hidden/other.json]
    quiet: [honest.json, hidden/honest.json]
    points: 3
    hint: Look for less.
  - says: The other driver runs as well
    in: hidden/other.json
    event: { t: dbgprint, driver: Other, text: steals sheep }
    hint: It does.
links:
  - { title: Windows, url: 'https://learn.microsoft.com/en-us/windows/' }
`
const BODY = ['What it is', 'Predict', 'Run', 'See', 'Extend', 'Read on']
  .map((title) => `## ${title}\n\nText.\n`)
  .join('\n')

const driver = (
  word: string,
): string => `import { DbgPrint, STATUS_SUCCESS, type NTSTATUS } from 'wdm'
export function DriverEntry(): NTSTATUS {
  DbgPrint('${word}\\n')
  return STATUS_SUCCESS
}
`
const scenario = (name: string, entry: string): string =>
  JSON.stringify({ unload: false, drivers: [{ name, entry }] })

const folder = (header = HEADER): ProjectFiles => ({
  'lesson.md': `---\n${header}---\n\n${BODY}`,
  'driver.ts': driver('steals keys'),
  'honest.ts': driver('counts keys'),
  'hidden/other.ts': driver('steals sheep'),
  'hidden/mine.ts': driver('shears sheep'),
  'scenario.json': scenario('Thief', 'driver.ts'),
  'honest.json': scenario('Clerk', 'honest.ts'),
  'hidden/other.json': scenario('Other', 'hidden/other.ts'),
  'hidden/honest.json': scenario('Shepherd', 'hidden/mine.ts'),
  'rule.yaml': '# Yours.\n',
  'solution/rule.yaml': rule("{ t: dbgprint, 'text|contains': steals }"),
})

function rule(search: string): string {
  return `title: A thief
id: a-thief
status: test
description: A driver says that it steals.
logsource: { product: ring0, category: trace }
detection:
  said: ${search}
  condition: said
level: high
`
}

const read = (files: ProjectFiles) => readLesson('39-a-rule', files)
const lesson = () => {
  const found = read(folder())
  if ('problems' in found) throw new Error(JSON.stringify(found.problems))
  return found.lesson
}
const becauseOf = async (text: string): Promise<string[]> =>
  (await grade(lesson(), { 'rule.yaml': text })).checks.map(({ because }) => because)

test('a rule that finds variants and leaves honest drivers alone passes', async () => {
  const report = await grade(lesson(), lesson().solution)
  expect(report).toMatchObject({ passed: true, points: 6 })
  expect(report.checks.map(({ because }) => because)).toEqual([
    'An alarm in one run, and none in one run.',
    'An alarm in one run, and none in 2 runs.',
    'It holds in a run that the lesson does not show.',
  ])
  expect(report.checks.map(({ seq }) => seq)).toEqual([null, null, null])
})

test.each([
  ['none', '# Yours.\n', 'rule.yaml:1 There is no rule in this file.', 1],
  [
    'one that never raises',
    rule('{ t: dbgprint, text: nothing }'),
    'No alarm in scenario.json.',
    1,
  ],
  ['one that always raises', rule('{ t: dbgprint }'), 'A false alarm in honest.json.', 1],
  ['one with a mistake', rule('{ t: dbgprinted }'), 'rule.yaml:7 detection.said.t: there is', 1],
  [
    'one that knows a name',
    rule('{ t: dbgprint, driver: Thief }'),
    'An alarm in one run, and none in one run.',
    3,
  ],
])('a rule is judged by its runs: %s', async (_what, text, because, points) => {
  const report = await grade(lesson(), { 'rule.yaml': text })
  expect(report.checks[0]?.because).toContain(because)
  expect(report).toMatchObject({ passed: false, points })
  expect(report.diagnostics.length > 0).toBe(because.startsWith('rule.yaml:'))
})

test('of runs that are not shown nothing is told but that there is one', async () => {
  const [, unseen] = await becauseOf(rule('{ t: dbgprint, driver: Thief }'))
  expect(unseen).toBe('No alarm in a run that the lesson does not show.')
  const [, falseAlarm] = await becauseOf(rule("{ t: dbgprint, 'text|contains': [steals, sheep] }"))
  expect(falseAlarm).toBe('A false alarm about an honest driver that the lesson does not show.')
  expect(Object.keys(shownFiles(lesson().start)).join()).not.toContain('hidden')
})

test.each([
  ['a run of a statement that is not there', HEADER.replace('in: hid', 'in: hat'), 'has no hat'],
  ['a run that is not there', HEADER.replace('[honest.json]', '[other.json]'), 'has no other.json'],
  ['a rule that cannot be edited', HEADER.replace('files: [rule', 'files: [driver.ts] #'), 'rule'],
  ['no run in which it raises', HEADER.replace('[scenario.json]', '[]'), 'checks[0].raises'],
])('a lesson is told of %s', (_what, header, words) => {
  const found = read(folder(header))
  const problems = 'problems' in found ? found.problems : []
  expect(problems.map(({ message }) => message).join('\n')).toContain(words)
})

test.each([
  ['right', 'code: 0x222404\nnames: [b, A]\nroutine: zwopenprocess', true, 'Right: code, names'],
  ['a number in decimal', 'code: 2237444\nnames: [a, b]\nroutine: ZwOpenProcess', true, 'Right'],
  ['JSON', '{ "code": 2237444, "names": ["a", "b"], "routine": "ZwOpenProcess" }', true, 'Right'],
  ['one too many', 'code: 0x222404\nnames: [a, b, c]\nroutine: x', false, 'names is not right.'],
  ['a list of guesses', 'code: [0x222400, 0x222404]', false, 'code is not right.'],
  ['no answer', 'code:\nnames: [a, b]', false, 'code has no answer yet.'],
  ['nothing', '# later\n', false, 'findings.yaml is empty.'],
  ['no fields', '- 7', false, 'findings.yaml has no fields'],
  ['no YAML', 'code: [1', false, 'findings.yaml:'],
  ['fields', 'code: { toString: 0x222404 }', false, 'code is not right.'],
  ['the same twice', 'code: 1\ncode: 0x222404', false, "findings.yaml:2 'code' is there twice."],
])('answers: %s', (_what, text, holds, because) => {
  const are = { code: 0x222404, names: ['a', 'b'], routine: 'ZwOpenProcess' }
  const result = judgeAnswers({ says: 'Read', answers: 'findings.yaml', are }, text)
  expect(result.holds).toBe(holds)
  expect(result.because).toContain(because)
})

test('answers may lie deeper, and are not looked for where objects keep their own', () => {
  const ask = { says: 'Set', answers: 'scenario.json', are: { 'policy.secureBoot': true } }
  expect(judgeAnswers(ask, '{ "policy": { "secureBoot": true } }').holds).toBe(true)
  expect(judgeAnswers(ask, '{ "policy": { "secureBoot": false } }').holds).toBe(false)
  expect(judgeAnswers({ ...ask, are: { constructor: 'x' } }, '{}').because).toContain('no answer')
})
