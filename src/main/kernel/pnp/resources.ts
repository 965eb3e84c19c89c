/**
 * The arbiter: gives every device ports, memory and interrupts out of what it said it could use. It
 * takes the first alternative that fits and of each range the lowest place that is free. What the
 * firmware set up (boot configurations, and the devices of the board) is taken from the beginning.
 */
import {
  CmResourceTypeInterrupt,
  CmResourceTypeMemory,
  CmResourceTypePort,
} from '../../../shared/nt/generated/constants'
import {
  IO_RESOURCE_DESCRIPTOR as WANTED,
  IO_RESOURCE_LIST,
  IO_RESOURCE_REQUIREMENTS_LIST,
} from '../../../shared/nt/generated/offsets'
import type { DeviceResources } from '../hal/hal'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { DevNode, Problem } from './devnode'
import { buildList, copyList, DESCRIPTORS_MAX, readList, type Resource } from './resource-lists'

/** IO_RESOURCE_ALTERNATIVE: instead of the descriptor before it. */
const ALTERNATIVE = 8
/** CM_SHARE_DISPOSITION. */
const EXCLUSIVE = 1
const SHARED = 3

/** Whether two devices cannot have both. */
function conflict(a: Resource, b: Resource): boolean {
  if (a.type !== b.type) return false
  if (a.start >= b.start + b.length || b.start >= a.start + a.length) return false
  // Interrupt lines are shared unless one insists; ranges are not, unless both agree.
  if (a.type === CmResourceTypeInterrupt) return a.share === EXCLUSIVE || b.share === EXCLUSIVE
  return a.share !== SHARED || b.share !== SHARED
}

export class Arbiter {
  private readonly taken = new Map<DevNode, readonly Resource[]>()

  constructor(private readonly k: Kernel) {}

  /** Nobody else is to get what the firmware gave a device, from the moment that its bus reports it. */
  reserve(node: DevNode): void {
    if (!node.bootResources) return
    const boot = readList(this.k, node.bootResources)
    if (!this.isTaken(node, boot)) this.taken.set(node, boot)
  }

  /**
   * Choose resources for a device, into `node.allocatedResources`.
   * @returns what keeps it from being started; null when nothing does
   */
  assign(node: DevNode): Problem | null {
    const { k } = this
    this.release(node)
    if (node.requirements) return this.chooseFor(node)
    // What the firmware set up is what it keeps.
    const device = node.bootResources ? undefined : k.hal.deviceOfId(node.hardwareIds)
    if (!node.bootResources && !device) return null
    const fixed = device ? ofBoard(k.hal.resourcesOf(device)) : readList(k, node.bootResources)
    if (this.isTaken(node, fixed)) return 'CM_PROB_NORMAL_CONFLICT'
    if (device) k.hal.assign(node.pdo, device)
    return this.give(node, fixed, device ? buildList(k, fixed) : copyList(k, node.bootResources))
  }

  private chooseFor(node: DevNode): Problem | null {
    const { memory } = this.k
    const lists = memory.u32(node.requirements + IO_RESOURCE_REQUIREMENTS_LIST.AlternativeLists)
    let at = node.requirements + IO_RESOURCE_REQUIREMENTS_LIST.List
    for (let i = 0; i < Math.min(lists, DESCRIPTORS_MAX); i++) {
      const count = Math.min(memory.u32(at + IO_RESOURCE_LIST.Count), DESCRIPTORS_MAX)
      const chosen = this.choose(node, at + IO_RESOURCE_LIST.Descriptors, count)
      if (chosen) return this.give(node, chosen, buildList(this.k, chosen))
      at += IO_RESOURCE_LIST.Descriptors + count * WANTED.SIZE
    }
    return 'CM_PROB_NORMAL_CONFLICT'
  }

  /** A device has them from now on, if there was memory for the list. */
  private give(node: DevNode, resources: readonly Resource[], list: Ptr): Problem | null {
    if (!list) {
      this.k.hal.unassign(node.pdo)
      return 'CM_PROB_OUT_OF_MEMORY'
    }
    this.taken.set(node, resources)
    node.allocatedResources = list
    return null
  }

  /** Take back what a device was given; what the firmware gave it stays its own. */
  release(node: DevNode): void {
    this.taken.delete(node)
    this.k.hal.unassign(node.pdo)
    if (node.allocatedResources) this.k.pool.free(node.allocatedResources)
    node.allocatedResources = 0
    this.reserve(node)
  }

  /** A device is gone. */
  forget(node: DevNode): void {
    this.taken.delete(node)
  }

  /** What all others have. */
  private others(node: DevNode): Resource[] {
    return [...this.taken].flatMap(([other, resources]) => (other === node ? [] : resources))
  }

  private isTaken(node: DevNode, wanted: readonly Resource[]): boolean {
    const others = this.others(node)
    return wanted.some((one) => others.some((other) => conflict(one, other)))
  }

  private choose(node: DevNode, descriptors: Ptr, count: number): Resource[] | null {
    const { memory } = this.k
    const others = this.others(node)
    const chosen: Resource[] = []
    let isServed = true
    for (let i = 0; i < count; i++) {
      const at = descriptors + i * WANTED.SIZE
      const isAlternative = (memory.u8(at + WANTED.Option) & ALTERNATIVE) !== 0
      if (isAlternative && isServed) continue
      if (!isAlternative && !isServed) return null
      const given = this.place(node, at, [...others, ...chosen])
      isServed = given !== null
      if (given) chosen.push(given)
    }
    return isServed ? chosen : null
  }

  /** A place for one descriptor that nothing else has. */
  private place(node: DevNode, at: Ptr, others: readonly Resource[]): Resource | null {
    const { memory } = this.k
    const type = memory.u8(at + WANTED.Type)
    const share = memory.u8(at + WANTED.ShareDisposition)
    const flags = memory.u16(at + WANTED.Flags)
    const free = (start: bigint, length: bigint, blockers: readonly Resource[]) => {
      const wanted = { type, share, flags, start, length }
      return { wanted, blocker: blockers.find((other) => conflict(wanted, other)) }
    }
    if (type === CmResourceTypeInterrupt) {
      const first = memory.u32(at + WANTED['u.Interrupt.MinimumVector'])
      const last = Math.min(memory.u32(at + WANTED['u.Interrupt.MaximumVector']), first + 0xff)
      for (let vector = first; vector <= last; vector++) {
        const { wanted, blocker } = free(BigInt(vector), 1n, others)
        if (!blocker) return wanted
      }
      return null
    }
    if (type !== CmResourceTypePort && type !== CmResourceTypeMemory)
      return { type, share, flags, start: 0n, length: 0n }
    const length = BigInt(memory.u32(at + WANTED['u.Port.Length']))
    const alignment = BigInt(Math.max(memory.u32(at + WANTED['u.Port.Alignment']), 1))
    const limit = memory.u64(at + WANTED['u.Port.MaximumAddress.QuadPart'])
    let start = memory.u64(at + WANTED['u.Port.MinimumAddress.QuadPart'])
    // Who names one place means that place, also where a device of the board is: it may be that device.
    const isFixed = limit - start + 1n <= length
    const blockers = isFixed ? others : [...others, ...this.boardWithout(node)]
    for (;;) {
      start = ((start + alignment - 1n) / alignment) * alignment
      if (start + length - 1n > limit) return null
      const { wanted, blocker } = free(start, length, blockers)
      if (!blocker) return wanted
      start = blocker.start + blocker.length
    }
  }

  /** Ranges of the board's devices, which answer there whether or not somebody found them. */
  private boardWithout(node: DevNode): Resource[] {
    const { hal } = this.k
    const own = hal.deviceOfId(node.hardwareIds)
    return hal.devices
      .filter((device) => device !== own)
      .flatMap((device) => ofBoard(hal.resourcesOf(device)))
  }
}

/** What a device of the board takes. */
function ofBoard({ ports, memory, vector, irql, mode }: DeviceResources): Resource[] {
  const resources: Resource[] = []
  const range = (type: number, base: number, bytes: number): void => {
    resources.push({
      type,
      share: EXCLUSIVE,
      flags: 0,
      start: BigInt(base),
      length: BigInt(bytes),
    })
  }
  if (ports) range(CmResourceTypePort, ports.base, ports.count)
  if (memory) range(CmResourceTypeMemory, memory.base, memory.bytes)
  resources.push({
    type: CmResourceTypeInterrupt,
    share: SHARED,
    flags: mode === 'edge' ? 1 : 0,
    start: BigInt(vector),
    length: 1n,
    level: irql,
  })
  return resources
}
