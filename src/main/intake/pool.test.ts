import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPool, type Pool, type PoolOptions } from './pool'
import { buildEntry, type BuiltEntry } from './testing/build-entry'

// Real worker threads throughout; the analyser inside does what the file's first word asks for.

let built: BuiltEntry
beforeAll(async () => {
  built = await buildEntry('src/main/intake/testing/faulty-worker.ts')
})
afterAll(() => built.remove())

let started = 0
function start(): Worker {
  started++
  return new Worker(built.file, { resourceLimits: { maxOldGenerationSizeMb: 32 } })
}
const file = (word: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(`MZ ${word} `))
async function withPool<T>(
  options: Partial<PoolOptions>,
  use: (pool: Pool) => Promise<T>,
): Promise<T> {
  const pool = createPool({ start, msMax: 200_000, ...options })
  try {
    return await use(pool)
  } finally {
    await pool.close()
  }
}

test('many files are read by few workers, and the bytes come back', async () => {
  started = 0
  await withPool({ size: 2 }, async (pool) => {
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, number) => pool.analyse(file(`fine${number}`))),
    )
    outcomes.forEach((outcome, number) => {
      if (!('facts' in outcome)) throw new Error(outcome.text)
      const bytes = file(`fine${number}`)
      expect(outcome.bytes).toEqual(bytes)
      expect(outcome.facts.hashes.sha256).toBe(createHash('sha256').update(bytes).digest('hex'))
    })
  })
  expect(started).toBe(2)
})

test('bytes are handed over, not copied', () =>
  withPool({ size: 1 }, async (pool) => {
    const bytes = file('fine')
    const outcome = pool.analyse(bytes)
    await outcome
    expect(bytes.length).toBe(0)
  }))

test.each([
  ['throw', { lost: 'analysis-failed', text: 'section beyond the file' }],
  ['exit', { lost: 'analysis-failed', text: 'The reading ended with code 3.' }],
  ['hang', { lost: 'time-limit', text: 'Reading it took more than 2.5 s.' }],
  ['eat', { lost: 'memory-limit', text: 'Reading it needed more memory than a file gets.' }],
])('a file that makes the worker %s is answered, and its neighbours are read', (word, expected) =>
  withPool({ size: 2, msMax: word === 'hang' ? 2500 : 200_000 }, async (pool) => {
    const [bad, ...rest] = await Promise.all([
      pool.analyse(file(word)),
      ...Array.from({ length: 10 }, () => pool.analyse(file('fine'))),
    ])
    expect(bad).toEqual(expected)
    expect(rest.map((outcome) => 'facts' in outcome)).toEqual(Array(10).fill(true))
    expect(await pool.analyse(file('fine'))).toHaveProperty('facts')
  }),
)

test('a worker that dies between two files is replaced', async () => {
  const ends: Promise<unknown>[] = []
  const watched = (): Worker => {
    const worker = start()
    ends.push(new Promise((resolve) => worker.once('exit', resolve)))
    return worker
  }
  await withPool({ size: 1, start: watched }, async (pool) => {
    expect(await pool.analyse(file('later'))).toHaveProperty('facts')
    await ends[0]
    expect(await pool.analyse(file('fine'))).toHaveProperty('facts')
    expect(ends).toHaveLength(2)
  })
})

test('the analyser is told to stop before the worker is ended', () =>
  withPool({ size: 1, msMax: 2000 }, async (pool) => {
    const outcome = await pool.analyse(file('context'))
    if (!('facts' in outcome)) throw new Error(outcome.text)
    expect(JSON.parse(outcome.facts.anomalies[0]?.text ?? '')).toEqual({
      msMax: 1500,
      catalogues: [],
    })
  }))

test('catalogues reach each worker once and stay with their files', () =>
  withPool({ size: 1 }, async (pool) => {
    const set = (key: string) => ({
      key,
      parts: [{ name: `${key}.cat`, bytes: new Uint8Array(3) }],
    })
    const seen: unknown[] = []
    for (const catalogues of [set('a'), set('a'), null, set('b'), set('a'), null]) {
      const outcome = await pool.analyse(file('context'), catalogues)
      if (!('facts' in outcome)) throw new Error(outcome.text)
      seen.push(JSON.parse(outcome.facts.anomalies[0]?.text ?? '').catalogues)
    }
    expect(seen).toEqual([['a.cat'], ['a.cat'], [], ['b.cat'], ['a.cat'], []])
  }))

test('workers that cannot start are said to, rather than started for ever', async () => {
  started = 0
  const pool = createPool({
    size: 2,
    start() {
      started++
      return new Worker('throw new Error("no such module")', { eval: true })
    },
  })
  await expect(pool.analyse(file('fine'))).rejects.toThrow(/No worker could be started: no such/)
  expect(started).toBeLessThan(6)
  await pool.close()
})

test('closing answers what is open', async () => {
  const pool = createPool({ start, size: 1 })
  const open = [pool.analyse(file('hang')), pool.analyse(file('fine'))]
  const settled = Promise.allSettled(open)
  await pool.close()
  expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(pool.analyse(file('fine'))).rejects.toThrow('The pool is closed.')
})
