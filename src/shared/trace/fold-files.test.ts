import { expect, test } from 'vitest'
import type { EventBody, TraceEvent } from './event'
import { foldAll } from './fold'

const trace = (bodies: EventBody[]): TraceEvent[] =>
  bodies.map((body, i) => ({
    seq: i + 1,
    tick: 0,
    cpu: 0,
    irql: 0,
    thread: 8,
    process: 4,
    ...body,
  }))

const files = (bodies: EventBody[]): string[] =>
  foldAll(trace(bodies)).files.map(({ path, size, changed }) => `${path} ${size} ${changed}`)

const MOUNTED: EventBody = {
  t: 'volume.mounted',
  device: '\\Device\\HarddiskVolume1',
  letter: 'C:',
  files: [
    { path: '\\A', size: 0, folder: true },
    { path: '\\A\\x', size: 3 },
    { path: '\\Ab', size: 1 },
  ],
}

test('files come, change and go', () => {
  expect(
    files([
      MOUNTED,
      { t: 'file.created', path: '\\new', folder: false },
      { t: 'file.written', path: '\\new', size: 7 },
      { t: 'file.deleted', path: '\\Ab' },
    ]),
  ).toEqual(['\\A 0 0', '\\A\\x 3 0', '\\new 7 3'])
})

test('what lies in a folder moves with it, what is only called alike does not', () => {
  expect(files([MOUNTED, { t: 'file.renamed', path: '\\A', to: '\\B' }])).toEqual([
    '\\B 0 2',
    '\\B\\x 3 2',
    '\\Ab 1 0',
  ])
})

test('a renamed file takes the place of another', () => {
  expect(files([MOUNTED, { t: 'file.renamed', path: '\\A\\x', to: '\\Ab' }])).toEqual([
    '\\A 0 0',
    '\\Ab 3 2',
  ])
})
