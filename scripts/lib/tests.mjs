// The test runners. Each writes a JSON report into reports/, from which `tally` counts.

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { withVirtualDisplay } from './display.mjs'
import { electronEnvironment } from './electron.mjs'
import { say } from './log.mjs'
import { inProject } from './paths.mjs'
import { run } from './run.mjs'
import { hasDisplay } from './system.mjs'

const vitest = inProject('node_modules', 'vitest', 'vitest.mjs')
const playwright = inProject('node_modules', '@playwright', 'test', 'cli.js')

const reportFile = (name) => inProject('reports', `${name}.json`)

/** The runners whose reports count, in the order in which they run. */
export const runners = ['unit', 'sqlite', 'e2e']

function vitestArguments(name, args) {
  const reporters = ['default', 'json', inProject('scripts', 'lib', 'vitest-errors.mjs')]
  const report = `--outputFile.json=${reportFile(name)}`
  return [vitest, 'run', ...reporters.map((reporter) => `--reporter=${reporter}`), report, ...args]
}

function prepare(name) {
  mkdirSync(inProject('reports'), { recursive: true })
  rmSync(reportFile(name), { force: true })
  rmSync(reportFile(`${name}.errors`), { force: true })
}

/**
 * Unit and integration tests, in the Node of this Electron.
 * @param {import('./electron.mjs').ElectronRuntime} electron
 * @param {string[]} [args] for vitest, such as a file name
 */
export function runUnit(electron, args = []) {
  prepare('unit')
  const env = { ...electronEnvironment(electron), ELECTRON_RUN_AS_NODE: '1' }
  return run(electron.executable, vitestArguments('unit', args), { env })
}

/**
 * The tests that touch SQLite (`*.sqlite.test.ts`), with the better-sqlite3 in node_modules, which
 * is the one that ships.
 * @param {string | undefined} node executable of a Node 22 or newer
 */
export async function runSqlite(node) {
  prepare('sqlite')
  if (!node) {
    say('No Node 22 or newer at hand: the SQLite tests are not run a second time.')
    return 0
  }
  const env = { ...process.env }
  delete env.RING0_BETTER_SQLITE3
  return run(node, vitestArguments('sqlite', ['.sqlite.test.']), { env })
}

/**
 * Tests of real windows.
 * @param {import('./electron.mjs').ElectronRuntime} electron
 * @param {string | undefined} packaged executable of the packaged app
 * @param {string[]} [args] for Playwright
 */
export function runE2e(electron, packaged, args = []) {
  prepare('e2e')
  const env = electronEnvironment(electron)
  if (packaged) env.RING0_PACKAGED = packaged
  const start = (display) =>
    run(process.execPath, [playwright, 'test', ...args], { env: { ...env, ...display } })
  return hasDisplay ? start({}) : withVirtualDisplay(start)
}

function countVitest({ numPassedTests, numFailedTests, testResults }) {
  // A file that cannot be loaded has no tests in it, yet it failed.
  const broken = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  return { passed: numPassedTests, failed: numFailedTests + broken.length }
}

function countPlaywright({ stats, errors }) {
  return { passed: stats.expected, failed: stats.unexpected + stats.flaky + errors.length }
}

/**
 * What a runner's report says.
 * @param {string} name one of `runners`
 * @returns {{ passed: number, failed: number } | undefined} undefined without a report
 */
export function tally(name) {
  const file = reportFile(name)
  if (!existsSync(file)) return undefined
  const report = JSON.parse(readFileSync(file, 'utf8'))
  return 'testResults' in report ? countVitest(report) : countPlaywright(report)
}
