/** CM_RESOURCE_LISTs with one bus: what a device was given, as memory that drivers see. */
import { CmResourceTypeInterrupt } from '../../../shared/nt/generated/constants'
import {
  CM_FULL_RESOURCE_DESCRIPTOR,
  CM_PARTIAL_RESOURCE_DESCRIPTOR as PARTIAL,
  CM_PARTIAL_RESOURCE_LIST,
  CM_RESOURCE_LIST,
} from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'

/** Bytes before the descriptors of a list with one bus. */
const HEAD =
  CM_RESOURCE_LIST.List +
  CM_FULL_RESOURCE_DESCRIPTOR.PartialResourceList +
  CM_PARTIAL_RESOURCE_LIST.PartialDescriptors
const COUNT = HEAD - 4
/** Descriptors that one list may hold; a longer one is no list. */
export const DESCRIPTORS_MAX = 64

/** One resource. */
export interface Resource {
  type: number
  share: number
  flags: number
  /** First address or port; the vector of an interrupt. */
  start: bigint
  length: bigint
  /** IRQL of an interrupt; its vector where nothing else is known. */
  level?: number
}

const allocate = (k: Kernel, bytes: number): Ptr =>
  k.pool.allocate(bytes, 'PpRe', { paged: true, system: true })

/** Make a list; 0 when memory is short. */
export function buildList(k: Kernel, resources: readonly Resource[]): Ptr {
  const { memory } = k
  const list = allocate(k, HEAD + resources.length * PARTIAL.SIZE)
  if (!list) return 0
  memory.setU32(list + CM_RESOURCE_LIST.Count, 1)
  memory.setU16(list + HEAD - 8, 1)
  memory.setU16(list + HEAD - 6, 1)
  memory.setU32(list + COUNT, resources.length)
  resources.forEach(({ type, share, flags, start, length, level }, i) => {
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

function countOf(k: Kernel, list: Ptr): number {
  return Math.min(k.memory.u32(list + COUNT), DESCRIPTORS_MAX)
}

/** What a list names. */
export function readList(k: Kernel, list: Ptr): Resource[] {
  const { memory } = k
  return Array.from({ length: countOf(k, list) }, (_, i) => {
    const at = list + HEAD + i * PARTIAL.SIZE
    const type = memory.u8(at + PARTIAL.Type)
    const isInterrupt = type === CmResourceTypeInterrupt
    return {
      type,
      share: memory.u8(at + PARTIAL.ShareDisposition),
      flags: memory.u16(at + PARTIAL.Flags),
      start: isInterrupt
        ? BigInt(memory.u32(at + PARTIAL['u.Interrupt.Vector']))
        : memory.u64(at + PARTIAL['u.Port.Start.QuadPart']),
      length: isInterrupt ? 1n : BigInt(memory.u32(at + PARTIAL['u.Port.Length'])),
    }
  })
}

/** The bytes of a list. */
export function listBytes(k: Kernel, list: Ptr): Uint8Array {
  return k.memory.read(list, HEAD + countOf(k, list) * PARTIAL.SIZE)
}

/** A copy of a list; 0 when memory is short. */
export function copyList(k: Kernel, list: Ptr): Ptr {
  const bytes = listBytes(k, list)
  const copy = allocate(k, bytes.length)
  if (copy) k.memory.write(copy, bytes)
  return copy
}
