import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { readRuleFolder } from '../detections/library'
import { createLabHost } from '../lab/host'
import { SAMPLES } from '../lab/testing/samples'
import { createTechniqueHandlers } from './handlers'

const samples = resolve(SAMPLES, '..')
const folder = mkdtempSync(join(tmpdir(), 'ring0-matrix-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function setUp(matrix = join(samples, 'techniques', 'matrix.json')) {
  const lab = createLabHost({ onProgress: () => undefined })
  const { rules } = readRuleFolder(join(samples, 'detections'))
  const opened: string[] = []
  const handlers = createTechniqueHandlers({
    folder: join(samples, 'techniques'),
    defences: join(samples, 'defences'),
    matrix,
    rules: () => Promise.resolve(rules.map(({ rule }) => rule)),
    lab,
    openOutside: (url) => Promise.resolve(void opened.push(url)),
  })
  return { lab, handlers, opened }
}

/** What a call answered, when it answered well. */
async function valueOf<T>(
  result: { ok: true; value: T } | { ok: false } | Promise<{ ok: true; value: T } | { ok: false }>,
): Promise<T> {
  const answer = await result
  if (!answer.ok) throw new Error(JSON.stringify(answer))
  return answer.value
}

describe('techniques behind the contract', () => {
  test('open the addresses of their references, and no other one', async () => {
    const { handlers, opened } = setUp()
    const open = (url: string) => handlers['techniques.link']({ slug: 'ssdt-hook', url })
    expect(await open('https://attack.mitre.org/techniques/T1014/')).toMatchObject({ ok: true })
    expect(await open('https://example.org/')).toMatchObject({ ok: false })
    expect(opened).toEqual(['https://attack.mitre.org/techniques/T1014/'])
  })

  test('are listed with sentences for goals, and without their files', async () => {
    const { techniques, problems } = await valueOf(setUp().handlers['techniques.list']({}))
    expect(problems).toEqual([])
    const hook = techniques.find(({ slug }) => slug === 'ssdt-hook')!
    expect(hook.goal.length).toBeGreaterThan(0)
    expect(hook.twin.goal.every((says) => typeof says === 'string')).toBe(true)
    expect(hook).not.toHaveProperty('files')
  })

  test('run in the lab: goal, alarms, and what the kernel shows; the run stays open', async () => {
    const { lab, handlers } = setUp()
    const how = { slug: 'ssdt-hook', twin: false, defences: [], runId: 'a', seed: 1 }
    const ran = await valueOf(handlers['techniques.run'](how))
    expect(ran).toMatchObject({ runId: 'a', worked: true, alerts: [] })
    expect(ran.goal.every(({ holds }) => holds)).toBe(true)
    expect(ran.alarms.map(({ rule }) => rule)).toContain('ssdt-entry-outside-kernel')
    expect(ran.difference.map(({ table }) => table)).toContain('ssdt')
    const { seq } = ran.goal.find((each) => each.seq !== null)!
    const { events } = await valueOf(lab['lab.events']({ runId: 'a', from: seq!, to: seq! }))
    expect(events).toHaveLength(1)
  })

  test('run under defences and open in the Lab with them', async () => {
    const { handlers } = setUp()
    const how = { slug: 'ssdt-hook', twin: false, defences: ['hvci' as const] }
    const ran = await valueOf(handlers['techniques.run']({ ...how, runId: 'b', seed: 1 }))
    expect(ran.worked).toBe(false)
    expect(ran.report.bugcheck?.code).toBe('0x000000BE')
    const { files } = await valueOf(handlers['techniques.files'](how))
    expect(ran.files).toEqual(files)
    expect(JSON.parse(files['scenario.json']!)).toMatchObject({ defences: ['hvci'] })
    const { files: twin } = await valueOf(
      handlers['techniques.files']({ ...how, twin: true, defences: [] }),
    )
    expect(twin['driver.ts']).toBe(twin['twin.ts'])
  })

  test('that are not there are told, and no matrix is none', async () => {
    const { handlers } = setUp(join(folder, 'gone.json'))
    expect(
      await handlers['techniques.files']({ slug: 'gone', twin: false, defences: [] }),
    ).toMatchObject({ ok: false, error: { code: 'not-found' } })
    expect(await valueOf(handlers['techniques.matrix']({}))).toEqual({ matrix: null })
    const broken = join(folder, 'broken.json')
    writeFileSync(broken, '{"seed": 1}')
    expect(await valueOf(setUp(broken).handlers['techniques.matrix']({}))).toEqual({ matrix: null })
  })

  test('every defence says what it does, sees and misses', async () => {
    const { defences } = await valueOf(setUp().handlers['techniques.defences']({}))
    for (const { title, about, sees, misses } of defences)
      for (const text of [title, about, sees, misses]) expect(text.length).toBeGreaterThan(5)
  })
})
