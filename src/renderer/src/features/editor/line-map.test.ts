import { describe, expect, it } from 'vitest'
import { mapLine } from './line-map'

const text = (...lines: string[]): string => lines.join('\n')

describe('mapLine', () => {
  const ran = text('a', 'b', 'c', 'd')

  it.each([
    ['nothing changed', ran, [1, 2, 3, 4]],
    ['lines above were added', text('x', 'y', 'a', 'b', 'c', 'd'), [3, 4, 5, 6]],
    ['a line in the middle changed', text('a', 'B', 'c', 'd'), [1, null, 3, 4]],
    ['a line was deleted', text('a', 'b', 'd'), [1, 2, null, 3]],
    ['lines below were added', text('a', 'b', 'c', 'd', 'e'), [1, 2, 3, 4]],
  ])('%s', (_, now, expected) => {
    expect([1, 2, 3, 4].map((line) => mapLine(ran, now, line))).toEqual(expected)
  })

  it('finds the old line of a new one when asked the other way round', () => {
    expect(mapLine(text('x', ...ran.split('\n')), ran, 3)).toBe(2)
  })
})
