/** What lies around a pool block, and whether a driver wrote over it: headers, and the fill of special pool. */
import { POOL_HEADER } from '../../../shared/nt/generated/offsets'
import type { Kernel } from '../kernel'
import { PAGE_SIZE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import type { Block } from './pool'

export const HEADER_BYTES = POOL_HEADER.SIZE

/** Fill of special pool around a block. */
export const PATTERN = 0x5a

/** Bytes in units of 16. */
export function units(bytes: number): number {
  return (bytes + 15) >>> 4
}

/**
 * The header of a block and the one behind it, at its free.
 * @param neighbour  live block behind it in a shared page
 * @bugcheck 0x19
 */
export function checkHeaders(k: Kernel, block: Block, neighbour: Block | undefined): void {
  const { memory } = k
  const size = units(Math.max(block.bytes, 1))
  const header = block.address - HEADER_BYTES
  const next = block.address + size * 16
  const after = headerAfter(block, next, neighbour)
  const blame = `Memory ${block.at ? `of the block allocated at ${block.at.file}:${block.at.line} ` : ''}`
  if (
    memory.u16(header + POOL_HEADER.BlockSize) !== (((block.paged ? 1 : 0) << 8) | (size + 1)) ||
    memory.u32(header + POOL_HEADER.PoolTag) !== block.tag
  )
    k.bugCheck(
      0x19,
      0x20,
      memory.address(header),
      memory.address(next),
      memory.u32(header),
      `${blame}was written before its start: its pool header is damaged.`,
    )
  if (
    after &&
    (memory.u32(next) !== after.size << 16 ||
      memory.u32(next + 4) !== after.tag ||
      memory.u64(next + 8) !== 0n)
  )
    k.bugCheck(
      0x19,
      0x20,
      memory.address(header),
      memory.address(next),
      memory.u32(next),
      `${blame}was written past its end (${block.bytes} bytes): the next pool header is damaged.`,
    )
}

/** What the header behind a block has to be; undefined when there is none in the page. */
function headerAfter(
  block: Block,
  next: Ptr,
  neighbour: Block | undefined,
): { size: number; tag: number } | undefined {
  if (next + HEADER_BYTES > block.firstPage + PAGE_SIZE) return undefined
  if (!block.shared) return { size: Math.max(254 - units(Math.max(block.bytes, 1)), 0), tag: 0 }
  if (block.shared.headerOf(next) === 0) return undefined
  const type = neighbour?.paged ? 1 : 0
  return { size: (type << 8) | (block.shared.chunk / 16), tag: neighbour?.tag ?? 0 }
}

export function checkPatterns(k: Kernel, block: Block): void {
  const { memory } = k
  const spoiled = (from: Ptr, to: Ptr): Ptr => {
    for (let at = from; at < to; at++) if (memory.u8(at) !== PATTERN) return at
    return 0
  }
  const before = spoiled(block.firstPage, block.address)
  k.verifier.check(
    'VR-POOL-UNDERRUN-SP',
    before !== 0,
    [memory.address(block.address), memory.address(before), 0, 0x23],
    'The block was written before its start.',
  )
  const after = spoiled(block.address + Math.max(block.bytes, 1), block.firstPage + PAGE_SIZE)
  k.verifier.check(
    'VR-POOL-TAIL-SP',
    after !== 0,
    [memory.address(block.address), memory.address(after), 0, 0x24],
    `The block of ${block.bytes} bytes was written past its end.`,
  )
}

/** Sizes in units of 16 bytes, as POOL_HEADER counts them. */
export function writeHeader(k: Kernel, at: Ptr, size: number, tag: number, type: number): void {
  const { memory } = k
  memory.setU32(at, ((type << 8) | size) << 16)
  memory.setU32(at + POOL_HEADER.PoolTag, tag)
  memory.setU32(at + 8, 0)
  memory.setU32(at + 12, 0)
}
