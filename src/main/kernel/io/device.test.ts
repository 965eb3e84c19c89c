/** Structures of devices and queues that a driver spoiled: the kernel comes to an end with them. */
import { describe, expect, test } from 'vitest'
import { DEVICE_OBJECT, IO_CSQ, IRP, KMUTANT } from '../../../shared/nt/generated/offsets'
import { TestMachine } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'

describe('a ring of devices', () => {
  test('has a bottom, and a top that somebody stopped looking for', () => {
    const found: unknown[] = []
    const m = toyDriver(function* (d, driver) {
      const make = (): number =>
        d.k.devices.create({
          driver,
          extensionSize: 0,
          name: null,
          type: 0x22,
          characteristics: 0,
          exclusive: false,
        }).device
      const [a, b] = [make(), make()]
      expect(yield* d.ddi('IoAttachDeviceToDeviceStack', a, b)).toBe(b)
      expect(yield* d.ddi('IoAttachDeviceToDeviceStack', b, a)).toBe(a)
      expect(d.k.memory.ptr(a + DEVICE_OBJECT.AttachedDevice)).toBe(b)
      found.push(d.k.devices.bottom(a) === b, d.k.devices.bottom(b) === b)
      found.push([a, b].includes(yield* d.ddi('IoGetAttachedDevice', a)))
    })
    expect(stopOf(m)).toBeNull()
    expect(found).toEqual([true, true, true])
  })
})

describe('a mutex that its owner takes with it', () => {
  test('with links that were cleared is bug check 0x139', () => {
    const m = toyDriver(
      function* (d) {
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Worker'), 0)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
      },
      {
        *Worker(d) {
          const { k } = d
          const mutant = scratch(d, KMUTANT.SIZE)
          k.dispatcher.initializeMutant(mutant, false, true)
          k.memory.setU64(mutant + KMUTANT.MutantListEntry, 0n)
        },
      },
    )
    expect(stopOf(m)?.code).toBe('0x139')
  })
})

describe('IoCsqRemoveNextIrp', () => {
  test('of a queue that names the same cancelled packet again and again is a hang', () => {
    const m = new TestMachine()
    m.driver('toy', {
      *DriverEntry(d) {
        const queue = scratch(d, IO_CSQ.SIZE)
        const set = (field: number, name: string): void =>
          d.k.memory.setPtr(queue + field, d.fn(name))
        set(IO_CSQ.CsqPeekNextIrp, 'Peek')
        set(IO_CSQ.CsqAcquireLock, 'Acquire')
        set(IO_CSQ.CsqReleaseLock, 'Release')
        yield* d.ddi('IoCsqRemoveNextIrp', queue, scratch(d, IRP.SIZE))
        return 0
      },
      *Acquire() {},
      *Release() {},
      *Peek(_d, _queue, _irp, context) {
        return context
      },
    })
    m.main((k) => k.loader.load('toy'))
    m.run()
    expect(m.k.ended).toMatchObject({ outcome: 'hang', limit: 'list' })
  })
})
