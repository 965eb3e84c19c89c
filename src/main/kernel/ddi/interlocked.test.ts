import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scratch, toyDriver } from '../testing/toy-driver'
import type { Argument, Code, DriverApi } from '../testing/machine'

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

/** Operations on a LONG: arguments after the address, new value, result. */
const OPERATIONS: [
  name: string,
  model: (old: number, a: number, b: number) => { now: number; result: number },
][] = [
  ['InterlockedIncrement', (old) => both(old + 1)],
  ['InterlockedDecrement', (old) => both(old - 1)],
  ['InterlockedAdd', (old, a) => both(old + a)],
  ['InterlockedExchangeAdd', (old, a) => ({ now: old + a, result: old })],
  ['InterlockedExchange', (old, a) => ({ now: a, result: old })],
  ['InterlockedAnd', (old, a) => ({ now: old & a, result: old })],
  ['InterlockedOr', (old, a) => ({ now: old | a, result: old })],
  ['InterlockedXor', (old, a) => ({ now: old ^ a, result: old })],
  ['InterlockedCompareExchange', (old, a, b) => ({ now: old === b ? a : old, result: old })],
]
const both = (value: number): { now: number; result: number } => ({ now: value, result: value })
const arity = (name: string): number =>
  /Increment|Decrement/.test(name) ? 0 : name.includes('Compare') ? 2 : 1

describe('interlocked operations', () => {
  it('on LONG and LONG64 do what C does, with wrap-around', () => {
    const value = fc.oneof(
      fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
      fc.constantFrom(-0x8000_0000, -1, 0, 1, 0x7fff_ffff),
    )
    const step = fc.record({ which: fc.nat({ max: OPERATIONS.length - 1 }), a: value, b: value })
    fc.assert(
      fc.property(value, fc.array(step, { minLength: 1, maxLength: 20 }), (first, steps) => {
        clean(
          toyDriver(function* (d) {
            const { memory } = d.k
            const [narrow, wide] = [scratch(d, 8), scratch(d, 8)]
            memory.setU32(narrow, first)
            memory.setU64(wide, BigInt.asUintN(64, BigInt(first)))
            let old = first
            for (const { which, a, b } of steps) {
              const [name, model] = OPERATIONS[which]!
              // Half of the comparisons shall succeed.
              const comparand = b % 2 ? old : b
              const expected = model(old, a, comparand)
              const args: Argument[] = [a, comparand].slice(0, arity(name))
              expect((yield* d.ddi(name, narrow, ...args)) | 0, name).toBe(expected.result | 0)
              expect(memory.i32(narrow), name).toBe(expected.now | 0)

              memory.setU64(wide, BigInt.asUintN(64, BigInt(old)))
              const result = yield* d.ddi64(
                `${name}64`,
                wide,
                ...args.map((x) => BigInt(x as number)),
              )
              expect(result, `${name}64`).toBe(BigInt(expected.result))
              expect(memory.i64(wide), `${name}64`).toBe(BigInt(expected.now))
              old = memory.i32(narrow)
            }
          }),
        )
      }),
      { numRuns: 30 },
    )
  })

  it('on pointers and bits', () => {
    clean(
      toyDriver(function* (d) {
        const { memory } = d.k
        const [at, one, two] = [scratch(d, 8), scratch(d, 8), scratch(d, 8)]
        expect(yield* d.ddi('InterlockedExchangePointer', at, one)).toBe(0)
        expect(yield* d.ddi('InterlockedCompareExchangePointer', at, two, two)).toBe(one)
        expect(memory.ptr(at)).toBe(one)
        expect(yield* d.ddi('InterlockedCompareExchangePointer', at, two, one)).toBe(one)
        expect(memory.ptr(at)).toBe(two)
        expect(yield* d.ddi('InterlockedExchangePointer', at, 0)).toBe(two)
        expect(memory.u64(at)).toBe(0n)

        expect(yield* d.ddi('InterlockedBitTestAndSet', at, 31)).toBe(0)
        expect(memory.u32(at)).toBe(0x8000_0000)
        expect(yield* d.ddi('InterlockedBitTestAndSet', at, 31)).toBe(1)
        expect(yield* d.ddi('InterlockedBitTestAndReset', at, 31)).toBe(1)
        expect(memory.u32(at)).toBe(0)
      }),
    )
  })

  it('counts from several threads add up', () => {
    clean(
      toyDriver(
        function* (d) {
          const at = scratch(d, 8)
          for (let i = 0; i < 4; i++)
            yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn('Count'), at)
          yield* d.ddi('KeDelayExecutionThread', 0, false, -10_000_000n)
          expect(d.k.memory.u32(at)).toBe(400)
        },
        {
          *Count(d: DriverApi, at: number | undefined): Code<void> {
            for (let i = 0; i < 100; i++) yield* d.ddi('InterlockedIncrement', at!)
          },
        },
      ),
    )
  })
})
