import { expect, test } from 'vitest'
import { emptyState } from '../../../../../shared/trace/fold'
import { rowsOf } from '../explorer'

const state = emptyState()
const common = { process: 4100, protocol: 'TCP', peer: null, sent: 10, received: 0, seq: 5 }
state.network = {
  address: '10.0.0.2',
  hosts: [{ name: 'bank.example', address: '203.0.113.10', ports: [80] }],
  sockets: [
    {
      ...{ ...common, socket: 1, program: 'proxy.exe', state: 'listening' },
      ...{ local: '127.0.0.1:8080', asked: null, remote: null, redirected: false },
    },
    {
      ...{ ...common, socket: 2, program: 'browser.exe', state: 'connected' },
      ...{ local: '10.0.0.2:49152', asked: '203.0.113.10:80', remote: '127.0.0.1:8080' },
      ...{ redirected: true, peer: 'proxy.exe (4100)' },
    },
    {
      ...{ ...common, socket: 3, program: 'proxy.exe', state: 'closed' },
      ...{ local: '10.0.0.2:49153', asked: '203.0.113.10:80', remote: '203.0.113.10:80' },
      ...{ redirected: false, peer: 'bank.example' },
    },
    {
      ...{ ...common, socket: 4, program: 'proxy.exe', state: 'connected' },
      ...{ local: '127.0.0.1:8080', asked: null, remote: '127.0.0.1:49155', redirected: false },
    },
  ],
}

test('sockets say where they lead, and that somebody changed it', () => {
  expect(rowsOf(state, 'sockets').map(({ title, about }) => `${title}: ${about}`)).toEqual([
    'proxy.exe: listens at 127.0.0.1:8080: TCP, listening',
    'browser.exe: 203.0.113.10:80, redirected to 127.0.0.1:8080: TCP, connected',
    'proxy.exe: 203.0.113.10:80: TCP, closed',
    'proxy.exe: from 127.0.0.1:49155: TCP, connected',
  ])
  const names = rowsOf(state, 'sockets').map(({ fields }) => fields.map(({ name }) => name))
  expect(names[1]).toContain('Redirected')
  expect(names[2]).not.toContain('Redirected')
})

test('a host leads to the sockets that are connected to it', () => {
  const [bank] = rowsOf(state, 'hosts')
  expect(bank?.fields.find(({ name }) => name === 'Connected')).toEqual({
    ...{ name: 'Connected', value: 'proxy.exe' },
    to: { kind: 'sockets', id: '3' },
  })
})
