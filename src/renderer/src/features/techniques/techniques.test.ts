/** The Techniques view over the fake lab. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { useProject } from '../../stores/project'
import { useRuns } from '../../stores/runs'
import { useUi } from '../../stores/ui'
import { mountApp, settle, type MountedApp } from '../../testing/mount-app'
import { useDetections } from '../detections/store'
import { differenceRows } from './difference'
import { useTechniques } from './store'
import { rowFacts, rowName, verdictMark } from './words'

let mounted: MountedApp
const called = (name: string): unknown[] =>
  mounted.lab.calls.filter((call) => call.name === name).map((call) => call.input)
const one = (selector: string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(selector)
  if (!found) throw new Error(`There is no ${selector}`)
  return found
}
const button = (words: string): HTMLButtonElement => {
  const all = [...document.querySelectorAll<HTMLButtonElement>('main.techniques button')]
  const found = all.find((each) =>
    (each.getAttribute('aria-label') ?? each.textContent).includes(words),
  )
  if (!found) throw new Error(`There is no button ${words}`)
  return found
}
const click = async (element: HTMLElement): Promise<void> => {
  element.click()
  await settle()
}
const ran = (): Promise<void> =>
  vi.waitFor(() => expect(one('.end').textContent).toContain('worked'), { timeout: 20_000 })

beforeEach(async () => {
  mounted = await mountApp()
  await vi.waitFor(() => expect(useRuns().shown).not.toBeNull())
  await mounted.press('5', { ctrlKey: true })
  // The screen is loaded on its own.
  await import('../../views/TechniquesView.vue')
  await import('../detections/DetectionsPage.vue')
  await settle()
})
afterEach(() => mounted.app.unmount())

describe('the page of a technique', () => {
  test('is found by words, ids of ATT&CK and rules, and by keys', async () => {
    const techniques = useTechniques()
    const list = one('main.techniques nav')
    expect(list.textContent).toContain('2 techniques')
    techniques.filter = 't1134'
    await settle()
    expect(list.querySelectorAll('li')).toHaveLength(1)
    await mounted.press('Enter', {}, one('main.techniques input[aria-label="Filter techniques"]'))
    expect(techniques.slug).toBe('token-theft')
    await mounted.press('Escape', {}, one('main.techniques input[aria-label="Filter techniques"]'))
    expect(list.querySelectorAll('li')).toHaveLength(2)
  })

  test('F5 runs what is chosen, with what the machine defends itself by', async () => {
    one('.switches input').click()
    await mounted.press('F5')
    await ran()
    expect(called('techniques.run')).toMatchObject([
      { slug: 'ssdt-hook', twin: false, defences: ['patchguard'], seed: 1 },
    ])
    expect(useUi().area).toBe('techniques')
    expect(one('.end').textContent).toContain('0x109 CRITICAL_STRUCTURE_CORRUPTION')
    // What is chosen afterwards does not change what the result says it is about.
    one('.switches input').click()
    await mounted.press('t', {}, one('.switches input'))
    expect(useTechniques().twin).toBe(true)
    expect(one('.end').textContent).toContain('something else is chosen now')
  })

  test('a result leads to its step in the Lab, which has its run and its sources', async () => {
    await mounted.press('F5')
    await ran()
    await click(button('Step 2 in the Lab'))
    const runs = useRuns()
    await vi.waitFor(() => expect(useUi().area).toBe('lab'))
    expect(useProject().title).toBe('SSDT hook')
    expect(runs.step).toBe(2)
    expect(runs.runs).toHaveLength(1)
    const [ran2] = called('techniques.run') as { runId: string }[]
    expect(runs.activeId).toBe(ran2?.runId)
    // The result stays, and a second step needs no second run.
    await mounted.press('5', { ctrlKey: true })
    await click(button('Step 3 in the Lab'))
    expect(runs.step).toBe(3)
    expect(runs.runs).toHaveLength(1)
  })

  test('the twin goes into the Lab as a project of its own, and runs there', async () => {
    useTechniques().twin = true
    await mounted.press('l', {}, one('section.run'))
    await vi.waitFor(() => expect(useUi().area).toBe('lab'))
    const project = useProject()
    expect(project.title).toBe('SSDT hook: its twin')
    expect(project.files['driver.ts']).toContain('// twin')
    expect(project.isReadOnly('driver.ts')).toBe(false)
    await vi.waitFor(() => expect(useRuns().shown).not.toBeNull())
  })
})

test('a technique that was open in the Lab is there again at the next start', async () => {
  mounted.app.unmount()
  const key = 'technique:ssdt-hook:twin:hvci'
  mounted = await mountApp({ settings: { 'lab.last': JSON.stringify({ key, sampleId: null }) } })
  await vi.waitFor(() => expect(useProject().title).toBe('SSDT hook: its twin'))
  expect(called('techniques.files')).toEqual([
    { slug: 'ssdt-hook', twin: true, defences: ['hvci'] },
  ])
})

test('a cell of the matrix leads to its technique with that defence', async () => {
  await click(button('whole matrix'))
  const cells = (): HTMLElement[] => [...document.querySelectorAll<HTMLElement>('td .cell')]
  expect(cells().map((cell) => cell.textContent.trim())).toEqual([
    'works, then 0x109',
    'works',
    'works, then 0x109',
    'works',
  ])
  cells()[0]!.focus()
  await mounted.press('ArrowDown')
  await mounted.press('ArrowRight')
  expect(document.activeElement).toBe(cells()[3])
  await click(document.activeElement as HTMLElement)
  expect(useTechniques()).toMatchObject({ slug: 'token-theft', chosen: ['hvci'] })
})

describe('a rule', () => {
  test('is opened from the technique that it sees, and tried on it and its twin', async () => {
    await click(button('service-outside'))
    const detections = useDetections()
    await vi.waitFor(() => expect(detections.rule?.id).toBe('service-outside'))
    expect(detections.target).toBe('ssdt-hook')
    await mounted.press('F5')
    await vi.waitFor(() => expect(detections.tried).toHaveLength(2))
    // The fake raises an alarm for the twin as well, which is told as a false one.
    expect(detections.tried.map(({ isAsExpected }) => isAsExpected)).toEqual([true, false])
    await settle()
    expect(one('.try').textContent).toContain('1 not as they should be')
    expect(one('.try').textContent).toContain('a false one')
  })

  test('what is changed of it is kept, and taken back', async () => {
    useTechniques().openRule('service-outside')
    const detections = useDetections()
    await vi.waitFor(() => expect(detections.rule).not.toBeNull())
    const text = detections.entry!.text
    detections.setText(text.replace('critical', 'loud'))
    await detections.saveDraft()
    expect(mounted.lab.drafts.get('detections')?.files).toEqual({
      'service-outside.yaml': text.replace('critical', 'loud'),
    })
    await vi.waitFor(() => expect(detections.mistakes).toHaveLength(1))
    expect(detections.blocked).toBe('The rule has mistakes')
    detections.setText(text)
    await detections.saveDraft()
    expect(mounted.lab.drafts.has('detections')).toBe(false)
  })

  test('that has the id of another one is told so, and an empty one that it is none', async () => {
    useTechniques().openRule('service-outside')
    const detections = useDetections()
    await vi.waitFor(() => expect(detections.rule).not.toBeNull())
    const text = detections.entry!.text
    detections.create()
    await vi.waitFor(() => expect(detections.rule?.id).toBe('my-rule'))
    expect(detections.mistakes).toEqual([])
    detections.setText(text)
    await vi.waitFor(() =>
      expect(detections.mistakes).toMatchObject([
        { line: 2, message: "id: service-outside.yaml has 'service-outside' already." },
      ]),
    )
    detections.setText(' ')
    await vi.waitFor(() => expect(detections.blocked).toBe('There is no rule yet'))
    detections.discard()
    await detections.saveDraft()
  })

  test('of one’s own begins with one that works, and is deleted with a way back', async () => {
    useTechniques().openRule('service-outside')
    const detections = useDetections()
    await vi.waitFor(() => expect(detections.rule).not.toBeNull())
    detections.create()
    expect(detections.entry).toMatchObject({ file: 'my-rule.yaml', isShipped: false })
    await vi.waitFor(() => expect(detections.rule?.id).toBe('my-rule'))
    detections.discard()
    expect(detections.entries.map(({ file }) => file)).not.toContain('my-rule.yaml')
    useUi().notices.at(-1)?.action?.run()
    expect(detections.entry?.file).toBe('my-rule.yaml')
  })
})

describe('words', () => {
  test('a row of memory says what was tampered with, and not what is as always', () => {
    const row = {
      driver: 'Disk',
      routine: 'IRP_MJ_READ',
      object: '0x1',
      target: '0x2',
      isOwn: true,
    }
    expect(rowName('drivers', row)).toBe('Disk, IRP_MJ_READ')
    expect(rowName('tokens', { pid: 4, process: 'System' })).toBe('token of System, process 4')
    expect(rowFacts('drivers', { ...row, symbol: 'a!b', module: null })).toEqual([
      { field: 'symbol', text: 'a!b', isOdd: false },
    ])
    expect(rowFacts('drivers', { ...row, isOwn: false })).toEqual([
      { field: 'its own', text: 'no', isOdd: true },
    ])
  })

  test('changes go before what is gone and what was added', () => {
    const name = (pid: number): { pid: number; name: string } => ({ pid, name: 'a.exe' })
    const rows = differenceRows({
      table: 'processes',
      appeared: [name(3), { ...name(4), byList: false }],
      vanished: [name(2)],
      changed: [
        {
          before: { ...name(1), byList: true },
          after: { ...name(1), byList: false },
          fields: ['byList'],
        },
      ],
    })
    expect(rows.map(({ kind }) => kind)).toEqual(['changed', 'gone', 'added', 'added'])
    expect(rows[2]?.name).toBe('a.exe, process 4')
    expect(rows[0]?.changes).toEqual([{ field: 'in its list', before: 'yes', after: 'no' }])
  })

  test('what is good of a technique is not what is good of a twin', () => {
    const cell = { verdict: 'works', stop: null } as const
    expect(verdictMark(cell, false).tone).toBe('danger')
    expect(verdictMark(cell, true).tone).toBe('ok')
  })
})
