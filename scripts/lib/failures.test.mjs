import { expect, test } from 'vitest'
import { failureLines, failuresIn } from './failures.mjs'
import { inProject } from './paths.mjs'

const passed = { fullName: 'a holds', status: 'passed', failureMessages: [] }

test("vitest's report: failed tests by file and name, and files that could not be loaded", () => {
  const failures = failuresIn({
    testResults: [
      { name: inProject('src', 'a.test.ts'), status: 'passed', assertionResults: [passed] },
      {
        name: inProject('src', 'b.test.ts'),
        status: 'failed',
        assertionResults: [
          passed,
          { fullName: 'b adds', status: 'failed', failureMessages: ['Error: 1 is not 2\n  at x'] },
        ],
      },
      {
        ...{ name: inProject('src', 'c.test.ts'), status: 'failed', assertionResults: [] },
        message: 'SyntaxError: no',
      },
    ],
  })
  expect(failures).toEqual([
    { title: 'src/b.test.ts > b adds', text: 'Error: 1 is not 2\n  at x' },
    { title: 'src/c.test.ts', text: 'SyntaxError: no' },
  ])
})

test("Playwright's report: failed tests by file, group and name, and errors outside of tests", () => {
  const spec = (title, ok, ...errors) => ({ title, ok, tests: [{ results: [{ errors }] }] })
  const failures = failuresIn({
    suites: [
      {
        title: 'lab.spec.ts',
        specs: [spec('runs', true)],
        suites: [{ title: 'drivers', specs: [spec('stop', false, { message: 'Error: hangs' })] }],
      },
    ],
    errors: [{ message: 'no display' }],
  })
  expect(failures).toEqual([
    { title: 'lab.spec.ts > drivers > stop', text: 'Error: hangs' },
    { title: 'outside of any test', text: 'no display' },
  ])
})

test('lines are few, short and without colours', () => {
  const text = `\x1b[31mError\x1b[39m: it is so\n\n  at a\n  at b\n  at c\n  at d ${'x'.repeat(500)}`
  const failures = Array.from({ length: 20 }, (_, index) => ({ title: `test ${index}`, text }))
  const lines = failureLines('unit', failures)
  expect(lines.slice(0, 5)).toEqual([
    'FAILED unit: test 0',
    '    Error: it is so',
    '    at a',
    '    at b',
    '    at c',
  ])
  expect(lines).toHaveLength(9 * 5 + 1)
  expect(lines.at(-1)).toBe('and 11 more of unit')
  expect(failureLines('e2e', [{ title: 'y'.repeat(500), text: '' }])[0]).toHaveLength(160)
})
