// What Electron needs from the system on Linux: shared libraries, and an X server to draw on when
// there is no display.

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SetupError, progress, say } from './log.mjs'
import { inCache } from './paths.mjs'
import { capture, which } from './run.mjs'

// Debian names; the second is what newer releases (time64) call it.
const packages = [
  ['libgtk-3-0t64', 'libgtk-3-0'],
  ['libnss3'],
  ['libatk-bridge2.0-0t64', 'libatk-bridge2.0-0'],
  ['libgbm1'],
  ['libasound2t64', 'libasound2'],
  ['libxss1'],
  // Chromium draws nothing without any font.
  ['fonts-liberation'],
]
const displayPackages = [['xvfb']]

/** True when windows can be shown to somebody. */
export const hasDisplay =
  process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY)

async function missingLibraries(executable) {
  const { stdout } = await capture('ldd', [executable])
  return [...stdout.matchAll(/^\s*(\S+) => not found/gm)].map(([, library]) => library)
}

async function missing(executable) {
  const libraries = await missingLibraries(executable)
  return hasDisplay || which('Xvfb') ? libraries : [...libraries, 'Xvfb']
}

function isDebianLike() {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** The names that this release knows. */
async function availableNames() {
  const names = []
  for (const choice of [...packages, ...(hasDisplay ? [] : displayPackages)]) {
    const { stdout } = await capture('apt-cache', ['show', '--no-all-versions', ...choice])
    names.push(choice.find((name) => stdout.includes(`Package: ${name}\n`)) ?? choice.at(-1))
  }
  return names
}

/** Some of a long list, and how many more there are. */
function shortly(names) {
  const shown = names.slice(0, 3).join(', ')
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown
}

async function install(lacking) {
  const bar = progress(`Installing system libraries (missing: ${shortly(lacking)})`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = (...args) => capture('apt-get', ['-qq', ...args], { env })
  // An update that fails in part (one of several sources away) still often has what is needed.
  await apt('update')
  const names = await availableNames()
  const wait = ['-o', 'DPkg::Lock::Timeout=300']
  const { status, stderr } = await apt(
    'install',
    '-y',
    '--no-install-recommends',
    ...wait,
    ...names,
  )
  if (status !== 0) {
    process.stderr.write(stderr)
    throw new SetupError(
      'apt-get could not install what Electron needs.',
      `Try by hand: apt-get install -y --no-install-recommends ${names.join(' ')}`,
    )
  }
  bar.done()
}

/** What was found in order, so that it need not be looked at again for the same Electron. */
function stamp(executable) {
  const { size, mtimeMs } = statSync(executable)
  return `${executable} ${size} ${mtimeMs} ${hasDisplay}\n`
}

/**
 * See that this Electron can be started and drawn somewhere.
 * On Debian and Ubuntu as root the missing packages are installed; otherwise the command is named.
 * @param {string} executable
 */
export async function ensureSystem(executable) {
  if (process.platform !== 'linux') return
  const stampFile = inCache('system.checked')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp(executable)) return
  const lacking = await missing(executable)
  if (lacking.length > 0) {
    const debian = isDebianLike()
    if (!debian || process.getuid?.() !== 0) {
      throw new SetupError(
        `Electron needs system libraries that are missing: ${lacking.join(', ')}.`,
        debian
          ? `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${(await availableNames()).join(' ')}`
          : "Install your system's packages for GTK 3, NSS, ALSA, GBM and, without a display, Xvfb.",
      )
    }
    await install(lacking)
    const left = await missing(executable)
    if (left.length > 0) throw new SetupError(`Still missing after apt-get: ${left.join(', ')}.`)
  }
  await checkSandbox(executable)
  writeFileSync(stampFile, stamp(executable))
}

/** Chromium's sandbox needs user namespaces, or a helper that belongs to root. */
async function checkSandbox(executable) {
  if (process.getuid?.() === 0) return
  const helper = join(dirname(executable), 'chrome-sandbox')
  if (existsSync(helper)) {
    const { uid, mode } = statSync(helper)
    if (uid === 0 && mode & 0o4000) return
  }
  const { status } = await capture('unshare', ['--user', 'true'])
  if (status === 0 || status === 127) return
  say("This system lets no program make user namespaces, so Chromium's sandbox cannot start.")
  throw new SetupError(
    'Give the sandbox helper to root and run the command again:',
    `sudo chown root:root '${helper}' && sudo chmod 4755 '${helper}'`,
  )
}
