import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KDEVICE_QUEUE, KDEVICE_QUEUE_ENTRY } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { scratch, toyDriver } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

/** A queue, entries, and the processor at DISPATCH_LEVEL, where device queues are used. */
function withQueue(body: (d: DriverApi, queue: Ptr, entries: Ptr[]) => Code<void>): void {
  clean(
    toyDriver(function* (d) {
      const queue = scratch(d, KDEVICE_QUEUE.SIZE)
      yield* d.ddi('KeInitializeDeviceQueue', queue)
      const entries = Array.from({ length: 5 }, () => scratch(d, KDEVICE_QUEUE_ENTRY.SIZE))
      yield* d.ddi('KeRaiseIrql', 2, d.out())
      yield* body(d, queue, entries)
      yield* d.ddi('KeLowerIrql', 0)
    }),
  )
}

describe('device queues', () => {
  it('the first insertion makes the queue busy, the second one waits', () => {
    withQueue(function* (d, queue, [one, two]) {
      const { memory } = d.k
      expect([
        memory.u16(queue),
        memory.u16(queue + 2),
        memory.u8(queue + KDEVICE_QUEUE.Busy),
      ]).toEqual([0x14, 0x28, 0])
      expect(yield* d.ddi('KeInsertDeviceQueue', queue, one!)).toBe(0)
      expect(memory.u8(queue + KDEVICE_QUEUE.Busy)).toBe(1)
      expect(memory.u8(one! + KDEVICE_QUEUE_ENTRY.Inserted)).toBe(0)
      expect(yield* d.ddi('KeInsertDeviceQueue', queue, two!)).toBe(1)
      expect(memory.u8(two! + KDEVICE_QUEUE_ENTRY.Inserted)).toBe(1)
    })
  })

  it('entries come out in the order of insertion; the empty queue is idle again', () => {
    withQueue(function* (d, queue, entries) {
      for (const entry of entries) yield* d.ddi('KeInsertDeviceQueue', queue, entry)
      for (const entry of entries.slice(1))
        expect(yield* d.ddi('KeRemoveDeviceQueue', queue)).toBe(entry)
      expect(d.k.memory.u8(queue + KDEVICE_QUEUE.Busy)).toBe(1)
      expect(yield* d.ddi('KeRemoveDeviceQueue', queue)).toBe(0)
      expect(d.k.memory.u8(queue + KDEVICE_QUEUE.Busy)).toBe(0)
    })
  })

  it('an entry can be taken out once', () => {
    withQueue(function* (d, queue, [one, two, three]) {
      for (const entry of [one!, two!, three!]) yield* d.ddi('KeInsertDeviceQueue', queue, entry)
      expect(yield* d.ddi('KeRemoveEntryDeviceQueue', queue, two!)).toBe(1)
      expect(yield* d.ddi('KeRemoveEntryDeviceQueue', queue, two!)).toBe(0)
      expect(yield* d.ddi('KeRemoveEntryDeviceQueue', queue, one!)).toBe(0)
      expect(yield* d.ddi('KeRemoveDeviceQueue', queue)).toBe(three)
    })
  })

  it('keys keep the queue sorted, equal ones in the order of insertion', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 12 }), (keys) => {
        withQueue(function* (d, queue, [first]) {
          const entries = keys.map(() => scratch(d, KDEVICE_QUEUE_ENTRY.SIZE))
          yield* d.ddi('KeInsertByKeyDeviceQueue', queue, first!, 0)
          for (const [i, key] of keys.entries())
            expect(yield* d.ddi('KeInsertByKeyDeviceQueue', queue, entries[i]!, key)).toBe(1)
          const expected = keys
            .map((key, i) => ({ key, i }))
            .sort((a, b) => a.key - b.key || a.i - b.i)
            .map(({ i }) => entries[i])
          for (const entry of expected)
            expect(yield* d.ddi('KeRemoveDeviceQueue', queue)).toBe(entry)
          expect(yield* d.ddi('KeRemoveDeviceQueue', queue)).toBe(0)
        })
      }),
      { numRuns: 25 },
    )
  })

  it('KeRemoveByKeyDeviceQueue goes on from a key and wraps to the start', () => {
    withQueue(function* (d, queue, [first, ten, twenty, thirty]) {
      yield* d.ddi('KeInsertByKeyDeviceQueue', queue, first!, 0)
      for (const [entry, key] of [
        [twenty!, 20],
        [ten!, 10],
        [thirty!, 30],
      ] as const)
        yield* d.ddi('KeInsertByKeyDeviceQueue', queue, entry, key)
      expect(yield* d.ddi('KeRemoveByKeyDeviceQueue', queue, 15)).toBe(twenty)
      expect(yield* d.ddi('KeRemoveByKeyDeviceQueue', queue, 40)).toBe(ten)
      expect(yield* d.ddi('KeRemoveByKeyDeviceQueue', queue, 0)).toBe(thirty)
      expect(yield* d.ddi('KeRemoveByKeyDeviceQueue', queue, 0)).toBe(0)
    })
  })
})
