// Last step of .ci/run: say what failed, add up what every runner reported, and print
// `N passed, N failed`. What failed is told here once more so that the end of a long log has it.
//
//   node scripts/ci-summary.mjs STATUS-OF-NPM-TEST [CHECK:STATUS ...]

import { existsSync, readFileSync } from 'node:fs'
import { failureLines, failuresOf } from './lib/failures.mjs'
import { inProject } from './lib/paths.mjs'

const [testStatus, ...checks] = process.argv.slice(2)

const summaryFile = inProject('reports', 'summary.json')
const rows = existsSync(summaryFile) ? JSON.parse(readFileSync(summaryFile, 'utf8')) : []
// Set-up that failed leaves no summary, yet the run has failed.
if (Number(testStatus) !== 0 && rows.every(({ failed }) => failed === 0)) {
  rows.push({ name: 'set-up', passed: 0, failed: 1 })
}
for (const check of checks) {
  const [name, status] = check.split(':')
  const failed = Number(status) === 0 ? 0 : 1
  rows.push({ name, passed: 1 - failed, failed })
}

/** What types and lint printed lies in reports/NAME.log. */
function complaintOf(name) {
  const file = inProject('reports', `${name}.log`)
  return existsSync(file)
    ? [{ title: `reports/${name}.log`, text: readFileSync(file, 'utf8') }]
    : []
}

for (const { name, failed } of rows) {
  if (failed === 0) continue
  const failures = [...failuresOf(name), ...complaintOf(name)]
  const lines = failureLines(name, failures)
  console.log(
    lines.length > 0 ? lines.join('\n') : `FAILED ${name}: it ended badly and said no name`,
  )
}
for (const { name, passed, failed } of rows) {
  console.log(`${name.padEnd(10)} ${passed} passed, ${failed} failed`)
}
const sum = (key) => rows.reduce((total, row) => total + row[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0
