import { expect, test } from 'vitest'
import { emptyState } from '../../../../../shared/trace/fold'
import { rowsOf } from '../explorer'

const state = emptyState()
state.filtering = {
  ...state.filtering,
  minifilters: [
    {
      ...{ filter: '0x1', name: 'Guard', altitude: '320000', operations: [0], started: true },
      ...{ instances: [{ instance: '0x2', volume: '\\Device\\RamDisk' }], clients: [] },
      ...{ called: 3, ended: 1, seq: 4 },
    },
  ],
  callouts: [
    { callout: '{1}', id: null, routine: null, driver: null, layer: 'ALE_AUTH_CONNECT_V4', seq: 5 },
  ],
  sublayers: [{ sublayer: '{2}', weight: 7, seq: 6 }],
  filters: [
    {
      ...{ filter: '0x10001', layer: 'ALE_AUTH_CONNECT_V4', sublayer: '{2}', weight: 1, seq: 8 },
      ...{ action: 'FWP_ACTION_CALLOUT_TERMINATING', callout: '{1}', conditions: [] },
      last: { action: 'FWP_ACTION_BLOCK', remote: '192.168.0.1:80', seq: 9 },
    },
  ],
  queues: [
    {
      ...{ queue: '0x3', device: '0x4', dispatch: 'manual', isDefault: true, purged: false },
      ...{ driver: null, waiting: [7], presented: [], seq: 10 },
    },
  ],
}

const summary = (kind: Parameters<typeof rowsOf>[1]): string[] =>
  rowsOf(state, kind).map(({ title, about }) => `${title}: ${about}`)

test('filters say where they are and what they did', () => {
  expect(summary('minifilters')).toEqual(['Guard: altitude 320000'])
  expect(summary('callouts')).toEqual(['{1}: no driver behind it'])
  expect(summary('sublayers')).toEqual(['{2}: weight 7'])
  expect(summary('filters')).toEqual(['ALE_AUTH_CONNECT_V4: CALLOUT_TERMINATING: every connection'])
  const [row] = rowsOf(state, 'filters')
  const to = (name: string) => row?.fields.find((field) => field.name === name)?.to
  expect([to('Sublayer'), to('Callout')]).toEqual([
    { kind: 'sublayers', id: '{2}' },
    { kind: 'callouts', id: '{1}' },
  ])
  expect(row?.fields.find(({ name }) => name === 'Said last')?.value).toBe(
    'BLOCK to 192.168.0.1:80',
  )
})

test('queues lead to the packets that wait in them', () => {
  expect(summary('queues')).toEqual(['Default queue 0x3: manual, 1 waiting, 0 with the driver'])
  const waits = rowsOf(state, 'queues')[0]?.fields.find(({ name }) => name === 'Waits')
  expect(waits).toEqual({ name: 'Waits', value: 'IRP 7', to: { kind: 'irps', id: '7' } })
})
