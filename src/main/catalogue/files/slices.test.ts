import { expect, test } from 'vitest'
import { inSlices } from './slices'

const waste = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('slices hold every item once, in order, and others get their turn between them', async () => {
  const items = Array.from({ length: 100 }, (_, at) => at)
  const seen: number[] = []
  let turns = 0
  const others = setInterval(() => turns++, 0)
  await inSlices(items, 10, (slice) => {
    seen.push(...slice)
    waste(3)
  })
  clearInterval(others)
  expect(seen).toEqual(items)
  expect(turns).toBeGreaterThan(0)
})

test('hard items come in smaller slices, easy ones in larger', async () => {
  const sizes = async (cost: number): Promise<number[]> => {
    const lengths: number[] = []
    await inSlices(Array.from({ length: 112 }), 16, (slice) => {
      lengths.push(slice.length)
      waste(slice.length * cost)
    })
    return lengths
  }
  expect(await sizes(0)).toEqual([16, 32, 64])
  const [first, ...others] = await sizes(8)
  expect(first).toBe(16)
  expect(Math.max(...others)).toBeLessThan(8)
})

test('an item that is larger than others takes more of a slice, and one by itself if need be', async () => {
  const lengths: number[] = []
  await inSlices([1, 1, 1, 1, 20, 1, 1], 4, (slice) => lengths.push(slice.length), Number)
  expect(lengths).toEqual([4, 1, 2])
})

test('an error ends it', async () => {
  await expect(
    inSlices([1, 2, 3], 1, () => {
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
})
