/** A socket as the kernel has it: the state behind a file object of `\Device\Afd`. */
import type { Ptr } from '../mm/memory'
import type { Process } from '../ps/process'
import type { Place } from './address'
import type { RemotePort } from './hosts'

/** What sits at the other end. */
export type Peer =
  | { kind: 'endpoint'; endpoint: Endpoint }
  /** A port of a remote host; `sent` is what it has got and not yet answered. */
  | { kind: 'host'; port: RemotePort; sent: number[] }
  | { kind: 'name server' }
  /** Somebody who takes everything and never answers. */
  | { kind: 'silent' }

/** Bytes that are there from a tick on. */
export interface Arrival {
  bytes: Uint8Array
  tick: number
}

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
  inbox: Arrival[] = []
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
}
