/**
 * TCP/IP of the machine: sockets that connect, listen and send, in memory. Others on the machine are reached
 * by loopback, hosts by what a table says of them; time passes on the simulated clock alone. Before anything
 * leaves, the filtering platform is asked where it may go.
 */
import { IPPROTO_TCP, IPPROTO_UDP } from '../../../shared/nt/generated/constants'
import {
  STATUS_ACCESS_DENIED,
  STATUS_ADDRESS_ALREADY_EXISTS,
  STATUS_CONNECTION_ACTIVE,
  STATUS_CONNECTION_REFUSED,
  STATUS_CONNECTION_RESET,
  STATUS_HOST_UNREACHABLE,
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_INVALID_ADDRESS_COMPONENT,
  STATUS_INVALID_CONNECTION,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import { filterEngine } from '../fwp/engine'
import { ALE_AUTH_CONNECT_V4, type Connection } from '../fwp/layers'
import type { Kernel } from '../kernel'
import type { Process } from '../ps/process'
import {
  addressWords,
  isLoopback,
  LOOPBACK,
  placeWords,
  protocolWords,
  type Place,
} from './address'
import { DNS_PORT, dnsReply } from './dns'
import { Endpoint, type Peer } from './endpoint'
import { answerOf, type RemoteHost } from './hosts'
import { shownText, textOfBytes } from './text'

/** The machine, and the router that is its name server. */
export const OWN_ADDRESS = 0x0a00_0002
export const NAME_SERVER: Place = { address: 0x0a00_0001, port: DNS_PORT }
/** The first port that sockets get which ask for none. */
const FIRST_PORT = 49_152
const PORT_MAX = 65_535
/** To a host and back: 20 ms; then a time without an answer: 3 s. In ticks. */
const ROUND_TRIP = 200_000
const GIVING_UP = 30_000_000
/** Bytes of a request that a host reads; it does not answer to what is longer. */
const REQUEST_MAX = 1 << 18

export class Network {
  private readonly hosts = new Map<number, RemoteHost>()
  private readonly names = new Map<string, number>()
  private readonly listeners = new Map<number, Endpoint>()
  private readonly usedPorts = new Set<number>()
  private readonly isBare: boolean
  private lastSocket = 0
  private nextPort = FIRST_PORT
  /** Is told when a socket has got something: bytes, a connection, the end. */
  arrived: (endpoint: Endpoint) => KernelRoutine<void> = function* () {}

  /**
   * @param hosts  what can be reached; null on a bare machine, where every address answers to connects
   */
  constructor(
    private readonly k: Kernel,
    hosts: readonly RemoteHost[] | null,
  ) {
    this.isBare = hosts === null
    if (k.tracing && hosts)
      k.emit({
        t: 'net.started',
        address: addressWords(OWN_ADDRESS),
        nameServer: placeWords(NAME_SERVER),
        hosts: hosts.map(({ name, address, ports }) => ({
          name,
          address: addressWords(address),
          ports: ports.map(({ port }) => port),
        })),
      })
    for (const host of hosts ?? []) {
      this.hosts.set(host.address, host)
      this.names.set(host.name.toLowerCase(), host.address)
    }
  }

  create(protocol: number, process: Process): Endpoint {
    return new Endpoint(++this.lastSocket, protocol, process)
  }

  private words({ id, process }: Endpoint): { socket: number; program: string } {
    return { socket: id, program: process.name }
  }

  // --- own places ----------------------------------------------------------------------------------

  bind(endpoint: Endpoint, { address, port }: Place): number {
    if (endpoint.local) return STATUS_INVALID_PARAMETER
    if (address !== 0 && address !== OWN_ADDRESS && !isLoopback(address))
      return STATUS_INVALID_ADDRESS_COMPONENT
    if (port !== 0 && this.usedPorts.has(port)) return STATUS_ADDRESS_ALREADY_EXISTS
    const own = port || this.freePort()
    if (own === 0) return STATUS_INSUFFICIENT_RESOURCES
    endpoint.local = { address, port: own }
    endpoint.ownsPort = true
    this.usedPorts.add(own)
    return STATUS_SUCCESS
  }

  /** The next port that nobody has, from the first one on again after the last; 0 when there is none. */
  private freePort(): number {
    for (let tried = FIRST_PORT; tried <= PORT_MAX; tried++) {
      const port = this.nextPort
      this.nextPort = port < PORT_MAX ? port + 1 : FIRST_PORT
      if (!this.usedPorts.has(port)) return port
    }
    return 0
  }

  listen(endpoint: Endpoint, backlog: number): number {
    if (!endpoint.local || endpoint.protocol !== IPPROTO_TCP) return STATUS_INVALID_PARAMETER
    if (endpoint.remote) return STATUS_CONNECTION_ACTIVE
    endpoint.backlog ??= []
    endpoint.backlogMax = Math.min(Math.max(backlog, 1), 200)
    this.listeners.set(endpoint.local.port, endpoint)
    if (this.k.tracing) {
      const local = placeWords(endpoint.local)
      this.k.emit({ t: 'net.listening', local, ...this.words(endpoint) })
    }
    return STATUS_SUCCESS
  }

  // --- connections ---------------------------------------------------------------------------------

  /** Ask the filtering platform, and go where it says. The thread waits until the other side answers. */
  *connect(endpoint: Endpoint, asked: Place): KernelRoutine<number> {
    const { k } = this
    if (endpoint.backlog) return STATUS_INVALID_PARAMETER
    if (endpoint.remote) return STATUS_CONNECTION_ACTIVE
    if (asked.port === 0 || asked.address === 0) return STATUS_INVALID_ADDRESS_COMPONENT
    const bound = endpoint.local ? STATUS_SUCCESS : this.bind(endpoint, { address: 0, port: 0 })
    if (!endpoint.local) return bound
    const local = {
      address: isLoopback(asked.address) ? asked.address : OWN_ADDRESS,
      port: endpoint.local.port,
    }
    const connection: Connection = {
      localAddress: local.address,
      localPort: local.port,
      protocol: endpoint.protocol,
      remoteAddress: asked.address,
      remotePort: asked.port,
      process: endpoint.process,
    }
    const engine = filterEngine(k)
    const led = yield* engine.redirect(connection)
    const remote = led ?? asked
    const going = { ...connection, remoteAddress: remote.address, remotePort: remote.port }
    const isAllowed = led !== null && (yield* engine.isAllowed(ALE_AUTH_CONNECT_V4, going))
    const status = isAllowed ? yield* this.reach(endpoint, local, remote) : STATUS_ACCESS_DENIED
    this.tellConnected(endpoint, asked, remote, local, status)
    if (status === STATUS_SUCCESS && endpoint.peer?.kind === 'endpoint') {
      const listener = this.listeners.get(remote.port)
      if (listener) yield* this.arrived(listener)
    }
    return status
  }

  private tellConnected(
    endpoint: Endpoint,
    asked: Place,
    remote: Place,
    local: Place,
    status: number,
  ): void {
    if (!this.k.tracing) return
    const isElsewhere = remote.address !== asked.address || remote.port !== asked.port
    const common = {
      ...this.words(endpoint),
      protocol: protocolWords(endpoint.protocol),
      asked: placeWords(asked),
      remote: placeWords(remote),
      ...(isElsewhere ? { redirected: true as const } : {}),
    }
    if (status === STATUS_SUCCESS) {
      const peer = this.peerWords(endpoint, remote)
      this.k.emit({ t: 'net.connected', local: placeWords(local), peer, ...common })
      return
    }
    const blocked = status === STATUS_ACCESS_DENIED
    const refused = status === STATUS_CONNECTION_REFUSED
    const why = blocked ? 'blocked' : refused ? 'refused' : 'unreachable'
    this.k.emit({ t: 'net.refused', why, ...common })
  }

  private peerWords({ peer }: Endpoint, remote: Place): string {
    if (peer?.kind === 'endpoint') {
      const { process } = peer.endpoint
      return `${process.name} (${process.id})`
    }
    if (peer?.kind === 'name server') return 'name server'
    return this.hosts.get(remote.address)?.name ?? addressWords(remote.address)
  }

  /** Find who is there. */
  private *reach(endpoint: Endpoint, local: Place, remote: Place): KernelRoutine<number> {
    const isHere = isLoopback(remote.address) || remote.address === OWN_ADDRESS
    let peer: Peer | number
    if (endpoint.protocol === IPPROTO_UDP) peer = this.udpPeer(remote)
    else if (isHere) peer = this.localPeer(endpoint, local, remote)
    else if (this.isBare) peer = { kind: 'silent' }
    else peer = yield* this.remotePeer(remote)
    if (typeof peer === 'number') return peer
    endpoint.local = local
    endpoint.remote = remote
    endpoint.peer = peer
    return STATUS_SUCCESS
  }

  private udpPeer({ address, port }: Place): Peer {
    if (address === NAME_SERVER.address && port === NAME_SERVER.port) return { kind: 'name server' }
    const found = this.hosts.get(address)?.ports.find((each) => each.port === port)
    return found ? { kind: 'host', port: found, sent: '' } : { kind: 'silent' }
  }

  private localPeer(endpoint: Endpoint, local: Place, remote: Place): Peer | number {
    const listener = this.listeners.get(remote.port)
    const bound = listener?.local?.address
    if (!listener?.backlog || (bound !== 0 && bound !== remote.address))
      return STATUS_CONNECTION_REFUSED
    if (listener.backlog.length >= listener.backlogMax) return STATUS_CONNECTION_REFUSED
    const other = this.create(IPPROTO_TCP, listener.process)
    other.local = remote
    other.remote = {
      address: isLoopback(remote.address) ? LOOPBACK : local.address,
      port: local.port,
    }
    other.peer = { kind: 'endpoint', endpoint }
    listener.backlog.push(other)
    return { kind: 'endpoint', endpoint: other }
  }

  private *remotePeer({ address, port }: Place): KernelRoutine<Peer | number> {
    const host = this.hosts.get(address)
    yield* this.k.dispatcher.delay(BigInt(-(host ? ROUND_TRIP : GIVING_UP)))
    if (!host) return STATUS_HOST_UNREACHABLE
    const found = host.ports.find((each) => each.port === port)
    return found ? { kind: 'host', port: found, sent: '' } : STATUS_CONNECTION_REFUSED
  }

  /** The connection that has waited longest at a listening socket, now with its own socket. */
  accept(listener: Endpoint): Endpoint | null {
    const accepted = listener.backlog?.shift()
    if (!accepted) return null
    const { local, remote } = accepted
    if (this.k.tracing && local && remote)
      this.k.emit({
        t: 'net.accepted',
        local: placeWords(local),
        remote: placeWords(remote),
        ...this.words(accepted),
      })
    return accepted
  }

  // --- bytes ---------------------------------------------------------------------------------------

  *send(endpoint: Endpoint, bytes: Uint8Array): KernelRoutine<number> {
    const { peer, local, remote } = endpoint
    if (!peer || !local || !remote) return STATUS_INVALID_CONNECTION
    if (endpoint.isOver && peer.kind === 'endpoint' && !peer.endpoint.peer)
      return STATUS_CONNECTION_RESET
    // A stream has no empty pieces: who reads one takes it for the end.
    if (bytes.length === 0 && endpoint.protocol === IPPROTO_TCP) return STATUS_SUCCESS
    this.tellBytes('net.sent', endpoint, local, remote, bytes)
    if (peer.kind === 'endpoint') {
      if (!peer.endpoint.put({ bytes, tick: this.k.tick })) return STATUS_CONNECTION_RESET
      yield* this.arrived(peer.endpoint)
    } else if (peer.kind !== 'silent') yield* this.answer(endpoint, peer, bytes)
    return STATUS_SUCCESS
  }

  private *answer(
    endpoint: Endpoint,
    peer: Exclude<Peer, { kind: 'endpoint' | 'silent' }>,
    bytes: Uint8Array,
  ): KernelRoutine<void> {
    const tick = this.k.tick + ROUND_TRIP
    if (peer.kind === 'name server') {
      const answer = dnsReply(bytes, (name) => this.names.get(name.toLowerCase()) ?? null)
      if (!answer || !endpoint.put({ bytes: answer.reply, tick })) return
      if (this.k.tracing)
        this.k.emit({
          t: 'net.resolved',
          name: answer.name,
          address: answer.address === null ? null : addressWords(answer.address),
          server: placeWords(NAME_SERVER),
        })
    } else {
      if (peer.sent.length + bytes.length > REQUEST_MAX) return
      peer.sent += textOfBytes(bytes)
      const answer = answerOf(peer.port, peer.sent)
      if (!answer || !endpoint.put({ bytes: answer.reply, tick })) return
      peer.sent = ''
      if (answer.closes) endpoint.isOver = true
    }
    yield* this.arrived(endpoint)
  }

  /**
   * Take up to `length` bytes out of a socket's inbox; of UDP one datagram, cut off.
   * @returns null while nothing has come; no bytes when nothing will
   */
  take(endpoint: Endpoint, length: number): Uint8Array | null {
    const bytes = endpoint.take(length, endpoint.protocol === IPPROTO_UDP)
    if (!bytes) return endpoint.isOver ? new Uint8Array(0) : null
    const { local, remote } = endpoint
    if (local && remote) this.tellBytes('net.received', endpoint, remote, local, bytes)
    return bytes
  }

  private tellBytes(
    t: 'net.sent' | 'net.received',
    endpoint: Endpoint,
    from: Place,
    to: Place,
    bytes: Uint8Array,
  ): void {
    if (!this.k.tracing) return
    this.k.emit({
      t,
      from: placeWords(from),
      to: placeWords(to),
      bytes: bytes.length,
      text: shownText(bytes),
      ...this.words(endpoint),
    })
  }

  /** A socket goes: the other side gets no more, and its port is free again. */
  *close(endpoint: Endpoint): KernelRoutine<void> {
    const { local, peer, backlog } = endpoint
    if (local && endpoint.ownsPort) this.usedPorts.delete(local.port)
    if (backlog && local) this.listeners.delete(local.port)
    endpoint.peer = null
    endpoint.backlog = null
    if (local && this.k.tracing) this.k.emit({ t: 'net.closed', ...this.words(endpoint) })
    for (const waiting of backlog ?? []) yield* this.hangUp(waiting.peer)
    yield* this.hangUp(peer)
  }

  private *hangUp(peer: Peer | null): KernelRoutine<void> {
    if (peer?.kind !== 'endpoint') return
    peer.endpoint.isOver = true
    yield* this.arrived(peer.endpoint)
  }
}
