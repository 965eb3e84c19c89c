// `npm test`: everything that can be tested. Every runner runs even when an earlier one failed.

import { writeFileSync } from 'node:fs'
import { ensureElectron } from './lib/electron.mjs'
import { failureLines, failuresOf } from './lib/failures.mjs'
import { main, say } from './lib/log.mjs'
import { ensureNode } from './lib/modern-node.mjs'
import { ensurePackage } from './lib/package-app.mjs'
import { inProject } from './lib/paths.mjs'
import { runE2e, runSqlite, runUnit, runners, tally } from './lib/tests.mjs'

await main(async () => {
  const electron = await ensureElectron()
  const started = Date.now()
  const statuses = {
    unit: await runUnit(electron),
    sqlite: await runSqlite(await ensureNode()),
    e2e: await runE2e(electron, await ensurePackage(electron)),
  }
  const lines = runners.map((name) => {
    const counts = tally(name)
    if (!counts) return { name, status: statuses[name], passed: 0, failed: statuses[name] ? 1 : 0 }
    // A runner that ends badly without naming a failed test has failed all the same.
    const failed = statuses[name] !== 0 ? Math.max(1, counts.failed) : counts.failed
    return { name, status: statuses[name], ...counts, failed }
  })
  writeFileSync(inProject('reports', 'summary.json'), `${JSON.stringify(lines, null, 2)}\n`)
  for (const name of runners) {
    for (const line of failureLines(name, failuresOf(name))) console.log(line)
  }
  for (const { name, passed, failed } of lines) {
    say(`${name.padEnd(7)} ${passed} passed, ${failed} failed`)
  }
  say(`All in ${Math.round((Date.now() - started) / 1000)} s.`)
  return lines.some(({ failed }) => failed > 0) ? 1 : 0
})
