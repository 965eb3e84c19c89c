import { expect, test } from 'vitest'
import { FreeRuns } from './free-runs'

const at = (page: number): number => 0x10_0000 + page * 0x1000

test('gives what has been free longest of the right length', () => {
  const free = new FreeRuns()
  for (const page of [4, 0, 8]) free.give(at(page), 2)
  expect([free.take(2), free.take(2), free.take(1), free.take(2), free.take(2)]).toEqual([
    at(4),
    at(0),
    0,
    at(8),
    0,
  ])
})

test('cuts a longer run, the shortest that will do', () => {
  const free = new FreeRuns()
  free.give(at(0), 8)
  free.give(at(20), 4)
  expect(free.cut(3)).toBe(at(20))
  expect(free.take(1)).toBe(at(23))
  expect(free.cut(3)).toBe(at(0))
  expect(free.take(5)).toBe(at(3))
})

test('joins neighbours first', () => {
  const free = new FreeRuns()
  for (const page of [2, 0, 1, 5]) free.give(at(page), 1)
  expect(free.cut(4)).toBe(0)
  expect(free.cut(3)).toBe(at(0))
  expect(free.take(1)).toBe(at(5))
})

test('looks again when something came back', () => {
  const free = new FreeRuns()
  free.give(at(0), 1)
  expect(free.cut(2)).toBe(0)
  free.give(at(1), 1)
  expect(free.cut(2)).toBe(at(0))
})
