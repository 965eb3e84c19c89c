// `npm run matrix`: run every technique under every defence and write docs/matrix.md.

import { ensureElectron } from './lib/electron.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { ensureSystem } from './lib/system.mjs'
import { runUnit } from './lib/tests.mjs'

await main(async () => {
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  process.env.UPDATE_MATRIX = '1'
  return runUnit(electron, ['src/main/techniques/matrix.test.ts'])
})
