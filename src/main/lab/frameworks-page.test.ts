import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { codeLines, frameworksPage, routinesOf } from './frameworks-page'

const read = (path: string): string => readFileSync(join(__dirname, '../../..', path), 'utf8')

test('docs/frameworks.md is what the samples give now', () => {
  const kept = read('docs/frameworks.md')
  expect(kept, 'run npm run docs').toBe(frameworksPage(read, kept))
  expect(kept).toContain('| Lines of code |')
})

test('lines of code are those that do something', () => {
  const source = `/* What
 * it is. */
import {
  A,
} from 'wdm'
import type { B } from 'wdm'

// A comment.
const one = IoCreateDevice(1) // at the end
/** Another. */
const two = one.IoDeleteDevice(2) + nothing(3)
`
  expect(codeLines(source)).toBe(2)
  expect([...routinesOf(source)]).toEqual(['IoCreateDevice'])
})
