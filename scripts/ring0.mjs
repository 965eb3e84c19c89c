// `npm run ring0 -- ...`: the terminal face. Toy drivers and scans run in plain Node: nothing but
// node modules and the bundle is looked at. Commands that open a catalogue need SQLite, and where
// this Node cannot load the one in node_modules they run in the Node of this Electron. stdout
// carries only what the program itself prints.

import { cliFile, ensureCli } from './lib/build.mjs'
import { runBundle } from './lib/compiled.mjs'
import { electronEnvironment, ensureElectron } from './lib/electron.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { inProject } from './lib/paths.mjs'
import { run } from './lib/run.mjs'

const [command] = process.argv.slice(2)
const needsSqlite = ['import', 'search', 'export'].includes(command)
/** better-sqlite3 in node_modules is made for this Node-API. */
const hasSqlite = Number(process.versions.node.split('.')[0]) >= 22

let isReady = false
await main(async () => {
  await ensureNodeModules()
  await ensureCli()
  if (needsSqlite && !hasSqlite) {
    const electron = await ensureElectron()
    const env = { ...electronEnvironment(electron), ELECTRON_RUN_AS_NODE: '1' }
    const hook = inProject('scripts', 'lib', 'sqlite-alias.cjs')
    const args = ['--require', hook, cliFile, ...process.argv.slice(2)]
    return run(electron.executable, args, { env })
  }
  isReady = true
})
if (isReady) {
  // In the same process: a second Node would cost as much as everything above.
  process.argv[1] = cliFile
  runBundle(cliFile, { isTypical: command === 'run' })
}
