/**
 * What programs do on the network. Places are texts, `203.0.113.10:80`; `socket` is a number that names a
 * socket for as long as the machine runs; `program` is the name of the process that it belongs to.
 */

interface SocketWords {
  socket: number
  program: string
}

export type NetworkEventBody =
  /** The machine has an address, and these hosts can be reached. */
  | {
      t: 'net.started'
      address: string
      nameServer: string
      hosts: { name: string; address: string; ports: number[] }[]
    }
  /** The name server was asked for a name; null when it has none. */
  | { t: 'net.resolved'; name: string; address: string | null; server: string }
  | ({ t: 'net.listening'; local: string } & SocketWords)
  /**
   * A program connected: to what it asked for, and to where it led (`remote`, with who is there). The two
   * differ where a callout of the filtering platform redirected it.
   */
  | ({
      t: 'net.connected'
      protocol: string
      local: string
      asked: string
      remote: string
      /** Name of the host, or of the program that listens, with its process id. */
      peer: string
      redirected?: true
    } & SocketWords)
  | ({
      t: 'net.refused'
      protocol: string
      asked: string
      remote: string
      why: 'blocked' | 'refused' | 'unreachable'
      redirected?: true
    } & SocketWords)
  | ({ t: 'net.accepted'; local: string; remote: string } & SocketWords)
  /** Bytes left a socket; `text` is how they begin. */
  | ({ t: 'net.sent'; from: string; to: string; bytes: number; text: string } & SocketWords)
  | ({ t: 'net.received'; from: string; to: string; bytes: number; text: string } & SocketWords)
  | ({ t: 'net.closed' } & SocketWords)
