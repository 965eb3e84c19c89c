/** A socket as the kernel has it: the state behind a file object of `\Device\Afd`. */
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import type { Place } from './address'
import type { RemotePort } from './hosts'

/** What sits at the other end. */
export type Peer =
  | { kind: 'endpoint'; endpoint: Endpoint }
  /** A port of a remote host; `sent` is what it has got and not yet answered, a character for each byte. */
  | { kind: 'host'; port: RemotePort; sent: string }
  | { kind: 'name server' }
  /** Somebody who takes everything and never answers. */
  | { kind: 'silent' }

/** Bytes that are there from a tick on. */
export interface Arrival {
  bytes: Uint8Array
  tick: number
}

/** Bytes that wait at a socket. */
const INBOX_MAX = 1 << 20

export class Endpoint {
  local: Place | null = null
  /** Its port is nobody else's; an accepted connection shares that of the listening socket. */
  ownsPort = false
  remote: Place | null = null
  peer: Peer | null = null
  /** Connections that wait to be accepted; null unless it listens. */
  backlog: Endpoint[] | null = null
  backlogMax = 0
  /** What has come and was not read. */
  readonly inbox: Arrival[] = []
  private inboxBytes = 0
  /** The other side sends no more. */
  isOver = false
  /** Packets that wait: for bytes, and for connections. */
  readonly reads: Ptr[] = []
  readonly accepts: Ptr[] = []

  constructor(
    readonly id: number,
    readonly protocol: number,
    readonly process: Process,
  ) {}

  /** Bytes come. @returns false when there is no room for them */
  put(arrival: Arrival): boolean {
    if (this.inboxBytes + arrival.bytes.length > INBOX_MAX) return false
    this.inboxBytes += arrival.bytes.length
    this.inbox.push(arrival)
    return true
  }

  /** Up to `length` of the bytes that came first, all that came with them gone if `isWhole`. */
  take(length: number, isWhole: boolean): Uint8Array | null {
    const [first] = this.inbox
    if (!first) return null
    const bytes = first.bytes.subarray(0, length)
    if (isWhole || bytes.length === first.bytes.length) {
      this.inbox.shift()
      this.inboxBytes -= first.bytes.length
    } else {
      first.bytes = first.bytes.subarray(length)
      this.inboxBytes -= length
    }
    return bytes
  }
}
