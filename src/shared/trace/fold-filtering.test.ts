import { expect, test } from 'vitest'
import type { EventBody, TraceEvent } from './event'
import { foldAll } from './fold'
import { sentence } from './why'

let seq = 0

function event(body: EventBody): TraceEvent {
  return { seq: ++seq, tick: 0, cpu: 0, irql: 0, thread: 1, process: 4, ...body }
}

const filter = '0xFFFF9A0101420060'
const connection = {
  ...{ protocol: 'TCP', local: '10.0.0.2:49152', remote: '192.168.0.1:443' },
  program: 'client.exe',
}

const EVENTS: [EventBody, string][] = [
  [
    { t: 'minifilter.registered', filter, name: 'Guard', altitude: '320000', operations: [0, 3] },
    'Guard registered a minifilter at altitude 320000',
  ],
  [
    {
      t: 'minifilter.called',
      ...{ filter, name: 'Guard', altitude: '320000', phase: 'pre', irp: 1, operation: 0 },
      ...{ file: '\\plan.txt', routine: 'Guard!PreCreate', result: 'FLT_PREOP_COMPLETE' },
      status: '0xC0000022',
    },
    'Guard!PreCreate was asked before IRP_MJ_CREATE of \\plan.txt: FLT_PREOP_COMPLETE, STATUS_ACCESS_DENIED',
  ],
  [
    { t: 'minifilter.connected', filter, port: '\\ToyPort', client: '0x1' },
    'A program connected to the port \\ToyPort',
  ],
  [
    {
      t: 'wfp.filter.added',
      ...{ filter: '0x10001', layer: 'ALE_AUTH_CONNECT_V4', sublayer: '{2}', weight: 3 },
      ...{ action: 'FWP_ACTION_BLOCK', callout: null, conditions: ['remotePort = 443'] },
    },
    'Filter 0x10001 was added to ALE_AUTH_CONNECT_V4: FWP_ACTION_BLOCK where remotePort = 443',
  ],
  [
    {
      t: 'wfp.classified',
      ...{ layer: 'ALE_AUTH_CONNECT_V4', filter: '0x10001', callout: null, routine: null },
      ...{ action: 'FWP_ACTION_BLOCK', ...connection },
    },
    'Filter 0x10001 said FWP_ACTION_BLOCK to TCP 10.0.0.2:49152 to 192.168.0.1:443 of client.exe',
  ],
  [
    { t: 'wdf.queue.created', queue: '0x2', device: '0x3', dispatch: 'manual', isDefault: true },
    'A manual queue was made for all requests of its device',
  ],
  [
    { t: 'wdf.request.queued', request: '0x4', queue: '0x2', irp: 7 },
    'IRP 7 became a request and waits in the queue 0x2',
  ],
  [
    { t: 'wdf.request.presented', request: '0x4', queue: '0x2', irp: 7, handler: 'Toy!Read' },
    'The request of IRP 7 was handed to Toy!Read',
  ],
  [
    { t: 'wdf.object.deleted', object: '0x5', kind: 'memory', withParent: true },
    'The framework deleted a memory object with its parent',
  ],
  [
    { t: 'wdf.irp.handled', irp: 8, major: 27, minor: 0, how: 'passed' },
    'The framework passed down IRP 8, IRP_MN_START_DEVICE, for the driver',
  ],
  [
    { t: 'wdf.host.started', host: 40, device: '0x3', service: 'Toy', restart: 2 },
    'WUDFHost.exe (process 40) was started for the driver Toy, restart 2',
  ],
  [
    {
      t: 'wdf.host.ended',
      host: 40,
      device: '0x6',
      code: '0xC0000005',
      lost: [7],
      expected: false,
    },
    'The host process 40 ended with STATUS_ACCESS_VIOLATION; IRP 7 was with it',
  ],
]

test('the queues of a host process go with it', () => {
  const queues = (...bodies: EventBody[]): unknown[] =>
    foldAll(bodies.map((body) => event(body))).filtering.queues
  const made: EventBody = {
    t: 'wdf.queue.created',
    queue: '0x2',
    device: '0x3',
    dispatch: 'manual',
    isDefault: true,
  }
  const ended = (device: string): EventBody => ({
    t: 'wdf.host.ended',
    host: 40,
    device,
    code: '0x00000000',
    lost: [],
    expected: true,
  })
  expect(queues(made, ended('0x9'))).toHaveLength(1)
  expect(queues(made, ended('0x3'))).toEqual([])
})

test('a request that goes on to another queue leaves the one that it came through', () => {
  const made = (queue: string): EventBody => ({
    t: 'wdf.queue.created',
    queue,
    device: '0x3',
    dispatch: 'manual',
    isDefault: false,
  })
  const bodies: EventBody[] = [
    made('0x1'),
    made('0x2'),
    { t: 'wdf.request.queued', request: '0x4', queue: '0x1', irp: 7 },
    { t: 'wdf.request.presented', request: '0x4', queue: '0x1', irp: 7, handler: 'Toy!Read' },
    { t: 'wdf.request.queued', request: '0x4', queue: '0x2', irp: 7, from: '0x1' },
    { t: 'wdf.request.marked', request: '0x4', queue: '0x2', irp: 7, routine: 'Toy!Cancel' },
  ]
  expect(foldAll(bodies.map((body) => event(body))).filtering.queues).toMatchObject([
    { waiting: [], presented: [] },
    { waiting: [7], presented: [] },
  ])
  expect(bodies.slice(4).map((body) => sentence(event(body)))).toEqual([
    'The request of IRP 7 went from the queue 0x1 to 0x2.',
    'The request of IRP 7 can be called back by Toy!Cancel.',
  ])
})

test('every event has words', () => {
  for (const [body, words] of EVENTS) expect(sentence(event(body)).replace(/\.$/, '')).toBe(words)
})

test('filters and queues are there with what they did, until they are gone', () => {
  seq = 0
  const events = EVENTS.map(([body]) => event(body))
  const { minifilters, filters, queues } = foldAll(events).filtering
  expect(minifilters).toMatchObject([
    { called: 1, ended: 1, started: false, clients: [{ port: '\\ToyPort', process: 4 }] },
  ])
  expect(filters[0]?.last).toEqual({
    action: 'FWP_ACTION_BLOCK',
    remote: connection.remote,
    seq: 5,
  })
  expect(queues).toMatchObject([{ waiting: [], presented: [7] }])
  const end = foldAll([
    ...events,
    event({ t: 'minifilter.removed', filter, name: 'Guard' }),
    event({ t: 'wfp.filter.removed', filter: '0x10001' }),
    event({ t: 'wdf.queue.deleted', queue: '0x2' }),
  ]).filtering
  expect([end.minifilters, end.filters, end.queues]).toEqual([[], [], []])
})

test('minifilters stand by their altitudes, whatever the order of their registration', () => {
  const at = (name: string, altitude: string): TraceEvent =>
    event({ t: 'minifilter.registered', filter: name, name, altitude, operations: [] })
  const { minifilters } = foldAll([
    at('low', '45000.5'),
    at('high', '320000'),
    at('middle', '45000.51'),
    at('lowest', '9'),
  ]).filtering
  expect(minifilters.map(({ name }) => name)).toEqual(['high', 'middle', 'low', 'lowest'])
})
