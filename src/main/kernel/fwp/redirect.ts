/**
 * One connection at the connect redirect layer: FWPS_CONNECT_REQUEST0 in its versions. A callout that wants to
 * change it gets a copy, writes into it and applies it; who is asked later sees that one, and the earlier
 * ones behind `previousVersion`.
 */
import {
  FWPS_CONNECTION_NOT_REDIRECTED,
  FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF,
  FWPS_CONNECTION_REDIRECTED_BY_OTHER,
  FWPS_CONNECTION_REDIRECTED_BY_SELF,
} from '../../../shared/nt/generated/constants'
import { FWPS_CONNECT_REQUEST0 } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { readHandle } from '../ob/attributes'
import type { Place } from '../net/address'
import { readPlace, writePlace } from '../net/sockaddr'
import type { Connection } from './layers'

const R = FWPS_CONNECT_REQUEST0

/** Versions of one request that there may be. */
const VERSIONS_MAX = 64

export class Redirection {
  /** The first is what the program asked for, the last what holds. */
  private readonly versions: Ptr[] = []
  /** Copies that callouts are writing into. */
  private readonly drafts = new Set<Ptr>()

  /**
   * @param earlier  redirect handle by which connections were sent to this process; 0 when it is no proxy
   */
  constructor(
    private readonly k: Kernel,
    readonly connection: Connection,
    private readonly earlier: number,
  ) {
    const at = this.allocate()
    if (!at) return
    const { localAddress, localPort, remoteAddress, remotePort } = connection
    writePlace(k, at + R.localAddressAndPort, { address: localAddress, port: localPort })
    writePlace(k, at + R.remoteAddressAndPort, { address: remoteAddress, port: remotePort })
    this.versions.push(at)
  }

  private allocate(): Ptr {
    return this.k.pool.allocate(R.SIZE, 'WfpR', { system: true })
  }

  /** The version that holds; 0 when there was no memory for any. Names the connection for as long as it is asked about. */
  get current(): Ptr {
    return this.versions.at(-1) ?? 0
  }

  get first(): Ptr {
    return this.versions[0] ?? 0
  }

  /** Whether something is known of redirections: of this connection, or of others to the process that makes it. */
  get hasRecords(): boolean {
    return this.versions.length > 1 || this.earlier !== 0
  }

  /** It leads elsewhere than the program asked. */
  get isChanged(): boolean {
    const { address, port } = this.destination
    return address !== this.connection.remoteAddress || port !== this.connection.remotePort
  }

  get isOfProxy(): boolean {
    return this.earlier !== 0
  }

  /** A copy to write into; 0 when memory is short. */
  draft(filterId: bigint): Ptr {
    const { memory } = this.k
    if (this.versions.length + this.drafts.size >= VERSIONS_MAX) return 0
    const at = this.allocate()
    if (!at) return 0
    memory.write(at, memory.read(this.current, R.SIZE).slice())
    memory.setPtr(at + R.previousVersion, this.current)
    memory.setU64(at + R.modifierFilterId, filterId)
    this.drafts.add(at)
    return at
  }

  isDraft(at: Ptr): boolean {
    return this.drafts.has(at)
  }

  /** A copy holds from now on; where it leads, and who shall take it. */
  apply(at: Ptr): { to: Place; target: number; handle: number } {
    this.drafts.delete(at)
    this.versions.push(at)
    return {
      to: this.destination,
      target: this.k.memory.u32(at + R.localRedirectTargetPID),
      handle: readHandle(this.k, at + R.localRedirectHandle),
    }
  }

  get destination(): Place {
    return readPlace(this.k, this.current + R.remoteAddressAndPort)
  }

  /** FWPS_CONNECTION_REDIRECT_STATE, as the owner of a redirect handle sees it. */
  stateFor(handle: number): number {
    if (this.versions.length > 1)
      return readHandle(this.k, this.current + R.localRedirectHandle) === handle
        ? FWPS_CONNECTION_REDIRECTED_BY_SELF
        : FWPS_CONNECTION_REDIRECTED_BY_OTHER
    if (this.earlier === 0) return FWPS_CONNECTION_NOT_REDIRECTED
    return this.earlier === handle
      ? FWPS_CONNECTION_PREVIOUSLY_REDIRECTED_BY_SELF
      : FWPS_CONNECTION_REDIRECTED_BY_OTHER
  }

  free(): void {
    for (const at of [...this.versions, ...this.drafts]) this.k.pool.free(at)
  }
}
