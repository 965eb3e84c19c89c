// Running a big CommonJS bundle: what V8 compiled of it is kept beside it, so that the next start
// need not do it again. V8 itself refuses what another version or another machine made.
//
// Node's own `module.enableCompileCache` is absent before version 22, and keeps what the very first
// start happened to compile: after `ring0 help` that would be nearly nothing, for ever.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import module from 'node:module'
import { dirname } from 'node:path'
import vm from 'node:vm'

function contentOf(file) {
  try {
    return readFileSync(file)
  } catch {
    return undefined
  }
}

/** Put a file in place at once, or not at all: a read-only folder is no reason to fail. */
function keep(file, data) {
  try {
    const fresh = `${file}.${process.pid}`
    writeFileSync(fresh, data)
    renameSync(fresh, file)
  } catch {
    // The next start compiles again.
  }
}

/**
 * Run a bundle as `require` would; its chunks are loaded by Node itself. It is replaced together with its folder, and so
 * is what was kept of it.
 * @param {string} file absolute path
 * @param {{ isTypical?: boolean }} [options] whether this start compiles what most starts need; only
 *   then something is kept
 */
export function runBundle(file, { isTypical = true } = {}) {
  const kept = `${file}.${process.version}.compiled`
  const cachedData = contentOf(kept)
  const script = new vm.Script(module.wrap(readFileSync(file, 'utf8')), {
    filename: file,
    ...(cachedData ? { cachedData } : {}),
  })
  const bundle = Object.assign(new module.Module(file), { filename: file, loaded: true })
  const require = module.createRequire(file)
  // Chunks of the bundle ask for it again, and must not run it again.
  require.cache[file] = bundle
  script.runInThisContext()(bundle.exports, require, bundle, file, dirname(file))
  if (!isTypical || (cachedData && !script.cachedDataRejected)) return
  // At the end, when the functions that a run needs are compiled.
  process.once('exit', () => keep(kept, script.createCachedData()))
}
