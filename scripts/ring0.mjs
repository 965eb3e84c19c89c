// `npm run ring0 -- ...`: the terminal face, in plain Node. Nothing but node modules and the bundle
// is looked at, and stdout carries only what the program itself prints.

import { cliFile, ensureCli } from './lib/build.mjs'
import { runBundle } from './lib/compiled.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'

let isReady = false
await main(async () => {
  await ensureNodeModules()
  await ensureCli()
  isReady = true
})
if (isReady) {
  // In the same process: a second Node would cost as much as everything above.
  process.argv[1] = cliFile
  runBundle(cliFile, { isTypical: process.argv[2] === 'run' })
}
