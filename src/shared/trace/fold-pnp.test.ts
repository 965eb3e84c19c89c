import { expect, test } from 'vitest'
import type { EventBody, TraceEvent } from './event'
import { foldAll } from './fold'
import { sentence } from './why'

let seq = 0

function event(body: EventBody): TraceEvent {
  return { seq: ++seq, tick: 0, cpu: 0, irql: 0, thread: 1, process: 4, ...body }
}

const devnode = 'TOY\\Lamp\\0000'

const EVENTS: [EventBody, string][] = [
  [
    {
      t: 'devnode.arrived',
      devnode,
      parent: 'HTREE\\ROOT\\0',
      pdo: '0xFFFF9A0101420060',
      description: 'A lamp',
      service: 'Lamp',
    },
    'The device TOY\\Lamp\\0000 (A lamp) arrived on HTREE\\ROOT\\0',
  ],
  [
    {
      t: 'devnode.problem',
      devnode,
      problem: 'CM_PROB_FAILED_START',
      code: 10,
    },
    'The device TOY\\Lamp\\0000 does not work: code 10, CM_PROB_FAILED_START',
  ],
  [
    { t: 'devnode.problem', devnode, problem: null, code: 0 },
    'The device TOY\\Lamp\\0000 works again',
  ],
  [
    {
      t: 'devnode.state',
      devnode,
      from: 'DeviceNodeResourcesAssigned',
      to: 'DeviceNodeStarted',
      problem: null,
    },
    'The device TOY\\Lamp\\0000 was started',
  ],
  [
    { t: 'interface.changed', link: '\\??\\X', guid: '{0}', devnode, enabled: true },
    'The device interface \\??\\X was enabled',
  ],
  [
    { t: 'power.device', device: '0x1', devnode, from: null, to: 'D0' },
    'The device TOY\\Lamp\\0000 is in D0',
  ],
  [{ t: 'power.system', from: 'S0', to: 'S3' }, 'The machine went from S0 to S3'],
]

test('every event has words', () => {
  for (const [body, words] of EVENTS) expect(sentence(event(body)).replace(/\.$/, '')).toBe(words)
})

test('a device has its state, its problem and its power state', () => {
  const events = EVENTS.map(([body]) => event(body))
  const failed = foldAll(events, 2)
  expect(failed.devnodes[0]?.problem).toEqual({ name: 'CM_PROB_FAILED_START', code: 10 })
  const state = foldAll(events)
  expect(state.devnodes).toEqual([
    {
      devnode,
      parent: 'HTREE\\ROOT\\0',
      pdo: '0xFFFF9A0101420060',
      description: 'A lamp',
      service: 'Lamp',
      state: 'DeviceNodeStarted',
      problem: null,
      power: 'D0',
    },
  ])
  expect(state.interfaces).toEqual([{ link: '\\??\\X', guid: '{0}', devnode }])
  expect(state.power).toBe('S3')
  const gone = foldAll([
    ...events,
    event({ t: 'interface.changed', link: '\\??\\X', guid: '{0}', devnode, enabled: false }),
    event({ t: 'devnode.removed', devnode }),
  ])
  expect(gone.devnodes).toEqual([])
  expect(gone.interfaces).toEqual([])
})
