// Set-up of a fresh clone, in plain Node without dependencies. npm runs it before `start` and
// `test`; the second time it finds everything in place and says nothing.
//
//   node scripts/bootstrap.mjs app|test

import { ensureApp, ensureCli } from './lib/build.mjs'
import { ensureElectron } from './lib/electron.mjs'
import { SetupError, main } from './lib/log.mjs'
import { ensureNode } from './lib/modern-node.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { ensureSystem } from './lib/system.mjs'

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return
  throw new SetupError(
    `Node ${process.versions.node} is too old.`,
    'Use Node 20.19, 22.12 or newer.',
  )
}

await main(async () => {
  checkNode()
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  await ensureApp()
  if (process.argv[2] !== 'test') return
  await ensureCli()
  await ensureNode()
})
