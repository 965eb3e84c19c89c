import { describe, expect, it } from 'vitest'
import { KDPC, KTHREAD } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { toyDriver, scratch, stopOf } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'

function* dpc(d: DriverApi, name: string, context: Ptr = 0): Code<Ptr> {
  const at = scratch(d, KDPC.SIZE)
  yield* d.ddi('KeInitializeDpc', at, d.fn(name), context)
  return at
}

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

describe('DPCs', () => {
  it('initialisation', () => {
    clean(
      toyDriver(
        function* (d) {
          const { memory } = d.k
          const at = scratch(d, KDPC.SIZE)
          memory.fill(at, KDPC.SIZE, 0xcc)
          yield* d.ddi('KeInitializeDpc', at, d.fn('Dpc'), 0x1400000)
          expect([memory.u8(at), memory.u8(at + 1), memory.u16(at + 2)]).toEqual([0x13, 1, 0])
          expect(memory.ptr(at + KDPC.DeferredRoutine)).toBe(d.fn('Dpc'))
          expect(memory.ptr(at + KDPC.DeferredContext)).toBe(0x1400000)
          expect(memory.ptr(at + KDPC.DpcData)).toBe(0)
        },
        { *Dpc() {} },
      ),
    )
  })

  it('queued at PASSIVE_LEVEL it has run before the next statement', () => {
    const seen: number[][] = []
    clean(
      toyDriver(
        function* (d) {
          const context = scratch(d, 16)
          const at = yield* dpc(d, 'Dpc', context)
          const [one, two] = [scratch(d, 16), scratch(d, 16)]
          expect(yield* d.ddi('KeInsertQueueDpc', at, one, two)).toBe(1)
          expect(seen).toEqual([[at, context, one, two, 2]])
          expect(yield* d.ddi('KeGetCurrentIrql')).toBe(0)
          expect(d.k.memory.ptr(at + KDPC.DpcData)).toBe(0)
        },
        {
          *Dpc(d, ...args) {
            seen.push([...args, yield* d.ddi('KeGetCurrentIrql')])
          },
        },
      ),
    )
  })

  it('queued at DISPATCH_LEVEL it runs when the IRQL drops; a second insert changes nothing', () => {
    const seen: number[] = []
    clean(
      toyDriver(
        function* (d) {
          const at = yield* dpc(d, 'Dpc')
          const [one, two] = [scratch(d, 16), scratch(d, 16)]
          const old = d.out()
          yield* d.ddi('KeRaiseIrql', 2, old)
          expect(yield* d.ddi('KeInsertQueueDpc', at, one, 0)).toBe(1)
          expect(yield* d.ddi('KeInsertQueueDpc', at, two, 0)).toBe(0)
          expect(seen).toEqual([])
          expect(d.k.dpcs.queuedIn(at, at + 1)).toBe(at)
          expect(d.k.dpcs.queuedInto(d.fn('Dpc'), d.fn('Dpc') + 1)).toBe(at)
          yield* d.ddi('KeLowerIrql', Number(old.value))
          expect(seen).toEqual([one])
          expect(d.k.dpcs.queuedIn(at, at + 1)).toBe(0)
        },
        {
          *Dpc(_d, _dpc, _context, argument) {
            seen.push(argument!)
          },
        },
      ),
    )
  })

  it('runs first in, first out; high importance goes before the others', () => {
    const order: string[] = []
    clean(
      toyDriver(
        function* (d) {
          const [a, b, c] = [yield* dpc(d, 'A'), yield* dpc(d, 'B'), yield* dpc(d, 'C')]
          yield* d.ddi('KeSetImportanceDpc', c, 2)
          yield* d.ddi('KeRaiseIrql', 2, d.out())
          for (const each of [a, b, c]) yield* d.ddi('KeInsertQueueDpc', each, 0, 0)
          yield* d.ddi('KeLowerIrql', 0)
        },
        {
          *A() {
            order.push('a')
          },
          *B() {
            order.push('b')
          },
          *C() {
            order.push('c')
          },
        },
      ),
    )
    expect(order).toEqual(['c', 'a', 'b'])
  })

  it('KeRemoveQueueDpc takes it out again', () => {
    let ran = false
    clean(
      toyDriver(
        function* (d) {
          const at = yield* dpc(d, 'Dpc')
          expect(yield* d.ddi('KeRemoveQueueDpc', at)).toBe(0)
          yield* d.ddi('KeRaiseIrql', 2, d.out())
          yield* d.ddi('KeInsertQueueDpc', at, 0, 0)
          expect(yield* d.ddi('KeRemoveQueueDpc', at)).toBe(1)
          expect(yield* d.ddi('KeRemoveQueueDpc', at)).toBe(0)
          yield* d.ddi('KeLowerIrql', 0)
        },
        {
          *Dpc() {
            ran = true
          },
        },
      ),
    )
    expect(ran).toBe(false)
  })

  it('a result that was on its way reaches the interrupted code', () => {
    let waited = -1
    clean(
      toyDriver(
        function* (d) {
          const event = scratch(d, 24)
          yield* d.ddi('KeInitializeEvent', event, 0, false)
          const at = yield* dpc(d, 'Dpc', event)
          const timer = scratch(d, 64)
          yield* d.ddi('KeInitializeTimer', timer)
          yield* d.ddi('KeSetTimer', timer, -10_000n, at)
          waited = yield* d.ddi('KeWaitForSingleObject', event, 0, 0, false, -100_000_000n)
          expect(d.k.tick).toBeLessThan(20_000)
        },
        {
          *Dpc(d, _dpc, event) {
            yield* d.ddi('KeSetEvent', event!, 0, false)
          },
        },
      ),
    )
    expect(waited).toBe(0)
  })

  it('0xC8: it comes back at another IRQL', () => {
    let routine = 0
    const machine = toyDriver(
      function* (d) {
        routine = d.fn('Dpc')
        yield* d.ddi('KeInsertQueueDpc', yield* dpc(d, 'Dpc'), 0, 0)
      },
      {
        *Dpc(d) {
          yield* d.ddi('KeRaiseIrql', 5, d.out())
        },
      },
    )
    expect(machine.bugCheck).toMatchObject({ code: 0xc8, rule: null })
    expect(machine.bugCheck!.parameters[0]! >> 8n).toBe(0x0502n)
    expect(machine.bugCheck!.parameters[1]).toBe(machine.k.memory.address(routine))
  })

  it('0xC7: it changes the APC disable count', () => {
    const machine = toyDriver(
      function* (d) {
        yield* d.ddi('KeInsertQueueDpc', yield* dpc(d, 'Dpc'), 0, 0)
      },
      {
        *Dpc(d) {
          const at = d.k.thread.address + KTHREAD.KernelApcDisable
          d.k.memory.setU16(at, 0xffff)
          yield* d.ddi('KeGetCurrentIrql')
        },
      },
    )
    expect(stopOf(machine)).toMatchObject({ code: '0xC7' })
    expect(machine.bugCheck!.parameters[0]).toBe(4n)
  })

  it('0x133: one DPC takes too long', () => {
    const machine = toyDriver(
      function* (d) {
        yield* d.ddi('KeInsertQueueDpc', yield* dpc(d, 'Dpc'), 0, 0)
      },
      {
        *Dpc(d) {
          for (let i = 0; i < 100; i++) yield* d.ddi('KeStallExecutionProcessor', 50_000)
        },
      },
    )
    expect(machine.bugCheck).toMatchObject({ code: 0x133 })
    expect(machine.bugCheck!.parameters[0]).toBe(0n)
    expect(machine.bugCheck!.parameters[1]).toBeGreaterThanOrEqual(64n)
    expect(machine.bugCheck!.parameters[2]).toBe(64n)
  })

  it('0x133: a DPC that queues itself for ever', () => {
    const machine = toyDriver(
      function* (d) {
        yield* d.ddi('KeInsertQueueDpc', yield* dpc(d, 'Dpc'), 0, 0)
      },
      {
        *Dpc(d, at) {
          yield* d.ddi('KeStallExecutionProcessor', 100)
          yield* d.ddi('KeInsertQueueDpc', at!, 0, 0)
        },
      },
    )
    expect(machine.bugCheck).toMatchObject({ code: 0x133 })
    expect(machine.bugCheck!.parameters[0]).toBe(1n)
  })

  it('0x133: a thread stays at DISPATCH_LEVEL for too long', () => {
    const machine = toyDriver(function* (d) {
      yield* d.ddi('KeRaiseIrql', 2, d.out())
      yield* d.ddi('KeStallExecutionProcessor', 2_000_000)
    })
    expect(stopOf(machine)).toMatchObject({ code: '0x133' })
    expect(machine.bugCheck!.parameters[0]).toBe(1n)
  })

  it('0x1E: an exception that a DPC does not handle', () => {
    const machine = toyDriver(
      function* (d) {
        yield* d.ddi('KeInsertQueueDpc', yield* dpc(d, 'Dpc'), 0, 0)
      },
      {
        *Dpc(d) {
          yield* d.ddi('ExRaiseStatus', 0xc0000001)
        },
      },
    )
    expect(machine.bugCheck).toMatchObject({ code: 0x1e })
    expect(machine.bugCheck!.parameters[0]).toBe(0xc0000001n)
  })

  it('stops when the routine is no code', () => {
    const machine = toyDriver(function* (d) {
      const at = scratch(d, KDPC.SIZE)
      yield* d.ddi('KeInitializeDpc', at, 0, 0)
      yield* d.ddi('KeInsertQueueDpc', at, 0, 0)
    })
    expect([0x0a, 0xd1]).toContain(machine.bugCheck!.code)
    expect(machine.bugCheck!.parameters[0]).toBe(0n)
    expect(machine.bugCheck!.parameters[2]).toBe(8n)
  })

  it('0xC7: a processor that does not exist', () => {
    const machine = toyDriver(
      function* (d) {
        const at = yield* dpc(d, 'Dpc')
        yield* d.ddi('KeSetTargetProcessorDpc', at, 0)
        yield* d.ddi('KeSetTargetProcessorDpc', at, 4)
      },
      { *Dpc() {} },
    )
    expect(machine.bugCheck!.parameters).toEqual([3n, expect.any(BigInt) as bigint, 4n, 1n])
  })

  it('KeFlushQueuedDpcs comes back when the DPC of a due timer has run', () => {
    let ran = 0
    clean(
      toyDriver(
        function* (d) {
          const timer = scratch(d, 64)
          yield* d.ddi('KeInitializeTimer', timer)
          yield* d.ddi('KeSetTimer', timer, -1n, yield* dpc(d, 'Dpc'))
          yield* d.ddi('KeFlushQueuedDpcs')
          expect(ran).toBe(1)
        },
        {
          *Dpc() {
            ran++
          },
        },
      ),
    )
  })
})
