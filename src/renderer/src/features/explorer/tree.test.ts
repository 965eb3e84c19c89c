import { expect, test } from 'vitest'
import { treeOf } from './tree'

const lines = (paths: string[], merge = false): string[] =>
  treeOf(paths, (path) => path, merge).map(
    ({ name, depth, item, below }) =>
      `${'  '.repeat(depth)}${name}${item === null ? ` (${below})` : ''}`,
  )

test('things stand by name below the places that hold them', () => {
  expect(lines(['\\Driver\\B', '\\Device\\Toy1', '\\Device\\Toy0', '\\driver\\A'])).toEqual([
    '\\Device (2)',
    '  Toy0',
    '  Toy1',
    '\\Driver (2)',
    '  A',
    '  B',
  ])
})

test('a place that was made is a thing of its own, and one path may have two', () => {
  expect(lines(['\\Toys\\A', '\\Toys', '\\Toys\\A'])).toEqual(['\\Toys', '  A', '  A'])
})

test('places in between become part of the only name below them', () => {
  expect(lines(['\\R\\M\\S\\Toy\\P', '\\R\\M\\S\\Toy', '\\R\\M\\S\\Fan'], true)).toEqual([
    '\\R\\M\\S (2)',
    '  Fan',
    '  Toy',
    '    P',
  ])
})

test('a very deep name is no trouble', () => {
  expect(treeOf(['\\a'.repeat(20_000)], (path) => path, true)).toHaveLength(1)
})
