// `npm run conformance`: the assertions K001 to K090 of data/kernel/conformance.json, each with its
// result and the file that shows it. With --json: { passed, failed, notApplicable, cases }, and
// nothing else on stdout. Ends with 1 when an assertion failed or nobody looks at it.

import { readFileSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { collectCases, countCases } from './lib/conformance-cases.mjs'
import { electronEnvironment, ensureElectron } from './lib/electron.mjs'
import { main } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { inProject } from './lib/paths.mjs'
import { capture } from './lib/run.mjs'
import { ensureSystem } from './lib/system.mjs'

const NUMBER = /\bK0\d\d\b/
const DRIVERS = 'src/main/lab/conformance.test.ts'

/** Unit tests with the number of an assertion in the name, beside the test that runs the drivers. */
function testFiles(folder = inProject('src', 'main')) {
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .filter((path) => NUMBER.test(readFileSync(path, 'utf8')))
    .map((path) => relative(inProject(), path).split(sep).join('/'))
    .concat(DRIVERS)
}

async function runTests() {
  const electron = await ensureElectron()
  await ensureSystem(electron.executable)
  const report = inProject('reports', 'conformance.json')
  const vitest = inProject('node_modules', 'vitest', 'vitest.mjs')
  const output = ['--reporter=json', `--outputFile.json=${report}`]
  const args = [vitest, 'run', ...output, '-t', NUMBER.source, ...testFiles()]
  const env = { ...electronEnvironment(electron), ELECTRON_RUN_AS_NODE: '1' }
  const { stderr } = await capture(electron.executable, args, { env })
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    throw new Error(`the tests left no report\n${stderr}`)
  }
}

function print(assertions, cases, counts) {
  for (const [i, { id, result, file, messages }] of cases.entries()) {
    const text = assertions[i].text
    const short = text.length > 72 ? `${text.slice(0, 71)}…` : text
    console.log(`${id}  ${result.padEnd(13)}  ${file.padEnd(32)}  ${short}`)
    for (const message of messages) console.log(message.replace(/^/gm, '      '))
  }
  console.log(
    `\n${counts.passed} passed, ${counts.failed} failed, ${counts.notApplicable} not applicable`,
  )
}

await main(async () => {
  await ensureNodeModules()
  const table = readFileSync(inProject('data', 'kernel', 'conformance.json'), 'utf8')
  const { assertions } = JSON.parse(table)
  const docs = readFileSync(inProject('docs', 'conformance.md'), 'utf8')
  const cases = collectCases(assertions, await runTests(), docs, inProject())
  const counts = countCases(cases)
  if (process.argv.includes('--json')) {
    const shown = cases.map(({ id, result, file }) => ({ id, result, file }))
    console.log(JSON.stringify({ ...counts, cases: shown }, null, 2))
  } else print(assertions, cases, counts)
  return counts.failed === 0 ? 0 : 1
})
