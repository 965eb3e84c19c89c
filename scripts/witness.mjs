// `npm run witness`: the drivers in conformance/wine are written twice, in C and in the lab's language.
// The ones in C run under Wine, with a real program that installs, starts, uses and stops them; their
// twins run in the lab; statuses, Information, bytes and DbgPrint lines are compared.
//
//   NAME...    these drivers only
//   --record   write what Wine printed to conformance/wine/recorded.json, against which the unit tests
//              hold the lab where there is no Wine
//
// Ends with 1 for a difference that conformance/wine/differences.json does not explain; with 0 and a
// word where Wine or the compiler is absent.

import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cliFile, ensureCli } from './lib/build.mjs'
import { main, say } from './lib/log.mjs'
import { ensureNodeModules } from './lib/node-modules.mjs'
import { inProject } from './lib/paths.mjs'
import { capture } from './lib/run.mjs'
import { differences, judge } from './lib/wine-compare.mjs'
import { Wine, missingWitness } from './lib/wine.mjs'

const folder = inProject('conformance', 'wine')
const readJson = (name) => JSON.parse(readFileSync(join(folder, name), 'utf8'))

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'))

/** Every driver that is there in both languages, or those that were asked for. */
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.c') && file !== 'client.c')
  .map((file) => file.replace(/\.c$/, ''))
  .filter((name) => wanted.length === 0 || wanted.includes(name))
  .sort()

/** Run the twin of a driver in the lab. */
async function runInLab(name) {
  const project = mkdtempSync(join(tmpdir(), 'ring0-lab-'))
  try {
    const copy = (from, to) => writeFileSync(join(project, to), readFileSync(join(folder, from)))
    copy(`${name}.ts`, 'driver.ts')
    copy('witness.ts', 'witness.ts')
    copy('client.ts', 'client.ts')
    const scenario = { drivers: [{ name: 'Witness', entry: 'driver.ts' }] }
    writeFileSync(join(project, 'scenario.json'), JSON.stringify(scenario))
    const args = [cliFile, 'run', project, '--json']
    const { stdout, stderr } = await capture(process.execPath, args)
    if (stdout === '') throw new Error(`${name} did not run: ${stderr}`)
    const report = JSON.parse(stdout)
    const lines = (text) => text.split('\n').filter((line) => line !== '')
    return {
      printed: report.dbgPrint.map((text) => text.trim()),
      client: lines(report.client?.stdout ?? ''),
    }
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

function show(name, lines, { explained, unexplained, gone }) {
  const words = [`${lines} lines`]
  if (explained) words.push(`${explained} explained differences`)
  if (unexplained.length) words.push(`${unexplained.length} UNEXPLAINED`)
  if (gone.length) words.push(`${gone.length} explanations that are no longer needed`)
  console.log(`${name.padEnd(10)} ${words.join(', ')}`)
  for (const { wine, lab } of [...unexplained, ...gone])
    console.log(`           Wine ${wine ?? '(nothing)'}\n           lab  ${lab ?? '(nothing)'}`)
}

await main(async () => {
  const missing = missingWitness()
  if (missing) {
    say(`the witness is not asked: ${missing}`)
    return 0
  }
  await ensureNodeModules()
  await ensureCli()
  const wine = new Wine(folder)
  const isRecording = process.argv.includes('--record')
  // Drivers that are not asked about now keep what is known of them.
  const recorded = wanted.length > 0 ? readJson('recorded.json') : {}
  let failed = 0
  try {
    await wine.start()
    const known = readJson('differences.json')
    for (const name of names) {
      const there = await wine.run(name)
      recorded[name] = there
      const here = await runInLab(name)
      const found = [
        ...differences(there.printed, here.printed),
        ...differences(there.client, here.client),
      ]
      const verdict = judge(found, known[name] ?? [])
      show(name, there.printed.length + there.client.length, verdict)
      if (verdict.unexplained.length || verdict.gone.length) failed++
    }
  } finally {
    await wine.end()
  }
  if (isRecording)
    writeFileSync(join(folder, 'recorded.json'), JSON.stringify(recorded, null, 2) + '\n')
  console.log(`\n${names.length} drivers, ${failed} with differences that nobody explained`)
  return failed === 0 ? 0 : 1
})
