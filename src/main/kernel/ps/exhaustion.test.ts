/** A machine without memory: whoever asks for something is told so, and nothing is a defect. */
import { describe, expect, test } from 'vitest'
import { complete, lab, open } from '../testing/client'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'

const STATUS_INSUFFICIENT_RESOURCES = 0xc000_009a

/** Take all of a pool, in blocks that get smaller; the blocks. */
function* takeAll(d: DriverApi): Code<number[]> {
  const taken: number[] = []
  for (let bytes = 0x10_0000; bytes >= 16; bytes /= 4)
    for (;;) {
      const block = yield* d.ddi('ExAllocatePool2', 0x42n, bytes, 0x65626f54)
      if (block === 0) break
      taken.push(block)
    }
  return taken
}

function* giveBack(d: DriverApi, blocks: number[]): Code<void> {
  for (const block of blocks) yield* d.ddi('ExFreePool', block)
}

describe('a driver that took all memory', () => {
  test('gets STATUS_INSUFFICIENT_RESOURCES for threads and devices, and can go on', () => {
    const results: number[] = []
    const m = toyDriver(
      function* (d, driverObject) {
        const blocks = yield* takeAll(d)
        const ask = function* (): Code<void> {
          const [device, thread] = [d.out(), d.out()]
          results.push(
            yield* d.ddi('IoCreateDevice', driverObject, 0x4000, null, 0x22, 0, false, device),
          )
          results.push(yield* d.ddi('PsCreateSystemThread', thread, 0, 0, 0, 0, d.fn('Worker'), 0))
          if (Number(device.value)) yield* d.ddi('IoDeleteDevice', Number(device.value))
          if (Number(thread.value)) yield* d.ddi('ZwClose', Number(thread.value))
        }
        yield* ask()
        yield* giveBack(d, blocks)
        yield* ask()
      },
      { *Worker() {} },
      { limits: { ddiCalls: 1_000_000 } },
    )
    expect(stopOf(m)).toBeNull()
    expect(results).toEqual([STATUS_INSUFFICIENT_RESOURCES, STATUS_INSUFFICIENT_RESOURCES, 0, 0])
  })

  test('lets no program have another thread', () => {
    let handle = -1
    let error = 0
    const { m, exitCode } = lab({
      majors: {
        *14(d, _device, irp) {
          yield* takeAll(d)
          return yield* complete(d, irp!, 0)
        },
      },
      limits: { ddiCalls: 1_000_000 },
      *client(d) {
        const device = yield* open(d)
        yield* d.ddi('DeviceIoControl', device, 0x22_2000, 0, 0, 0, 0, d.out(), 0)
        handle = yield* d.ddi('CreateThread', 0, 0, d.fn('Second'), 0, 0, d.out())
        error = yield* d.ddi('GetLastError')
        return 7
      },
      program: { *Second() {} },
    })
    expect(stopOf(m)).toBeNull()
    expect([handle, error, exitCode]).toEqual([0, 1450, 7])
  })
})

describe('the system itself without memory', () => {
  test('ends the run with a word when a process cannot be made', () => {
    const m = new TestMachine({ limits: { ddiCalls: 1_000_000 } })
    m.driver('toy', {
      *DriverEntry(d) {
        yield* takeAll(d)
        return 0
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('toy')
      yield* k.programs.startSteps('late.exe', [])
    })
    m.run()
    expect(m.k.ended).toMatchObject({ outcome: 'limit', limit: 'memory' })
  })

  /** What a driver and a program do, with the allocation of that number failing. False: there were fewer. */
  function failing(nth: number): boolean {
    let count = 0
    const { m } = lab({
      limits: { idleTicks: 100_000_000 },
      *entry(d, driver) {
        const { pool } = d.k
        const allocate = pool.allocate.bind(pool)
        pool.allocate = (...args) => (++count === nth ? 0 : allocate(...args))
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Worker'), 0)
        const out = d.out()
        yield* d.ddi('IoCreateDevice', driver, 8, d.string('\\Device\\Other'), 0x22, 0, false, out)
        const item = yield* d.ddi('IoAllocateWorkItem', Number(out.value))
        if (item && Number(out.value)) yield* d.ddi('IoQueueWorkItem', item, d.fn('Work'), 1, 0)
        yield* d.ddi('ZwCreateEvent', d.out(), 0x1f0003, 0, 0, false)
        return 0
      },
      majors: {
        *14(d, _device, irp) {
          const apc = scratch(d, 96)
          if (apc) {
            const thread = d.k.thread.address
            yield* d.ddi('KeInitializeApc', apc, thread, 0, d.fn('Kernel'), 0, 0, 0, 0)
            yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
          }
          return yield* complete(d, irp!, 0)
        },
      },
      driver: { *Worker() {}, *Work() {}, *Kernel() {} },
      *client(d) {
        const device = yield* open(d)
        yield* d.ddi('DeviceIoControl', device, 0x22_2000, 0, 0, 0, 0, d.out(), 0)
        yield* d.ddi('CreateThread', 0, 0, d.fn('Second'), 0, 0, d.out())
        yield* d.ddi('CreateEventW', 0, false, false, d.string('Local\\Toy'))
        yield* d.ddi('VirtualAlloc', 0, 0x2000, 0x3000, 4)
      },
      program: { *Second() {} },
      after: (machine) => machine.k.pnp.plug('TOY\\Lamp', 'lamp'),
    })
    expect(m.k.ended).not.toBeNull()
    return count >= nth
  }

  test('ends in an outcome whichever allocation fails', () => {
    let nth = 1
    while (failing(nth)) nth++
    expect(nth).toBeGreaterThan(30)
  })
})
