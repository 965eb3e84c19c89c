/**
 * The arbiter: gives every device ports, memory and interrupts out of what it said it could use. It
 * takes the first alternative that fits and of each range the lowest place that is free.
 */
import {
  CmResourceTypeInterrupt,
  CmResourceTypeMemory,
  CmResourceTypePort,
} from '../../../shared/nt/generated/constants'
import {
  CM_FULL_RESOURCE_DESCRIPTOR,
  CM_PARTIAL_RESOURCE_DESCRIPTOR as PARTIAL,
  CM_PARTIAL_RESOURCE_LIST,
  CM_RESOURCE_LIST,
  IO_RESOURCE_DESCRIPTOR as WANTED,
  IO_RESOURCE_LIST,
  IO_RESOURCE_REQUIREMENTS_LIST,
} from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import type { DevNode } from './devnode'

/** Bytes before the descriptors of a list with one bus. */
const HEAD =
  CM_RESOURCE_LIST.List +
  CM_FULL_RESOURCE_DESCRIPTOR.PartialResourceList +
  CM_PARTIAL_RESOURCE_LIST.PartialDescriptors
const COUNT = HEAD - 4
/** Descriptors that one list may hold; a longer one is no list. */
const DESCRIPTORS_MAX = 64
/** IO_RESOURCE_ALTERNATIVE: instead of the descriptor before it. */
const ALTERNATIVE = 8

interface Range {
  type: number
  start: bigint
  length: bigint
}

interface Given extends Range {
  share: number
  flags: number
  /** IRQL of an interrupt; its vector where nothing else is known. */
  level?: number
}

const SHARED = 3

export class Arbiter {
  private readonly taken = new Map<DevNode, Range[]>()

  constructor(private readonly k: Kernel) {}

  /** Choose resources for a device, into `node.allocatedResources`. False when nothing fits. */
  assign(node: DevNode): boolean {
    this.release(node)
    if (!node.requirements) {
      // What the firmware set up is what it keeps.
      node.allocatedResources = node.bootResources
        ? this.copy(node.bootResources)
        : this.ofBoard(node)
      return true
    }
    const { memory } = this.k
    const lists = memory.u32(node.requirements + IO_RESOURCE_REQUIREMENTS_LIST.AlternativeLists)
    let at = node.requirements + IO_RESOURCE_REQUIREMENTS_LIST.List
    for (let i = 0; i < Math.min(lists, DESCRIPTORS_MAX); i++) {
      const count = Math.min(memory.u32(at + IO_RESOURCE_LIST.Count), DESCRIPTORS_MAX)
      const chosen = this.choose(at + IO_RESOURCE_LIST.Descriptors, count)
      if (chosen) {
        this.taken.set(node, chosen)
        node.allocatedResources = this.build(chosen)
        return true
      }
      at += IO_RESOURCE_LIST.Descriptors + count * WANTED.SIZE
    }
    return false
  }

  /** What a device of the board takes, when the node is one; 0 when it is none. */
  private ofBoard(node: DevNode): Ptr {
    const { hal } = this.k
    const device = hal.deviceOfId(node.hardwareIds)
    if (!device) return 0
    hal.assign(node.pdo, device)
    const { ports, memory, vector, irql, mode } = hal.resourcesOf(device)
    const given: Given[] = []
    const range = (type: number, base: number, bytes: number): void => {
      given.push({ type, share: 1, flags: 0, start: BigInt(base), length: BigInt(bytes) })
    }
    if (ports) range(CmResourceTypePort, ports.base, ports.count)
    if (memory) range(CmResourceTypeMemory, memory.base, memory.bytes)
    given.push({
      type: CmResourceTypeInterrupt,
      share: SHARED,
      flags: mode === 'edge' ? 1 : 0,
      start: BigInt(vector),
      length: 1n,
      level: irql,
    })
    return this.build(given)
  }

  /** Give back what a device has. */
  release(node: DevNode): void {
    this.taken.delete(node)
    this.k.hal.unassign(node.pdo)
    if (node.allocatedResources) this.k.pool.free(node.allocatedResources)
    node.allocatedResources = 0
  }

  private choose(descriptors: Ptr, count: number): Given[] | null {
    const { memory } = this.k
    const chosen: Given[] = []
    let isServed = true
    for (let i = 0; i < count; i++) {
      const at = descriptors + i * WANTED.SIZE
      const isAlternative = (memory.u8(at + WANTED.Option) & ALTERNATIVE) !== 0
      if (isAlternative && isServed) continue
      if (!isAlternative && !isServed) return null
      const given = this.place(at, chosen)
      isServed = given !== null
      if (given) chosen.push(given)
    }
    return isServed ? chosen : null
  }

  /** A place for one descriptor that nothing else has. */
  private place(at: Ptr, chosen: readonly Range[]): Given | null {
    const { memory } = this.k
    const type = memory.u8(at + WANTED.Type)
    const share = memory.u8(at + WANTED.ShareDisposition)
    const flags = memory.u16(at + WANTED.Flags)
    if (type === CmResourceTypeInterrupt) {
      const vector = BigInt(memory.u32(at + WANTED['u.Interrupt.MinimumVector']))
      return { type, share, flags, start: vector, length: 1n }
    }
    if (type !== CmResourceTypePort && type !== CmResourceTypeMemory)
      return { type, share, flags, start: 0n, length: 0n }
    const length = BigInt(memory.u32(at + WANTED['u.Port.Length']))
    const alignment = BigInt(Math.max(memory.u32(at + WANTED['u.Port.Alignment']), 1))
    const limit = memory.u64(at + WANTED['u.Port.MaximumAddress.QuadPart'])
    let start = memory.u64(at + WANTED['u.Port.MinimumAddress.QuadPart'])
    const others = [...[...this.taken.values()].flat(), ...chosen].filter(
      (range) => range.type === type,
    )
    for (;;) {
      start = ((start + alignment - 1n) / alignment) * alignment
      if (start + length - 1n > limit) return null
      const blocker = others.find(
        (range) => range.start < start + length && start < range.start + range.length,
      )
      if (!blocker) return { type, share, flags, start, length }
      start = blocker.start + blocker.length
    }
  }

  /** A CM_RESOURCE_LIST; 0 when memory is short. */
  private build(chosen: readonly Given[]): Ptr {
    const { memory, pool } = this.k
    const list = pool.allocate(HEAD + chosen.length * PARTIAL.SIZE, 'PpRe', {
      paged: true,
      system: true,
    })
    if (!list) return 0
    memory.setU32(list + CM_RESOURCE_LIST.Count, 1)
    memory.setU16(list + HEAD - 8, 1)
    memory.setU16(list + HEAD - 6, 1)
    memory.setU32(list + COUNT, chosen.length)
    chosen.forEach(({ type, share, flags, start, length, level }, i) => {
      const at = list + HEAD + i * PARTIAL.SIZE
      memory.setU8(at + PARTIAL.Type, type)
      memory.setU8(at + PARTIAL.ShareDisposition, share)
      memory.setU16(at + PARTIAL.Flags, flags)
      if (type === CmResourceTypeInterrupt) {
        memory.setU32(at + PARTIAL['u.Interrupt.Level'], level ?? Number(start))
        memory.setU32(at + PARTIAL['u.Interrupt.Vector'], Number(start))
        memory.setU64(at + PARTIAL['u.Interrupt.Affinity'], 1n)
      } else {
        memory.setU64(at + PARTIAL['u.Port.Start.QuadPart'], start)
        memory.setU32(at + PARTIAL['u.Port.Length'], Number(length))
      }
    })
    return list
  }

  /** The bytes of a list with one bus. */
  bytes(list: Ptr): Uint8Array {
    const { memory } = this.k
    const count = Math.min(memory.u32(list + COUNT), DESCRIPTORS_MAX)
    return memory.read(list, HEAD + count * PARTIAL.SIZE)
  }

  /** A copy of a list with one bus; 0 when memory is short. */
  copy(list: Ptr): Ptr {
    const { memory, pool } = this.k
    const bytes = this.bytes(list)
    const copy = pool.allocate(bytes.length, 'PpRe', { paged: true, system: true })
    if (copy) memory.write(copy, bytes)
    return copy
  }
}
