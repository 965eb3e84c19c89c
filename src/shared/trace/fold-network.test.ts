import { expect, test } from 'vitest'
import type { EventBody, TraceEvent } from './event'
import { foldAll } from './fold'
import { sentence } from './why'

const BROWSER = { socket: 2, program: 'browser.exe' }
const PROXY = { socket: 1, program: 'proxy.exe' }
const LED = { protocol: 'TCP', asked: '203.0.113.10:80', remote: '127.0.0.1:8080' }
const bytes = { from: '10.0.0.2:49152', to: '127.0.0.1:8080', bytes: 46, text: 'GET /' }

/** Events and what is said of them. */
const EVENTS: [EventBody, string][] = [
  [
    {
      t: 'net.started',
      ...{ address: '10.0.0.2', nameServer: '10.0.0.1:53' },
      hosts: [{ name: 'bank.example', address: '203.0.113.10', ports: [80] }],
    },
    'The network started: this machine is 10.0.0.2, and 1 host can be reached',
  ],
  [
    { t: 'net.resolved', name: 'bank.example', address: '203.0.113.10', server: '10.0.0.1:53' },
    'The name server 10.0.0.1:53 said that bank.example is 203.0.113.10',
  ],
  [
    { t: 'net.resolved', name: 'x.example', address: null, server: '10.0.0.1:53' },
    'The name server 10.0.0.1:53 knows no x.example',
  ],
  [
    { t: 'net.listening', ...PROXY, local: '127.0.0.1:8080' },
    'proxy.exe listens at 127.0.0.1:8080',
  ],
  [
    {
      t: 'net.connected',
      ...{ ...BROWSER, ...LED, local: '10.0.0.2:49152', peer: 'proxy.exe (4100)' },
      redirected: true,
    },
    'browser.exe connected to 203.0.113.10:80, was redirected to 127.0.0.1:8080, where proxy.exe (4100) is',
  ],
  [
    { t: 'net.refused', ...BROWSER, ...LED, socket: 3, why: 'blocked', redirected: true },
    'browser.exe wanted to connect to 203.0.113.10:80, was redirected to 127.0.0.1:8080, but the filtering platform blocked it',
  ],
  [
    { t: 'net.accepted', ...PROXY, socket: 4, local: '127.0.0.1:8080', remote: '127.0.0.1:49152' },
    'proxy.exe accepted a connection from 127.0.0.1:49152',
  ],
  [{ t: 'net.sent', ...BROWSER, ...bytes }, 'browser.exe sent 46 bytes to 127.0.0.1:8080'],
  [
    { t: 'net.received', ...PROXY, ...bytes, socket: 4 },
    'proxy.exe received 46 bytes from 10.0.0.2:49152',
  ],
  [{ t: 'net.closed', ...PROXY }, 'proxy.exe closed its socket 1'],
]

const events = EVENTS.map(([body], i): TraceEvent => ({
  ...{ seq: i + 1, tick: i, cpu: 0, irql: 0, thread: 8, process: 4100 },
  ...body,
}))

test.each(EVENTS.map(([, words], i) => [words, events[i]!] as const))('%s', (words, event) => {
  expect(sentence(event).replace(/\.$/, '')).toBe(words)
})

test('sockets have where they were to lead, where they lead, and what passed', () => {
  const { network } = foldAll(events)
  expect(network).toMatchObject({ address: '10.0.0.2', hosts: [{ name: 'bank.example' }] })
  expect(network.sockets).toMatchObject([
    { socket: 1, state: 'closed', local: '127.0.0.1:8080', asked: null },
    { socket: 2, state: 'connected', redirected: true, ...LED, sent: 46, received: 0 },
    { socket: 3, state: 'refused', peer: null },
    { socket: 4, remote: '127.0.0.1:49152', asked: null, sent: 0, received: 46 },
  ])
})
