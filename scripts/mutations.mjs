// `npm run mutations`: run every seeded mistake of mutations/ and write the table docs/mutations.md.

import { ensureElectron } from './lib/electron.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { ensureSystem } from './lib/system.mjs'
import { runUnit } from './lib/tests.mjs'

await main(async () => {
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  process.env.UPDATE_MUTATIONS = '1'
  return runUnit(electron, ['src/main/lab/mutations.test.ts'])
})
