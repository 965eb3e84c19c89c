/** The part of the fold that keeps the network: hosts that can be reached, sockets and where they lead. */
import type { EventOf, EventType, TraceEvent } from './event'
import type { NetworkEventBody } from './event-network'

export interface HostState {
  name: string
  address: string
  ports: number[]
}

export interface SocketState {
  socket: number
  program: string
  process: number
  state: 'listening' | 'connected' | 'refused' | 'closed'
  protocol: string
  local: string | null
  /** Where the program wanted to go; null for a connection that it accepted. */
  asked: string | null
  remote: string | null
  /** Host or program at the other end; null where nobody is. */
  peer: string | null
  redirected: boolean
  sent: number
  received: number
  seq: number
}

export interface NetworkState {
  address: string | null
  hosts: HostState[]
  /** In the order in which they were first used. */
  sockets: SocketState[]
}

type NetworkEvent = EventOf<NetworkEventBody['t']>

export const emptyNetwork = (): NetworkState => ({ address: null, hosts: [], sockets: [] })

const isFamily = new Map<EventType, boolean>()

export function isNetworkEvent(event: TraceEvent): event is NetworkEvent {
  let known = isFamily.get(event.t)
  if (known === undefined) isFamily.set(event.t, (known = event.t.startsWith('net.')))
  return known
}

function socketOf(
  state: NetworkState,
  {
    socket,
    program,
    process,
    seq,
  }: { socket: number; program: string; process: number; seq: number },
): SocketState {
  let found = state.sockets.find((each) => each.socket === socket)
  if (!found) {
    found = {
      ...{ socket, program, process, state: 'connected', protocol: 'TCP', local: null },
      ...{ asked: null, remote: null, peer: null, redirected: false, sent: 0, received: 0, seq },
    }
    state.sockets.push(found)
  }
  return found
}

/** Apply an event to the state, in place. */
export function foldNetwork(state: NetworkState, event: NetworkEvent): void {
  switch (event.t) {
    case 'net.started':
      state.address = event.address
      state.hosts = event.hosts
      break
    case 'net.resolved':
      break
    case 'net.listening': {
      const found = socketOf(state, event)
      found.state = 'listening'
      found.local = event.local
      break
    }
    case 'net.connected':
    case 'net.refused': {
      const found = socketOf(state, event)
      const isConnected = event.t === 'net.connected'
      found.state = isConnected ? 'connected' : 'refused'
      found.protocol = event.protocol
      found.asked = event.asked
      found.remote = event.remote
      found.redirected = event.redirected ?? false
      if (isConnected) {
        found.local = event.local
        found.peer = event.peer
      }
      break
    }
    case 'net.accepted': {
      const found = socketOf(state, event)
      found.local = event.local
      found.remote = event.remote
      break
    }
    case 'net.sent':
      socketOf(state, event).sent += event.bytes
      break
    case 'net.received':
      socketOf(state, event).received += event.bytes
      break
    case 'net.closed':
      socketOf(state, event).state = 'closed'
      break
  }
}
