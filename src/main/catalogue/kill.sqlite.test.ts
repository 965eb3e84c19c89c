import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { must, temporaryCatalogue, temporaryFolder } from './testing/temporary-catalogue'

const sqlite =
  process.env['RING0_BETTER_SQLITE3'] ?? createRequire(import.meta.url).resolve('better-sqlite3')
let writer = ''

beforeAll(async () => {
  // Inside node_modules, so that the bundle's own requires are found.
  const outDir = resolve('node_modules', '.cache', `kill-writer-${process.pid}`)
  mkdirSync(outDir, { recursive: true })
  await build({
    configFile: false,
    logLevel: 'error',
    resolve: { alias: { 'better-sqlite3': sqlite } },
    ssr: { noExternal: true },
    build: {
      ssr: true,
      target: 'node20',
      outDir,
      rolldownOptions: {
        input: { writer: resolve(import.meta.dirname, 'testing/writer.ts') },
        external: [sqlite, /^node:/],
        output: { format: 'cjs', entryFileNames: '[name].cjs' },
      },
    },
  })
  writer = join(outDir, 'writer.cjs')
})

afterAll(() => rmSync(join(writer, '..'), { recursive: true, force: true }))

interface Acknowledged {
  samples: Map<number, number>
  runs: number[]
  draft: number
}

/** Start the writer, and kill it without warning after so many acknowledged saves. */
async function writeAndKill(file: string, first: number, lines: number): Promise<Acknowledged> {
  const child = spawn(process.execPath, [writer, file, `${first}`], {
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    if (text.split('\n').length > lines) child.kill('SIGKILL')
  })
  const signal = await new Promise((done) => child.once('close', (_code, name) => done(name)))
  expect(signal).toBe('SIGKILL')
  const told: Acknowledged = { samples: new Map(), runs: [], draft: -1 }
  // What follows the last line feed was being told when the process died.
  for (const line of text.split('\n').slice(0, -1)) {
    const [kind, number, id] = line.split(' ')
    if (kind === 'sample') told.samples.set(Number(number), Number(id))
    else if (kind === 'run') told.runs.push(Number(number))
    else told.draft = Number(number)
  }
  return told
}

test('a process killed while it saves loses nothing that was acknowledged', async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'catalogue.sqlite')
  const samples = new Map<number, number>()
  const runs: number[] = []
  let draft = -1
  // Killed at many different moments, and the survivor of one kill is what the next one writes to.
  for (let round = 0; round < 8; round++) {
    const told = await writeAndKill(file, round * 10_000, 5 + round * 17)
    for (const [number, id] of told.samples) samples.set(number, id)
    runs.push(...told.runs)
    draft = Math.max(draft, told.draft)
  }
  expect(samples.size).toBeGreaterThan(50)

  const catalogue = temporaryCatalogue({ folder })
  for (const [number, id] of samples) {
    const sample = must(await catalogue.handlers['samples.get']({ id }))
    expect(sample.title).toBe(`Sample ${number}`)
    expect(sample.files['driver.ts']).toContain(`// ${number}\n`)
  }
  for (const number of runs)
    expect(must(await catalogue.handlers['runs.get']({ id: `run-${number}` })).request.seed).toBe(
      number,
    )
  const kept = must(await catalogue.handlers['drafts.load']({ key: 'lab' })).draft
  expect(Number(kept?.view)).toBeGreaterThanOrEqual(draft)
  // Whole in itself: the search index knows every sample, half-done saves left nothing.
  const found = must(
    await catalogue.handlers['samples.list']({
      query: 'Sample',
      sort: 'title',
      limit: 1,
      offset: 0,
    }),
  )
  expect(found.total).toBe(found.all)
  expect(readdirSync(folder).filter((name) => !name.startsWith('catalogue.sqlite'))).toEqual([])
})
