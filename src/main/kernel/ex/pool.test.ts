import { describe, expect, test } from 'vitest'
import { inDriver } from '../testing/in-driver'
import type { TestMachine } from '../testing/machine'
import { tagOf, tagText } from './pool'

const NON_PAGED_NX = 512
const PAGED = 1
const TAG = tagOf('Test')

/** Sizes that come back NULL out of 64 allocations. */
function failures(seed: number, verifier: string[]): number[] {
  const failed: number[] = []
  inDriver(
    function* (d) {
      for (let i = 1; i <= 64; i++)
        if ((yield* d.ddi('ExAllocatePoolWithTag', NON_PAGED_NX, i, TAG)) === 0) failed.push(i)
      return 0
    },
    { seed, verifier },
  )
  return failed
}

describe('allocation', () => {
  test('low resources simulation fails some, by the seed, and only then', () => {
    expect(failures(1, [])).toEqual([])
    const one = failures(1, ['low-resources'])
    expect(one.length).toBeGreaterThan(4)
    expect(one.length).toBeLessThan(40)
    expect(failures(1, ['low-resources'])).toEqual(one)
    expect(failures(2, ['low-resources'])).not.toEqual(one)
  })

  test('zero bytes: a block that may be freed, 0xC4 with the verifier', () => {
    const plain = inDriver(function* (d) {
      const block = yield* d.ddi('ExAllocatePoolWithTag', NON_PAGED_NX, 0, TAG)
      expect(block).not.toBe(0)
      yield* d.ddi('ExFreePoolWithTag', block, TAG)
      return 0
    })
    expect(plain.bugCheck).toBeNull()
    const verified = inDriver(
      function* (d) {
        yield* d.ddi('ExAllocatePoolWithTag', NON_PAGED_NX, 0, TAG)
        return 0
      },
      { verifier: ['all'] },
    )
    expect(verified.bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-POOL-ZERO' })
    expect(verified.bugCheck?.parameters[0]).toBe(0n)
  })

  test('memory that runs out is NULL, never an error', () => {
    let last = 1
    inDriver(function* (d) {
      for (let i = 0; i < 20_000 && last !== 0; i++)
        last = yield* d.ddi('ExAllocatePoolWithTag', NON_PAGED_NX, 64 << 10, TAG)
      return 0
    })
    expect(last).toBe(0)
  })
})

describe('a block used wrongly', () => {
  const misuse = (
    use: (m: TestMachine['k']['memory'], block: number) => void,
    options: { verifier?: string[]; bytes?: number } = {},
  ): TestMachine =>
    inDriver(
      function* (d) {
        const block = yield* d.ddi('ExAllocatePoolWithTag', NON_PAGED_NX, options.bytes ?? 30, TAG)
        use(d.k.memory, block)
        yield* d.ddi('ExFreePoolWithTag', block, TAG)
        return 0
      },
      { verifier: options.verifier ?? [] },
    )

  test('written past its end: 0x19 at the free', () => {
    const m = misuse((memory, block) => memory.fill(block, 40, 0x41))
    expect(m.bugCheck?.code).toBe(0x19)
    expect(m.bugCheck?.parameters[0]).toBe(0x20n)
  })

  test('written before its start: 0x19 at the free', () => {
    expect(misuse((memory, block) => memory.setU32(block - 16, 7)).bugCheck?.code).toBe(0x19)
  })

  test('written up to its last byte: nothing', () => {
    expect(misuse((memory, block) => memory.fill(block, 30, 0x41)).bugCheck).toBeNull()
  })

  test('special pool finds a spoiled tail', () => {
    const m = misuse((memory, block) => memory.setU8(block + 30, 0x41), {
      verifier: ['special-pool'],
    })
    expect(m.bugCheck).toMatchObject({ code: 0xc1, rule: 'VR-POOL-TAIL-SP' })
  })

  test.each([
    ['twice', 7n, (block: number) => [block, block]],
    ['in its middle', 0x46n, (block: number) => [block + 16]],
    ['as NULL', 0x40n, () => [0]],
  ])('freed %s: 0xC2', (_name, kind, frees) => {
    const m = inDriver(function* (d) {
      const block = yield* d.ddi('ExAllocatePoolWithTag', NON_PAGED_NX, 64, TAG)
      for (const at of frees(block)) yield* d.ddi('ExFreePool', at)
      return 0
    })
    expect(m.bugCheck?.code).toBe(0xc2)
    expect(m.bugCheck?.parameters[0]).toBe(kind)
  })

  test('freed with another tag: 0xC2 parameter 1 = 0xA', () => {
    const m = inDriver(function* (d) {
      const block = yield* d.ddi('ExAllocatePoolWithTag', NON_PAGED_NX, 64, TAG)
      yield* d.ddi('ExFreePoolWithTag', block, tagOf('Else'))
      return 0
    })
    expect(m.bugCheck?.code).toBe(0xc2)
    expect(m.bugCheck?.parameters[0]).toBe(0x0an)
  })

  test('paged pool at DISPATCH_LEVEL: 0xC2 parameter 1 = 8', () => {
    const m = inDriver(function* (d) {
      yield* d.ddi('KeRaiseIrql', 2, d.out())
      yield* d.ddi('ExAllocatePoolWithTag', PAGED, 16, TAG)
      return 0
    })
    expect(m.bugCheck?.code).toBe(0xc2)
    expect(m.bugCheck?.parameters[0]).toBe(8n)
  })
})

test('tags are shown as their bytes lie in memory', () => {
  expect(tagText(0x31796f54)).toBe('Toy1')
  expect(tagText(tagOf('Ab'))).toBe('Ab')
})
