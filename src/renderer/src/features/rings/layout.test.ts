import { expect, test } from 'vitest'
import type { RingStop, StopKind } from '../../../../shared/trace/rings'
import { layoutOf, stopAt } from './layout'

function stops(...kinds: [StopKind, 0 | 3, string][]): RingStop[] {
  return kinds.map(([kind, ring, box], index) => ({
    index,
    seq: 10 + index * 2,
    kind,
    ring,
    box,
    module: box,
    name: box,
    sentence: '',
    hooked: null,
    registers: [],
    stacks: { current: 'user', user: [], kernel: [] },
  }))
}

const CALL = stops(
  ['program', 3, 'program'],
  ['win32', 3, 'win32'],
  ['stub', 3, 'stub'],
  ['syscall', 0, 'processor'],
  ['entry', 0, 'entry'],
  ['table', 0, 'table'],
  ['service', 0, 'service'],
  ['driver', 0, 'driver'],
  ['back', 3, 'stub'],
)

test.each([1, 2, 3, 4])(
  'with %i columns each box has a place of its own, beside the next',
  (columns) => {
    const { boxes, rows } = layoutOf(CALL, columns)
    expect(boxes.map(({ id }) => id)).toEqual([
      'program',
      'win32',
      'stub',
      'entry',
      'table',
      'service',
      'driver',
    ])
    const places = boxes.map(({ ring, row, column }) => `${ring} ${row} ${column}`)
    expect(new Set(places).size).toBe(boxes.length)
    for (const { column, row, ring } of boxes) {
      expect(column).toBeLessThan(columns)
      expect(row).toBeLessThan(ring === 3 ? rows.user : rows.kernel)
    }
    const kernel = boxes.filter(({ ring }) => ring === 0)
    for (const [i, box] of kernel.slice(1).entries()) {
      const before = kernel[i]!
      expect(Math.abs(box.column - before.column) + Math.abs(box.row - before.row)).toBe(1)
    }
  },
)

test('the way down begins under the last box of ring 3, and comes back to it', () => {
  const { boxes, crossing, legs } = layoutOf(CALL, 3)
  const stub = boxes.find(({ id }) => id === 'stub')!
  expect(crossing).toMatchObject({ column: stub.column, stop: { kind: 'syscall' } })
  expect(stub.stops.map(({ kind }) => kind)).toEqual(['stub', 'back'])
  expect(legs.map(({ to, kind }) => `${to} ${kind}`)).toEqual([
    '1 in',
    '2 in',
    '3 down',
    '4 in',
    '5 in',
    '6 in',
    '7 in',
    '8 back',
  ])
  expect(legs.at(-1)!.end).toEqual({ box: stub })
})

test('a leg behind a hooked stop leads astray', () => {
  const hooked = CALL.map((stop) =>
    stop.kind === 'table' ? { ...stop, hooked: 'leads into toy.sys, not ntoskrnl.exe' } : stop,
  )
  const { legs } = layoutOf(hooked, 3)
  expect(legs.filter(({ isHooked }) => isHooked).map(({ to }) => to)).toEqual([6])
})

test('a step between two stops is at the one before', () => {
  expect([1, 10, 11, 12, 99].map((step) => stopAt(CALL, step))).toEqual([0, 0, 0, 1, 8])
})
