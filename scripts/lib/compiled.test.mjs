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
async function start(code, options = {}) {
  const file = join(folder, 'index.cjs')
  writeFileSync(file, code)
  const script = `import(${JSON.stringify(inProject('scripts', 'lib', 'compiled.mjs'))})
    .then(({ runBundle }) => runBundle(${JSON.stringify(file)}, ${JSON.stringify(options)}))`
  // Electron's own executable is a Node only when it is told so, which the tests' environment does.
  return capture(process.execPath, ['-e', script])
}

const keptFiles = () => readdirSync(folder).filter((name) => name.endsWith('.compiled'))

const bundle = (word) =>
  `const { basename } = require('node:path')
   console.log(basename(__filename), ${JSON.stringify(word)})
   process.exitCode = 3`

test('a bundle runs as required, the second time as well', async () => {
  expect(await start(bundle('once'))).toEqual({ status: 3, stdout: 'index.cjs once\n', stderr: '' })
  expect(keptFiles()).toHaveLength(1)
  expect((await start(bundle('once'))).stdout).toBe('index.cjs once\n')
})

test('kept code that is damaged, or of another bundle, is not used', async () => {
  await start(bundle('first'))
  for (const name of keptFiles()) writeFileSync(join(folder, name), 'no code of anybody')
  expect((await start(bundle('a longer one'))).stdout).toBe('index.cjs a longer one\n')
})

test('a start that compiles little leaves nothing for the others', async () => {
  expect((await start(bundle('help'), { isTypical: false })).stdout).toBe('index.cjs help\n')
  expect(keptFiles()).toEqual([])
})
