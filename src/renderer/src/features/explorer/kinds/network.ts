/** The network: sockets of programs with where they lead, and the hosts that can be reached. */
import type { SocketState } from '../../../../../shared/trace/fold-network'
import { lookUp } from '../look-up'
import { atStep, code, said, type KindRows } from '../row'

/** `203.0.113.10:80 (redirected to 127.0.0.1:8080)`. */
function leadsTo({ state, asked, remote, local, redirected }: SocketState): string {
  if (state === 'listening') return `listens at ${local ?? ''}`
  const place = asked ?? remote ?? 'nowhere'
  return redirected ? `${place}, redirected to ${remote}` : place
}

const sockets: KindRows = {
  count: ({ network }) => network.sockets.length,
  rows: (state) =>
    state.network.sockets.map((each) => ({
      id: String(each.socket),
      title: `${each.program}: ${leadsTo(each)}`,
      about: `${each.protocol}, ${each.state}`,
      words: [each.program, each.peer ?? ''],
      fields: [
        lookUp(state).process('Program', each.process),
        said('State', each.state),
        ...(each.local === null ? [] : [code('Local', each.local)]),
        ...(each.asked === null ? [] : [code('Asked for', each.asked)]),
        ...(each.remote === null ? [] : [code('Leads to', each.remote)]),
        ...(each.peer === null ? [] : [said('Who is there', each.peer)]),
        ...(each.redirected ? [said('Redirected', 'yes: a callout changed where it leads')] : []),
        said('Bytes sent', each.sent),
        said('Bytes received', each.received),
        atStep('Since', each.seq),
      ],
    })),
}

const hosts: KindRows = {
  count: ({ network }) => network.hosts.length,
  rows: ({ network }) =>
    network.hosts.map(({ name, address, ports }) => ({
      id: address,
      title: name,
      about: address,
      words: [name, address],
      fields: [
        code('Address', address),
        said('Ports that answer', ports.join(', ') || 'none'),
        ...network.sockets
          .filter(({ peer }) => peer === name)
          .map(({ socket, program }) =>
            said('Connected', program, { kind: 'sockets', id: String(socket) }),
          ),
      ],
    })),
}

export const networkKinds = { sockets, hosts }
