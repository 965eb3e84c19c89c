import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inProject } from './paths.mjs'
import { capture } from './run.mjs'

let folder
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'ring0-compiled-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Run a bundle in a Node of its own. */
async function start(code) {
  const file = join(folder, 'index.cjs')
  writeFileSync(file, code)
  const script = `import(${JSON.stringify(inProject('scripts', 'lib', 'compiled.mjs'))})
    .then(({ runBundle }) => runBundle(${JSON.stringify(file)}))`
  // Electron's own executable is a Node only when it is told so, which the tests' environment does.
  return capture(process.execPath, ['-e', script])
}

const bundle = (word) =>
  `const { basename } = require('node:path')
   console.log(basename(__filename), ${JSON.stringify(word)})
   process.exitCode = 3`

test('a bundle runs as required, the second time as well', async () => {
  expect(await start(bundle('once'))).toEqual({ status: 3, stdout: 'index.cjs once\n', stderr: '' })
  // What Node 20 keeps is a file of ours, what later ones keep a folder of theirs.
  expect(readdirSync(folder).length).toBeGreaterThan(1)
  expect((await start(bundle('once'))).stdout).toBe('index.cjs once\n')
})

test('kept code that is damaged, or of another bundle, is not used', async () => {
  await start(bundle('first'))
  for (const name of readdirSync(folder))
    if (name.endsWith('.compiled')) writeFileSync(join(folder, name), 'no code of anybody')
  expect((await start(bundle('a longer one'))).stdout).toBe('index.cjs a longer one\n')
})
