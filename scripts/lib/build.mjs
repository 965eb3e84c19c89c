// Building the app and the terminal face, when their sources changed since the last time.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { fingerprint } from './fingerprint.mjs'
import { withLock } from './lock.mjs'
import { SetupError, progress } from './log.mjs'
import { inProject } from './paths.mjs'
import { run } from './run.mjs'

const tests = /\.test\.ts$/
const common = ['package.json', 'package-lock.json', 'tsconfig.base.json', 'src/shared', 'samples']

const app = {
  title: 'Building the app',
  sources: [
    ...common,
    'electron.vite.config.ts',
    'src/main',
    'src/preload',
    'src/renderer',
    'data',
  ],
  stamp: inProject('out', '.app'),
  result: inProject('out', 'main', 'index.js'),
  build: () => tool('electron-vite/bin/electron-vite.js', ['build', '--logLevel', 'warn']),
}

const cli = {
  title: 'Building the terminal program',
  sources: [
    ...common,
    'vite.cli.config.mts',
    'data',
    // All but the app itself.
    ...[
      'catalogue',
      'cli',
      'desk',
      'dsl',
      'exchange',
      'intake',
      'kernel',
      'known',
      'lab',
      'package',
      'pe',
    ].map((part) => `src/main/${part}`),
  ],
  stamp: inProject('out', '.cli'),
  result: inProject('out', 'cli', 'index.cjs'),
  async build() {
    // Made aside and swapped: another terminal may be running the old one.
    const fresh = inProject('out', '.cli-fresh')
    rmSync(fresh, { recursive: true, force: true })
    const args = ['build', '--config', 'vite.cli.config.mts', '--logLevel', 'warn']
    const status = await tool('vite/bin/vite.js', [...args, '--outDir', fresh])
    if (status !== 0) return status
    rmSync(inProject('out', 'cli'), { recursive: true, force: true })
    renameSync(fresh, inProject('out', 'cli'))
    return 0
  },
}

function tool(script, args) {
  const file = inProject('node_modules', ...script.split('/'))
  return run(process.execPath, [file, ...args], { stdio: ['ignore', 2, 2] })
}

const digestOf = (part) => fingerprint(part.sources, { ignore: tests })

function isFresh(part, digest) {
  return (
    existsSync(part.result) && existsSync(part.stamp) && readFileSync(part.stamp, 'utf8') === digest
  )
}

async function ensure(part, force) {
  if (!force && isFresh(part, digestOf(part))) return
  mkdirSync(inProject('out'), { recursive: true })
  await withLock(inProject('out', '.lock'), 'building', async () => {
    // Taken before the build: what changes while it runs makes the result stale again.
    const digest = digestOf(part)
    if (!force && isFresh(part, digest)) return
    rmSync(part.stamp, { force: true })
    const bar = progress(part.title)
    const status = await part.build()
    if (status !== 0) throw new SetupError('The build failed; its messages are above.')
    writeFileSync(part.stamp, digest)
    bar.done()
  })
}

/** Build the Electron app into out/main, out/preload, out/renderer. */
export const ensureApp = ({ force = false } = {}) => ensure(app, force)

/** Build the terminal face into out/cli; it is one file. */
export const ensureCli = ({ force = false } = {}) => ensure(cli, force)

/** The file that plain Node runs. */
export const cliFile = cli.result

/** A digest that changes with the built app. */
export const appDigest = () => digestOf(app)

/** Call it before something else writes to out/, such as the development server. */
export const forgetApp = () => rmSync(app.stamp, { force: true })
