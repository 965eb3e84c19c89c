// `npm run build`: build everything anew.

import { ensureApp, ensureCli } from './lib/build.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'

await main(async () => {
  await ensureNodeModules()
  await ensureApp({ force: true })
  await ensureCli({ force: true })
})
