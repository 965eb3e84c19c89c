// `npm run matrix`: run every technique and its twin under every defence, and write docs/matrix.md and
// samples/techniques/matrix.json. With `--json`, `--seeds N` or `--only` it is `ring0 matrix`.

import { cliFile, ensureCli } from './lib/build.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { inProject } from './lib/paths.mjs'
import { run } from './lib/run.mjs'

const words = process.argv.slice(2)

await main(async () => {
  await ensureNodeModules()
  await ensureCli()
  const code = await run(process.execPath, [
    cliFile,
    'matrix',
    ...(words.length > 0 ? words : ['--write']),
  ])
  if (code !== 0 || words.length > 0) return code
  const prettier = inProject('node_modules', 'prettier', 'bin', 'prettier.cjs')
  const files = ['docs/matrix.md', 'samples/techniques/matrix.json']
  return run(process.execPath, [prettier, '--write', '--log-level', 'warn', ...files])
})
