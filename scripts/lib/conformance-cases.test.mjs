import { expect, test } from 'vitest'
import { collectCases, countCases, notApplicable } from './conformance-cases.mjs'

const docs = `# Conformance

| K001 | not in the last chapter |

## What does not apply

| Assertion | Why |
| --------- | --- |
| K003      | no  |
`

const report = (...tests) => ({
  testResults: [
    {
      name: '/project/src/a.test.ts',
      assertionResults: tests.map(([fullName, status, failureMessages]) => ({
        fullName,
        title: fullName,
        status,
        failureMessages,
      })),
    },
  ],
})

const cases = (assertions, ...tests) =>
  collectCases(
    assertions.map((id) => ({ id })),
    report(...tests),
    docs,
    '/project',
  ).map(({ id, result, file }) => [id, result, file].join(' '))

test('reads the last chapter only', () => {
  expect([...notApplicable(docs)]).toEqual(['K003'])
})

test('an assertion passes when all of its tests do', () => {
  const tests = [
    ['K001 one', 'passed'],
    ['K001 K002 both', 'failed', ['wrong\n    at x']],
    ['K003 left out', 'skipped'],
  ]
  expect(cases(['K001', 'K002', 'K003'], ...tests)).toEqual([
    'K001 failed src/a.test.ts',
    'K002 failed src/a.test.ts',
    'K003 notApplicable docs/conformance.md',
  ])
})

test('a test of a driver stands for the first number, and names the driver', () => {
  const name = 'K035 conformance/control/driver.ts: As K034 but with an error'
  expect(cases(['K034', 'K035'], [name, 'passed'])).toEqual([
    'K034 failed docs/conformance.md',
    'K035 passed conformance/control/driver.ts',
  ])
})

test('counts', () => {
  const all = ['passed', 'failed', 'passed'].map((result) => ({ result }))
  expect(countCases(all)).toEqual({ passed: 2, failed: 1, notApplicable: 0 })
})
