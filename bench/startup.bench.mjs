// From the start of the process to an editor in which one can type: the app, and a window with Monaco
// and nothing else, by turns. The first start of each has an empty profile, so nothing that Chromium
// compiles is kept from before; the later ones are what a person meets every day.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { electronEnvironment, ensureElectron, machineSwitches } from '../scripts/lib/electron.mjs'
import { root } from '../scripts/lib/paths.mjs'
import { run } from '../scripts/lib/run.mjs'
import { buildEmptyWindow, emptyWindow } from './lib/empty-window.mjs'
import { inMs, keepRows, median, row } from './lib/table.mjs'

const ROUNDS = 7

const electron = await ensureElectron()
await buildEmptyWindow()
const folder = mkdtempSync(join(tmpdir(), 'ring0-startup-'))
try {
  const app = []
  const empty = []
  for (let i = 0; i <= ROUNDS; i++) {
    empty.push(await start(emptyWindow, 'empty'))
    app.push(await start(root, 'app'))
  }
  const first = { app: app.shift(), empty: empty.shift() }
  row('first start: editor, empty window', inMs(first.empty.editor))
  row('first start: editor, app', inMs(first.app.editor))
  row('first start: first run shown, app', inMs(first.app.firstRun))
  const all = (starts, mark) => starts.map((marks) => marks[mark])
  const best = (values) => Math.min(...values)
  for (const [word, pick] of Object.entries({ best, median })) {
    row(`${word} of ${ROUNDS}: editor, empty window`, inMs(pick(all(empty, 'editor'))))
    row(`${word} of ${ROUNDS}: editor, app`, inMs(pick(all(app, 'editor'))))
    row(`${word} of ${ROUNDS}: first run shown, app`, inMs(pick(all(app, 'firstRun'))))
    const ratio = pick(all(app, 'editor')) / pick(all(empty, 'editor'))
    row(`${word} of ${ROUNDS}: app : empty window`, `${ratio.toFixed(2)} : 1`)
  }
  row('the app on its way, median', marksOf(app))
  keepRows('startup')
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

/** Start it, wait until it quits, and give its marks. */
async function start(path, profile) {
  const report = join(folder, `${profile}.json`)
  rmSync(report, { force: true })
  const userData = join(folder, profile)
  const args = [...machineSwitches, `--user-data-dir=${userData}`, path]
  const env = {
    ...electronEnvironment(electron),
    RING0_USER_DATA: userData,
    RING0_STARTUP_REPORT: report,
  }
  const status = await run(electron.executable, args, { env, stdio: 'ignore', timeout: 60_000 })
  try {
    return JSON.parse(readFileSync(report, 'utf8')).ms
  } catch (error) {
    throw new Error(`${path} ended with status ${status} and no report.`, { cause: error })
  }
}

function marksOf(starts) {
  const names = Object.keys(starts[0])
  return names
    .map((name) => `${name} ${median(starts.map((ms) => ms[name])).toFixed(0)}`)
    .join(', ')
}
