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
    await inSlices(Array.from({ length: 200 }), 16, (slice) => {
      lengths.push(slice.length)
      waste(slice.length * cost)
    })
    return lengths
  }
  expect(Math.max(...(await sizes(0)))).toBe(64)
  expect(Math.min(...(await sizes(8)).slice(0, -1))).toBe(8)
})

test('an error ends it', async () => {
  await expect(
    inSlices([1, 2, 3], 1, () => {
      throw new Error('no')
    }),
  ).rejects.toThrow('no')
})
