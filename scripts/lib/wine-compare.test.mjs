import { expect, test } from 'vitest'
import { differences, judge } from './wine-compare.mjs'
import { readOutput } from './wine.mjs'

test('equal lists have no differences', () => {
  expect(differences(['a', 'b'], ['a', 'b'])).toEqual([])
})

test('pairs what stands in the same place', () => {
  expect(differences(['a', 'x', 'c'], ['a', 'y', 'c', 'd'])).toEqual([
    { wine: 'x', lab: 'y' },
    { wine: null, lab: 'd' },
  ])
  expect(differences(['a', 'b', 'c'], ['c'])).toEqual([
    { wine: 'a', lab: null },
    { wine: 'b', lab: null },
  ])
})

test('knows what is explained, what is not, and what is gone', () => {
  const known = [
    { wine: 'x', lab: 'y' },
    { wine: 'p', lab: 'q' },
  ]
  expect(
    judge(
      [
        { wine: 'x', lab: 'y' },
        { wine: 'x', lab: 'y' },
      ],
      known,
    ),
  ).toEqual({
    explained: 1,
    unexplained: [{ wine: 'x', lab: 'y' }],
    gone: [{ wine: 'p', lab: 'q' }],
  })
})

test('reads what Wine prints', () => {
  const stderr =
    '013c:warn:debugstr:vDbgPrintExWithPrefix 00000000:00000001: entry 0\n0140:fixme:x:y z\n'
  expect(readOutput('# start 1\r\nopen: 1\r\n', stderr)).toEqual({
    printed: ['entry 0'],
    client: ['open: 1'],
  })
})
