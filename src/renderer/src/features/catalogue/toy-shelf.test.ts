import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runCommand } from '../../commands/registry'
import { fakeCatalogue, sampleOf, type FakeCatalogue } from './testing/fake-catalogue'
import { setRing } from '../../services/ring'
import { useUi } from '../../stores/ui'
import ToyShelf from './ToyShelf.vue'

let fake: FakeCatalogue
let view: VueWrapper

async function show(samples = SHELF): Promise<void> {
  fake = fakeCatalogue(samples)
  setRing(fake.client)
  view = mount(ToyShelf, { attachTo: document.body })
  await flushPromises()
}

const SHELF = [
  sampleOf(1, 'Hello', { origin: 'bundled', tags: ['beginner'], status: 'reference' }),
  sampleOf(2, 'Double', { status: 'crashing', tags: ['irp'], notes: '**why**' }),
  sampleOf(3, 'Leak', { status: 'crashing' }),
]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  setActivePinia(createPinia())
})
afterEach(() => {
  view.unmount()
  vi.useRealTimers()
})

const list = () => view.get('[role="listbox"][aria-label="Samples"]')
const rows = () => list().findAll('[role="option"]')
const selected = (): string[] =>
  rows()
    .filter((row) => row.attributes('aria-selected') === 'true')
    .map((row) => row.get('.name').text())
const key = async (name: string, over: KeyboardEventInit = {}): Promise<void> => {
  await list().trigger('keydown', { key: name, ...over })
  await flushPromises()
}
async function search(text: string): Promise<void> {
  await view.get('[aria-label="Search samples"]').setValue(text)
  vi.advanceTimersByTime(200)
  await flushPromises()
}
const button = (name: string) => {
  const found = view
    .findAll('button')
    .find((item) => item.text() === name || item.attributes('aria-label') === name)
  if (!found) throw new Error(`There is no button ${name}`)
  return found
}

describe('states', () => {
  test('the shelf, its first sample in detail', async () => {
    await show()
    expect(rows().map((row) => row.get('.name').text())).toEqual(['Hello', 'Double', 'Leak'])
    expect(view.get('article').attributes('aria-label')).toBe('Hello')
  })

  test('an empty shelf offers two ways on', async () => {
    await show([])
    expect(view.text()).toContain('The shelf is empty.')
    await button('Bring the shipped samples back').trigger('click')
    expect(fake.calls.map((call) => call.name)).toContain('samples.restoreBundled')
    expect(button('Import a lab file…')).toBeDefined()
  })

  test('no hit can be undone', async () => {
    await show()
    await search('nothing of the kind')
    expect(view.text()).toContain('No sample matches the search.')
    await button('Clear the search').trigger('click')
    vi.advanceTimersByTime(200)
    await flushPromises()
    expect(rows()).toHaveLength(3)
  })

  test('a failure says what, and can be tried again', async () => {
    fake = fakeCatalogue(SHELF)
    fake.failing.set('samples.list', {
      code: 'database-locked',
      message: 'Held.',
      hint: 'Close it.',
    })
    setRing(fake.client)
    view = mount(ToyShelf, { attachTo: document.body })
    await flushPromises()
    expect(view.get('[role="alert"]').text()).toContain('Held.')
    fake.failing.clear()
    await button('Try again').trigger('click')
    await flushPromises()
    expect(rows()).toHaveLength(3)
  })
})

describe('search', () => {
  test('typing narrows, and a problem is said', async () => {
    await show()
    await search('double')
    expect(rows().map((row) => row.get('.name').text())).toEqual(['Double'])
    expect(view.get('[aria-label="Samples found"]').text()).toBe('1 of 3')
    await search('status:brokn')
    expect(view.get('.problem').text()).toContain('There is no status “brokn”')
  })

  test('a completion is taken with the keyboard, its values follow', async () => {
    await show()
    const input = view.get<HTMLInputElement>('[aria-label="Search samples"]')
    await input.setValue('sta')
    await input.trigger('keydown', { key: 'ArrowDown' })
    await input.trigger('keyup', { key: 'ArrowDown' })
    await input.trigger('keydown', { key: 'Enter' })
    await flushPromises()
    expect(input.element.value).toBe('status:')
    await input.trigger('keydown', { key: 'ArrowDown' })
    await input.trigger('keydown', { key: 'ArrowDown' })
    await input.trigger('keydown', { key: 'ArrowDown' })
    await input.trigger('keydown', { key: 'Enter' })
    vi.advanceTimersByTime(200)
    await flushPromises()
    expect(input.element.value).toBe('status:crashing ')
    expect(rows()).toHaveLength(2)
  })

  test('facets write the query, and show what it asks for', async () => {
    await show()
    const facet = view.findAll('.facet').find((item) => item.text().includes('crashing'))!
    await facet.trigger('click')
    vi.advanceTimersByTime(200)
    await flushPromises()
    expect(view.get<HTMLInputElement>('[aria-label="Search samples"]').element.value).toBe(
      'status:crashing',
    )
    expect(facet.attributes('aria-pressed')).toBe('true')
    expect(rows()).toHaveLength(2)
  })
})

describe('selection and keys', () => {
  test('arrows move, Shift extends, Space toggles, Ctrl+A takes all', async () => {
    await show()
    await key('ArrowDown')
    expect(selected()).toEqual(['Double'])
    await key('ArrowDown', { shiftKey: true })
    expect(selected()).toEqual(['Double', 'Leak'])
    expect(view.text()).toContain('2 samples selected')
    await key('Home')
    expect(selected()).toEqual(['Hello'])
    await key(' ')
    expect(selected()).toEqual([])
    await key('a', { ctrlKey: true, code: 'KeyA' })
    expect(selected()).toHaveLength(3)
  })

  test('open, duplicate and delete act on the selection', async () => {
    await show()
    await key('ArrowDown')
    runCommand('catalogue.open')
    expect(view.emitted('openSample')).toEqual([[2]])
    runCommand('catalogue.duplicate')
    await flushPromises()
    expect(selected()).toEqual(['Double (copy)'])
    runCommand('catalogue.delete')
    await flushPromises()
    expect(fake.samples.size).toBe(3)
    const notice = useUi().notices.at(-1)
    expect(notice?.text).toBe('“Double (copy)” was deleted.')
    notice?.action?.run()
    await flushPromises()
    expect(fake.samples.size).toBe(4)
  })

  test('Ctrl+Z brings the last deletion back, once', async () => {
    await show()
    expect(runCommand('catalogue.undo')).toBe(false)
    runCommand('catalogue.delete')
    await flushPromises()
    expect(fake.samples.size).toBe(2)
    expect(runCommand('catalogue.undo')).toBe(true)
    await flushPromises()
    expect(fake.samples.size).toBe(3)
    expect(runCommand('catalogue.undo')).toBe(false)
    expect(useUi().notices).toEqual([])
  })

  test('several are tagged at once', async () => {
    await show()
    await key('a', { ctrlKey: true, code: 'KeyA' })
    const input = view.get('[aria-label="Add a tag"]')
    await input.setValue('  day   1 ')
    await input.trigger('keydown', { key: 'Enter' })
    await flushPromises()
    expect([...fake.samples.values()].every((sample) => sample.tags.includes('day 1'))).toBe(true)
  })
})

describe('one sample', () => {
  test('a shipped one keeps its text; one’s own can be renamed', async () => {
    await show()
    expect(view.find('input[aria-label="Title"]').exists()).toBe(false)
    await key('ArrowDown')
    const title = view.get('input[aria-label="Title"]')
    await title.setValue('Completed twice')
    await title.trigger('change')
    await flushPromises()
    expect(fake.samples.get(2)?.title).toBe('Completed twice')
  })

  test('notes are shown as text, edited, and saved on a pause', async () => {
    await show()
    await key('ArrowDown')
    expect(view.get('.markdown').html()).toContain('<strong>why</strong>')
    await button('Edit notes').trigger('click')
    await flushPromises()
    await view.get('textarea[aria-label="Notes, in Markdown"]').setValue('new')
    expect(fake.samples.get(2)?.notes).toBe('**why**')
    vi.advanceTimersByTime(1000)
    await flushPromises()
    expect(fake.samples.get(2)?.notes).toBe('new')
  })

  test('notes typed last go to their own sample when another one is chosen', async () => {
    await show()
    await key('ArrowDown')
    await button('Edit notes').trigger('click')
    await flushPromises()
    await view.get('textarea[aria-label="Notes, in Markdown"]').setValue('for Double')
    await key('ArrowDown')
    expect(fake.samples.get(2)?.notes).toBe('for Double')
    expect(fake.samples.get(3)?.notes).toBe('')
    expect(view.text()).toContain('No notes yet.')
  })

  test('a kept run is opened by its id', async () => {
    fake = fakeCatalogue(SHELF)
    fake.runs.push({
      id: 'run-7',
      sampleId: 1,
      sampleTitle: 'Hello',
      startedAt: '2026-11-01T12:00:00.000Z',
      seed: 4,
      outcome: 'bugcheck',
      events: 57,
      summary: '0x44 MULTIPLE_IRP_COMPLETE_REQUESTS',
    })
    setRing(fake.client)
    view = mount(ToyShelf, { attachTo: document.body })
    await flushPromises()
    await view.get('.run').trigger('click')
    expect(view.emitted('openRun')).toEqual([['run-7']])
  })
})

test('a change elsewhere shows at once and keeps what is selected', async () => {
  await show()
  await key('ArrowDown')
  fake.samples.set(9, sampleOf(9, 'From elsewhere'))
  fake.emit('samples.changed', { reason: 'imported' })
  await flushPromises()
  expect(rows()).toHaveLength(4)
  expect(selected()).toEqual(['Double'])
})

test('an import tells what came in and what did not', async () => {
  await show()
  await button('Import…').trigger('click')
  await flushPromises()
  expect(useUi().notices.at(-1)).toMatchObject({
    kind: 'error',
    text: '2 samples added, 1 merged, 1 left out.',
    detail: 'one',
  })
})
