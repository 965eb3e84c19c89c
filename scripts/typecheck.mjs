// `npm run typecheck`: every part with the types it may see. The kernel sees neither Node nor DOM.

import { existsSync } from 'node:fs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { inProject } from './lib/paths.mjs'
import { run } from './lib/run.mjs'

const parts = [
  ['typescript/bin/tsc', 'src/main/kernel/tsconfig.json'],
  ['typescript/bin/tsc', 'tsconfig.node.json'],
  ['typescript/bin/tsc', 'tsconfig.e2e.json'],
  ['vue-tsc/bin/vue-tsc.js', 'tsconfig.web.json'],
]

await main(async () => {
  await ensureNodeModules()
  const statuses = await Promise.all(
    parts
      .filter(([, config]) => existsSync(inProject(config)))
      .map(([tool, config]) =>
        run(process.execPath, [inProject('node_modules', tool), '--pretty', '-p', config]),
      ),
  )
  return Math.max(...statuses)
})
