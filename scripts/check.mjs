// `npm run check`: lint, types and unit tests (which include src/tidy.test.ts), side by side and
// quick enough for every commit.

import { ensureElectron } from './lib/electron.mjs'
import { main, say } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { npm, run } from './lib/run.mjs'
import { ensureSystem } from './lib/system.mjs'

/** Keeps the output of one part together, and prints it when the part is done. */
async function part(name) {
  const started = Date.now()
  let text = ''
  const { command, args, shell } = npm(['run', '--silent', name])
  const status = await run(command, args, {
    shell,
    env: { ...process.env, FORCE_COLOR: process.stderr.isTTY ? '1' : '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
    onOutput: (chunk) => (text += chunk),
  })
  const seconds = ((Date.now() - started) / 1000).toFixed(1)
  if (status !== 0) process.stderr.write(text)
  say(`${name.padEnd(9)} ${status === 0 ? 'ok' : 'FAILED'}  ${seconds} s`)
  return status
}

await main(async () => {
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  const statuses = await Promise.all(['lint', 'typecheck', 'unit'].map(part))
  return Math.max(...statuses) === 0 ? 0 : 1
})
