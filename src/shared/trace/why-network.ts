/** Sentences for what programs do on the network. */
import type { EventOf } from './event'
import type { NetworkEventBody } from './event-network'

type SaidHere = EventOf<NetworkEventBody['t']>

const REASONS = {
  blocked: 'the filtering platform blocked it',
  refused: 'nobody listens there',
  unreachable: 'nobody answered',
} as const

const peerWords = (peer: string): string => (peer === 'name server' ? 'the name server' : peer)

const ledTo = ({ remote, redirected }: { remote: string; redirected?: true }): string =>
  redirected ? `, was redirected to ${remote}` : ''

/** One sentence, without a full stop. */
export function sayNetwork(event: SaidHere): string {
  switch (event.t) {
    case 'net.started':
      return `The network started: this machine is ${event.address}, and ${event.hosts.length} ${event.hosts.length === 1 ? 'host' : 'hosts'} can be reached`
    case 'net.resolved':
      return event.address === null
        ? `The name server ${event.server} knows no ${event.name}`
        : `The name server ${event.server} said that ${event.name} is ${event.address}`
    case 'net.listening':
      return `${event.program} listens at ${event.local}`
    case 'net.connected':
      return `${event.program} connected to ${event.asked}${ledTo(event)}, where ${peerWords(event.peer)} is`
    case 'net.refused':
      return `${event.program} wanted to connect to ${event.asked}${ledTo(event)}, but ${REASONS[event.why]}`
    case 'net.accepted':
      return `${event.program} accepted a connection from ${event.remote}`
    case 'net.sent':
      return `${event.program} sent ${event.bytes} bytes to ${event.to}`
    case 'net.received':
      return `${event.program} received ${event.bytes} bytes from ${event.from}`
    case 'net.closed':
      return `${event.program} closed its socket ${event.socket}`
  }
}
