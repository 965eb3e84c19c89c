import { describe, expect, test } from 'vitest'
import type { Ptr } from '../mm/memory'
import { BugCheck } from '../stop'
import { TestMachine } from '../testing/machine'

/** A machine with so many small blocks that further ones share pages. */
function crowded(): { k: TestMachine['k']; allocate: (bytes: number) => Ptr } {
  const { k } = new TestMachine()
  const allocate = (bytes: number): Ptr => k.pool.allocate(bytes, 'Many', {})
  for (let i = 0; i < 2100; i++) allocate(32)
  return { k, allocate }
}

function stopOf(run: () => unknown): [number, bigint] {
  try {
    run()
  } catch (error) {
    if (error instanceof BugCheck) return [error.code, error.parameters[0]]
    throw error
  }
  throw new Error('the machine did not stop')
}

describe('many small blocks', () => {
  test('share pages, do not overlap, and are zeroed', () => {
    const { k, allocate } = crowded()
    const blocks = Array.from({ length: 500 }, () => allocate(40))
    expect(new Set(blocks.map((at) => at >>> 12)).size).toBeLessThan(20)
    const sorted = [...blocks].sort((a, b) => a - b)
    for (let i = 1; i < sorted.length; i++)
      expect(sorted[i]! - sorted[i - 1]!).toBeGreaterThanOrEqual(48 + 16)
    k.memory.fill(blocks[3]!, 40, 0x5a)
    k.pool.free(blocks[3]!)
    expect(k.memory.u64(allocate(40))).toBe(0n)
  })

  test('writing past the end spoils the header of the neighbour, found at the free', () => {
    const { k, allocate } = crowded()
    const [first] = [allocate(32), allocate(32)].sort((a, b) => a - b)
    k.memory.setU32(first! + 32 + 4, 0x41414141)
    expect(stopOf(() => k.pool.free(first!))).toEqual([0x19, 0x20n])
  })

  test('a header is what it should be beside a free neighbour and beside a used one', () => {
    const { k, allocate } = crowded()
    const blocks = Array.from({ length: 60 }, () => allocate(48))
    for (const at of blocks.filter((_, i) => i % 2 === 0)) k.pool.free(at)
    for (const at of blocks.filter((_, i) => i % 2 === 1)) k.pool.free(at)
    expect(stopOf(() => k.pool.free(blocks[0]!))[0]).toBe(0xc2)
  })

  test('a block is found by any address inside of it', () => {
    const { k, allocate } = crowded()
    const blocks = Array.from({ length: 300 }, () => allocate(100))
    for (const at of blocks) {
      expect(k.pool.find(at)?.address).toBe(at)
      expect(k.pool.find(at + 99)?.address).toBe(at)
      expect(k.pool.find(at - 1)?.address).toBe(at)
    }
  })

  test('an empty page goes back: what is freed altogether is out of reach', () => {
    const { k, allocate } = crowded()
    const blocks = Array.from({ length: 400 }, () => allocate(64))
    for (const at of blocks) k.pool.free(at)
    // One page with room is kept.
    const reachable = blocks.filter((at) => {
      try {
        return k.memory.u32(at) >= 0
      } catch {
        return false
      }
    })
    expect(new Set(reachable.map((at) => at >>> 12)).size).toBe(1)
    expect(allocate(64)).not.toBe(0)
  })

  test('a hundred thousand live blocks fit', () => {
    const { allocate } = crowded()
    for (let i = 0; i < 100_000; i++) expect(allocate(32)).not.toBe(0)
  })
})
