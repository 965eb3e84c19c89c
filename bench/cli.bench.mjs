// `npm run ring0 -- run samples/drivers/hello` from a cold terminal, and where the time goes. Each
// stage is the difference between two commands of which the second does one thing more, so the
// figures are what a person waits for, and nothing is measured from within.

import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cliFile } from '../scripts/lib/build.mjs'
import { inProject, root } from '../scripts/lib/paths.mjs'
import { npm } from '../scripts/lib/run.mjs'
import { inMs, keepRows, median, row } from './lib/table.mjs'

const ROUNDS = 9
const HELLO = 'samples/drivers/hello'
const ring0 = (...args) => [process.execPath, inProject('scripts', 'ring0.mjs'), ...args]
const { command, args, shell } = npm(['run', 'ring0', '--', 'run', HELLO])

/** Each does what the one before it does, and one thing more. */
const STAGES = [
  ['Node', [process.execPath, '-e', '0']],
  ['set-up check', [process.execPath, '--input-type=module', '-e', setUpCheck()]],
  ['bundle load', ring0('help')],
  ['compile of the driver, first in a process', ring0('check', HELLO)],
  ['run', ring0('run', HELLO)],
  ['npm', [command, ...args]],
]

forgetCompiled()
const first = time(STAGES.at(-1)[1])
const times = STAGES.map(() => [])
for (let i = 0; i < ROUNDS; i++)
  for (const [stage, [, line]] of STAGES.entries()) times[stage].push(time(line))

row('npm run ring0 -- run hello, first after a build', inMs(first))
for (const [word, pick] of Object.entries({ best: (all) => Math.min(...all), median })) {
  const of = times.map(pick)
  row(`npm run ring0 -- run hello, ${word} of ${ROUNDS}`, inMs(of.at(-1)))
  for (const [i, [name]] of STAGES.entries()) row(`  ${name}`, inMs(of[i] - (of[i - 1] ?? 0)))
}
keepRows('cli')

/** Wall-clock time of a command, in ms. */
function time([program, ...args]) {
  const start = performance.now()
  const { status } = spawnSync(program, args, { cwd: root, stdio: 'ignore', shell })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with status ${status}.`)
  return performance.now() - start
}

function setUpCheck() {
  const file = (name) => JSON.stringify(new URL(`../scripts/lib/${name}`, import.meta.url).href)
  return `const { ensureNodeModules } = await import(${file('node-modules.mjs')})
    const { ensureCli } = await import(${file('build.mjs')})
    await ensureNodeModules()
    await ensureCli()`
}

/** What is kept of the bundle's compiled code. */
function forgetCompiled() {
  const folder = dirname(cliFile)
  for (const name of readdirSync(folder)) if (name.endsWith('.compiled')) rmSync(join(folder, name))
}
