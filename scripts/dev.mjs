// `npm run dev`: the app with live reload of the renderer, restarted when main or preload change.

import { forgetApp } from './lib/build.mjs'
import { electronEnvironment, ensureElectron, machineSwitches } from './lib/electron.mjs'
import { SetupError, main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { inProject } from './lib/paths.mjs'
import { run } from './lib/run.mjs'
import { ensureSystem, hasDisplay } from './lib/system.mjs'

await main(async () => {
  if (!hasDisplay) throw new SetupError('npm run dev needs a display.')
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  forgetApp()
  const tool = inProject('node_modules', 'electron-vite', 'bin', 'electron-vite.js')
  const switches = machineSwitches.includes('--no-sandbox') ? ['--noSandbox'] : []
  const args = [tool, 'dev', '--watch', ...switches, ...process.argv.slice(2)]
  return run(process.execPath, args, { env: electronEnvironment(electron) })
})
