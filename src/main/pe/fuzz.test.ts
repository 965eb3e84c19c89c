import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FileFacts } from '../../shared/driver-file/facts'
import { analyse } from './analyse'

// A fuzz target over all drivers under data/fixtures. By default a fixed number of cases from a
// fixed seed; RING0_FUZZ_SECONDS=600 goes on that long from RING0_FUZZ_SEED or the time of day.
// A failure names seed and case: the same seed gives the same case again.

const CASES = 400
const MILLISECONDS = 2_000
const seconds = Number(process.env['RING0_FUZZ_SECONDS'] ?? 0)
const seed = Number(process.env['RING0_FUZZ_SEED'] ?? (seconds > 0 ? Date.now() % 1_000_000 : 1))

const fixtures = resolve(__dirname, '../../../data/fixtures')
const corpus = readdirSync(fixtures, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.sys'))
  .sort()
  .map((name) => join(fixtures, name))
  .map((path) => ({ path, bytes: new Uint8Array(readFileSync(path)) }))

/** Numbers that lie on the edges of what parsers expect. */
const edges = [0, 1, 7, 8, 0x7f, 0x80, 0xff, 0x1000, 0x7fff, 0x8000, 0xffff, 0x1_0000].concat([
  ...[0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff],
])

/** xorshift32: the same numbers everywhere. */
class Chance {
  #state: number

  constructor(start: number) {
    this.#state = (Math.imul(start, 0x9e37_79b1) ^ 0x5bd1_e995) >>> 0 || 1
  }

  below(limit: number): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state >>> 0
    return limit > 0 ? this.#state % limit : 0
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]
  }
}

/** A place in the file; headers and the beginnings of tables are where most decisions are made. */
function place(chance: Chance, size: number): number {
  return chance.below(2) === 0 ? chance.below(Math.min(size, 0x400)) : chance.below(size)
}

function mutate(bytes: Uint8Array, chance: Chance): Uint8Array {
  const at = place(chance, bytes.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  switch (chance.below(7)) {
    case 0:
      bytes[at] ^= 1 << chance.below(8)
      return bytes
    case 1:
      bytes[at] = chance.below(256)
      return bytes
    case 2:
    case 3: {
      const aligned = at & ~3
      if (aligned + 4 <= bytes.length) view.setUint32(aligned, chance.of(edges), true)
      return bytes
    }
    case 4: {
      // One field takes the value of another: pointers meet, tables overlap.
      const from = place(chance, bytes.length) & ~3
      const to = at & ~3
      if (Math.max(from, to) + 4 <= bytes.length)
        view.setUint32(to, view.getUint32(from, true), true)
      return bytes
    }
    case 5: {
      const other = chance.of(corpus).bytes
      const length = chance.below(Math.min(256, other.length, bytes.length - at))
      bytes.set(other.subarray(chance.below(other.length - length)).subarray(0, length), at)
      return bytes
    }
    default:
      return chance.below(8) === 0 ? bytes.slice(0, at) : bytes
  }
}

function check(bytes: Uint8Array, name: string): void {
  const before = process.cpuUsage()
  let facts
  try {
    facts = analyse(bytes, { milliseconds: MILLISECONDS })
  } catch (error) {
    throw new Error(`${name} threw`, { cause: error })
  }
  const { user, system } = process.cpuUsage(before)
  // Time of the processor: others may be busy on this machine.
  expect((user + system) / 1000, `${name} took long`).toBeLessThan(MILLISECONDS + 1_000)
  const failed = facts.anomalies.filter(({ id }) => id === 'reader-failed')
  expect(failed, name).toEqual([])
  const parsed = FileFacts.safeParse(facts)
  expect(parsed.error?.issues ?? [], name).toEqual([])
}

describe('any driver changed anywhere', () => {
  test(
    'is read without failure, in time, and into facts of the right shape',
    () => {
      expect(corpus.length).toBeGreaterThan(20)
      const end = performance.now() + seconds * 1000
      for (let index = 0; seconds > 0 ? performance.now() < end : index < CASES; index++) {
        const chance = new Chance(seed * 1_000_003 + index)
        const { path, bytes } = chance.of(corpus)
        let changed: Uint8Array = bytes.slice()
        for (let left = 1 + chance.below(12); left > 0 && changed.length > 0; left--) {
          changed = mutate(changed, chance)
        }
        check(changed, `case ${index} of seed ${seed}, made of ${path}`)
      }
    },
    60_000 + seconds * 1000,
  )

  test('gives the same facts twice, and leaves the bytes as they were', () => {
    const change = fc.record({ at: fc.nat(), value: fc.integer({ min: 0, max: 255 }) })
    const input = fc.record({
      file: fc.nat(corpus.length - 1),
      changes: fc.array(change, { maxLength: 20 }),
      keep: fc.double({ min: 0, max: 1, noNaN: true }),
      isCut: fc.boolean(),
    })
    fc.assert(
      fc.property(input, ({ file, changes, keep, isCut }) => {
        const bytes = corpus[file].bytes.slice()
        for (const { at, value } of changes) bytes[at % bytes.length] = value
        const used = isCut ? bytes.subarray(0, Math.floor(bytes.length * keep)) : bytes
        const before = Buffer.from(used)
        // A clock that stands still: what a busy machine has no time for is no difference.
        const options = { now: () => 0 }
        const first = analyse(used, options)
        expect(analyse(used, options)).toEqual(first)
        expect(before.equals(used)).toBe(true)
        expect(() => FileFacts.parse(first)).not.toThrow()
      }),
      { numRuns: 60, seed },
    )
  })

  test('is read alike from the middle of a larger buffer', () => {
    const { bytes } = corpus[0]
    const larger = new Uint8Array(bytes.length + 64).fill(0xcc)
    larger.set(bytes, 13)
    expect(analyse(larger.subarray(13, 13 + bytes.length))).toEqual(analyse(bytes))
  })
})
