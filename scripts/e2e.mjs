// `npm run e2e -- [FILTER]`: tests of real windows, packaged app included.

import { ensureApp } from './lib/build.mjs'
import { ensureElectron } from './lib/electron.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { ensurePackage } from './lib/package-app.mjs'
import { ensureSystem } from './lib/system.mjs'
import { runE2e } from './lib/tests.mjs'

await main(async () => {
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  await ensureApp()
  return runE2e(electron, await ensurePackage(electron), process.argv.slice(2))
})
