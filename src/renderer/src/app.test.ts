// @vitest-environment happy-dom
import axe from 'axe-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { useRuns } from './stores/runs'
import { useProject } from './stores/project'
import { useUi } from './stores/ui'
import { mountApp, settle, type MountedApp } from './testing/mount-app'
import type { FakeOptions } from './testing/fake-lab'

let mounted: MountedApp | null = null

async function start(options: FakeOptions = {}): Promise<MountedApp> {
  mounted = await mountApp(options)
  return mounted
}

async function openSample(index: number): Promise<void> {
  const picker = mounted!.app.findComponent({ name: 'RunBar' })
  picker.vm.$emit('openSample', index)
  await settle()
}

const button = (name: string | RegExp): HTMLElement => {
  const found = [...document.querySelectorAll<HTMLElement>('button')].find((element) => {
    const label = element.getAttribute('aria-label') ?? element.textContent?.trim() ?? ''
    return typeof name === 'string' ? label === name : name.test(label)
  })
  if (!found) throw new Error(`No button ${String(name)}`)
  return found
}

async function click(name: string | RegExp): Promise<void> {
  button(name).click()
  await settle()
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
  localStorage.clear()
})
afterEach(() => {
  mounted?.app.unmount()
  mounted = null
})

describe('the first start', () => {
  it('opens hello with a finished run, at the first request in its own code', async () => {
    const { text, lab } = await start()
    expect(text()).toContain('TestDriverCreateClose was called with IRP 1')
    expect(document.querySelector('[data-testid="run"]')?.textContent).toContain('Run again')
    expect(text()).toContain('\\Device\\TestDevice')
    expect(lab.calls.map((call) => call.name)).not.toContain('runs.save')
  })

  it('says when there is no sample at all', async () => {
    const { text } = await start({ empty: true })
    expect(text()).toContain('No run yet')
    expect(document.querySelector('[data-testid="run"]')?.getAttribute('aria-disabled')).toBe(
      'true',
    )
  })

  it('shows a failure of the catalogue with what to do', async () => {
    const error = {
      code: 'database-locked' as const,
      message: 'The catalogue is in use.',
      hint: 'Close the other window.',
    }
    const { text } = await start({ failing: { 'samples.list': error } })
    expect(text()).toContain('The catalogue is in use.')
    expect(text()).toContain('Close the other window.')
  })

  it('opens what was open last, with its draft', async () => {
    const { app, lab } = await start()
    await openSample(2)
    useProject().setText('driver.ts', '// mine\n')
    await useProject().saveDraft()
    app.unmount()
    mounted = null

    const again = await mountApp({ settings: Object.fromEntries(lab.settings) })
    mounted = again
    expect(useProject().title).toBe('ioctl-echo')
    // The draft itself lies in the catalogue of the first lab; the key leads to it.
    expect(lab.drafts.get('sample:2')?.files['driver.ts']).toBe('// mine\n')
  })
})

describe('stepping', () => {
  it('moves with the arrow keys while a picture has the focus', async () => {
    const { press } = await start()
    const runs = useRuns()
    const before = runs.step
    const timeline = document.querySelector<HTMLElement>('[role="slider"]')!
    timeline.focus()
    await press('ArrowRight')
    expect(runs.step).toBe(before + 1)
    await press('ArrowLeft')
    await press('Home')
    expect(runs.step).toBe(1)
    await press('End')
    expect(runs.step).toBe(runs.shown!.events)
  })

  it('leaves arrow keys to text fields', async () => {
    const { press } = await start()
    const before = useRuns().step
    await press('ArrowRight', {}, document.querySelector('textarea'))
    expect(useRuns().step).toBe(before)
  })

  it('steps over lines with F10 and back with Ctrl+F10', async () => {
    const { press, text } = await start()
    await press('F10')
    expect(text()).toContain('driver.ts line 28')
    const there = useRuns().step
    await press('F10')
    await press('F10', { ctrlKey: true })
    expect(useRuns().step).toBeLessThanOrEqual(there)
  })

  it('says the step in the live region', async () => {
    const { press } = await start()
    document.querySelector<HTMLElement>('[role="slider"]')!.focus()
    await press('ArrowRight')
    const { step, shown } = useRuns()
    await vi.waitFor(() =>
      expect(document.querySelector('[data-testid="announcer"]')?.textContent).toMatch(
        new RegExp(`^Step ${step} of ${shown!.events}\\. .+`),
      ),
    )
  })

  it('explains a step with W', async () => {
    const { press, text } = await start()
    document.querySelector<HTMLElement>('[role="slider"]')!.focus()
    await press('w')
    expect(useUi().outputTab).toBe('why')
    expect(text()).toContain('CreateFile led to ntdll!NtCreateFile, syscall, nt!KiSystemCall64')
  })

  it('follows the system call of the step through the rings', async () => {
    const { press, text } = await start()
    await press('r', { ctrlKey: true, shiftKey: true })
    expect(text()).toContain('TestDriverCreateClose of hello.sys runs in ring 0')
    const way = document.querySelector<HTMLElement>('.rings')!
    const step = useRuns().step
    way.focus()
    await press('ArrowUp')
    expect(useRuns().step).toBeLessThan(step)
    expect(text()).toContain('The previous mode is UserMode')
    expect(await violations()).toEqual([])
    // Why is told beside the timeline.
    await press('w')
    expect(document.querySelector('.rings')).toBeNull()
  })

  it('shows a picture as a table with T', async () => {
    const { press } = await start()
    document.querySelector<HTMLElement>('[role="slider"]')!.focus()
    await press('t')
    const table = document.querySelector('[aria-label="Timeline as a table"]')
    expect(table?.textContent).toContain('DriverEntry: STATUS_SUCCESS')
  })
})

describe('a bug check', () => {
  it('covers the watch region with a card, then opens its report with Enter', async () => {
    const { text } = await start()
    await openSample(3)
    expect(text()).toContain('Bug check 0x44')
    expect(text()).toContain('MULTIPLE_IRP_COMPLETE_REQUESTS')
    // The rest of the window stays.
    expect(document.querySelector('textarea')).not.toBeNull()
    expect(document.activeElement?.textContent).toContain('Report')
    ;(document.activeElement as HTMLElement).click()
    await settle()
    for (const heading of [
      'Arguments',
      'What',
      'First cause',
      'Stack',
      'Verifier',
      'Fix',
      'Reproduce',
    ])
      expect([...document.querySelectorAll('dt')].map((element) => element.textContent)).toContain(
        heading,
      )
  })

  it('leads to the first cause', async () => {
    const { text } = await start()
    await openSample(3)
    await click(/^Go to first cause/)
    const run = useRuns().shown!
    expect(run.step).toBe(run.stop!.report!.firstCause.seq)
    expect(text()).toContain('completed IRP 2 with STATUS_SUCCESS')
  })

  it('shows the packet completed twice in the sequence', async () => {
    await start()
    await openSample(3)
    await click(/^Show the trace/)
    expect(document.querySelector('.message.again')?.textContent).toContain('STATUS_SUCCESS again')
  })

  it('shows leaks and hangs with the same headings in amber', async () => {
    const { text } = await start()
    await openSample(4)
    expect(text()).toContain('Left behind: 1 device \\Device\\TestDevice')
    expect(document.querySelector('.card.amber')).not.toBeNull()
    await openSample(5)
    expect(text()).toContain('nothing is left that could complete it')
  })
})

describe('running', () => {
  it('keeps the run it was asked for, and each run in a tab of its own', async () => {
    const { lab, press } = await start()
    await press('F5')
    expect(useRuns().runs.map((run) => run.number)).toEqual([2, 1])
    expect(lab.calls.filter((call) => call.name === 'runs.save')).toHaveLength(1)
  })

  it('shows mistakes at their lines and leaves the last good run in sight', async () => {
    const { press, text } = await start()
    const area = document.querySelector('textarea')!
    area.value = `class X {}\n${area.value}`
    area.dispatchEvent(new Event('input', { bubbles: true }))
    await vi.waitFor(() => expect(text()).toContain('Classes are not part of the language.'))
    expect(text()).toContain('DSL001')
    await press('F5')
    expect(useRuns().runs).toHaveLength(1)
    expect(text()).toContain('The last run was not started')
    expect(document.querySelector('[data-testid="run"]')?.textContent).toContain('Run again')
  })

  it('writes the draft when typing pauses', async () => {
    const { lab } = await start()
    useProject().setText('driver.ts', '// changed\n')
    expect(useProject().saveState).toBe('waiting')
    await vi.waitFor(() =>
      expect(lab.drafts.get('sample:1')?.files['driver.ts']).toBe('// changed\n'),
    )
    await settle()
    expect(document.querySelector('footer')?.textContent).toContain('draft saved')
  })

  it('says what was lost when the lab process ends', async () => {
    const { lab, text } = await start()
    lab.send('lab.lost', { reason: 'exit code 9' })
    await settle()
    expect(text()).toContain('The process that ran the machine ended')
    await click('Run again')
    expect(useRuns().shown).not.toBeNull()
  })

  it('compares two runs', async () => {
    const { press, text } = await start()
    useRuns().seed = 2
    await press('F5')
    await click('Compare two runs')
    expect(text()).toContain('The first difference is event #1.')
  })

  it('runs on as many processors as were chosen, and says so only when the scenario does not', async () => {
    await start()
    const select = document.querySelector<HTMLSelectElement>('.processors select')!
    await click(/^Run/)
    expect(useRuns().active!.request.processors).toBeUndefined()
    select.value = '2'
    select.dispatchEvent(new Event('change'))
    await click(/^Run/)
    expect(useRuns().active!.request.processors).toBe(2)
  })

  it('replays a kept run with its own sources and seed', async () => {
    const { lab, press } = await start()
    useRuns().seed = 7
    await press('F5')
    const kept = lab.calls.find((call) => call.name === 'runs.save')!.input as { id: string }
    await openSample(2)
    await useRuns().openKept(kept.id)
    await settle()
    const run = useRuns().shown!
    expect(run.request.seed).toBe(7)
    expect(useProject().title).toBe('hello')
    expect(run.report?.outcome).toBe('ok')
  })
})

describe('commands', () => {
  it('lists them with their keys and says why one is blocked', async () => {
    const { press, text } = await start()
    await press('p', { ctrlKey: true, shiftKey: true })
    expect(document.querySelector('[role="combobox"]')).not.toBeNull()
    expect(text()).toContain('Ctrl+F10')
    expect(text()).toContain('Nothing runs')
  })

  it('takes commands of the menu', async () => {
    const { lab } = await start()
    lab.send('app.command', { command: 'view.explorer' })
    await settle()
    expect(useUi().area).toBe('explorer')
    lab.send('app.command', { command: 'constructor' })
    await settle()
    expect(useUi().area).toBe('explorer')
  })

  it('follows the theme of the system and a choice of one', async () => {
    const { lab } = await start({ theme: 'system' })
    lab.send('app.systemTheme', { dark: true, highContrast: false })
    await settle()
    expect(document.documentElement.dataset['theme']).toBe('dark')
    lab.send('app.systemTheme', { dark: true, highContrast: true })
    await settle()
    expect(document.documentElement.dataset['theme']).toBe('contrast')
    lab.send('app.command', { command: 'theme.light' })
    await settle()
    expect(document.documentElement.dataset['theme']).toBe('light')
    expect(lab.calls).toContainEqual({ name: 'app.theme', input: { theme: 'light' } })
  })
})

describe('the explorer', () => {
  it('shows objects of the step, leads from one to another and compares with another step', async () => {
    const { press, text } = await start()
    await press('2', { ctrlKey: true })
    expect(text()).toContain('\\Device\\TestDevice')
    await click('hello')
    expect(useUi().explore).toEqual({ kind: 'drivers', id: 'hello' })
    expect(text()).toContain('\\Driver\\hello')
    const other = document.querySelector<HTMLInputElement>('.compare input')!
    other.value = '1'
    other.dispatchEvent(new Event('change', { bubbles: true }))
    await settle()
    expect(document.querySelector('.list .change')?.textContent).toBe('+')
  })
})

describe('accessibility', () => {
  it.each([
    ['the finished run', async () => undefined],
    ['the card', () => openSample(3)],
    ['the report', async () => (await openSample(3), await click(/^Report/))],
    ['the trace of a crash', async () => (await openSample(3), await click(/^Show the trace/))],
    ['the explorer', () => mounted!.press('2', { ctrlKey: true })],
    ['the settings', () => mounted!.press(',', { ctrlKey: true })],
  ])('finds nothing wrong in %s', async (_, act) => {
    await start()
    await act()
    expect(await violations()).toEqual([])
  })
})
