import { describe, expect, test } from 'vitest'
import type { ProjectFiles } from '../../shared/contract/model'
import { filesWith } from '../../shared/lessons/lesson'
import { grade } from './grade'
import { readLesson } from './read'
import { validateLesson } from './validate'

const HEADER = `title: A lesson
part: Testing
summary: What this lesson is about.
concepts: [DriverEntry]
predict:
  question: What happens?
  options: [Nothing, Something]
  answer: 2
  because: Something always does.
files: [driver.ts]
hints: [The first hint., The second hint., The third hint.]
checks:
  - says: It prints
    event: { t: dbgprint, text: right }
    hint: Print the word.
links:
  - { title: Windows, url: 'https://learn.microsoft.com/en-us/windows/' }
`
const BODY = ['What it is', 'Predict', 'Run', 'See', 'Repair', 'Read on']
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

const folder = (header = HEADER, body = BODY): ProjectFiles => ({
  'lesson.md': `---\n${header}---\n\n${body}`,
  'driver.ts': driver('wrong'),
  'scenario.json': '{ "unload": false }',
  'solution/driver.ts': driver('right'),
})

const lessonOf = (files = folder()) => {
  const read = readLesson('07-a-lesson', files)
  if ('problems' in read) throw new Error(JSON.stringify(read.problems))
  return read.lesson
}
const problemsOf = (files: ProjectFiles, slug = '07-a-lesson') => {
  const read = readLesson(slug, files)
  return 'problems' in read ? read.problems.map(({ line, message }) => `${line}: ${message}`) : []
}

describe('a lesson', () => {
  test('is made of its folder', () => {
    const lesson = lessonOf()
    expect(lesson).toMatchObject({ slug: '07-a-lesson', order: 7, expect: 'ok' })
    expect(lesson.sections.map(({ title }) => title)).toEqual([
      'What it is',
      'Predict',
      'Run',
      'See',
      'Repair',
      'Read on',
    ])
    expect(Object.keys(lesson.start)).toEqual(['driver.ts', 'scenario.json'])
    expect(Object.keys(lesson.solution)).toEqual(['driver.ts'])
  })

  test('keeps all digits of an address', () => {
    const header = HEADER.replace('text: right', 'text: right, at: 0xFFFFF80700400001, n: 0x22')
    expect(lessonOf(folder(header)).checks[0]).toMatchObject({
      statement: { event: { at: '0xFFFFF80700400001', n: 34 } },
    })
  })

  test('takes of a hand-in only what may be edited', () => {
    const files = filesWith(lessonOf(), { 'driver.ts': 'mine', 'scenario.json': 'mine', x: 'mine' })
    expect(files).toEqual({ 'driver.ts': 'mine', 'scenario.json': '{ "unload": false }' })
  })

  test('keeps headings in code, and Windows line ends, apart', () => {
    const body = BODY.replace('Text.', '```\n## no heading\n```').replaceAll('\n', '\r\n')
    expect(lessonOf(folder(HEADER, body)).sections[0]?.text).toBe('```\n## no heading\n```')
  })
})

describe('a mistake is told with its line', () => {
  test.each([
    ['no front matter', 'Just text', '1: There is no front matter.'],
    ['an unknown field', HEADER + 'colour: blue\n', "19: There is no field 'colour'."],
    [
      'a match with a modifier that is none',
      HEADER.replace('text: right', "'text|foo': right"),
      '15:',
    ],
    ['an answer that is no option', HEADER.replace('answer: 2', 'answer: 3'), '9: predict.answer'],
    ['two hints', HEADER.replace(', The third hint.', ''), '12: hints'],
    ['an address that is not https', HEADER.replace('https:', 'http:'), '18: links[0].url'],
    ['a file that is not there', HEADER.replace('[driver.ts]', '[other.ts]'), '11: The folder has'],
    ['no YAML', HEADER.replace('concepts: [', 'concepts: ['.repeat(2)), '6: This is no YAML'],
    ['a check without a hint', HEADER.replace(/ {4}hint: Print.*\n/, ''), '14: checks[0].hint'],
  ])('%s', (_what, header, start) => {
    const files = folder(header)
    if (header === 'Just text') files['lesson.md'] = header
    const [first] = problemsOf(files)
    expect(first?.slice(0, start.length)).toBe(start)
  })

  test.each([
    ['a section in the wrong place', BODY.replace('## See', '## Look'), '33: Here the section See'],
    ['a section that is missing', BODY.replace(/## Read on[^]*/, ''), 'The section Read on is'],
    ['HTML', BODY.replace('Text.', 'Text <b>bold</b>.'), '23: HTML is not read.'],
  ])('%s', (_what, body, start) => {
    const [first] = problemsOf(folder(HEADER, body))
    expect(first).toContain(start)
  })

  test('HTML and a heading in lines that are made to take long', () => {
    const marks = '<a'.repeat(100_000)
    const hashes = `## See${' #'.repeat(50_000)}x`
    const body = BODY.replace('Text.', marks).replace('## See', hashes)
    expect(problemsOf(folder(HEADER, body))).toEqual([
      expect.stringContaining('Here the section See is expected.'),
    ])
    expect(problemsOf(folder(HEADER, BODY.replace('## See', '## See ##')))).toEqual([])
  })

  test('a folder without a number', () => {
    expect(problemsOf(folder(), 'a-lesson')).toHaveLength(1)
  })
  test('a solution of what cannot be edited', () => {
    expect(problemsOf({ ...folder(), 'solution/scenario.json': '{}' })).toHaveLength(1)
  })
})

describe('running it', () => {
  test('the start fails, the solution passes, and that makes it a lesson', async () => {
    const { problems, start, solution } = await validateLesson(lessonOf())
    expect(problems).toEqual([])
    expect(start).toMatchObject({ passed: false, points: 0, of: 1, outcome: 'ok' })
    expect(solution).toMatchObject({ passed: true, points: 1, of: 1 })
    expect(solution?.checks[0]?.seq).toBeGreaterThan(0)
  })

  test('a start that passes and a solution that does not are told', async () => {
    const lesson = lessonOf({ ...folder(), 'driver.ts': driver('right') })
    lesson.solution = { 'driver.ts': driver('wrong') }
    const { problems } = await validateLesson(lesson)
    expect(problems.map(({ message }) => message)).toEqual([
      'The start passes all checks already.',
      expect.stringContaining("The solution does not pass 'It prints'."),
    ])
  })

  test('what does not compile passes nothing, not even what must not happen', async () => {
    const header = HEADER.replace('event: { t: dbgprint, text: right }', 'never: { t: bugcheck }')
    const report = await grade(lessonOf(folder(header)), { 'driver.ts': 'nonsense(' })
    expect(report).toMatchObject({ passed: false, points: 0, outcome: 'compile-error' })
    expect(report.diagnostics.length).toBeGreaterThan(0)
  })
})
