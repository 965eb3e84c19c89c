// `npm run package`: the app as people get it, unpacked, in dist/.
// With --installers: what electron-builder.yml lists for this platform, for a release. That needs
// Electron's own binary and downloads.

import { ensureApp } from './lib/build.mjs'
import { ensureElectron } from './lib/electron.mjs'
import { SetupError, main, say } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { ensurePackage } from './lib/package-app.mjs'
import { inProject } from './lib/paths.mjs'
import { run } from './lib/run.mjs'
import { ensureSystem } from './lib/system.mjs'

await main(async () => {
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  if (!process.argv.includes('--installers')) {
    say(`Packaged: ${await ensurePackage(electron)}`)
    return 0
  }
  if (electron.sqlite) {
    throw new SetupError(
      'Installers are made from the Electron of package.json, which is not on this machine.',
    )
  }
  await ensureApp()
  const tool = inProject('node_modules', 'electron-builder', 'cli.js')
  return run(process.execPath, [tool, '--publish', 'never'])
})
