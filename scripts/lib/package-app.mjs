// The app as people get it, unpacked, made with electron-builder from the Electron that is here.

import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { appDigest, ensureApp } from './build.mjs'
import { fingerprint } from './fingerprint.mjs'
import { withLock } from './lock.mjs'
import { SetupError, progress } from './log.mjs'
import { inProject, root } from './paths.mjs'
import { capture, run } from './run.mjs'

const dist = inProject('dist')
const stampFile = join(dist, '.unpacked')

/** Where electron-builder puts the unpacked app's executable on this platform. */
function executablePath() {
  const arch = process.arch === 'x64' ? '' : `-${process.arch}`
  return {
    linux: join(dist, `linux${arch}-unpacked`, 'ring0-lab'),
    win32: join(dist, `win${arch}-unpacked`, 'ring0-lab.exe'),
    darwin: join(dist, `mac${arch}`, 'Ring0 Lab.app', 'Contents', 'MacOS', 'Ring0 Lab'),
  }[process.platform]
}

async function versionOf(electron) {
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: '1' }
  const { stdout } = await capture(electron.executable, ['-p', 'process.versions.electron'], {
    env,
  })
  return stdout.trim()
}

/**
 * Changes to electron-builder.yml for a build made on this machine.
 * @param {import('./electron.mjs').ElectronRuntime} electron
 */
async function localConfiguration(electron) {
  return {
    extends: inProject('electron-builder.yml'),
    electronDist: electron.folder,
    electronVersion: await versionOf(electron),
    // Playwright starts the build with --inspect; what is released does not take that switch.
    electronFuses: { enableNodeCliInspectArguments: true },
    // A runtime with a better-sqlite3 of its own has it in resources/node_modules, where Node looks
    // after the app's own modules: leaving ours out is enough.
    ...(electron.sqlite ? { files: ['!node_modules/better-sqlite3/**'] } : {}),
  }
}

function digest(electron) {
  const extra = `${appDigest()} ${electron.executable}`
  return fingerprint(['electron-builder.yml', 'scripts/lib/package-app.mjs'], { extra })
}

async function build(electron) {
  const configFile = join(dist, 'electron-builder.json')
  writeFileSync(configFile, JSON.stringify(await localConfiguration(electron), null, 2))
  const tool = inProject('node_modules', 'electron-builder', 'cli.js')
  const args = [tool, '--dir', '--publish', 'never', '--projectDir', root, '--config', configFile]
  let text = ''
  const status = await run(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    onOutput: (chunk) => (text += chunk),
  })
  if (status !== 0) {
    process.stderr.write(text)
    throw new SetupError(`electron-builder ended with status ${status}.`)
  }
  if (!electron.sqlite) return
  // A runtime folder is copied whole; what serves development only stays behind.
  for (const name of ['default_app.asar', 'sqlite-hook.cjs', 'utility-entry.cjs']) {
    rmSync(join(dirname(executablePath()), 'resources', name), { force: true })
  }
}

/**
 * Package the app into dist/, unpacked, when its sources changed since the last time.
 * @param {import('./electron.mjs').ElectronRuntime} electron
 * @returns {Promise<string>} the executable
 */
export async function ensurePackage(electron) {
  await ensureApp()
  const executable = executablePath()
  const isFresh = (wanted) =>
    existsSync(executable) && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted
  if (isFresh(digest(electron))) return executable
  await withLock(inProject('out', '.package-lock'), 'packaging', async () => {
    const wanted = digest(electron)
    if (isFresh(wanted)) return
    rmSync(stampFile, { force: true })
    mkdirSync(dist, { recursive: true })
    for (const name of readdirSync(dist)) {
      if (/^(linux|win|mac)/.test(name)) rmSync(join(dist, name), { recursive: true, force: true })
    }
    const bar = progress('Packaging the app')
    await build(electron)
    writeFileSync(stampFile, wanted)
    bar.done()
  })
  return executable
}
