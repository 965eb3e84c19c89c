import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { check } from './check'
import { checkLessons } from './lesson'

const LESSON = '10-hello-driverentry'
const SHIPPED = resolve(__dirname, '../../../samples/lessons', LESSON)

let folder: string
let printed: string
let complained: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ring0-hand-in-'))
  printed = ''
  complained = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((printed += String(text)), true))
  vi.spyOn(process.stderr, 'write').mockImplementation(
    (text) => ((complained += String(text)), true),
  )
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const handIn = (files: Record<string, string>): void => {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
}
const solution = readFileSync(join(SHIPPED, 'solution', 'driver.ts'), 'utf8')
const start = readFileSync(join(SHIPPED, 'driver.ts'), 'utf8')
const grade = (lesson: string | null, json = false): Promise<number> =>
  check({ command: 'check', folder, lesson, json })

describe('a hand-in', () => {
  test('that says its lesson is graded by it', async () => {
    handIn({ 'driver.ts': solution, 'handin.json': JSON.stringify({ lesson: LESSON }) })
    expect(await grade(null)).toBe(0)
    expect(printed).toContain('holds    1/1  DriverEntry returns a success')
    expect(printed).toContain('Passed: 4 of 4 points')
  })

  test('is told what does not hold, why, and what to try', async () => {
    handIn({ 'driver.ts': start })
    expect(await grade(LESSON)).toBe(6)
    expect(printed).toContain('NOT      0/2  ')
    expect(printed).toContain('Try: Print RegistryPath')
    expect(printed).toContain('Not passed: 0 of 4 points')
  })

  test('without a file that the lesson asks for is none', async () => {
    handIn({ 'other.ts': solution })
    expect(await grade(LESSON)).toBe(1)
    expect(complained).toContain('the hand-in has no driver.ts')
    expect(printed).toBe('')
  })

  test('without one of two files is graded with the start of that one, and told so', async () => {
    const twoFiles = '42-sample-on-the-shelf'
    handIn({ 'answers.yaml': 'years_apart: 9\ngives_it_away: stamp authority\n' })
    expect(await grade(twoFiles)).toBe(6)
    expect(complained).toContain('the hand-in has no client.ts; graded with')
    expect(printed).toContain('1 of 9 points')
  })

  test('is a document for programs, and the lesson may be a folder', async () => {
    handIn({ 'driver.ts': start })
    expect(await grade(SHIPPED, true)).toBe(6)
    const report: unknown = JSON.parse(printed)
    expect(report).toMatchObject({ schema: 'ring0-check/1', lesson: LESSON, points: 0, of: 4 })
  })

  test('that does not compile has the place of the mistake', async () => {
    handIn({ 'driver.ts': 'nonsense(' })
    expect(await grade(LESSON)).toBe(1)
    expect(printed).toMatch(/^driver\.ts:1:\d+ error/m)
  })

  test.each([
    ['nothing', '{}', 'handin.json names no lesson'],
    ['a lesson that is not there', '{ "lesson": "98-none" }', 'there is no lesson 98-none'],
  ])('that names %s is refused', async (_what, text, message) => {
    handIn({ 'driver.ts': start, 'handin.json': text })
    expect(await grade(null)).toBe(1)
    expect(complained).toContain(message)
  })

  test('without a lesson is compiled, as ever', async () => {
    handIn({ 'driver.ts': solution })
    expect(await grade(null)).toBe(0)
    expect(printed).toBe('ok\n')
  })
})

describe('a folder of lessons', () => {
  test('is good or told why not', async () => {
    expect(await checkLessons({ command: 'lesson', folder: SHIPPED, json: false })).toBe(0)
    expect(printed).toContain(`${LESSON}  ok: 0 of 4 points at the start (load-failed)`)
    expect(await checkLessons({ command: 'lesson', folder, json: false })).toBe(1)
    expect(printed).toContain('holds no lesson')
  })
})
