import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { blockedReason } from '../../commands/registry'
import { settle, mountApp, type MountedApp } from '../../testing/mount-app'
import { useProject } from '../../stores/project'
import { useRuns } from '../../stores/runs'
import { useUi } from '../../stores/ui'
import { useLearn } from './store'
import { exerciseWords } from './words'

let mounted: MountedApp
const one = (selector: string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(selector)
  if (!found) throw new Error(`There is no ${selector}`)
  return found
}
const called = (name: string): unknown[] =>
  mounted.lab.calls.filter((call) => call.name === name).map((call) => call.input)
const button = (words: string): HTMLButtonElement => {
  const all = [...document.querySelectorAll<HTMLButtonElement>('main.learn button')]
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

beforeEach(async () => {
  mounted = await mountApp()
  // The Lab's first run is over.
  await vi.waitFor(() => expect(useRuns().shown).not.toBeNull())
  await mounted.press('4', { ctrlKey: true })
  // The screen is loaded on its own.
  await import('../../views/LearnView.vue')
  await settle()
  await click(button('Complete once'))
})
afterEach(() => mounted.app.unmount())

describe('a lesson', () => {
  test('has the editor of the Lab, and gives it back', async () => {
    expect(one('main.learn [data-editor]')).toBeTruthy()
    expect(useProject().title).toBe('Complete once')
    await mounted.press('1', { ctrlKey: true })
    expect(document.querySelector('main.learn [data-editor]')).toBeNull()
    expect(one('main.lab [data-editor]')).toBeTruthy()
  })

  test('lets only its own files be edited', () => {
    const project = useProject()
    const before = { ...project.files }
    for (const name of Object.keys(before)) project.setText(name, 'changed')
    expect(Object.keys(before).filter((name) => project.files[name] === 'changed')).toEqual([
      'driver.ts',
    ])
    // What is typed is saved a moment later, into the desk of the next test if need be.
    project.setText('driver.ts', before['driver.ts']!)
  })

  test('keeps the prediction, and tells the answer after the run', async () => {
    const radios = document.querySelectorAll<HTMLInputElement>('main.learn input[type=radio]')
    await click(radios[0]!)
    expect(called('lessons.progress')).toEqual([{ slug: '15-complete-once', predicted: 1 }])
    expect(one('.predict').textContent).toContain('Kept')
    await mounted.press('F5')
    expect(useUi().area).toBe('learn')
    expect(one('.predict').textContent).toContain('Something always does.')
  })

  test('is checked after each run; a red start is the exercise', async () => {
    await mounted.press('F5')
    await vi.waitFor(() => expect(called('lessons.check')).toHaveLength(1))
    await vi.waitFor(
      () => expect(one('.last-run').textContent).toContain('This crash is the exercise'),
      { timeout: 20_000 },
    )
    await settle()
    expect(called('runs.save')).toEqual([])
    expect(one('.checks .fails').textContent).toContain('Complete once'.slice(0, 8))
    await click(button('Step 2'))
    expect(useLearn().run?.step).toBe(2)
  })

  test('shows what was printed in the place of the timeline', async () => {
    await mounted.press('F5')
    await vi.waitFor(() => expect(one('#lesson-run-tab-output')).toBeTruthy())
    expect(one('#lesson-run-panel [data-region=timeline]')).toBeTruthy()
    await click(one('#lesson-run-tab-output'))
    expect(document.querySelector('#lesson-run-panel [data-region=timeline]')).toBeNull()
    expect(one('#lesson-run-panel #lesson-console')).toBeTruthy()
  })

  test('runs without a driver.ts when the scenario names the drivers', () => {
    const project = useProject()
    project.files = { 'kmdf.ts': '' }
    expect(blockedReason('lab.run')).toContain('driver.ts')
    project.files = {
      'kmdf.ts': '',
      'scenario.json': '{ "drivers": [{ "name": "Sums", "entry": "kmdf.ts" }] }',
    }
    expect(blockedReason('lab.run')).toBeNull()
  })

  test('gives three hints with H, and not while somebody types', async () => {
    await mounted.press('h', {}, one('main.learn textarea'))
    expect(useLearn().hintsShown).toBe(0)
    for (let i = 0; i < 4; i++) await mounted.press('h', {}, one('.goal'))
    expect(useLearn().hintsShown).toBe(3)
    expect(one('.hints').textContent).toContain('Hint the third.')
  })

  test('shows the solution after an attempt only', async () => {
    expect(button('Compare with the solution').disabled).toBe(true)
    await mounted.press('F5')
    expect(button('Compare with the solution').disabled).toBe(false)
  })

  test('is reset, and that is taken back', async () => {
    const project = useProject()
    const start = project.files['driver.ts']
    project.setText('driver.ts', 'mine')
    await click(button('Reset'))
    expect(project.files['driver.ts']).toBe(start)
    const undo = useUi().notices.at(-1)
    expect(undo?.text).toContain('as it was at the start')
    undo?.action?.run()
    expect(project.files['driver.ts']).toBe('mine')
  })

  test('leads to the next one, by keys through the list as well', async () => {
    await mounted.press('n', {}, one('.goal'))
    expect(one('main.learn h2').textContent).not.toBe('')
    expect(useLearn().lesson?.slug).toBe('16-device-stacks')
    const here = one('main.learn nav [aria-current=page]')
    here.focus()
    here.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp', bubbles: true }))
    expect(document.activeElement?.textContent).toContain('Complete once')
  })
})

test('an end that is none is no exercise', () => {
  expect(exerciseWords('ok')).toBeNull()
  expect(exerciseWords('leak')).toContain('leak')
})
