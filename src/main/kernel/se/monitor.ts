/** The security reference monitor: tokens, descriptors of objects, and who may open what. */
import { DEVICE_OBJECT } from '../../../shared/nt/generated/offsets'
import { SE_DEBUG_PRIVILEGE } from '../../../shared/nt/generated/constants'
import {
  STATUS_INSUFFICIENT_RESOURCES,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { hex, hex32 } from '../../../shared/nt/format'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { GenericMapping, TypeName } from '../ob/object-type'
import type { Process } from '../ps/process'
import { accessCheck, mapGeneric, type AccessResult, type Subject } from './access'
import { ace, descriptor, descriptorBytes, readDescriptor, type Descriptor } from './descriptor'
import { formatDacl } from './sddl'
import { integritySid, SIDS } from './sid'
import { Tokens } from './token'

const ALL = 0x1000_0000
const READ_WRITE_EXECUTE = 0xe000_0000

/** What a device gets that was created without a descriptor: everybody may read and write. */
export const PUBLIC_OPEN = descriptor(SIDS.administrators, [
  ace('allow', READ_WRITE_EXECUTE, SIDS.everyone),
  ace('allow', ALL, SIDS.system),
  ace('allow', ALL, SIDS.administrators),
  ace('allow', READ_WRITE_EXECUTE, SIDS.restricted),
])

export class SecurityMonitor {
  readonly tokens: Tokens
  /** Blocks that hold the descriptors of devices, by device. */
  private readonly blocks = new Map<Ptr, Ptr>()

  constructor(private readonly k: Kernel) {
    this.tokens = new Tokens(k)
    k.ob.types.Device.onDelete = ({ address }) => this.releaseDevice(address)
  }

  // --- who asks ------------------------------------------------------------------------------------

  /** The token of the process that the current thread belongs to. */
  get currentToken(): Ptr {
    return this.tokens.addressOf(this.k.thread.process.address)
  }

  get currentSubject(): Subject {
    return this.tokens.subject(this.currentToken)
  }

  /** SeSinglePrivilegeCheck: always true for KernelMode. */
  hasPrivilege(privilege: number, mode: 0 | 1): boolean {
    return mode === 0 || this.tokens.hasPrivilege(this.currentToken, privilege)
  }

  /** The access check for the current process, told in the trace. `what` names the object. */
  check(
    sd: Descriptor,
    desired: number,
    mapping: GenericMapping,
    type: TypeName,
    what: string,
  ): AccessResult {
    const { k } = this
    const result = accessCheck(sd, this.currentSubject, desired, mapping)
    // That the open door let somebody in is no news.
    if (k.tracing && (sd !== PUBLIC_OPEN || result.status !== STATUS_SUCCESS))
      k.emit({
        t: 'access.checked',
        object: what,
        type,
        user: this.tokens.at(this.currentToken)?.user ?? '?',
        desired: hex32(mapGeneric(desired, mapping)),
        granted: hex32(result.granted),
        status: hex32(result.status),
        dacl: formatDacl(sd),
      })
    return result
  }

  // --- processes -----------------------------------------------------------------------------------

  /** Descriptor of a process or of its threads: its user and SYSTEM get everything, whoever is below it only looks. */
  processDescriptor(process: Process): Descriptor {
    const token = this.tokens.at(this.tokens.addressOf(process.address))
    const user = token?.sid ?? SIDS.system
    const label = ace('label', 3, integritySid(token?.integrity ?? 0))
    return descriptor(user, [ace('allow', ALL, user), ace('allow', ALL, SIDS.system)], [label])
  }

  /** Rights that the current process gets to another or its threads. SeDebugPrivilege opens everything. */
  checkProcess(process: Process, type: 'Process' | 'Thread', desired: number): AccessResult {
    const { mapping } = this.k.ob.types[type].facts
    const own = process === this.k.thread.process
    if (own || this.hasPrivilege(SE_DEBUG_PRIVILEGE, 1)) {
      const mapped = mapGeneric(desired, mapping)
      const granted = mapped & 0x0200_0000 ? mapping.all : mapped
      return { status: STATUS_SUCCESS, granted, privileges: own ? [] : [SE_DEBUG_PRIVILEGE] }
    }
    return this.check(
      this.processDescriptor(process),
      desired,
      mapping,
      type,
      `${process.name} (${process.id})`,
    )
  }

  // --- devices -------------------------------------------------------------------------------------

  /**
   * Give a device its descriptor; null for the one that a device gets by default. A default one costs
   * no memory until somebody asks for it.
   * @returns STATUS_INSUFFICIENT_RESOURCES when there is no memory for its bytes
   */
  protectDevice(device: Ptr, sd: Descriptor | null): number {
    if (!sd) return STATUS_SUCCESS
    const { memory, pool } = this.k
    const bytes = descriptorBytes(sd)
    const block = pool.allocate(bytes.length, 'SeSd', { system: true, paged: true })
    if (!block) return STATUS_INSUFFICIENT_RESOURCES
    memory.write(block, bytes)
    memory.setPtr(device + DEVICE_OBJECT.SecurityDescriptor, block)
    this.blocks.set(device, block)
    return STATUS_SUCCESS
  }

  /** Give back what `protectDevice` took. */
  releaseDevice(device: Ptr): void {
    const block = this.blocks.get(device)
    if (block === undefined) return
    this.blocks.delete(device)
    this.k.pool.free(block)
  }

  /**
   * The descriptor that DEVICE_OBJECT.SecurityDescriptor names now. A driver may have put another one
   * there; bytes that are none let nobody in.
   */
  deviceDescriptor(device: Ptr): Descriptor {
    const { memory } = this.k
    const at = memory.ptr(device + DEVICE_OBJECT.SecurityDescriptor)
    if (at === 0) return PUBLIC_OPEN
    const read = readDescriptor(memory, at)
    return typeof read === 'number' ? descriptor(SIDS.nobody, []) : read
  }

  /** Rights that the current process gets to a device. */
  checkDevice(device: Ptr, desired: number, name: string | null): AccessResult {
    const { mapping } = this.k.ob.types.Device.facts
    const what = name ?? hex(this.k.memory.address(device))
    return this.check(this.deviceDescriptor(device), desired, mapping, 'Device', what)
  }
}
