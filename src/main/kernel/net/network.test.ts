import { expect, test } from 'vitest'
import { IPPROTO_TCP } from '../../../shared/nt/generated/constants'
import {
  STATUS_CONNECTION_RESET,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import { TestMachine } from '../testing/machine'
import { LOOPBACK } from './address'
import type { Endpoint } from './endpoint'
import { Network } from './network'
import { bytesOfText, textOfBytes } from './text'

const ECHO = {
  name: 'echo.example',
  address: 0xcb00_7163,
  ports: [{ port: 9, pages: null, answers: [{ request: 'ping', reply: 'p'.repeat(600_000) }] }],
}

function onNetwork(
  work: (network: Network, create: () => Endpoint, k: Kernel) => KernelRoutine<void>,
): void {
  const m = new TestMachine({ seed: 1 })
  m.main(function* (k) {
    const network = new Network(k, [ECHO])
    yield* work(network, () => network.create(IPPROTO_TCP, k.processes.system), k)
  })
  m.run()
  expect(m.k.ended).toBe('done')
}

test('a connection by loopback takes as much as the other side has room for', () => {
  onNetwork(function* (network, create) {
    const server = create()
    network.bind(server, { address: 0, port: 7 })
    network.listen(server, 1)
    const client = create()
    expect(yield* network.connect(client, { address: LOOPBACK, port: 7 })).toBe(STATUS_SUCCESS)
    const accepted = network.accept(server)!
    const half = new Uint8Array(1 << 19)
    expect(yield* network.send(client, half)).toBe(STATUS_SUCCESS)
    expect(yield* network.send(client, half)).toBe(STATUS_SUCCESS)
    expect(yield* network.send(client, bytesOfText('x'))).toBe(STATUS_CONNECTION_RESET)
    expect(network.take(accepted, 10)?.length).toBe(10)
    expect(yield* network.send(client, bytesOfText('0123456789'))).toBe(STATUS_SUCCESS)
    expect(network.take(accepted, 1 << 20)?.length).toBe((1 << 19) - 10)
    expect(network.take(accepted, 1 << 20)?.length).toBe(1 << 19)
    expect(textOfBytes(network.take(accepted, 1 << 20)!)).toBe('0123456789')
  })
})

test('an empty piece of a stream is not taken for its end', () => {
  onNetwork(function* (network, create) {
    const server = create()
    network.bind(server, { address: 0, port: 7 })
    network.listen(server, 1)
    const client = create()
    yield* network.connect(client, { address: LOOPBACK, port: 7 })
    const accepted = network.accept(server)!
    expect(yield* network.send(client, new Uint8Array(0))).toBe(STATUS_SUCCESS)
    expect(network.take(accepted, 8)).toBeNull()
    yield* network.close(client)
    expect(network.take(accepted, 8)).toHaveLength(0)
  })
})

test('a host reads a request piece by piece, and keeps its answer while there is no room', () => {
  onNetwork(function* (network, create) {
    const client = create()
    yield* network.connect(client, { address: ECHO.address, port: 9 })
    for (const char of 'ping') yield* network.send(client, bytesOfText(char))
    yield* network.send(client, bytesOfText('ping'))
    expect(network.take(client, 1 << 20)).toHaveLength(600_000)
    expect(network.take(client, 1 << 20)).toBeNull()
    yield* network.send(client, bytesOfText('!'))
    expect(network.take(client, 1 << 20)).toHaveLength(600_000)
  })
})

test('sockets get ports of their own until there are none, and then those that are free again', () => {
  onNetwork(function* (network, create) {
    const sockets = Array.from({ length: 0x4000 }, create)
    for (const each of sockets)
      expect(network.bind(each, { address: 0, port: 0 })).toBe(STATUS_SUCCESS)
    expect(new Set(sockets.map(({ local }) => local!.port)).size).toBe(sockets.length)
    const late = create()
    expect(network.bind(late, { address: 0, port: 0 })).toBe(STATUS_INSUFFICIENT_RESOURCES)
    expect(yield* network.connect(late, { address: LOOPBACK, port: 7 })).toBe(
      STATUS_INSUFFICIENT_RESOURCES,
    )
    yield* network.close(sockets[100]!)
    expect(network.bind(late, { address: 0, port: 0 })).toBe(STATUS_SUCCESS)
    expect(late.local).toEqual(sockets[100]!.local)
  })
})
