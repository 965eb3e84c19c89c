/** What a driver leaves behind that would still call into its image. */
import { describe, expect, it } from 'vitest'
import { DEVICE_OBJECT, DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from '../testing/machine'

/** Load a driver, unload it, let two seconds pass. */
function loadAndUnload(
  body: (d: DriverApi, driver: Ptr) => Code<void>,
  others: Record<string, DriverFunction> = {},
): TestMachine {
  const machine = new TestMachine()
  machine.driver('toy', {
    *DriverEntry(d, driver = 0) {
      d.k.memory.setPtr(driver + DRIVER_OBJECT.DriverUnload, d.fn('Unload'))
      yield* body(d, driver)
      return 0
    },
    *Unload() {},
    ...others,
  })
  machine.main(function* (k) {
    yield* k.loader.load('toy')
    yield* k.loader.unload('toy')
    yield* k.dispatcher.delay(-20_000_000n)
  })
  return machine.run()
}

function* device(d: DriverApi, driver: Ptr, extension: number): Code<Ptr> {
  const at = d.out()
  yield* d.ddi('IoCreateDevice', driver, extension, null, 0x22, 0, false, at)
  return Number(at.value)
}

describe('unload', () => {
  it('waits for I/O work items, which keep the image', () => {
    let ran = false
    const machine = loadAndUnload(
      function* (d, driver) {
        const item = yield* d.ddi('IoAllocateWorkItem', yield* device(d, driver, 0))
        yield* d.ddi('IoQueueWorkItem', item, d.fn('Work'), 1, item)
      },
      {
        *Work(d, at, item) {
          yield* d.ddi('KeDelayExecutionThread', 0, false, -1_000_000n)
          yield* d.ddi('IoFreeWorkItem', item!)
          yield* d.ddi('IoDeleteDevice', at!)
          ran = true
        },
      },
    )
    expect(machine.k.ended).toBe('done')
    expect(ran).toBe(true)
    expect(machine.of('leak.found')).toEqual([])
    const order = machine.events.filter(
      (event) =>
        event.t === 'image.unmapped' ||
        (event.t === 'routine.returned' && event.kind === 'workitem'),
    )
    expect(order.map((event) => event.t)).toEqual(['routine.returned', 'image.unmapped'])
  })

  it('VR-UNLOAD-TIMER: an armed timer in the device extension', () => {
    let timer = 0
    const machine = loadAndUnload(function* (d, driver) {
      const at = yield* device(d, driver, 64)
      timer = d.k.memory.ptr(at + DEVICE_OBJECT.DeviceExtension)
      yield* d.ddi('KeInitializeTimer', timer)
      yield* d.ddi('KeSetTimer', timer, -10_000_000n, null)
    })
    expect(machine.bugCheck).toMatchObject({ code: 0xc7, rule: null })
    const [type, address, from = 0n, to = 0n] = machine.bugCheck!.parameters
    expect([type, address]).toEqual([0n, machine.k.memory.address(timer)])
    expect(address! >= from && address! < to).toBe(true)
  })

  it('VR-UNLOAD-TIMER: a timer elsewhere whose DPC routine lies in the image', () => {
    const machine = loadAndUnload(
      function* (d) {
        const timer = d.k.pool.allocate(128, 'Test', { system: true })
        yield* d.ddi('KeInitializeTimer', timer)
        yield* d.ddi('KeInitializeDpc', timer + 64, d.fn('Dpc'), 0)
        yield* d.ddi('KeSetTimer', timer, -10_000_000n, timer + 64)
      },
      { *Dpc() {} },
    )
    expect(machine.bugCheck?.code).toBe(0xc7)
  })

  it('VR-UNLOAD-TIMER: a timer whose memory went with the device', () => {
    const machine = loadAndUnload(
      function* (d, driver) {
        const extension = d.k.memory.ptr(
          (yield* device(d, driver, 128)) + DEVICE_OBJECT.DeviceExtension,
        )
        yield* d.ddi('KeInitializeTimer', extension)
        yield* d.ddi('KeInitializeDpc', extension + 64, d.fn('Dpc'), 0)
        yield* d.ddi('KeSetTimer', extension, -10_000_000n, extension + 64)
      },
      {
        *Dpc() {},
        *Unload(d, driver = 0) {
          yield* d.ddi('IoDeleteDevice', d.k.memory.ptr(driver + DRIVER_OBJECT.DeviceObject))
        },
      },
    )
    expect(machine.bugCheck?.code).toBe(0xc7)
  })

  it('VR-UNLOAD-THREAD: a thread that waits, and one that has not run yet', () => {
    for (const forever of [true, false]) {
      const machine = loadAndUnload(
        function* (d) {
          yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn('Thread'), 0)
          if (forever) yield* d.ddi('KeDelayExecutionThread', 0, false, -1000n)
        },
        {
          *Thread(d) {
            yield* d.ddi('KeDelayExecutionThread', 0, false, -600_000_000n)
          },
        },
      )
      expect(machine.bugCheck?.code).toBe(0xce)
      const [address = 0n, access, instruction] = machine.bugCheck!.parameters
      expect([access, instruction]).toEqual([8n, address])
      const { k } = machine
      expect(k.images.symbol(k.memory.index(address & ~0xfn))).toBe('toy!Thread')
    }
  })

  it('handles that are left are counted by type', () => {
    const machine = loadAndUnload(function* (d) {
      for (let i = 0; i < 2; i++) yield* d.ddi('ZwCreateEvent', d.out(), 0x1f0003, null, 0, false)
      yield* d.ddi('ZwCreateEvent', d.out(), 0x1f0003, null, 1, false)
      yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn('Unload'), 0)
      yield* d.ddi('KeDelayExecutionThread', 0, false, -1000n)
    })
    expect(machine.k.loader.leaks).toEqual([
      { kind: 'handle', name: 'Event', count: 3 },
      { kind: 'handle', name: 'Thread', count: 1 },
    ])
  })

  it('VR-UNLOAD-WORKITEM: a plain work item that is queued', () => {
    const machine = loadAndUnload(
      function* (d) {
        // Above the priority of the worker, or the item would have run before the unload.
        yield* d.ddi('KeSetPriorityThread', yield* d.ddi('KeGetCurrentThread'), 16)
        const item = d.k.pool.allocate(32, 'Test', { system: true })
        yield* d.ddi('ExInitializeWorkItem', item, d.fn('Work'), 0)
        yield* d.ddi('ExQueueWorkItem', item, 1)
      },
      { *Work() {} },
    )
    expect(machine.bugCheck?.code).toBe(0xce)
    expect(machine.bugCheck?.what).toContain('work item')
  })

  it('VR-UNLOAD-LOOKASIDE: a list that was not deleted', () => {
    const machine = loadAndUnload(function* (d) {
      const list = yield* d.ddi('ExAllocatePoolWithTag', 512, 128, 'Look')
      yield* d.ddi('ExInitializeNPagedLookasideList', list, null, null, 0, 40, 'Look', 0)
    })
    expect(machine.bugCheck?.code).toBe(0xce)
    expect(machine.bugCheck?.parameters[1]).toBe(1n)
  })

  it('a driver that cleans up leaves nothing', () => {
    const machine = loadAndUnload(
      function* (d) {
        const timer = d.k.pool.allocate(128, 'Test', { system: true })
        yield* d.ddi('KeInitializeTimer', timer)
        yield* d.ddi('KeInitializeDpc', timer + 64, d.fn('Dpc'), 0)
        yield* d.ddi('KeSetTimerEx', timer, -1000n, 1, timer + 64)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
        yield* d.ddi('KeCancelTimer', timer)
        yield* d.ddi('KeFlushQueuedDpcs')
      },
      { *Dpc() {} },
    )
    expect(machine.k.ended).toBe('done')
    expect(machine.of('leak.found')).toEqual([])
  })
})
