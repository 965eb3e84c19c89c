// node_modules against the lock file.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { SetupError, progress } from './log.mjs'
import { withLock } from './lock.mjs'
import { inCache, inProject, root } from './paths.mjs'
import { npm, run } from './run.mjs'

const lockFile = inProject('package-lock.json')
const stampFile = inProject('node_modules', '.ring0-stamp')

const digest = (data) => createHash('sha256').update(data).digest('hex')

function wantedStamp() {
  return `${digest(readFileSync(lockFile))} ${process.platform}-${process.arch}\n`
}

function isStamped() {
  return existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wantedStamp()
}

/** True when what npm says it installed is what the lock file asks for. */
function matchesLock() {
  const installedFile = inProject('node_modules', '.package-lock.json')
  if (!existsSync(installedFile)) return false
  const { packages: wanted } = JSON.parse(readFileSync(lockFile, 'utf8'))
  const { packages: installed } = JSON.parse(readFileSync(installedFile, 'utf8'))
  const isSame = (name) => installed[name]?.version === wanted[name]?.version
  const mayBeAbsent = (name) => wanted[name].optional || wanted[name].devOptional
  return (
    Object.keys(installed).every((name) => wanted[name] && isSame(name)) &&
    Object.keys(wanted).every(
      (name) => name === '' || isSame(name) || (!installed[name] && mayBeAbsent(name)),
    )
  )
}

/**
 * Install node modules when they are absent or differ from the lock file.
 * Install scripts are not run: no dependency needs one, and better-sqlite3 brings its binaries.
 */
export async function ensureNodeModules() {
  if (isStamped()) return
  const lock = inCache(`modules-${digest(root).slice(0, 16)}.lock`)
  await withLock(lock, 'installing node modules', async () => {
    if (isStamped()) return
    if (!matchesLock()) {
      const bar = progress('Installing node modules')
      const { command, args, shell } = npm([
        'ci',
        '--ignore-scripts',
        '--include=dev',
        '--no-audit',
        '--no-fund',
        '--loglevel=error',
      ])
      const status = await run(command, args, { shell, stdio: ['ignore', 2, 2] })
      if (status !== 0) {
        throw new SetupError(
          `npm ci failed with status ${status}.`,
          'Is the npm registry reachable? `npm ping` tells.',
        )
      }
      bar.done()
    }
    writeFileSync(stampFile, wantedStamp())
  })
}
