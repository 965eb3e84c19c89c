import { describe, expect, it } from 'vitest'
import { OBJECT_HEADER, WORK_QUEUE_ITEM } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { scratch, toyDriver } from '../testing/toy-driver'
import type { Code, DriverApi } from '../testing/machine'

const CRITICAL = 0
const DELAYED = 1

function* device(d: DriverApi, driver: Ptr): Code<Ptr> {
  const at = d.out()
  expect(yield* d.ddi('IoCreateDevice', driver, 0, null, 0x22, 0, false, at)).toBe(0)
  return Number(at.value)
}

function* plain(d: DriverApi, name: string, context: Ptr = 0): Code<Ptr> {
  const at = scratch(d, WORK_QUEUE_ITEM.SIZE)
  yield* d.ddi('ExInitializeWorkItem', at, d.fn(name), context)
  return at
}

function* sleep(d: DriverApi, milliseconds: bigint): Code<void> {
  yield* d.ddi('KeDelayExecutionThread', 0, false, -milliseconds * 10_000n)
}

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

describe('I/O work items', () => {
  it('run at PASSIVE_LEVEL in the System process, previous mode KernelMode', () => {
    const seen: unknown[] = []
    const machine = toyDriver(
      function* (d, driver) {
        const at = yield* device(d, driver)
        const references = (): bigint =>
          d.k.memory.u64(at - OBJECT_HEADER.Body + OBJECT_HEADER.PointerCount)
        const before = references()
        const item = yield* d.ddi('IoAllocateWorkItem', at)
        const context = scratch(d, 8)
        yield* d.ddi('KeRaiseIrql', 2, d.out())
        yield* d.ddi('IoQueueWorkItem', item, d.fn('Work'), DELAYED, context)
        expect(seen).toEqual([])
        expect(references(), 'the device is kept').toBe(before + 1n)
        yield* d.ddi('KeLowerIrql', 0)
        yield* sleep(d, 1n)
        expect(seen).toEqual([at, context, 0, 4, 0])
        expect(references()).toBe(before)
        yield* d.ddi('IoFreeWorkItem', item)
        yield* d.ddi('IoDeleteDevice', at)
      },
      {
        *Work(d, at, context) {
          seen.push(
            at,
            context,
            yield* d.ddi('KeGetCurrentIrql'),
            yield* d.ddi('PsGetCurrentProcessId'),
            yield* d.ddi('ExGetPreviousMode'),
          )
        },
      },
    )
    clean(machine)
    const [queued] = machine.of('work.queued')
    const called = machine.of('routine.called').find((event) => event.kind === 'workitem')
    expect(called!.cause).toBe(queued!.seq)
  })

  it('0xE4: queued twice, freed while queued', () => {
    const run = (what: 'again' | 'free'): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d, driver) {
          const item = yield* d.ddi('IoAllocateWorkItem', yield* device(d, driver))
          yield* d.ddi('KeRaiseIrql', 2, d.out())
          yield* d.ddi('IoQueueWorkItem', item, d.fn('Work'), DELAYED, 0)
          if (what === 'again') yield* d.ddi('IoQueueWorkItem', item, d.fn('Work'), DELAYED, 0)
          else yield* d.ddi('IoFreeWorkItem', item)
        },
        { *Work() {} },
      )
    expect(run('again').bugCheck).toMatchObject({ code: 0xe4, rule: null })
    expect(run('again').bugCheck!.parameters[0]).toBe(1n)
    expect(run('free').bugCheck).toMatchObject({ code: 0xe4 })
    expect(run('free').bugCheck!.parameters[0]).toBe(2n)
  })

  it('may be queued again by its own routine, and freed by it', () => {
    let runs = 0
    let item = 0
    clean(
      toyDriver(
        function* (d, driver) {
          item = yield* d.ddi('IoAllocateWorkItem', yield* device(d, driver))
          yield* d.ddi('IoQueueWorkItem', item, d.fn('Work'), DELAYED, 0)
          yield* sleep(d, 1n)
          expect(runs).toBe(3)
        },
        {
          *Work(d) {
            runs++
            if (runs < 3) yield* d.ddi('IoQueueWorkItem', item, d.fn('Work'), DELAYED, 0)
            else yield* d.ddi('IoFreeWorkItem', item)
          },
        },
      ),
    )
  })

  it('may lie in memory of the driver', () => {
    let ran = false
    clean(
      toyDriver(
        function* (d, driver) {
          const item = scratch(d, yield* d.ddi('IoSizeofWorkItem'))
          yield* d.ddi('IoInitializeWorkItem', yield* device(d, driver), item)
          yield* d.ddi('IoQueueWorkItem', item, d.fn('Work'), CRITICAL, 0)
          yield* sleep(d, 1n)
          yield* d.ddi('IoUninitializeWorkItem', item)
        },
        {
          *Work() {
            ran = true
          },
        },
      ),
    )
    expect(ran).toBe(true)
  })
})

describe('plain work items', () => {
  it('run in the order of queueing, one at a time', () => {
    const order: string[] = []
    clean(
      toyDriver(
        function* (d) {
          for (const name of ['A', 'B'])
            yield* d.ddi('ExQueueWorkItem', yield* plain(d, name), DELAYED)
          yield* sleep(d, 1n)
        },
        {
          *A(d) {
            for (let i = 0; i < 200; i++) yield* d.ddi('KeGetCurrentIrql')
            order.push('a')
          },
          *B() {
            order.push('b')
          },
        },
      ),
    )
    expect(order).toEqual(['a', 'b'])
  })

  it('one that waits holds up no other, even the one that it waits for', () => {
    const machine = toyDriver(
      function* (d) {
        const event = scratch(d, 24)
        yield* d.ddi('KeInitializeEvent', event, 0, false)
        for (const name of ['Waiter', 'Waiter', 'Setter'])
          yield* d.ddi('ExQueueWorkItem', yield* plain(d, name, event), DELAYED)
        yield* sleep(d, 1n)
      },
      {
        *Waiter(d, event) {
          yield* d.ddi('KeWaitForSingleObject', event!, 0, 0, false, null)
        },
        *Setter(d, event) {
          yield* d.ddi('KeSetEvent', event!, 0, false)
        },
      },
    )
    clean(machine)
    expect(
      machine.of('routine.returned').filter((event) => event.kind === 'workitem'),
    ).toHaveLength(3)
    expect(
      machine.of('thread.created').filter((event) => event.name.endsWith('worker')),
    ).toHaveLength(3)
  })

  it('0xE4: no such queue, no such routine, freed while queued', () => {
    const run = (body: (d: DriverApi, item: Ptr) => Code<void>): bigint | undefined => {
      const machine = toyDriver(
        function* (d) {
          const item = yield* d.ddi('ExAllocatePoolWithTag', 512, WORK_QUEUE_ITEM.SIZE, 'Work')
          yield* d.ddi('ExInitializeWorkItem', item, d.fn('Work'), 0)
          yield* d.ddi('KeRaiseIrql', 2, d.out())
          yield* body(d, item)
        },
        { *Work() {} },
      )
      expect(machine.bugCheck?.code).toBe(0xe4)
      return machine.bugCheck?.parameters[0]
    }
    expect(
      run(function* (d, item) {
        yield* d.ddi('ExQueueWorkItem', item, 17)
      }),
    ).toBe(6n)
    expect(
      run(function* (d, item) {
        d.k.memory.setPtr(item + WORK_QUEUE_ITEM.WorkerRoutine, 0)
        yield* d.ddi('ExQueueWorkItem', item, DELAYED)
      }),
    ).toBe(7n)
    expect(
      run(function* (d, item) {
        yield* d.ddi('ExQueueWorkItem', item, DELAYED)
        yield* d.ddi('ExFreePool', item)
      }),
    ).toBe(0n)
  })

  it('0x96: overwritten while queued', () => {
    const machine = toyDriver(
      function* (d) {
        const item = yield* plain(d, 'Work')
        yield* d.ddi('KeRaiseIrql', 2, d.out())
        yield* d.ddi('ExQueueWorkItem', item, DELAYED)
        d.k.memory.setPtr(item, 0)
        yield* d.ddi('KeLowerIrql', 0)
        yield* sleep(d, 1n)
      },
      { *Work() {} },
    )
    expect(machine.bugCheck?.code).toBe(0x96)
  })

  it('0xE1: returns at DISPATCH_LEVEL; 0x01: returns with APCs disabled', () => {
    const run = (call: string, ...args: number[]): ReturnType<typeof toyDriver> =>
      toyDriver(
        function* (d) {
          yield* d.ddi('ExQueueWorkItem', yield* plain(d, 'Work'), DELAYED)
          yield* sleep(d, 1n)
        },
        {
          *Work(d) {
            yield* d.ddi(call, ...args)
          },
        },
      )
    const irql = run('KfRaiseIrql', 2).bugCheck
    expect(irql?.code).toBe(0xe1)
    expect(irql?.parameters[1]).toBe(2n)
    const region = run('KeEnterCriticalRegion').bugCheck
    expect(region?.code).toBe(0x01)
    expect(region?.parameters.slice(2)).toEqual([0xffffn, 1n])
  })

  it('0x7E: an exception that the routine does not handle', () => {
    const machine = toyDriver(
      function* (d) {
        yield* d.ddi('ExQueueWorkItem', yield* plain(d, 'Work'), DELAYED)
        yield* sleep(d, 1n)
      },
      {
        *Work(d) {
          yield* d.ddi('ExRaiseStatus', 0xc000000d)
        },
      },
    )
    expect(machine.bugCheck?.code).toBe(0x7e)
    expect(machine.bugCheck?.parameters[0]).toBe(0xc000000dn)
  })

  it('says which routines of a range are queued', () => {
    clean(
      toyDriver(
        function* (d) {
          const item = yield* plain(d, 'Work')
          const routine = d.fn('Work')
          yield* d.ddi('KeRaiseIrql', 2, d.out())
          yield* d.ddi('ExQueueWorkItem', item, DELAYED)
          expect(d.k.workQueue.queuedInto(routine, routine + 1)).toBe(routine)
          expect(d.k.workQueue.queuedIn(item, item + 1)).toBe(item)
          yield* d.ddi('KeLowerIrql', 0)
          yield* sleep(d, 1n)
          expect(d.k.workQueue.queuedInto(routine, routine + 1)).toBe(0)
        },
        { *Work() {} },
      ),
    )
  })
})
