/** Programs on the network of the small Windows: names, hosts, loopback, and what the trace tells. */
import { describe, expect, test } from 'vitest'
import { runWorld } from './testing/world'

const BROWSER = { name: 'browser.exe', entry: 'world/browser.ts' }
const BANK = { ...BROWSER, arguments: 'http://bank.example/' }

describe('the network', () => {
  test('a browser shows the page of the host that it names', async () => {
    const { report, written, events, state } = await runWorld({ programs: [BANK] })
    expect(report.diagnostics).toEqual([])
    expect(written.join('')).toContain('browser: connected to bank.example at 203.0.113.10')
    expect(written.join('')).toMatch(/page of bank\.example: <html><body><h1>Your bank/)
    expect(events.find((event) => event.t === 'net.resolved')).toMatchObject({
      name: 'bank.example',
      address: '203.0.113.10',
      server: '10.0.0.1:53',
    })
    const connected = events.filter((event) => event.t === 'net.connected')
    expect(connected).toMatchObject([
      { protocol: 'UDP', remote: '10.0.0.1:53', peer: 'name server' },
      {
        program: 'browser.exe',
        protocol: 'TCP',
        asked: '203.0.113.10:80',
        remote: '203.0.113.10:80',
        peer: 'bank.example',
      },
    ])
    expect(state.network.sockets.map((each) => each.state)).toEqual(['closed', 'closed'])
    expect(state.network.hosts.map(({ name }) => name)).toContain('mail.example')
  })
})
