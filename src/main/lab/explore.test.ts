/** The search for a failing seed, and replay on two processors. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { ProjectFiles, RunRequest } from '../../shared/contract/model'
import { eventLine } from '../../shared/trace/codec'
import { explore, type Exploration } from './explore'
import { prepare, runPrepared, runProject } from './run'
import { readSamples, SAMPLES } from './testing/samples'

const FILES: ProjectFiles = Object.fromEntries(
  ['driver.ts', 'fixed.ts', 'scenario.json'].map((name) => [
    name,
    readFileSync(join(SAMPLES, 'lost-update', name), 'utf8'),
  ]),
)
const request = (changes: Partial<RunRequest> = {}): RunRequest => ({
  files: FILES,
  seed: 1,
  verifier: [],
  trace: 'full',
  processors: 2,
  ...changes,
})

async function search(seeds: number, changes: Partial<RunRequest> = {}): Promise<Exploration> {
  const found = await explore(request(changes), { seeds })
  if (!('tried' in found)) throw new Error(JSON.stringify(found))
  return found
}

test('finds a lost update on two processors, and the seed replays', async () => {
  const found = await search(50)
  expect(found.failed?.outcome).toMatch(/leak|bugcheck/)
  expect(found).toMatchObject({ tried: found.failed?.seed, processors: 2 })
  const { report } = await runProject(request({ seed: found.tried }))
  expect(report).toEqual(found.failed)
})

test('finds none on one processor, nor in the mended driver', async () => {
  expect(await search(15, { processors: 1 })).toMatchObject({ tried: 15, failed: null })
  expect(await search(30, { driver: 'fixed.ts' })).toMatchObject({ tried: 30, failed: null })
})

test('a client that complains counts as a failure', async () => {
  const files = {
    'driver.ts': FILES['fixed.ts']!,
    'client.ts': `import { printf } from 'win32'\nexport function main(): number { printf('no'); return 3 }`,
  }
  const { failed } = await search(3, { files })
  expect(failed).toMatchObject({ outcome: 'ok', seed: 1, client: { exitCode: 3 } })
})

test('a scenario that fixes the seed leaves nothing to search', async () => {
  const files = { ...FILES, 'scenario.json': '{ "seed": 4 }' }
  expect(await explore(request({ files }), { seeds: 3 })).toEqual({ fixedSeed: 4 })
})

test('code that does not compile is no failing seed', async () => {
  const files = { ...FILES, 'driver.ts': 'export const x: number = "1"' }
  expect(await explore(request({ files }), { seeds: 3 })).toHaveProperty('problems')
})

test('the scenario says how many processors there are, the request may say otherwise', async () => {
  const files = {
    ...FILES,
    'scenario.json': FILES['scenario.json']!.replace('{', '{ "processors": 3,'),
  }
  const own = await runProject(request({ files, processors: undefined, driver: 'fixed.ts' }))
  expect(own.report.processors).toBe(3)
  const asked = await runProject(request({ files, processors: 1, driver: 'fixed.ts' }))
  expect(asked.report.processors).toBeUndefined()
})

/** Samples with threads, waits, timers, DPCs, queues and packets that are cancelled. */
const samples = readSamples().filter(({ slug }) =>
  ['cancel-safe-queue', 'filter', 'read-write-queue', 'system-thread', 'timer-dpc-work'].includes(
    slug,
  ),
)

test.each(samples)(
  '$slug gives equal bytes on two processors, and still works',
  async ({ files }) => {
    const prepared = prepare({ files, seed: 1, verifier: [], trace: 'full', processors: 2 })
    if ('problems' in prepared) throw new Error(JSON.stringify(prepared.problems))
    const play = async (seed: number): Promise<string> => {
      const lines: string[] = []
      const { report, digest } = await runPrepared(
        prepared,
        { files, seed, verifier: [], trace: 'full' },
        { onEvent: (event) => lines.push(eventLine(event)) },
      )
      expect(report.outcome, `seed ${seed}`).toBe('ok')
      return lines.join('') + digest + JSON.stringify(report)
    }
    for (const seed of [1, 2, 3, 0x7fffffff]) expect(await play(seed)).toBe(await play(seed))
  },
)
