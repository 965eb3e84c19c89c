import { expect, test } from 'vitest'
import { emptyState } from '../../../../../shared/trace/fold'
import type { DevNodeView } from '../../../../../shared/trace/fold-pnp'
import { rowsOf } from '../explorer'

function node(
  devnode: string,
  parent: string | null,
  more: Partial<DevNodeView> = {},
): DevNodeView {
  return {
    devnode,
    parent,
    pdo: '0xFFFF9A0101420060',
    description: null,
    service: null,
    state: 'DeviceNodeStarted',
    problem: null,
    power: null,
    ...more,
  }
}

test('devices stand below what they are on, with their state and power', () => {
  const state = emptyState()
  state.devnodes = [
    node('HTREE\\ROOT\\0', null, { description: 'Root' }),
    node('TOY\\Rack\\0', 'HTREE\\ROOT\\0', { description: 'Rack' }),
    node('TOY\\Lamp\\0', 'HTREE\\ROOT\\0', {
      problem: { name: 'CM_PROB_FAILED_START', code: 10 },
    }),
    node('RACK\\Module\\0', 'TOY\\Rack\\0', {
      description: 'Module',
      power: 'D3',
      service: 'Module',
    }),
  ]
  state.interfaces = [{ link: '\\??\\RACK#Module', guid: '{0}', devnode: 'RACK\\Module\\0' }]
  const rows = rowsOf(state, 'devnodes')
  expect(rows.map(({ title, about, depth }) => `${depth} ${title}: ${about}`)).toEqual([
    '0 Root: Started',
    '1 Rack: Started',
    '2 Module: Started, D3',
    '1 TOY\\Lamp\\0: code 10',
  ])
  expect(rows[2]?.fields).toContainEqual({
    name: 'Interface',
    value: '\\??\\RACK#Module',
    mono: true,
    to: { kind: 'interfaces', id: '\\??\\RACK#Module' },
  })
  expect(rows[2]?.fields.find(({ name }) => name === 'On')?.to).toEqual({
    kind: 'devnodes',
    id: 'TOY\\Rack\\0',
  })
})
