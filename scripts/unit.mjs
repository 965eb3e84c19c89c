// `npm run unit -- [FILTER]`: unit and integration tests in the Node of this Electron.
// With --coverage: what they cover, in coverage/index.html.

import { ensureElectron } from './lib/electron.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { ensureSystem } from './lib/system.mjs'
import { runUnit } from './lib/tests.mjs'

await main(async () => {
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  return runUnit(electron, process.argv.slice(2))
})
