import { flushPromises, mount } from '@vue/test-utils'
import axe from 'axe-core'
import { createPinia, setActivePinia } from 'pinia'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RingClient } from '../../../../shared/contract'
import { ok } from '../../../../shared/errors'
import type { Verdict } from '../../../../shared/package/policy'
import { SigningPlan } from '../../../../shared/package/signing'
import { setRing } from '../../services/ring'
import { useProject } from '../../stores/project'
import PartTable from './PartTable.vue'
import { PRESETS } from './presets'
import SigningForm from './SigningForm.vue'
import { usePackage, type Described } from './store'
import VerdictTable from './VerdictTable.vue'

const verdict = (windows: Verdict['windows'], accepted: boolean): Verdict => ({
  windows,
  machine: `Windows ${windows}, Secure Boot on`,
  accepted,
  status: accepted ? '0x00000000' : '0xC0000428',
  statusName: accepted ? 'STATUS_SUCCESS' : 'STATUS_INVALID_IMAGE_HASH',
  rule: accepted ? null : 'portal',
  because: 'because',
  signature: 0,
  rules: [{ rule: 'portal', asks: 'asks', passes: accepted, because: `why ${windows}`, data: {} }],
})

async function findings(): Promise<string[]> {
  const { violations } = await axe.run(document.body, {
    resultTypes: ['violations'],
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  })
  return violations.map(({ id, help }) => `${id}: ${help}`)
}

beforeEach(() => setActivePinia(createPinia()))
afterEach(() => (document.body.innerHTML = ''))

describe('the signing form', () => {
  const form = (plan: Partial<SigningPlan> = {}, locked: string | null = null) =>
    mount(SigningForm, {
      props: { signing: { ...SigningPlan.parse({}), ...plan }, locked },
      attachTo: document.body,
    })
  const field = (page: ReturnType<typeof form>, label: string) =>
    page
      .findAll('label')
      .find((item) => item.text().startsWith(label))!
      .find('input, select')

  test('tells of a whole plan when one field is changed', async () => {
    const page = form()
    await field(page, 'Signed by').setValue('whcp')
    expect(page.emitted('sign')?.[0]).toEqual([SigningPlan.parse({ by: 'whcp' })])
    await field(page, 'Time stamp').setValue('pkcs9')
    expect(page.emitted('sign')?.[1]).toMatchObject([
      { stamp: { kind: 'pkcs9', time: '2024-05-01T09:00:00Z', authority: 'known' } },
    ])
  })

  test('says what is wrong with a value, and tells nobody of it', async () => {
    const page = form()
    const from = field(page, 'Valid from')
    await from.setValue('2023-02-30')
    expect(page.emitted('sign')).toBeUndefined()
    expect(page.find('[role="alert"]').text()).toMatch(/no day of the calendar/)
    expect(from.attributes('aria-invalid')).toBe('true')
  })

  test('knows each preset again, and has no names that are missing', async () => {
    for (const { id, signing } of PRESETS) {
      const page = form(SigningPlan.parse(signing))
      expect((page.find('select').element as HTMLSelectElement).value).toBe(id)
      expect(await findings()).toEqual([])
      page.unmount()
    }
  })

  test('that is locked says why', () => {
    const page = form({}, 'A lesson keeps its files.')
    expect(page.text()).toContain('A lesson keeps its files.')
    expect(page.find('fieldset').attributes('disabled')).toBeDefined()
  })
})

describe('the table of machines', () => {
  test("begins with the scenario's machine and goes up and down by keys", async () => {
    const page = mount(VerdictTable, {
      props: {
        verdicts: [verdict('7', true), verdict('10-1607', false), verdict('11-22H2', false)],
        scenario: '10-1607',
      },
      attachTo: document.body,
    })
    const pressed = () => page.find('[aria-pressed="true"]').text()
    expect(pressed()).toMatch(/Windows 10 1607.*refused STATUS_INVALID_IMAGE_HASH/)
    await page.find('.machines').trigger('keydown', { key: 'ArrowUp' })
    expect(pressed()).toMatch(/Windows 7.*loads/)
    expect(page.find('.why').text()).toContain('why 7')
    expect(document.activeElement?.textContent).toContain('Windows 7')
    expect(await findings()).toEqual([])
  })
})

test('the parts say whether the catalogue holds them', async () => {
  const part = { name: 'a.sys', kind: 'image', size: 2048, sha256: 'ab'.repeat(32) } as const
  const page = mount(PartTable, {
    props: { parts: [{ ...part, listedBy: 'cd', isListed: false }] },
    attachTo: document.body,
  })
  expect(page.text()).toMatch(/a\.sys.*2\.0 KB.*not in the catalogue/)
  expect(await findings()).toEqual([])
})

describe('the store', () => {
  const described = (over: Partial<Described> = {}): Described => ({
    drivers: ['Toy'],
    driver: 'Toy',
    files: { signing: 'toy.package.json', inf: 'toy.inf' },
    signing: SigningPlan.parse({}),
    isInline: false,
    report: {
      ...{ name: 'toy', parts: [], inf: '', problems: [] },
      ...{ signatures: [], evidence: [], verdicts: [] },
    },
    ...over,
  })
  const calls = {
    'lab.package': vi.fn(() => Promise.resolve(ok(described()))),
    'drafts.save': () => Promise.resolve(ok({})),
  }
  beforeEach(() => setRing(calls as unknown as RingClient))

  test('writes how the driver is signed into a file of the folder, without what is as usual', async () => {
    const store = usePackage()
    store.isOpen = true
    await flushPromises()
    store.sign(SigningPlan.parse({ by: 'test', subject: 'Somebody' }))
    const { files } = useProject()
    expect(JSON.parse(files['toy.package.json']!)).toEqual({ by: 'test', subject: 'Somebody' })
    store.setInf('[Version]')
    expect([store.ownInf, useProject().files['toy.inf']]).toEqual([true, '[Version]'])
  })

  test('leaves the folder alone where the scenario says it in place', async () => {
    calls['lab.package'].mockResolvedValueOnce(ok(described({ isInline: true })))
    const store = usePackage()
    store.isOpen = true
    await flushPromises()
    store.sign({ by: 'none' })
    expect(store.locked).toMatch(/scenario\.json/)
    expect(useProject().files).toEqual({})
  })
})
