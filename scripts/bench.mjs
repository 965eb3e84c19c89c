// `npm run bench -- [FILTER]`: run what lies in bench/, one after the other so that they do not
// disturb each other. A .mjs file runs as it is; a .ts file is bundled first, like the product.

import { existsSync, mkdirSync, readFileSync, readdirSync } from 'node:fs'
import { ensureApp, ensureCli } from './lib/build.mjs'
import { withVirtualDisplay } from './lib/display.mjs'
import { electronEnvironment, ensureElectron } from './lib/electron.mjs'
import { main, say } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { inProject } from './lib/paths.mjs'
import { run } from './lib/run.mjs'
import { ensureSystem, hasDisplay } from './lib/system.mjs'

async function bundle(name) {
  const { build } = await import('vite')
  const outDir = inProject('out', 'bench')
  const fileName = name.replace(/\.ts$/, '.cjs')
  await build({
    root: inProject(),
    configFile: false,
    publicDir: false,
    logLevel: 'warn',
    ssr: { noExternal: true, target: 'node' },
    build: {
      ssr: inProject('bench', name),
      target: 'node20',
      outDir,
      emptyOutDir: false,
      rolldownOptions: {
        external: ['better-sqlite3', 'electron', 'iced-x86', 'libyara-wasm'],
        output: { format: 'cjs', entryFileNames: fileName },
      },
    },
  })
  return inProject('out', 'bench', fileName)
}

/** In this Node; what needs SQLite in that of Electron, which has the one that fits. */
function start(electron, file, env) {
  if (!readFileSync(file, 'utf8').includes('require("better-sqlite3")'))
    return run(process.execPath, ['--expose-gc', file], { env })
  const hook = inProject('scripts', 'lib', 'sqlite-alias.cjs')
  const asNode = { ...env, ELECTRON_RUN_AS_NODE: '1' }
  return run(electron.executable, ['--expose-gc', '--require', hook, file], { env: asNode })
}

await main(async () => {
  await ensureNodeModules()
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  await ensureApp()
  await ensureCli()
  const folder = inProject('bench')
  const [filter = ''] = process.argv.slice(2)
  const names = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => /\.bench\.(mjs|ts)$/.test(name) && name.includes(filter))
    .sort()
  if (names.length === 0) say(`No bench/*${filter}*.bench.ts or .mjs.`)
  mkdirSync(inProject('reports'), { recursive: true })
  const all = async (display) => {
    let worst = 0
    for (const name of names) {
      say(name)
      const file = name.endsWith('.ts') ? await bundle(name) : inProject('bench', name)
      const env = { ...electronEnvironment(electron), ...display }
      worst = Math.max(worst, await start(electron, file, env))
    }
    return worst
  }
  return hasDisplay ? all({}) : withVirtualDisplay(all)
})
