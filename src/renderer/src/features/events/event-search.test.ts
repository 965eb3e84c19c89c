import { describe, expect, it } from 'vitest'
import { ref } from 'vue'
import { settle } from '../../testing/mount-app'
import { createFakeLab } from '../../testing/fake-lab'
import { FAKE_SAMPLES } from '../../testing/fake-samples'
import { setRing } from '../../services/ring'
import { matches, useEventSearch } from './event-search'

const event = {
  seq: 1,
  tick: 0,
  cpu: 0,
  irql: 0,
  thread: 1,
  process: 4,
  driver: 'toy',
  t: 'irp.completed',
  irp: 3,
  by: 'toy',
  status: '0xC0000010',
  information: 0,
  location: 1,
} as const

describe('matches', () => {
  it.each([
    [['irp.'], true],
    [['completed', 'status_invalid'], true],
    [['toy'], true],
    [['-toy'], false],
    [['irp.', '-pool'], true],
    [['pool'], false],
  ])('%j: %s', (words, expected) => {
    expect(matches(event, words)).toBe(expected)
  })
})

describe('useEventSearch', () => {
  it('finds the events of a run and forgets them when nothing is searched for', async () => {
    const lab = createFakeLab()
    setRing(lab)
    const run = await lab['lab.run']({ runId: 'run', files: FAKE_SAMPLES[0]!.files })
    const total = ref(run.ok ? run.value.report.stats.events : 0)
    const query = ref('dbgprint -ddi')
    const { hits, searched } = useEventSearch(ref('run'), total, query)
    await settle()
    const events = await lab['lab.events']({ runId: 'run', from: 1, to: 5000 })
    const expected = events.ok
      ? events.value.events.filter((item) => item.t === 'dbgprint').map((item) => item.seq)
      : []
    expect(hits.value).toEqual(expected)
    expect(expected.length).toBeGreaterThan(0)
    expect(searched.value).toBe(total.value)
    query.value = ''
    await settle()
    expect(hits.value).toBeNull()
  })
})
