import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import type { GradeReport } from '../../shared/lessons/grade'
import { openDatabase } from './database'
import { createDraftStore } from './drafts'
import { createLessonStore, type LessonStore } from './lessons'

const folder = mkdtempSync(join(tmpdir(), 'ring0-lessons-'))
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
  rmSync(folder, { recursive: true, force: true })
})

const open = (): { store: LessonStore; drafts: ReturnType<typeof createDraftStore> } => {
  const opened = openDatabase({ file: join(folder, 'catalogue.sqlite'), appVersion: '1' })
  if (!opened.ok) throw new Error(opened.error.message)
  closing.push(() => opened.value.close())
  const now = (): Date => new Date('2026-11-28T12:00:00Z')
  const drafts = createDraftStore(opened.value, now)
  return { store: createLessonStore(opened.value, drafts, now), drafts }
}
const report = (points: number, of = 3): GradeReport => ({
  schema: 'ring0-check/1',
  lesson: '07-x',
  title: 'X',
  passed: points === of,
  points,
  of,
  checks: [],
  outcome: 'ok',
  summary: '0 requests, no problem',
  diagnostics: [],
})

test('what a student did is there after a restart', () => {
  const { store } = open()
  expect(store.get('07-x')).toBeNull()
  store.change('07-x', { predicted: 2 })
  store.change('07-x', { hints: 1 })
  store.checked('07-x', report(2))
  const passed = store.checked('07-x', report(3))
  expect(passed).toMatchObject({ predicted: 2, hints: 1, attempts: 2, points: 3, of: 3 })
  expect(passed.passedAt).toBe('2026-11-28T12:00:00.000Z')
  expect(open().store.all()).toEqual([passed])
})

test('the best points stay, a lesson that was passed stays passed', () => {
  const { store } = open()
  store.checked('07-x', report(3))
  expect(store.checked('07-x', report(1))).toMatchObject({ points: 3, report: { points: 1 } })
  expect(store.get('07-x')?.passedAt).not.toBeNull()
  // The lesson was changed: other points can be had now.
  expect(store.checked('07-x', report(1, 5))).toMatchObject({ points: 1, of: 5 })
})

test('what was typed is forgotten, progress is not', () => {
  const { store, drafts } = open()
  drafts.save('lesson:07-x', { files: { 'driver.ts': 'mine' }, sampleId: null, view: '' })
  store.change('07-x', { hints: 2 })
  store.forgetFiles('07-x')
  expect(drafts.load('lesson:07-x')).toBeNull()
  expect(store.get('07-x')?.hints).toBe(2)
})
