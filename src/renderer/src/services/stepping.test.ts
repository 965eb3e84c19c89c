import { beforeEach, describe, expect, it } from 'vitest'
import { createFakeLab, type FakeLab } from '../testing/fake-lab'
import { FAKE_SAMPLES } from '../testing/fake-samples'
import { eventAt, forgetRun } from './event-pages'
import { setRing } from './ring'
import { nextAtLines, nextProblem, stepOver } from './stepping'

let lab: FakeLab
let total = 0

async function run(slug: string): Promise<void> {
  forgetRun('run')
  const sample = FAKE_SAMPLES.find((item) => item.slug === slug)!
  const result = await lab['lab.run']({ runId: 'run', files: sample.files })
  total = result.ok ? result.value.report.stats.events : 0
}

async function placeOf(step: number): Promise<string> {
  const at = (await eventAt('run', step))?.at
  return at ? `${at.file}:${at.line}` : 'nowhere'
}

beforeEach(() => {
  lab = createFakeLab()
  setRing(lab)
})

describe('stepOver', () => {
  it('goes from the head of a routine through its lines, and back the same way', async () => {
    await run('hello')
    let step = 0
    for (let seq = 1; seq <= total && step === 0; seq++)
      if ((await eventAt('run', seq))?.t === 'routine.called') step = seq
    const forth = [step]
    for (let i = 0; i < 4; i++) forth.push(await stepOver('run', forth.at(-1)!, total, 1))
    expect(await Promise.all(forth.map(placeOf))).toEqual([
      'driver.ts:12',
      'driver.ts:18',
      'driver.ts:21',
      'driver.ts:23',
      'driver.ts:12',
    ])
    const back = [forth.at(-2)!]
    for (let i = 0; i < 2; i++) back.push(await stepOver('run', back.at(-1)!, total, -1))
    expect(back).toEqual([forth[3], forth[2], forth[1]])
  })

  it('does not go into what a line of the program sets off in the driver', async () => {
    await run('hello')
    let call = 0
    for (let seq = 1; seq <= total && call === 0; seq++) {
      const event = await eventAt('run', seq)
      if (event?.t === 'hop' && event.layer === 'win32') call = seq
    }
    expect(await placeOf(await stepOver('run', call, total, 1))).toBe('client.ts:5')
  })

  it('stops at a bug check and at the ends of the run', async () => {
    await run('double-completion')
    let step = 1
    for (let i = 0; i < 200; i++) {
      step = await stepOver('run', step, total, 1)
      if ((await eventAt('run', step))?.t === 'bugcheck') break
    }
    expect((await eventAt('run', step))?.t).toBe('bugcheck')
    expect(await stepOver('run', total, total, 1)).toBe(total)
    expect(await stepOver('run', 1, total, -1)).toBe(1)
  })
})

describe('places', () => {
  it('finds the next step at one of several lines', async () => {
    await run('hello')
    const lines = [
      { file: 'driver.ts', line: 18 },
      { file: 'driver.ts', line: 23 },
    ]
    const first = await nextAtLines('run', lines, 1, 1)
    expect(await placeOf(first!)).toBe('driver.ts:18')
    expect(await placeOf((await nextAtLines('run', lines, total, -1))!)).toBe('driver.ts:23')
    expect(await nextAtLines('run', lines, total, 1)).toBeNull()
  })

  it('finds problems in both directions', async () => {
    await run('double-completion')
    const problem = await nextProblem('run', 1, total, 1)
    expect((await eventAt('run', problem!))?.t).toBe('bugcheck')
    expect(await nextProblem('run', total, total, -1)).toBe(problem)
    expect(await nextProblem('run', problem!, total, 1)).toBeNull()
  })
})
