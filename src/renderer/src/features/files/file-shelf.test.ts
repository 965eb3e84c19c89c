import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import axe from 'axe-core'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { runCommand } from '../../commands/registry'
import { setRing } from '../../services/ring'
import { useSettings } from '../../stores/settings'
import { useUi } from '../../stores/ui'
import { createFakeLab, type FakeLab, type FakeOptions } from '../../testing/fake-lab'
import FileShelf from './FileShelf.vue'
import { REFRESH_MS, useFileShelf } from './store'
import { fakeRows, jobOf, rowOf } from './testing/fake-files'

let lab: FakeLab
let view: VueWrapper

const SHELF = [
  rowOf(1, { name: 'alpha.sys', tags: ['byovd', 'set-1'], types: ['WFP'], size: 900 }),
  rowOf(2, { name: 'beta.sys', tags: ['byovd'], known: 'malicious', blocked: true, size: 100 }),
  rowOf(3, { name: 'gamma.sys', names: 3, signature: 'whcp', signer: 'Example Co.', size: 500 }),
]

async function show(options: FakeOptions = {}): Promise<void> {
  lab = createFakeLab({ files: SHELF, ...options })
  setRing(lab)
  view = mount(FileShelf, {
    attachTo: document.body,
    global: { stubs: { FilePage: true, CompareFiles: true, CapabilityMatrix: true } },
  })
  await settle()
}

async function settle(ms = 0): Promise<void> {
  for (let i = 0; i < 4; i++) await flushPromises()
  if (ms > 0) vi.advanceTimersByTime(ms)
  for (let i = 0; i < 4; i++) await flushPromises()
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.spyOn(HTMLElement.prototype, 'clientHeight', 'get').mockReturnValue(600)
  setActivePinia(createPinia())
})
afterEach(() => {
  view.unmount()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const grid = () => view.get('[role="grid"]')
const rows = () => grid().findAll('.row')
const names = (): string[] => rows().map((row) => row.get('.name .text').text())
const selected = (): string[] =>
  rows()
    .filter((row) => row.attributes('aria-selected') === 'true')
    .map((row) => row.get('.name .text').text())
const key = async (name: string, over: KeyboardEventInit = {}): Promise<void> => {
  await grid().trigger('keydown', { key: name, ...over })
  await settle()
}
const input = () => view.get<HTMLInputElement>('[aria-label="Search driver files"]')
async function search(text: string): Promise<void> {
  await input().setValue(text)
  await settle(300)
}
const button = (name: string, root: { findAll: VueWrapper['findAll'] } = view) => {
  const found = root
    .findAll('button')
    .find((item) => item.text() === name || item.attributes('aria-label') === name)
  if (!found) throw new Error(`There is no button ${name}`)
  return found
}
const inputsOf = (name: string): unknown[] =>
  lab.calls.filter((call) => call.name === name).map((call) => call.input)

describe('the list', () => {
  test('is a grid that says how long it is and where each row stands', async () => {
    await show()
    expect(grid().attributes('aria-rowcount')).toBe('4')
    expect(rows().map((row) => row.attributes('aria-rowindex'))).toEqual(['2', '3', '4'])
    expect(names()).toEqual(['alpha.sys', 'beta.sys', 'gamma.sys'])
    expect(rows()[1]!.text()).toContain('malicious')
    expect(rows()[1]!.text()).toContain('blocked')
    expect(rows()[2]!.get('.name').text()).toContain('+2')
  })

  test('draws a screenful of 200,000 rows and asks for the pages in sight alone', async () => {
    await show({ files: Array.from({ length: 200_000 }, (_, at) => rowOf(at + 1)) })
    expect(view.get('[aria-label="Driver files found"]').text()).toBe('200,000')
    expect(rows().length).toBeLessThan(80)
    await key('End')
    await settle()
    expect(useFileShelf().cursor).toBe(199_999)
    const offsets = inputsOf('files.list').map((asked) => (asked as { offset: number }).offset)
    expect(offsets.length).toBeLessThan(5)
  })

  test('a heading sorts, and again turns the order round', async () => {
    await show()
    const size = () => view.findAll('[role="columnheader"]').find((it) => it.text() === 'Size')!
    await size().get('button').trigger('click')
    await settle()
    expect(size().attributes('aria-sort')).toBe('descending')
    expect(names()).toEqual(['alpha.sys', 'gamma.sys', 'beta.sys'])
    await size().get('button').trigger('click')
    await settle()
    expect(size().attributes('aria-sort')).toBe('ascending')
    expect(names()).toEqual(['beta.sys', 'gamma.sys', 'alpha.sys'])
  })

  test('another order keeps what is selected', async () => {
    await show()
    await key('ArrowDown')
    await view.get('[role="columnheader"].size button').trigger('click')
    await settle()
    expect(names()).toEqual(['alpha.sys', 'gamma.sys', 'beta.sys'])
    expect(selected()).toEqual(['beta.sys'])
    expect(useFileShelf().cursor).toBe(2)
  })

  test('columns are hidden, and made wider from the keyboard; both are kept', async () => {
    await show()
    const head = () => view.get('[role="columnheader"].name')
    const before = parseFloat((head().element as HTMLElement).style.width)
    await head().get('button').trigger('keydown', { key: 'ArrowRight', shiftKey: true })
    expect(parseFloat((head().element as HTMLElement).style.width)).toBe(before + 1)
    await view.get('[title="Columns of the list"]').trigger('click')
    await view
      .findAll('label')
      .find((it) => it.text() === 'Size')!
      .get('input')
      .trigger('change')
    await settle(500)
    expect(view.findAll('[role="columnheader"]').map((it) => it.text())).not.toContain('Size')
    expect(lab.settings.get('files.columns')).toContain('"size"')
  })

  test('an empty shelf offers two ways on', async () => {
    await show({ files: [] })
    expect(view.text()).toContain('There are no driver files on the shelf yet.')
    await button('Import a folder…').trigger('click')
    await settle()
    expect(inputsOf('intake.choose')).toMatchObject([{ what: 'folder', keepBytes: false }])
  })

  test('a shelf of known data alone says so, and what to do', async () => {
    await show({ files: SHELF.map((row) => ({ ...row, origin: 'known' as const, size: null })) })
    expect(view.get('.list').text()).toContain('3 drivers of the known data, facts only.')
    await button('Import files…', view.get('.list')).trigger('click')
    await settle()
    expect(inputsOf('intake.choose')).toMatchObject([{ what: 'files' }])
  })

  test('while reference data comes in the shelf says so, and follows', async () => {
    await show({ files: [] })
    lab.shelf.isFilling = true
    lab.send('files.changed', { reason: 'reference data' })
    await settle(REFRESH_MS)
    expect(view.get('.list').text()).toBe('Reading the reference data…')
    lab.shelf.rows.set(1, rowOf(1, { origin: 'known' }))
    await settle(REFRESH_MS)
    expect(view.get('.list').text()).toContain('Reading the reference data… 1 so far.')
    lab.shelf.isFilling = false
    await settle(REFRESH_MS)
    expect(view.get('.list').text()).not.toContain('Reading')
  })

  test('a search without a hit is cleared by a button', async () => {
    await show()
    await search('nothing of the kind')
    expect(view.text()).toContain('No driver file matches the search.')
    await button('Clear the search', view.get('.list')).trigger('click')
    await settle(300)
    expect(names()).toHaveLength(3)
  })

  test('a failure says what, and can be tried again', async () => {
    const failing = {
      'files.list': { code: 'database-locked' as const, message: 'Held.', hint: 'Close it.' },
    }
    await show({ failing })
    expect(view.get('[role="alert"]').text()).toContain('Held.')
    delete (failing as Partial<typeof failing>)['files.list']
    await button('Try again').trigger('click')
    await settle()
    expect(names()).toHaveLength(3)
  })

  test('has no fault that axe finds', async () => {
    await show()
    vi.useRealTimers()
    const { violations } = await axe.run(view.element, {
      rules: { 'color-contrast': { enabled: false } },
    })
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([])
  })
})

describe('search', () => {
  test('narrows, counts and says what it did not understand', async () => {
    await show()
    await search('tag:byovd colour:red')
    expect(view.get('.problem').text()).toContain('“colour:” is not a field')
    await search('tag:byovd')
    expect(view.get('[aria-label="Driver files found"]').text()).toBe('2 of 3')
  })

  test('a hash that is not here is answered from known data', async () => {
    await show()
    await search('0'.repeat(31) + 'f')
    expect(view.get('.problem').text()).toContain('LOLDrivers knows it as malicious')
  })

  test('a completion is taken with the keyboard, its values follow', async () => {
    await show()
    await search('ta')
    await input().trigger('keydown', { key: 'ArrowDown' })
    await input().trigger('keydown', { key: 'Enter' })
    await settle(300)
    expect(input().element.value).toBe('tag:')
    expect(view.findAll('[role="option"]').map((it) => it.text())).toContain('tag:byovd')
    await input().trigger('keydown', { key: 'ArrowDown' })
    await input().trigger('keydown', { key: 'Tab' })
    await settle(300)
    expect(input().element.value).toBe('tag:byovd ')
    expect(names()).toHaveLength(2)
  })

  test('facets put their value in, take it out, and with Alt or Shift leave it out', async () => {
    await show()
    const facet = () =>
      view
        .get('section[aria-label="Tag"]')
        .findAll('.facet')
        .find((it) => it.text().includes('byovd'))!
    await facet().trigger('click')
    await settle(300)
    expect(input().element.value).toBe('tag:byovd')
    expect(facet().attributes('aria-pressed')).toBe('true')
    await facet().trigger('click')
    await settle(300)
    expect(input().element.value).toBe('')
    await facet().trigger('click', { altKey: true })
    await settle(300)
    expect(input().element.value).toBe('-tag:byovd')
    await facet().trigger('click')
    await settle(300)
    await facet().trigger('click', { shiftKey: true })
    await settle(300)
    expect(input().element.value).toBe('-tag:byovd')
    expect(names()).toEqual(['gamma.sys'])
    expect(facet().text()).toContain('left out')
  })

  test('earlier searches come back with the down key', async () => {
    await show()
    await search('type:WFP')
    await input().trigger('keydown', { key: 'Enter' })
    await search('')
    await input().trigger('keydown', { key: 'ArrowDown' })
    await input().trigger('keydown', { key: 'Enter' })
    await settle(300)
    expect(input().element.value).toBe('type:WFP')
  })

  test('is saved under a name, run and deleted', async () => {
    await show()
    await search('type:WFP')
    await view.get('[title="Saved searches"]').trigger('click')
    await settle()
    await button('BYOVD, not blockedtag:byovd -blocked:yes').trigger('click')
    await settle(300)
    expect(input().element.value).toBe('tag:byovd -blocked:yes')
    expect(names()).toEqual(['alpha.sys'])
    await view.get('[title="Saved searches"]').trigger('click')
    await settle()
    await button('Delete the search BYOVD, not blocked').trigger('click')
    await settle()
    expect(view.text()).toContain('No search was saved yet.')
  })
})

describe('selection', () => {
  test('arrows move, Shift extends, Space toggles', async () => {
    await show()
    expect(selected()).toEqual(['alpha.sys'])
    await key('ArrowDown')
    expect(selected()).toEqual(['beta.sys'])
    await key('ArrowDown', { shiftKey: true })
    expect(selected()).toEqual(['beta.sys', 'gamma.sys'])
    await key('Home')
    await key('ArrowDown', { ctrlKey: true })
    expect(selected()).toEqual(['alpha.sys'])
    await key(' ')
    expect(selected()).toEqual(['alpha.sys', 'beta.sys'])
  })

  test('a range beyond the fetched rows is asked for by its ids', async () => {
    await show({ files: fakeRows(1000) })
    await key('End', { shiftKey: true })
    await settle()
    expect(inputsOf('files.ids')).toMatchObject([{ offset: 0, limit: 1000 }])
    expect(useFileShelf().selectedCount).toBe(1000)
  })

  test('all that was found is selected by its query, not by ids', async () => {
    await show({ files: fakeRows(5000) })
    await search('tag:byovd')
    runCommand('file.selectAll')
    await settle()
    const count = useFileShelf().total
    expect(view.text()).toContain(`${count.toLocaleString('en')} files selected`)
    const tag = view.get('[aria-label="Selected driver files"] [aria-label="Add a tag"]')
    await tag.setValue('day 1')
    await tag.trigger('keydown', { key: 'Enter' })
    await settle()
    expect(inputsOf('files.annotate')).toMatchObject([
      { selection: { query: 'tag:byovd' }, addTags: ['day 1'] },
    ])
    expect(useUi().notices.at(-1)?.text).toContain(count.toLocaleString('en'))
  })

  test('several get a verdict with its reason, and one undo takes it back', async () => {
    await show()
    await key('ArrowDown', { shiftKey: true })
    await view.get('select[aria-label="Verdict"]').setValue('vulnerable')
    await view.get('textarea[aria-label="Reason for the verdict"]').setValue(' maps memory ')
    await view.get('form[aria-label="Verdict on the selection"]').trigger('submit')
    await settle()
    expect(inputsOf('files.annotate')).toEqual([
      { selection: { ids: [1, 2] }, verdict: 'vulnerable', verdictReason: 'maps memory' },
    ])
    expect(lab.shelf.rows.get(2)?.verdict).toBe('vulnerable')
    expect(runCommand('file.undo')).toBe(true)
    await settle()
    expect(lab.shelf.rows.get(2)?.verdict).toBe('none')
    expect(runCommand('file.undo')).toBe(false)
  })

  test('tags that some have are given to all or taken from all', async () => {
    await show()
    await key('ArrowDown', { shiftKey: true })
    const some = () => view.get('.some li')
    expect(some().text()).toContain('set-1')
    await some().findAll('button')[0]!.trigger('click')
    await settle()
    expect(lab.shelf.rows.get(2)?.tags).toContain('set-1')
  })

  test('outlives another query as far as it is found, also beyond the rows in sight', async () => {
    await show({ files: fakeRows(1000) })
    await key('End', { shiftKey: true })
    await settle()
    expect(useFileShelf().selectedCount).toBe(1000)
    await search('-tag:byovd')
    expect(useFileShelf().total).toBeGreaterThan(300)
    expect(useFileShelf().selectedCount).toBe(useFileShelf().total)
  })

  test('taking one change back leaves the notices of other changes alone', async () => {
    await show()
    await useFileShelf().annotate({ status: 'done' }, 'first')
    await useFileShelf().annotate({ addTags: ['x'] }, 'second')
    useUi().notify({ kind: 'info', text: 'other', action: { label: 'Undo', run: () => undefined } })
    runCommand('file.undo')
    await settle(1000)
    expect(useUi().notices.map(({ text }) => text)).toEqual([
      '1 file: first.',
      'other',
      'Taken back: 1 file: second.',
    ])
  })

  test('changes are taken back one after the other, the last one first', async () => {
    await show()
    const shelf = useFileShelf()
    const id = shelf.onlyId!
    const { status, tags } = lab.shelf.rows.get(id)!
    await shelf.annotate({ status: 'done' }, 'first')
    await shelf.annotate({ addTags: ['x'] }, 'second')
    await shelf.undoLast()
    expect(lab.shelf.rows.get(id)).toMatchObject({ status: 'done', tags })
    await shelf.undoLast()
    expect(lab.shelf.rows.get(id)).toMatchObject({ status, tags })
    expect(shelf.undoWord).toBeNull()
  })

  test('removing says so, and the notice brings it back', async () => {
    await show()
    expect(runCommand('file.remove')).toBe(true)
    await settle(1000)
    expect(names()).toEqual(['beta.sys', 'gamma.sys'])
    const notice = useUi().notices.at(-1)
    expect(notice?.text).toBe('“alpha.sys” left the shelf.')
    notice?.action?.run()
    await settle(1000)
    expect(names()).toHaveLength(3)
  })

  test('two can be compared, and up to sixty held side by side', async () => {
    await show()
    expect(runCommand('file.compare')).toBe(false)
    await key('ArrowDown', { shiftKey: true })
    expect(runCommand('file.compare')).toBe(true)
    await settle()
    expect(useFileShelf().views).toEqual([{ kind: 'compare', left: 1, right: 2 }])
    runCommand('file.back')
    await settle()
    runCommand('file.matrix')
    await settle()
    expect(useFileShelf().views).toEqual([{ kind: 'matrix', ids: [1, 2] }])
  })
})

describe('a page over the list', () => {
  test('opens, goes on to the next file, and Esc leads back', async () => {
    await show()
    runCommand('file.open')
    await settle()
    expect(view.find('[role="grid"]').exists()).toBe(false)
    expect(view.text()).toContain('1 of 3')
    await button('Next file of the list').trigger('click')
    await settle()
    expect(useFileShelf().views).toEqual([{ kind: 'file', id: 2 }])
    await view.get('.page').trigger('keydown', { key: 'Escape' })
    await settle()
    expect(selected()).toEqual(['beta.sys'])
  })
})

describe('what lands during an import', () => {
  test('appears, while place and selection stay', async () => {
    await show()
    await key('ArrowDown')
    for (let id = 10; id < 15; id++) {
      lab.shelf.rows.set(id, rowOf(id, { name: `new-${id}.sys`, addedAt: '2026-11-28T12:00:00Z' }))
      lab.send('files.changed', { reason: 'imported' })
    }
    await settle(800)
    expect(view.get('[aria-label="Driver files found"]').text()).toBe('8')
    expect(selected()).toEqual(['beta.sys'])
    expect(useFileShelf().cursor).toBe(6)
  })

  test('is asked for once in a while, however many changes are told', async () => {
    await show()
    await settle(1000)
    const before = inputsOf('files.list').length
    for (let i = 0; i < 50; i++) lab.send('files.changed', { reason: 'imported' })
    await settle(100)
    for (let i = 0; i < 50; i++) lab.send('files.changed', { reason: 'imported' })
    await settle(1000)
    expect(inputsOf('files.list').length - before).toBe(2)
  })
})

describe('imports', () => {
  const bar = () => view.get('[aria-label="Imports"]')

  test('show done, merged, failed, pace and time left, and can be paused', async () => {
    await show()
    lab.shelf.jobs = [jobOf()]
    lab.send('intake.progress', jobOf())
    await settle()
    for (const text of ['6,120 / 18,733 files', '312 merged', '4 failed', '104 files/s', '2 min'])
      expect(bar().text()).toContain(text)
    expect(bar().get('[role="progressbar"]').attributes('aria-valuenow')).toBe('6120')
    await button('Pause').trigger('click')
    await settle()
    expect(bar().text()).toContain('Paused')
    await button('Resume').trigger('click')
    await settle()
    expect(bar().text()).toContain('Importing')
  })

  test('that ended list what failed and can be undone or dismissed', async () => {
    await show()
    const done = jobOf({ state: 'done', done: 18_733, secondsLeft: null, rate: null })
    lab.shelf.jobs = [done]
    lab.send('intake.progress', done)
    await settle()
    await button('Show failed').trigger('click')
    await settle()
    expect(view.get('dialog').text()).toContain('e_lfanew points beyond the file.')
    await button('Copy all lines').trigger('click')
    await settle()
    expect(inputsOf('app.copy')).toMatchObject([
      { text: expect.stringContaining('broken-07.sys\t0x3C\t') as string },
    ])
    await button('Undo import').trigger('click')
    await settle(1000)
    expect(inputsOf('intake.control')).toEqual([
      { job: 1, action: 'undo' },
      { job: 1, action: 'dismiss' },
    ])
    expect(view.find('[aria-label="Imports"]').exists()).toBe(false)
    expect(view.find('[role="grid"]').exists()).toBe(false)
    useUi().notices.at(-1)?.action?.run()
    await settle(1000)
    expect(names()).toHaveLength(3)
  })

  test('are not undone unasked when somebody wrote about their files', async () => {
    const [alpha, beta, gamma] = SHELF
    await show({
      files: [
        { ...alpha!, hasNotes: true, verdict: 'malicious' },
        beta!,
        { ...gamma!, hasNotes: true },
      ],
    })
    const done = jobOf({ state: 'done', rate: null })
    lab.shelf.jobs = [done]
    lab.send('intake.progress', done)
    await settle()
    await button('Undo import').trigger('click')
    await settle()
    const dialog = () => view.get('dialog[aria-label="Undo this import?"]')
    expect(dialog().text()).toContain('2 with notes, 1 with a verdict')
    await button('Keep the files').trigger('click')
    await settle()
    expect(inputsOf('intake.control')).toEqual([])
    await button('Undo import').trigger('click')
    await settle()
    await button('Undo the import').trigger('click')
    await settle()
    expect(inputsOf('intake.control')[0]).toEqual({ job: 1, action: 'undo' })
  })

  test('that were interrupted say why, and count what came in part', async () => {
    await show()
    const job = jobOf({
      state: 'interrupted',
      failed: 0,
      noted: 3,
      interruption: 'The disk is full. Make room and resume.',
    })
    lab.send('intake.progress', job)
    await settle()
    expect(bar().text()).toContain('The disk is full. Make room and resume.')
    expect(bar().text()).not.toContain('The app ended')
    expect(bar().text()).toContain('3 in part')
    await button('Show which').trigger('click')
    await settle()
    expect(view.get('dialog').text()).toContain('3 files came in with less than was asked for')
  })

  test('that the app was ended in offer to go on after a restart', async () => {
    lab = createFakeLab({ files: SHELF })
    lab.shelf.jobs = [jobOf({ state: 'interrupted' })]
    setRing(lab)
    view = mount(FileShelf, { global: { stubs: { FilePage: true } } })
    await settle()
    expect(bar().text()).toContain('Interrupted')
    expect(bar().text()).toContain('The app ended during this import')
    await button('Resume').trigger('click')
    await settle()
    expect(inputsOf('intake.control')).toEqual([{ job: 1, action: 'resume' }])
  })
})

describe('options and known data', () => {
  test('keeping bytes asks for a key first, and is kept on once there is one', async () => {
    await show()
    await view.get('[title="Import driver files"]').trigger('click')
    await settle()
    const box = () => view.get<HTMLInputElement>('.check input')
    await box().setValue(true)
    await settle()
    const dialog = view.get('dialog')
    expect(dialog.text()).toContain('Where the key lies')
    await dialog.get('input[value="passphrase"]').setValue()
    const [first, again] = dialog.findAll('input[type="password"]')
    await first!.setValue('correct horse')
    await again!.setValue('correct house')
    expect(button('Set up the quarantine').attributes('disabled')).toBeDefined()
    await again!.setValue('correct horse')
    await dialog.get('form').trigger('submit')
    await settle()
    expect(inputsOf('quarantine.setUp')).toEqual([
      { key: 'passphrase', passphrase: 'correct horse' },
    ])
    expect(dialog.text()).toContain('Open')
    await button('Close', dialog).trigger('click')
    await view.get('[title="Import driver files"]').trigger('click')
    await settle()
    await box().setValue(true)
    await settle()
    expect(useSettings().values['intake.keepBytes']).toBe('yes')
  })

  test('known data is shown with version and licence, brought in, and policies removed', async () => {
    await show()
    await button('Known data').trigger('click')
    await settle()
    const dialog = view.get('dialog')
    expect(dialog.text()).toContain('Apache-2.0')
    expect(dialog.text()).toContain('ships with the app')
    await button('Files…', dialog).trigger('click')
    await settle()
    expect(dialog.text()).toContain('10 entries with 18 samples')
    expect(dialog.text()).toContain('x.yaml line 4: no hash')
    await button('Remove the policy Microsoft recommended driver block rules', dialog).trigger(
      'click',
    )
    await settle()
    expect(dialog.text()).toContain('No block list yet.')
  })

  test('a YARA folder is chosen, its broken rules are named, and it is forgotten', async () => {
    await show()
    await button('Known data').trigger('click')
    await settle()
    await view.get('#reference-tab-yara').trigger('click')
    await settle()
    await button('Choose a folder…').trigger('click')
    await settle()
    expect(view.get('dialog').text()).toContain('poortry.yar line 12')
    await button('Forget it').trigger('click')
    await settle()
    expect(view.get('dialog').text()).toContain('No folder was chosen')
  })

  test('an export says its format and takes what is found, or what is selected', async () => {
    await show()
    await search('tag:byovd')
    await view.get('.bar [aria-haspopup="dialog"][title^="Export driver files"]').trigger('click')
    await settle()
    expect(view.text()).toContain('2 files as')
    const csv = view.findAll('.panel li button').find((it) => it.text().startsWith('CSV'))!
    await csv.trigger('click')
    await settle()
    expect(inputsOf('files.export')).toEqual([{ selection: { query: 'tag:byovd' }, format: 'csv' }])
    expect(useUi().notices.at(-1)).toMatchObject({ text: '2 files exported.' })
  })
})
