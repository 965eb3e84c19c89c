import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ptr } from '../mm/memory'
import { inDriver, scratch } from '../testing/in-driver'
import type { Code, DriverApi } from '../testing/machine'

function* list(d: DriverApi, count: number): Code<Ptr> {
  const head = scratch(d, 16 * (count + 1))
  yield* d.ddi('InitializeListHead', head)
  for (let i = 1; i <= count; i++) yield* d.ddi('InsertTailList', head, head + 16 * i)
  return head
}

describe('doubly linked lists', () => {
  test('an empty list points at itself; RemoveHeadList of it gives the head', () => {
    inDriver(function* (d) {
      const head = yield* list(d, 0)
      expect([d.k.memory.ptr(head), d.k.memory.ptr(head + 8)]).toEqual([head, head])
      expect(yield* d.ddi('IsListEmpty', head)).toBe(1)
      expect(yield* d.ddi('RemoveHeadList', head)).toBe(head)
      expect(yield* d.ddi('RemoveTailList', head)).toBe(head)
      return 0
    })
  })

  test('RemoveEntryList tells whether the list is empty now', () => {
    inDriver(function* (d) {
      const head = yield* list(d, 2)
      expect(yield* d.ddi('RemoveEntryList', head + 16)).toBe(0)
      expect(yield* d.ddi('RemoveEntryList', head + 32)).toBe(1)
      return 0
    })
  })

  test('RemoveEntryList twice on one entry is 0x139 with parameter 1 = 3', () => {
    const machine = inDriver(function* (d) {
      const head = yield* list(d, 3)
      yield* d.ddi('RemoveEntryList', head + 32)
      yield* d.ddi('RemoveEntryList', head + 32)
      return 0
    })
    expect(machine.bugCheck?.code).toBe(0x139)
    expect(machine.bugCheck?.parameters[0]).toBe(3n)
  })

  test.each(['InsertTailList', 'InsertHeadList', 'RemoveHeadList', 'RemoveTailList'])(
    'VR-MISC-LIST %s finds a damaged neighbour',
    (routine) => {
      const machine = inDriver(function* (d) {
        const head = yield* list(d, 2)
        const [first, last] = [head + 16, head + 32]
        d.k.memory.setPtr(first + 8, last)
        d.k.memory.setPtr(last, first)
        yield* routine.startsWith('Insert')
          ? d.ddi(routine, head, scratch(d, 16))
          : d.ddi(routine, head)
        return 0
      })
      expect(machine.bugCheck).toMatchObject({ code: 0x139, rule: null })
      expect(machine.bugCheck?.parameters[0]).toBe(3n)
    },
  )

  test('any sequence behaves as an array does', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('tail', 'head', 'first', 'last'), { maxLength: 40 }),
        (steps) => {
          inDriver(function* (d) {
            const head = yield* list(d, 0)
            const model: Ptr[] = []
            const block = scratch(d, 16 * steps.length + 16)
            for (const [i, step] of steps.entries()) {
              const entry = block + 16 * i
              if (step === 'tail') {
                yield* d.ddi('InsertTailList', head, entry)
                model.push(entry)
              } else if (step === 'head') {
                yield* d.ddi('InsertHeadList', head, entry)
                model.unshift(entry)
              } else if (step === 'first')
                expect(yield* d.ddi('RemoveHeadList', head)).toBe(model.shift() ?? head)
              else expect(yield* d.ddi('RemoveTailList', head)).toBe(model.pop() ?? head)
              expect(yield* d.ddi('IsListEmpty', head)).toBe(model.length === 0 ? 1 : 0)
            }
            return 0
          })
        },
      ),
      { numRuns: 20 },
    )
  })
})

test('singly linked lists are last in, first out', () => {
  inDriver(function* (d) {
    const head = scratch(d, 32)
    yield* d.ddi('PushEntryList', head, head + 8)
    yield* d.ddi('PushEntryList', head, head + 16)
    expect(yield* d.ddi('PopEntryList', head)).toBe(head + 16)
    expect(yield* d.ddi('PopEntryList', head)).toBe(head + 8)
    expect(yield* d.ddi('PopEntryList', head)).toBe(0)
    return 0
  })
})

test('AppendTailList joins two chains', () => {
  inDriver(function* (d) {
    const first = yield* list(d, 1)
    const second = yield* list(d, 2)
    yield* d.ddi('RemoveEntryList', second)
    yield* d.ddi('AppendTailList', first, second + 16)
    for (const entry of [first + 16, second + 16, second + 32])
      expect(yield* d.ddi('RemoveHeadList', first)).toBe(entry)
    return 0
  })
})

describe('under a spin lock', () => {
  test('former neighbours come back, the level and the lock are as before', () => {
    inDriver(function* (d) {
      const lock = scratch(d, 8)
      yield* d.ddi('KeInitializeSpinLock', lock)
      const head = yield* list(d, 0)
      const [a, b] = [scratch(d, 16), scratch(d, 16)]
      expect(yield* d.ddi('ExInterlockedInsertTailList', head, a, lock)).toBe(0)
      expect(yield* d.ddi('ExInterlockedInsertTailList', head, b, lock)).toBe(a)
      expect(yield* d.ddi('ExInterlockedRemoveHeadList', head, lock)).toBe(a)
      expect(yield* d.ddi('ExInterlockedInsertHeadList', head, a, lock)).toBe(b)
      expect(yield* d.ddi('ExInterlockedRemoveHeadList', head, lock)).toBe(a)
      expect(yield* d.ddi('ExInterlockedRemoveHeadList', head, lock)).toBe(b)
      expect(yield* d.ddi('ExInterlockedRemoveHeadList', head, lock)).toBe(0)
      expect(d.k.memory.u64(lock)).toBe(0n)
      expect(d.k.irql.level).toBe(0)
      return 0
    })
  })

  test('asking for a lock that is held never comes back', () => {
    const machine = inDriver(function* (d) {
      const lock = scratch(d, 8)
      yield* d.ddi('KeInitializeSpinLock', lock)
      const head = yield* list(d, 0)
      yield* d.ddi('KeAcquireSpinLock', lock, d.out())
      yield* d.ddi('ExInterlockedInsertTailList', head, scratch(d, 16), lock)
      return 0
    })
    expect(machine.bugCheck?.code).toBe(0x133)
  })
})
