// Which Electron to run, and getting it when there is none:
//   1. the folder that ELECTRON_OVERRIDE_DIST_PATH names;
//   2. the electron package's own binary; its installer is tried once per version;
//   3. on Linux x64 the runtime of fallback-runtime.mjs.

import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { statSync, statfsSync, writeFileSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ensureFallback, findFallback, hasFallback } from './fallback-runtime.mjs'
import { withLock } from './lock.mjs'
import { SetupError, megabytes, say } from './log.mjs'
import { inCache, inProject } from './paths.mjs'

/**
 * @typedef {object} ElectronRuntime
 * @property {string} folder what ELECTRON_OVERRIDE_DIST_PATH would name
 * @property {string} executable
 * @property {string} [sqlite] main file of the better-sqlite3 that fits, when it is not the one in
 *   node_modules
 */

// An installer that receives nothing for this long is given up.
const silentMs = 20_000

const executableName =
  { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' }[process.platform] ??
  'electron'

/** @returns {ElectronRuntime} */
function describe(folder) {
  const executable = join(folder, executableName)
  if (!existsSync(executable)) {
    throw new SetupError(
      `There is no ${executableName} in ${folder}.`,
      'ELECTRON_OVERRIDE_DIST_PATH must name the folder that holds the Electron executable.',
    )
  }
  const sqlite = join(folder, 'resources', 'node_modules', 'better-sqlite3', 'lib', 'index.js')
  return { folder, executable, sqlite: existsSync(sqlite) ? sqlite : undefined }
}

const packageFolder = inProject('node_modules', 'electron')

function electronVersion() {
  return JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')).version
}

function installed() {
  const folder = join(packageFolder, 'dist')
  const versionFile = join(folder, 'version')
  if (!existsSync(versionFile) || !existsSync(join(packageFolder, 'path.txt'))) return undefined
  const version = readFileSync(versionFile, 'utf8').trim().replace(/^v/, '')
  return version === electronVersion() ? folder : undefined
}

function bytesIn(folder) {
  let bytes = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    // Files come and go while the installer works.
    if (entry.isFile()) bytes += statSync(join(entry.parentPath ?? entry.path, entry.name)).size
  }
  return bytes
}

/** Run the electron package's installer for as long as something arrives. */
async function install() {
  const temporary = mkdtempSync(join(tmpdir(), 'ring0-electron-'))
  const child = spawn(process.execPath, [join(packageFolder, 'install.js')], {
    env: { ...process.env, TMPDIR: temporary, TEMP: temporary, TMP: temporary },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text) => (complaint += text))
  let [seen, since, shown] = [0, Date.now(), Date.now()]
  const watch = setInterval(() => {
    let bytes = seen
    try {
      bytes = bytesIn(temporary)
    } catch {
      // A file vanished between listing and asking; look again next time.
    }
    const now = Date.now()
    if (bytes !== seen) [seen, since] = [bytes, now]
    if (bytes > 0 && now - shown > 5000) {
      shown = now
      say(`  ${megabytes(bytes)} so far`)
    }
    // Unpacking the finished download writes elsewhere, hence the wider limit once there are bytes.
    if (now - since > (seen > 0 ? 6 * silentMs : silentMs)) child.kill('SIGKILL')
  }, 500)
  try {
    const status = await new Promise((done) => {
      child.once('error', () => done(127))
      child.once('close', (code) => done(code))
    })
    if (status === 0 && installed()) return undefined
    const reason = complaint.match(/Error: (.+)/)?.[1]
    return reason ?? (status === null ? 'no answer' : `status ${status}`)
  } finally {
    clearInterval(watch)
    rmSync(temporary, { recursive: true, force: true })
  }
}

/** Where a failed try is remembered; deleting the file means another try. */
function refusalFile() {
  return inCache(`electron-${electronVersion()}-${process.platform}-${process.arch}.unreachable`)
}

/**
 * The Electron that is there already.
 * @returns {ElectronRuntime | undefined}
 */
export function findElectron() {
  const override = process.env.ELECTRON_OVERRIDE_DIST_PATH
  if (override) return describe(resolve(override))
  const own = installed()
  if (own) return describe(own)
  if (!hasFallback || !existsSync(refusalFile())) return undefined
  const fallback = findFallback()
  return fallback ? describe(fallback) : undefined
}

/**
 * An Electron that can be started, fetched when there is none.
 * @returns {Promise<ElectronRuntime>}
 */
export async function ensureElectron() {
  const present = findElectron()
  if (present) return present
  const refusal = refusalFile()
  if (!existsSync(refusal)) {
    const reason = await withLock(`${refusal}.lock`, 'fetching Electron', async () => {
      if (installed() || existsSync(refusal)) return undefined
      say(`Fetching Electron ${electronVersion()} from its own download site`)
      const failure = await install()
      if (failure) {
        const time = new Date().toISOString()
        writeFileSync(refusal, `${JSON.stringify({ time, failure })}\n`)
      }
      return failure
    })
    const own = installed()
    if (own) return describe(own)
    if (reason) say(`  not reachable (${reason}). To try again later, delete ${refusal}`)
  }
  try {
    if (hasFallback) return describe(await ensureFallback())
  } catch (error) {
    // Perhaps there was no network at all: that says nothing about Electron's own site.
    rmSync(refusal, { force: true })
    throw error
  }
  rmSync(refusal, { force: true })
  throw new SetupError(
    'Electron could not be downloaded.',
    'Set ELECTRON_OVERRIDE_DIST_PATH to a folder that holds Electron, or ELECTRON_MIRROR to a\n' +
      'mirror of its releases, and run the command again.',
  )
}

/** Environment in which every tool finds this Electron. */
export function electronEnvironment({ folder, executable, sqlite }) {
  const env = {
    ...process.env,
    ELECTRON_OVERRIDE_DIST_PATH: folder,
    ELECTRON_EXEC_PATH: executable,
    RING0_ELECTRON: executable,
    RING0_SWITCHES: machineSwitches.join(' '),
  }
  if (sqlite) env.RING0_BETTER_SQLITE3 = sqlite
  return env
}

/** Containers often have 64 MB of shared memory or none; Chromium then dies in the middle. */
function isSharedMemoryScarce() {
  if (process.platform !== 'linux') return false
  try {
    const { bsize, blocks } = statfsSync('/dev/shm')
    return bsize * blocks < 512e6
  } catch {
    return true
  }
}

/** Switches that this machine needs: Chromium's sandbox refuses to run as root. */
export const machineSwitches = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ...(isSharedMemoryScarce() ? ['--disable-dev-shm-usage'] : []),
]
