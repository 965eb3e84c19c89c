import { flushPromises, mount, type VueWrapper } from '@vue/test-utils'
import axe from 'axe-core'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { ok } from '../../../../shared/errors'
import { setRing } from '../../services/ring'
import { useUi } from '../../stores/ui'
import CapabilityMatrix from './CapabilityMatrix.vue'
import CompareFiles from './CompareFiles.vue'
import FilePage from './FilePage.vue'
import {
  fakePage,
  FERRY_ID,
  ferryDetail,
  kinOf,
  knownOnlyDetail,
  LANTERN_ID,
  lanternDetail,
  type FakePage,
} from './testing/details'

let fake: FakePage
let page: VueWrapper

async function show(id = FERRY_ID, props: { compact?: boolean } = {}): Promise<void> {
  page = mount(FilePage, { props: { id, ...props }, attachTo: document.body })
  await flushPromises()
}
const settle = async (): Promise<void> => {
  await flushPromises()
  await flushPromises()
}
async function openTab(name: string): Promise<void> {
  const tab = page.findAll('[role="tab"]').find((item) => item.text().startsWith(name))
  if (!tab) throw new Error(`There is no tab ${name}`)
  await tab.trigger('click')
  await settle()
}
const button = (name: string) => {
  const found = page
    .findAll('button')
    .find((item) => item.attributes('aria-label') === name || item.text() === name)
  if (!found) throw new Error(`There is no button ${name}`)
  return found
}
/** Rules that need layout or colours are checked in a real browser. */
async function violations(): Promise<string[]> {
  const result = await axe.run(document.body, {
    resultTypes: ['violations'],
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  })
  return result.violations.map(
    (violation) => `${violation.id}: ${violation.nodes.map((node) => node.html).join(' ')}`,
  )
}

beforeEach(() => {
  setActivePinia(createPinia())
  fake = fakePage([ferryDetail(), lanternDetail(), knownOnlyDetail()])
  setRing(fake.client)
})
afterEach(() => {
  page.unmount()
  vi.useRealTimers()
})

describe('the overview', () => {
  test('says what it is, how it is signed, what it can do and what is known, as of which data', async () => {
    await show()
    const text = page.text()
    for (const words of [
      'also named netdrv64.sys, de5d9f5c.bin',
      'test certificate',
      'Windows loads such a driver in test mode only',
      'digest matches the file',
      'Claimed signing 2013-10-01 00:00:00',
      '2.5 % of vulnerable, 2.5 % of malicious samples',
      'T1557',
      'recognised by authentihash: the same image, whoever signed it',
      'Blocked by “Old Harbour Software, ferry.sys up to 1.0.0.9”',
      'matched by signer',
      'As of: LOLDrivers, version 5554706 (Apache-2.0): 661 entries, taken in on 2026-11-20. Block',
    ])
      expect(text).toContain(words)
  })

  test('shows evidence with its data and its caveat, under what it speaks against', async () => {
    await show()
    const evidence = page.get('.evidence')
    expect(evidence.findAll('h4').map((item) => item.text())).toEqual([
      'Evidence against the signing time (4)',
      'Evidence against the signature (1)',
    ])
    const first = evidence.get('details')
    expect(first.get('summary').text()).toBe(
      'Compiled 2023-05-02, but the certificate of "Old Harbour Software Visible" expired 2014-04-09.',
    )
    expect(first.text()).toContain('What this rests on')
    expect(first.get('.rests').text()).toContain('compiled 2023-05-02 09:10:11')
    expect(first.get('.rests').text()).toContain('signer valid to 2014-04-09 00:00:00')
    expect(first.get('.caveat').text()).toContain(
      'The compile time is a field of the file that anyone can set',
    )
    expect(page.text()).not.toMatch(/forged signature|is fake/i)
  })

  test('of an honest file says that nothing was found, and names the same image unsigned', async () => {
    await show(LANTERN_ID)
    expect(page.text()).toContain('Nothing was found that speaks against the signature')
    expect(page.text()).toContain('The same image under other signatures')
    const links = page.findAll('.known .link')
    await links[0]!.trigger('click')
    expect(page.emitted('open')).toEqual([[3]])
  })

  test('of a file that was never read shows what the known data says, without tabs of code', async () => {
    await show(9)
    expect(page.text()).toContain('facts of known data only')
    const said = page.get('section[aria-label="According to LOLDrivers"]').text()
    for (const words of [
      '2013-07-03 02:32:26',
      'local time of the source, a day of tolerance',
      'GIGABYTE Tools, GDRV',
      '2011-01-20 to 2014-02-18',
      'VeriSign Class 3 Code Signing 2010 CA',
      'does not load with HVCI on',
      'Imported functions (2)',
    ])
      expect(said).toContain(words)
    for (const [label, query] of [
      ['2013-07-03 02:32:26', 'compiled:2013-07-03'],
      ['GIGA,BYTE TECHNOLOGY CO., LTD.', 'signer:"GIGA,BYTE TECHNOLOGY CO., LTD."'],
      ['2f6c1e0a', 'serial:2f6c1e0a'],
      ['ab'.repeat(32), `certificate:${'ab'.repeat(32)}`],
      ['MmMapIoSpace', 'import:MmMapIoSpace'],
    ] as const) {
      await button(label).trigger('click')
      expect(page.emitted('query')?.at(-1)).toEqual([query])
    }
    expect(await violations()).toEqual([])
    expect(page.findAll('[role="tab"]').map((tab) => tab.text())).toEqual([
      'Overview',
      'Kin',
      'Notes and history',
    ])
  })

  test('with no block policy says that once, and not that the file is on no list', async () => {
    await show(9)
    expect(page.text()).toContain(
      'No block policy was taken in, so nothing is said about blocking.',
    )
    expect(page.text()).not.toContain('On no block list')
    await page.setProps({ id: LANTERN_ID })
    await settle()
    expect(page.text()).toContain('On no block list that was imported.')
  })

  test('tells a signature that cannot be read from none', async () => {
    const facts = lanternDetail().facts!
    facts.signatures = []
    const text = 'A signature cannot be read: an element ends behind its parent.'
    const broken = { id: 'signature-broken', severity: 'broken', text, offset: 7168 } as const
    setRing(fakePage([lanternDetail({ facts: { ...facts, anomalies: [broken] } })]).client)
    await show(LANTERN_ID)
    expect(page.get('section[aria-label="Signature"]').text()).toContain('signature cannot be read')
    expect(page.text()).toContain(`There is a signature in the file that cannot be read. ${text}`)
    expect(page.text()).not.toContain('There is no signature')
    await openTab('Signature')
    expect(page.text()).toContain(text)
    expect(page.text()).not.toContain('There is no signature')
  })

  test('of a time stamp whose root is the signer’s own says that this is no evidence', async () => {
    await show(LANTERN_ID)
    expect(page.text()).toContain('Its root: the signer’s own')
    await page.setProps({ id: FERRY_ID })
    await settle()
    expect(page.text()).toContain('Its root: Windows does not ship with it.')
  })

  test('every value asks the query line', async () => {
    await show()
    for (const [label, query] of [
      ['Old Harbour Software Visible', 'signer:"Old Harbour Software Visible"'],
      ['f17a4b097bbb3d4c815f51be525e22e9', 'imphash:f17a4b097bbb3d4c815f51be525e22e9'],
      ['WFP', 'type:WFP'],
      ['Redirect network connections', 'capability:redirect-connections'],
    ] as const) {
      await button(label).trigger('click')
      expect(page.emitted('query')?.at(-1)).toEqual([query])
    }
  })

  test('a missing file says so, and can be asked for again', async () => {
    await show(404)
    expect(page.get('[role="alert"]').text()).toContain('There is no file 404.')
    await page.setProps({ id: FERRY_ID })
    await settle()
    expect(page.get('article').attributes('aria-label')).toBe('ferry.sys')
  })

  test('follows changes of the shelf', async () => {
    await show()
    const before = fake.calls.length
    fake.emit('files.changed')
    await settle()
    expect(fake.calls.slice(before).map(({ name }) => name)).toEqual(['files.get'])
  })
})

describe('tabs', () => {
  test('code: control codes decoded, with address, way and confidence', async () => {
    await show(LANTERN_ID)
    await openTab('Code')
    const row = page.findAll('tr').find((item) => item.text().includes('0x80102040'))!
    expect(row.text()).toMatch(/0x8010\s*vendor’s own/)
    expect(row.text()).toContain('0x810')
    expect(row.text()).toContain('METHOD_BUFFERED')
    expect(row.text()).toContain('high')
    await button('0x80102040').trigger('click')
    expect(page.emitted('query')?.at(-1)).toEqual(['ioctl:0x80102040'])
    expect(page.text()).toContain('IRP_MJ_DEVICE_CONTROL')
    expect(page.text()).toContain('\\DosDevices\\LabLantern')
  })

  test('imports: a filter, and marks on what capabilities rest on', async () => {
    await show()
    await openTab('Imports')
    expect(page.findAll('li').length).toBe(16)
    expect(page.findAll('li .used').length).toBe(4)
    await page.get('input[type="search"]').setValue('redirect')
    expect(page.findAll('li').map((item) => item.text().split(' ')[0])).toEqual([
      'FwpsRedirectHandleCreate0evidence',
      'FwpsRedirectHandleDestroy0',
    ])
  })

  test('a file that imports thousands shows the first, and the rest on demand', async () => {
    const detail = ferryDetail()
    const [module] = detail.facts!.image!.imports
    module!.functions = Array.from({ length: 1200 }, (_, i) => ({
      name: `Routine${i}`,
      ordinal: null,
      slot: 0x7000 + i * 8,
    }))
    setRing(fakePage([detail]).client)
    await show()
    await openTab('Imports')
    expect(page.findAll('li')).toHaveLength(500)
    await page.get('input[type="search"]').setValue('Routine1199')
    expect(page.findAll('li')).toHaveLength(1)
    await page.get('input[type="search"]').setValue('')
    await button('Show 706 more').trigger('click')
    expect(page.findAll('li')).toHaveLength(1206)
  })

  test('strings: classes and words narrow the list', async () => {
    await show()
    await openTab('Strings')
    const chip = page.findAll('.chip').find((item) => item.text().startsWith('routine'))!
    await chip.trigger('click')
    expect(page.get('[role="status"]').text()).toBe('15 strings')
    await page.get('input[type="search"]').setValue('symboliclink')
    expect(page.get('[role="status"]').text()).toBe('2 strings')
    expect(page.get('.foot').text()).toContain('IoCreateSymbolicLink')
  })

  test('signature: every certificate in full', async () => {
    await show()
    await openTab('Signature')
    expect(page.findAll('.card h5').map((item) => item.text())).toHaveLength(5)
    expect(page.text()).toContain('29c2f16863c10e228be1bf62fb90bd6b40a70591')
    expect(page.text()).toContain('Windows does not ship with it')
  })

  test('package: what would be installed, and which files the catalogue names', async () => {
    await show(LANTERN_ID)
    await openTab('Package')
    expect(page.text()).toContain('SERVICE_DEMAND_START')
    expect(page.text()).toContain('not in the catalogue')
  })

  test('a list that was shown whole stays so while files come in', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    const detail = ferryDetail()
    detail.facts!.image!.imports[0]!.functions = Array.from({ length: 600 }, (_, i) => ({
      name: `Routine${i}`,
      ordinal: null,
      slot: 0x7000 + i * 8,
    }))
    fake = fakePage([detail])
    setRing(fake.client)
    await show()
    await openTab('Imports')
    await button('Show 106 more').trigger('click')
    fake.emit('files.changed')
    vi.advanceTimersByTime(2000)
    await settle()
    expect(page.findAll('li')).toHaveLength(606)
  })

  test('the chosen tab stays while going to the next file', async () => {
    await show()
    await openTab('Headers')
    await page.setProps({ id: LANTERN_ID })
    await settle()
    expect(page.get('[role="tab"][aria-selected="true"]').text()).toBe('Headers')
    expect(page.text()).toContain('0x3B6ECC71')
  })

  test('no finding of axe on any of them', async () => {
    await show(LANTERN_ID)
    for (const name of page.findAll('[role="tab"]').map((tab) => tab.text().replace(/\d+$/, ''))) {
      await openTab(name)
      expect(await violations(), name).toEqual([])
    }
  })
})

test('rules that were never held against a file are told from rules that did not match', async () => {
  setRing(
    fakePage([lanternDetail({ yaraRead: false }), ferryDetail({ yara: [], yaraRead: true })])
      .client,
  )
  await show(LANTERN_ID)
  await openTab('Anomalies')
  expect(page.text()).toContain('Not matched against rules. Choose a folder under Known data')
  expect(page.text()).not.toContain('No rule matched')
  await page.setProps({ id: FERRY_ID })
  await settle()
  expect(page.text()).toContain('No rule matched.')
})

describe('pictures', () => {
  test('times: arrow keys walk through the moments, and the table says the same', async () => {
    await show()
    const slider = page.get('[aria-label="Times of the file and its signature"]')
    await slider.trigger('keydown', { key: 'End' })
    await slider.trigger('keydown', { key: 'Home' })
    expect(slider.attributes('aria-valuetext')).toContain('2009-01-01 valid from here')
    await slider.trigger('keydown', { key: 'ArrowRight' })
    expect(slider.attributes('aria-valuenow')).toBe('2')
    await button('Show Times as a table').trigger('click')
    const rows = page.findAll('.picture tbody tr').map((row) => row.text())
    expect(rows.at(-1)).toContain('compiled 9 years, 7 months after the claimed signing')
    expect(rows.some((row) => row.includes('claimed time of signing, PKCS#9'))).toBe(true)
  })

  test('entropy: arrow keys read the blocks, up and down go from part to part', async () => {
    await show()
    await openTab('Sections')
    const slider = page.get('[role="slider"][aria-label^="Entropy"]')
    await slider.trigger('keydown', { key: 'Home' })
    expect(slider.attributes('aria-valuetext')).toContain('headers')
    await slider.trigger('keydown', { key: 'ArrowDown' })
    expect(slider.attributes('aria-valuetext')).toContain('.text')
    await slider.trigger('keydown', { key: 'End' })
    expect(slider.attributes('aria-valuetext')).toContain('certificates')
  })

  test('kin: walking speaks, Enter opens a file or asks for the shared value', async () => {
    await show()
    await openTab('Kin')
    const box = page.get('[role="listbox"]')
    await box.trigger('focus')
    await box.trigger('keydown', { key: 'ArrowUp' })
    expect(page.get('#kin-active').attributes('aria-label')).toContain('same image: bff03c00')
    await box.trigger('keydown', { key: 'Enter' })
    expect(page.emitted('query')?.at(-1)?.[0]).toMatch(/^authentihash:bff03c00/)
    await box.trigger('keydown', { key: 'ArrowUp' })
    await box.trigger('keydown', { key: 'Enter' })
    expect(page.emitted('open')).toEqual([[101]])
  })

  test('kin: a relation can be left out, and the table twin lists what is drawn', async () => {
    await show()
    await openTab('Kin')
    const drawn = page.findAll('g.file').length
    const filter = page.findAll('.filter').find((item) => item.text().startsWith('same signer'))!
    await filter.trigger('click')
    const left = page.findAll('g.file').length
    expect(left).toBeLessThan(drawn)
    await button('Show Kin as a table').trigger('click')
    expect(page.findAll('tbody tr')).toHaveLength(left)
  })

  test('kin: 200 files are drawn', async () => {
    fake = fakePage([ferryDetail()], kinOf(199))
    setRing(fake.client)
    await show()
    await openTab('Kin')
    expect(page.findAll('g.file').length).toBeGreaterThan(150)
    expect(page.text()).toContain('1,204 more files not drawn')
  })
})

describe('what people say', () => {
  test('a verdict is written, and the notice takes it back', async () => {
    await show(LANTERN_ID)
    await openTab('Notes')
    const select = page.findAll('select').find((item) => item.text().includes('benign'))!
    await select.setValue('benign')
    await settle()
    expect(fake.calls.find(({ name }) => name === 'files.annotate')?.input).toEqual({
      selection: { ids: [LANTERN_ID] },
      verdict: 'benign',
    })
    const notice = useUi().notices.at(-1)!
    expect(notice.text).toBe('Verdict: benign.')
    notice.action!.run()
    await settle()
    expect(fake.calls.find(({ name }) => name === 'files.undo')?.input).toEqual({ undo: 'undo-1' })
  })

  const reason = () => page.get<HTMLInputElement>('input[placeholder="what the verdict rests on"]')
  const annotated = () =>
    fake.calls.filter(({ name }) => name === 'files.annotate').map(({ input }) => input)
  async function typeReason(text: string): Promise<void> {
    reason().element.value = text
    await reason().trigger('input')
  }
  /** The shelf tells of a change, and the page has asked anew. */
  async function changed(): Promise<void> {
    fake.emit('files.changed')
    vi.advanceTimersByTime(2000)
    await settle()
  }

  test('a reason that is being typed outlives every change of the shelf', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    await show()
    await openTab('Notes')
    await typeReason('redirects conn')
    for (let batch = 0; batch < 3; batch++) await changed()
    expect(reason().element.value).toBe('redirects conn')
    fake.files.set(FERRY_ID, { ...fake.files.get(FERRY_ID)!, verdictReason: 'of somebody else' })
    await changed()
    expect(reason().element.value).toBe('redirects conn')
    await typeReason('redirects connections ')
    await reason().trigger('change')
    await settle()
    expect(annotated()).toEqual([
      { selection: { ids: [FERRY_ID] }, verdictReason: 'redirects connections' },
    ])
    // What is not being typed follows the shelf again.
    fake.files.set(FERRY_ID, { ...fake.files.get(FERRY_ID)!, verdictReason: 'taken back' })
    await changed()
    expect(reason().element.value).toBe('taken back')
  })

  test('a reason goes to the file it was typed for, also after the next one is shown', async () => {
    await show()
    await openTab('Notes')
    await typeReason('of ferry')
    await page.setProps({ id: LANTERN_ID })
    await settle()
    expect(annotated()).toEqual([{ selection: { ids: [FERRY_ID] }, verdictReason: 'of ferry' }])
    expect(reason().element.value).toBe(lanternDetail().verdictReason)
  })

  test('notes that are being typed outlive the changes of an import', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    await show()
    await openTab('Notes')
    await button('Edit notes').trigger('click')
    await page.get('textarea').setValue('half a sent')
    fake.emit('files.changed')
    await settle()
    expect(page.get<HTMLTextAreaElement>('textarea').element.value).toBe('half a sent')
  })

  test('tags are added and removed', async () => {
    await show()
    await openTab('Notes')
    await page.get('[aria-label="Add a tag"]').setValue('byovd')
    await page.get('[aria-label="Add a tag"]').trigger('keydown', { key: 'Enter' })
    await button('Remove the tag wfp').trigger('click')
    const written = fake.calls.filter(({ name }) => name === 'files.annotate')
    expect(written.map(({ input }) => input)).toEqual([
      { selection: { ids: [FERRY_ID] }, addTags: ['byovd'] },
      { selection: { ids: [FERRY_ID] }, removeTags: ['wfp'] },
    ])
  })

  test('notes that are being typed go to their own file, also after the next one is shown', async () => {
    await show()
    await openTab('Notes')
    await button('Edit notes').trigger('click')
    await page.get('textarea').setValue('of ferry')
    await page.setProps({ id: LANTERN_ID })
    await settle()
    expect(fake.calls.find(({ name }) => name === 'files.annotate')?.input).toEqual({
      selection: { ids: [FERRY_ID] },
      notes: 'of ferry',
    })
  })

  test('the history takes back what can be taken back', async () => {
    await show()
    await openTab('Notes')
    expect(page.text()).toContain('suspicious → malicious')
    const back = page.findAll('button').filter((item) => item.text() === 'Take back')
    expect(back).toHaveLength(1)
    await back[0]!.trigger('click')
    await settle()
    expect(fake.calls.find(({ name }) => name === 'files.undo')?.input).toEqual({ undo: 'u2' })
  })
})

describe('actions', () => {
  test('a toy driver is made and opened', async () => {
    await show()
    await button('Open as toy driver').trigger('click')
    await settle()
    expect(page.emitted('openToy')).toEqual([[77]])
  })

  test('another file is picked to compare with', async () => {
    await show()
    await page.get('[aria-haspopup][title="Compare with another file"]').trigger('click')
    await settle()
    const options = page.findAll('[role="option"]').map((item) => item.text())
    expect(options[0]).toContain('lantern-signed.sys')
    await page.get('[role="option"]').trigger('click')
    expect(page.emitted('compare')).toEqual([[FERRY_ID, LANTERN_ID]])
  })

  test('kept bytes leave the quarantine or are forgotten; without bytes it is said how to keep them', async () => {
    await show()
    await page.get('[title="Bytes of the file"]').trigger('click')
    await button('Forget the bytes').trigger('click')
    await settle()
    expect(fake.calls.at(-2)).toEqual({ name: 'quarantine.forget', input: { ids: [FERRY_ID] } })
    await page.setProps({ id: LANTERN_ID })
    await settle()
    await page.get('[title="Bytes of the file"]').trigger('click')
    expect(page.text()).toContain('import it again with “Keep bytes”')
  })

  test('a locked quarantine is opened from where its bytes are wanted', async () => {
    HTMLDialogElement.prototype.showModal ??= () => undefined
    const locked = 'Enter the passphrase of the quarantine.'
    setRing(fakePage([ferryDetail()], undefined, locked).client)
    await show()
    await page.get('[title="Bytes of the file"]').trigger('click')
    await settle()
    expect(page.text()).toContain(locked)
    expect(page.text()).not.toContain('Export from quarantine')
    await button('Unlock the quarantine…').trigger('click')
    await settle()
    const dialog = page.get('dialog[aria-label="Known data"]')
    expect(dialog.get('[role="tab"][aria-selected="true"]').text()).toBe('Quarantine')
    expect(dialog.find('input[type="password"]').exists()).toBe(true)
  })

  test('an export asks for this file alone', async () => {
    await show()
    await page.get('[title^="Export driver files"]').trigger('click')
    const json = page.findAll('.popover li button').find((item) => item.text().startsWith('JSON'))!
    await json.trigger('click')
    await settle()
    expect(fake.calls.at(-1)).toEqual({
      name: 'files.export',
      input: { selection: { ids: [FERRY_ID] }, format: 'json' },
    })
  })

  test('the report and each hash are copied', async () => {
    await show()
    await button('Copy Imphash').trigger('click')
    await settle()
    expect(fake.calls.at(-1)).toEqual({
      name: 'app.copy',
      input: { text: 'f17a4b097bbb3d4c815f51be525e22e9' },
    })
    expect(useUi().notices.at(-1)?.text).toBe('Imphash was copied.')
  })
})

describe('beside the list', () => {
  test('one column without tabs, with a way to the whole page', async () => {
    await show(FERRY_ID, { compact: true })
    expect(page.findAll('[role="tab"]')).toHaveLength(0)
    expect(page.text()).toContain('Evidence against the signing time (4)')
    await button('Open page').trigger('click')
    expect(page.emitted('open')).toEqual([[FERRY_ID]])
    expect(await violations()).toEqual([])
  })
})

describe('several files', () => {
  test('a comparison shows differences first, and all on demand', async () => {
    const row = (label: string, left: string, right: string, state: string) => ({
      label,
      left,
      right,
      state,
    })
    const sections = [
      {
        title: 'Image',
        rows: [row('Machine', 'AMD64', 'AMD64', 'same'), row('Size', '1', '2', 'changed')],
      },
      {
        title: 'Identity',
        rows: [
          row('SHA-256', 'aa', 'bb', 'changed'),
          row('Authentihash SHA-256', 'cc', 'cc', 'same'),
        ],
      },
      { title: 'Signature', rows: [row('embedded', '', 'test by Lantern', 'added')] },
      { title: 'Imports', rows: [row('IoCreateDevice', '', 'imported', 'added')] },
      { title: 'Sections', rows: [row('.text', 'RX', 'RX', 'same')] },
    ]
    const answer = ok({ left: ferryDetail().row, right: lanternDetail().row, sections })
    setRing(Object.assign(fake.client, { 'files.compare': () => Promise.resolve(answer) }))
    page = mount(CompareFiles, { props: { left: 1, right: 2 }, attachTo: document.body })
    await settle()
    expect(page.get('[role="status"] strong').text()).toBe(
      'Same image: the authentihash is equal; what differs is the signature.',
    )
    expect(page.get('[role="status"]').text()).toMatch(/4 differences\s+in 5 sections$/)
    expect(page.get('tr.same').text()).toContain('Authentihash SHA-256')
    expect(page.findAll('nav button').map((item) => item.text())).toEqual([
      'Image 1',
      'Identity 1',
      'Signature 1',
      'Imports 1',
      'Sections 0',
    ])
    expect(page.text()).not.toContain('Machine')
    expect(page.get('tr.added').text()).toContain('only right')
    await page.get('input[type="checkbox"]').setValue(false)
    expect(page.text()).toContain('Machine')
    expect(await violations()).toEqual([])
    await button('Swap').trigger('click')
    expect(page.emitted('compare')).toEqual([[2, 1]])
  })

  test('the matrix asks for 60 files at most, marks by word, and opens a file', async () => {
    const asked: number[][] = []
    const capability = ferryDetail().facts!.capabilities.map(({ evidence: _, ...rest }) => rest)
    setRing(
      Object.assign(fake.client, {
        'files.matrix': ({ ids }: { ids: number[] }) => {
          asked.push(ids)
          return Promise.resolve(
            ok({
              capabilities: capability,
              files: [
                { row: lanternDetail().row, capabilities: [] },
                { row: ferryDetail().row, capabilities: [capability[0]!.id] },
              ],
            }),
          )
        },
      }),
    )
    const ids = Array.from({ length: 75 }, (_, i) => i + 1)
    page = mount(CapabilityMatrix, { props: { ids }, attachTo: document.body })
    await settle()
    expect(asked[0]).toHaveLength(60)
    expect(page.text()).toContain('2 files in 2 groups of equal capabilities')
    expect(page.text()).toContain('the first 60 of 75 selected')
    expect(page.findAll('td .shape .visually-hidden').map((item) => item.text())).toEqual(['yes'])
    expect(await violations()).toEqual([])
    await button('ferry.sys').trigger('click')
    expect(page.emitted('open')).toEqual([[FERRY_ID]])
    await button('Show Capabilities side by side as a table').trigger('click')
    expect(page.text()).toContain('nothing found')
  })
})
