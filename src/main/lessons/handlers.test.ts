import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { LessonProgress } from '../../shared/contract/lessons'
import type { ProjectFiles } from '../../shared/contract/model'
import { createLabHost } from '../lab/host'
import { createRulesHost } from '../detections/host'
import { triesIn } from './tries-in-lab'
import { createLessonHandlers, type ProgressStore } from './handlers'

const SHIPPED = resolve(__dirname, '../../../samples/lessons')
const HELLO = '10-hello-driverentry'

const added = mkdtempSync(join(tmpdir(), 'ring0-lessons-'))
mkdirSync(join(added, '99-broken'))
writeFileSync(join(added, '99-broken', 'lesson.md'), '---\ntitle: 7\n---\n')
afterAll(() => rmSync(added, { recursive: true, force: true }))

function setUp() {
  const kept = new Map<string, LessonProgress>()
  const opened: string[] = []
  const put = (slug: string, change: Partial<LessonProgress>): LessonProgress => {
    const before = kept.get(slug) ?? ({ slug, attempts: 0 } as LessonProgress)
    const after = { ...before, ...change }
    kept.set(slug, after)
    return after
  }
  const progress: ProgressStore = {
    all: () => [...kept.values()],
    get: (slug) => kept.get(slug) ?? null,
    change: put,
    checked: (slug, report) =>
      put(slug, { attempts: (kept.get(slug)?.attempts ?? 0) + 1, points: report.points, report }),
    forgetFiles: (slug) => void kept.delete(slug),
  }
  let folder: string | null = added
  const chosen = {
    get: () => folder,
    set: (next: string | null) => void (folder = next),
    ask: async () => asked.next,
  }
  const asked: { next: string | null } = { next: null }
  const lab = createLabHost({ onProgress: () => undefined })
  const handlers = createLessonHandlers({
    folders: [SHIPPED],
    chosen,
    progress,
    evaluate: async (runId, statements) => lab['lab.evaluate']({ runId, statements }),
    tries: triesIn({ ...lab, ...createRulesHost() }),
    openOutside: async (url) => void opened.push(url),
  })
  return { handlers, lab, opened, asked }
}

const value = async <T>(
  result: Promise<{ ok: boolean; value?: T }> | { ok: boolean; value?: T },
): Promise<T> => {
  const { ok, value: found } = await result
  if (!ok) throw new Error(JSON.stringify(await result))
  return found!
}

describe('lessons behind the contract', () => {
  test('are listed in their order; what is none is told and left out', async () => {
    const { handlers } = setUp()
    const { lessons, problems } = await value(handlers['lessons.list']({}))
    expect(lessons.map(({ slug }) => slug)).toContain(HELLO)
    expect(problems).toContainEqual(expect.stringContaining('99-broken/lesson.md:2 title'))
  })

  test('a run is checked, the result kept, and the solution shown only then', async () => {
    const { handlers, lab } = setUp()
    const lesson = await value(handlers['lessons.open']({ slug: HELLO }))
    expect(lesson.next?.slug).toBe('11-device-and-link')
    expect(await handlers['lessons.solution']({ slug: HELLO })).toMatchObject({ ok: false })

    const run = { files: lesson.files, trace: 'full' as const, ...lesson.run }
    await value(lab['lab.run']({ ...run, runId: 'a' }))
    const check = (runId: string, files: ProjectFiles) =>
      value(handlers['lessons.check']({ slug: HELLO, runId, files }))
    const first = await check('a', lesson.files)
    expect(first.report).toMatchObject({ passed: false, points: 0, outcome: lesson.expect })
    expect(first.progress.attempts).toBe(1)

    const { files } = await value(handlers['lessons.solution']({ slug: HELLO }))
    await value(lab['lab.run']({ ...run, files: { ...lesson.files, ...files }, runId: 'b' }))
    const second = await check('b', files)
    expect(second.report).toMatchObject({ passed: true, points: lesson.of })
    expect(second.report.checks.every(({ seq }) => seq !== null)).toBe(true)
  })

  test('a run that is not open, and a lesson that is not there, are errors', async () => {
    const { handlers } = setUp()
    const none = { slug: HELLO, runId: 'none', files: {} }
    expect(await handlers['lessons.check'](none)).toMatchObject({
      ok: false,
      error: { code: 'run-not-found' },
    })
    expect(await handlers['lessons.open']({ slug: '98-none' })).toMatchObject({
      ok: false,
      error: { code: 'not-found' },
    })
  })

  test('only links of the lesson are opened', async () => {
    const { handlers, opened } = setUp()
    const { links } = await value(handlers['lessons.open']({ slug: HELLO }))
    await value(handlers['lessons.link']({ slug: HELLO, url: links[0]!.url }))
    const other = await handlers['lessons.link']({ slug: HELLO, url: 'https://example.com/' })
    expect(other).toMatchObject({ ok: false })
    expect(opened).toEqual([links[0]!.url])
    const url =
      'https://learn.microsoft.com/en-us/windows-hardware/drivers/debugger/bug-check-0x109---critical-structure-corruption'
    await value(handlers['lessons.link']({ slug: '27-cross-view', url }))
    expect(opened[1]).toBe(url)
  })

  test('a folder of lessons is chosen, and left; one without lessons is told', async () => {
    const { handlers, asked } = setUp()
    const list = async () => value(handlers['lessons.list']({}))
    expect((await list()).folder).toBe(added)
    await value(handlers['lessons.folder']({ choose: false }))
    expect(await list()).toMatchObject({ folder: null, problems: [] })
    asked.next = tmpdir()
    const none = await handlers['lessons.folder']({ choose: true })
    expect(none).toMatchObject({ ok: false, error: { code: 'file-invalid' } })
    asked.next = added
    expect(await value(handlers['lessons.folder']({ choose: true }))).toEqual({ folder: added })
    expect((await list()).problems.length).toBeGreaterThan(0)
  })
})
