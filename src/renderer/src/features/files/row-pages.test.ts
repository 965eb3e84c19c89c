import { flushPromises } from '@vue/test-utils'
import { describe, expect, test } from 'vitest'
import { createRowPages, PAGE, type RowPages } from './row-pages'
import { rowOf } from './testing/fake-files'

/** Pages of a list in which the row at place p has the id p + 1; answers wait to be let go. */
function slowPages(total: number): {
  pages: RowPages
  asked: number[]
  answer: () => Promise<void>
} {
  const asked: number[] = []
  const waiting: (() => void)[] = []
  const pages = createRowPages(async (offset, limit) => {
    asked.push(offset / PAGE)
    await new Promise<void>((resolve) => waiting.push(resolve))
    return stretch(offset, Math.min(limit, total - offset))
  })
  pages.replace(0, stretch(0, PAGE), total)
  return {
    pages,
    asked,
    answer: async () => {
      waiting.shift()?.()
      await flushPromises()
    },
  }
}
const stretch = (offset: number, count: number): ReturnType<typeof rowOf>[] =>
  Array.from({ length: count }, (_, at) => rowOf(offset + at + 1))

describe('rows by place', () => {
  test('who scrolls past many pages waits for the ones in sight alone', async () => {
    const { pages, asked, answer } = slowPages(200_000)
    for (let place = 1000; place <= 150_000; place += 1000) pages.look(place, place + 50)
    expect(asked).toEqual([5])
    await answer()
    expect(asked).toEqual([5, 750])
    await answer()
    expect(pages.rowAt(150_020)?.id).toBe(150_021)
    expect(pages.placeOf(150_021)).toBe(150_020)
    expect(asked).toHaveLength(2)
  })

  test('an answer to the question before is not taken for one to this', async () => {
    const { pages, answer } = slowPages(10_000)
    pages.look(5000, 5050)
    pages.replace(0, [rowOf(77)], 1)
    await answer()
    expect([...pages.pages.value.values()].flat().map(({ id }) => id)).toEqual([77])
  })

  test('pages far from what is in sight are forgotten', async () => {
    const { pages, answer } = slowPages(200_000)
    for (let page = 1; page < 100; page++) {
      pages.look(page * PAGE, page * PAGE + 50)
      await answer()
    }
    expect(pages.pages.value.size).toBe(40)
    expect(pages.rowAt(0)).toBeUndefined()
    expect(pages.rowAt(99 * PAGE)?.id).toBe(99 * PAGE + 1)
  })

  test('after a failure nothing is asked until somebody looks again', async () => {
    let calls = 0
    const pages = createRowPages(() => {
      calls++
      return Promise.resolve(null)
    })
    pages.replace(0, [], 1000)
    await flushPromises()
    pages.look(600, 650)
    await flushPromises()
    expect(calls).toBe(2)
  })
})
