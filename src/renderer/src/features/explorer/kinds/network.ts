/** The network: sockets of programs with where they lead, and the hosts that can be reached. */
import type { SocketState } from '../../../../../shared/trace/fold-network'
import { lookUp } from '../look-up'
import { atStep, code, said, type KindRows } from '../row'

/** Where a socket leads, where it listens, or whom it was accepted from. */
function leadsTo({ asked, remote, local, redirected }: SocketState): string {
  if (asked !== null) return redirected ? `${asked}, redirected to ${remote}` : asked
  return remote === null ? `listens at ${local}` : `from ${remote}`
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
