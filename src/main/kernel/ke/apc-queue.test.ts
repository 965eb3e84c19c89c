import { describe, expect, test } from 'vitest'
import { CONTEXT, KAPC, KTHREAD } from '../../../shared/nt/generated/offsets'
import { complete, lab, open } from '../testing/client'
import type { Code, DriverApi, DriverFunction } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'
import type { Thread } from './thread'

const STATUS_USER_APC = 0xc0
const IOCTL = 0x22_2000

/** An APC for a thread, initialised. */
function* apcFor(
  d: DriverApi,
  thread: number,
  o: {
    kernel?: string
    normal?: string | number
    mode?: number
    context?: number
    rundown?: string
    environment?: number
  } = {},
): Code<number> {
  const apc = scratch(d, KAPC.SIZE)
  const normal = typeof o.normal === 'string' ? d.fn(o.normal) : (o.normal ?? 0)
  yield* d.ddi(
    'KeInitializeApc',
    apc,
    thread,
    o.environment ?? 0,
    d.fn(o.kernel ?? 'Kernel'),
    o.rundown === undefined ? 0 : d.fn(o.rundown),
    normal,
    o.mode ?? 0,
    o.context ?? 0,
  )
  return apc
}

const nothing: DriverFunction = function* () {}

describe('kernel APCs', () => {
  test('a special one runs at APC_LEVEL before the next statement', () => {
    const order: unknown[] = []
    const m = toyDriver(
      function* (d) {
        const apc = yield* apcFor(d, d.k.thread.address)
        expect([d.k.memory.u8(apc), d.k.memory.u8(apc + KAPC.Size)]).toEqual([0x12, 0x58])
        order.push(yield* d.ddi('KeInsertQueueApc', apc, 1, 2, 0))
        order.push('after', d.k.memory.u8(apc + KAPC.Inserted))
      },
      {
        *Kernel(d) {
          order.push(`kernel at ${d.k.irql.level}`)
        },
      },
    )
    expect(m.bugCheck).toBeNull()
    expect(order).toEqual(['kernel at 1', 1, 'after', 0])
    expect(m.of('apc.delivered')).toHaveLength(1)
  })

  test('one that was freed before its thread came to it stops the machine', () => {
    const m = toyDriver(
      function* (d) {
        const event = scratch(d, 0x18)
        yield* d.ddi('KeInitializeEvent', event, 0, false)
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Waiter'), event)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
        const thread = [...d.k.scheduler.threads].find(({ name }) => name === 'toy!Waiter')!
        const apc = yield* d.ddi('ExAllocatePool2', 0x40n, 0x1000, 0x41414141)
        yield* d.ddi('KeInitializeApc', apc, thread.address, 0, d.fn('Kernel'), 0, 0, 0, 0)
        yield* d.ddi('KeRaiseIrql', 2, d.out())
        yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
        yield* d.ddi('ExFreePoolWithTag', apc, 0)
        yield* d.ddi('KeLowerIrql', 0)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
      },
      {
        Kernel: nothing,
        *Waiter(d, event) {
          yield* d.ddi('KeWaitForSingleObject', event!, 0, 0, false, null)
        },
      },
    )
    expect(stopOf(m)?.code).toBe('0x50')
  })

  test('a normal one calls both routines, and a critical region keeps it away', () => {
    const order: unknown[] = []
    toyDriver(
      function* (d) {
        const apc = yield* apcFor(d, d.k.thread.address, { normal: 'Normal', context: 7 })
        const special = yield* apcFor(d, d.k.thread.address, { kernel: 'Special' })
        yield* d.ddi('KeEnterCriticalRegion')
        yield* d.ddi('KeInsertQueueApc', apc, 1, 2, 0)
        order.push('queued', yield* d.ddi('KeInsertQueueApc', apc, 3, 4, 0))
        yield* d.ddi('KeInsertQueueApc', special, 0, 0, 0)
        order.push('in region')
        yield* d.ddi('KeLeaveCriticalRegion')
        order.push('left')
      },
      {
        *Kernel() {
          order.push('kernel')
        },
        *Special() {
          order.push('special')
        },
        *Normal(d, context, first, second) {
          order.push(['normal', context, first, second, d.k.irql.level])
        },
      },
    )
    expect(order).toEqual([
      'queued',
      0,
      'special',
      'in region',
      'kernel',
      ['normal', 7, 1, 2, 0],
      'left',
    ])
  })

  test('the kernel routine can change the normal one, or take it away', () => {
    const called: string[] = []
    toyDriver(
      function* (d) {
        const apc = yield* apcFor(d, d.k.thread.address, { normal: 'Normal' })
        yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
      },
      {
        *Kernel(d, _apc, normal) {
          d.k.memory.setPtr(normal!, 0)
        },
        *Normal() {
          called.push('normal')
        },
      },
    )
    expect(called).toEqual([])
  })

  test('one for a thread that waits interrupts the wait, which then goes on', () => {
    const order: unknown[] = []
    const m = toyDriver(
      function* (d) {
        const event = scratch(d, 0x18)
        yield* d.ddi('KeInitializeEvent', event, 0, false)
        const handle = d.out()
        yield* d.ddi('PsCreateSystemThread', handle, 0, 0, 0, 0, d.fn('Waiter'), event)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
        const thread = [...d.k.scheduler.threads].find(({ name }) => name === 'toy!Waiter')!
        const apc = yield* apcFor(d, thread.address)
        yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
        order.push('set')
        yield* d.ddi('KeSetEvent', event, 0, false)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
      },
      {
        *Kernel(d) {
          order.push(`apc in ${d.k.thread.name}`)
        },
        *Waiter(d, event) {
          order.push(['waited', yield* d.ddi('KeWaitForSingleObject', event!, 0, 0, false, null)])
        },
      },
    )
    expect(m.bugCheck).toBeNull()
    expect(order).toEqual(['apc in toy!Waiter', 'set', ['waited', 0]])
  })

  test('what a raised level kept away runs when the thread ends', () => {
    const order: string[] = []
    const m = toyDriver(
      function* (d) {
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Worker'), 0)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
      },
      {
        *Kernel() {
          order.push('kernel')
        },
        *Rundown() {
          order.push('rundown')
        },
        *Worker(d) {
          const apc = yield* apcFor(d, d.k.thread.address, { rundown: 'Rundown' })
          yield* d.ddi('KeRaiseIrql', 1, d.out())
          yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
        },
      },
    )
    expect(m.bugCheck).toBeNull()
    expect(order).toEqual(['kernel'])
  })

  test('one that cannot run any more is bug check 0x20 with its address', () => {
    let left = 0
    const m = toyDriver(
      function* (d) {
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Worker'), 0)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
      },
      {
        Kernel: nothing,
        *Normal(d) {
          left = yield* apcFor(d, d.k.thread.address, { normal: 'Normal' })
          yield* d.ddi('KeInsertQueueApc', left, 0, 0, 0)
          // Another one is in progress: this one.
          yield* d.ddi('PsTerminateSystemThread', 0)
        },
        *Worker(d) {
          const apc = yield* apcFor(d, d.k.thread.address, { normal: 'Normal' })
          yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
        },
      },
    )
    const address = m.k.memory.address(left).toString(16).toUpperCase()
    expect(stopOf(m)).toEqual({ code: '0x20', parameters: [`0x${address}`, '0x0', '0x0', '0x0'] })
  })

  test('none can be queued to a thread that has begun to end', () => {
    const results: number[] = []
    toyDriver(
      function* (d) {
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Worker'), 0)
        const thread = [...d.k.scheduler.threads].find(({ name }) => name === 'toy!Worker')!
        const apc = yield* apcFor(d, thread.address)
        d.k.ob.reference(thread.address)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
        results.push(yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0))
        results.push(d.k.memory.u8(apc + KAPC.Inserted))
        d.k.ob.release(thread.address)
      },
      { Kernel: nothing, Worker: nothing },
    )
    expect(results).toEqual([0, 0])
  })
})

describe('user APCs', () => {
  /** A program that tells the driver where its routine is and sleeps; the driver queues an APC to it. */
  function injected(alertable: boolean): { result: number; called: unknown[]; isFreed: boolean } {
    const called: unknown[] = []
    let result = -1
    let target = 0
    let queued = 0
    const { m } = lab({
      majors: {
        *14(d, _device, irp) {
          const { memory } = d.k
          const buffer = memory.ptr(irp! + 0x18)
          target = memory.ptr(buffer)
          const apc = yield* apcFor(d, d.k.thread.address, { normal: target, mode: 1, context: 42 })
          expect(yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)).toBe(1)
          queued = apc
          return yield* complete(d, irp!, 0)
        },
      },
      driver: {
        *Kernel(d) {
          called.push(`kernel at ${d.k.irql.level}`)
        },
      },
      *client(d) {
        const handle = yield* open(d)
        const { thread, memory } = d.k
        const buffer = thread.user!.scratch + 0x1000
        memory.setPtr(buffer, d.fn('OnApc'))
        const returned = d.out()
        yield* d.ddi('DeviceIoControl', handle, IOCTL, buffer, 8, 0, 0, returned, 0)
        called.push('control done')
        result = yield* d.ddi('SleepEx', 20, alertable)
      },
      program: {
        *OnApc(d, context) {
          called.push(['user routine', context, d.k.scheduler.userMode])
        },
      },
    })
    return { result, called, isFreed: m.k.pool.block(queued) === undefined }
  }

  test('end an alertable sleep and run in user mode', () => {
    expect(injected(true)).toEqual({
      result: STATUS_USER_APC,
      called: ['control done', 'kernel at 1', ['user routine', 42, true]],
      isFreed: false,
    })
  })

  test('wait while nobody waits alertably, and are freed when nobody did', () => {
    expect(injected(false)).toEqual({ result: 0, called: ['control done'], isFreed: true })
  })
})

describe('the environment of an APC', () => {
  /** APCs that a program's thread queues to itself while a driver has attached it to the System process. */
  function attached(
    act: (
      d: DriverApi,
      queue: (environment: number, more?: object) => Code,
      order: unknown[],
    ) => Code<void>,
  ): { order: unknown[]; m: ReturnType<typeof lab>['m'] } {
    const order: unknown[] = []
    const { m } = lab({
      majors: {
        *14(d, _device, irp) {
          const { k } = d
          yield* act(
            d,
            function* (environment, more = {}) {
              const apc = yield* apcFor(d, k.thread.address, { environment, ...more })
              return yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
            },
            order,
          )
          order.push('end')
          return yield* complete(d, irp!, 0)
        },
      },
      driver: {
        *Kernel(d) {
          order.push(`special in ${d.k.processes.current.name}`)
        },
        *Normal(d) {
          order.push(`normal in ${d.k.processes.current.name}`)
        },
        Silent: nothing,
      },
      *client(d) {
        const handle = yield* open(d)
        yield* d.ddi('DeviceIoControl', handle, IOCTL, 0, 0, 0, 0, d.out(), 0)
      },
    })
    return { order, m }
  }

  test('keeps those for the thread’s own process until it has detached', () => {
    const { order, m } = attached(function* (d, queue) {
      const state = scratch(d, 48)
      yield* d.ddi('KeStackAttachProcess', d.k.processes.system.address, state)
      expect(yield* queue(0)).toBe(1)
      expect(yield* queue(0, { kernel: 'Silent', normal: 'Normal' })).toBe(1)
      yield* queue(1)
      yield* d.ddi('KeUnstackDetachProcess', state)
    })
    expect(m.bugCheck).toBeNull()
    // The I/O manager holds the lock of the file, in a critical region.
    expect(order).toEqual([
      'special in System',
      'special in client.exe',
      'end',
      'normal in client.exe',
    ])
  })

  test('is the current one at initialization, or the one at insertion', () => {
    const { order } = attached(function* (d, queue) {
      const state = scratch(d, 48)
      const early = yield* apcFor(d, d.k.thread.address, { environment: 2 })
      const late = yield* apcFor(d, d.k.thread.address, { environment: 3 })
      yield* d.ddi('KeStackAttachProcess', d.k.processes.system.address, state)
      yield* d.ddi('KeInsertQueueApc', early, 0, 0, 0)
      yield* d.ddi('KeInsertQueueApc', late, 0, 0, 0)
      expect(d.k.memory.u8(late + KAPC.ApcStateIndex)).toBe(1)
      yield* queue(2)
      yield* d.ddi('KeUnstackDetachProcess', state)
    })
    expect(order).toEqual([
      'special in System',
      'special in System',
      'special in client.exe',
      'end',
    ])
  })

  test('one that waits when the thread attaches is delivered after the detach', () => {
    const { order } = attached(function* (d, queue, order) {
      const [outer, inner, old] = [scratch(d, 48), scratch(d, 48), d.out()]
      yield* d.ddi('KeRaiseIrql', 1, old)
      yield* queue(0)
      const own = yield* d.ddi('PsGetCurrentProcess')
      yield* d.ddi('KeStackAttachProcess', d.k.processes.system.address, outer)
      yield* d.ddi('KeStackAttachProcess', own, inner)
      yield* d.ddi('KeLowerIrql', 0)
      yield* d.ddi('KeGetCurrentIrql')
      order.push('still attached')
      yield* d.ddi('KeUnstackDetachProcess', inner)
      yield* d.ddi('KeUnstackDetachProcess', outer)
    })
    expect(order).toEqual(['still attached', 'special in client.exe', 'end'])
  })

  test('one of the process that the thread leaves is bug check 0x06', () => {
    const { m } = attached(function* (d, queue) {
      const state = scratch(d, 48)
      yield* d.ddi('KeStackAttachProcess', d.k.processes.system.address, state)
      yield* d.ddi('KeEnterCriticalRegion')
      yield* queue(1, { normal: 'Normal' })
      yield* d.ddi('KeUnstackDetachProcess', state)
    })
    expect(stopOf(m)?.code).toBe('0x6')
  })
})

describe('attaching to a process', () => {
  test('shows its memory, nested and back, and ends where it began', () => {
    const seen: unknown[] = []
    const m = lab({
      majors: {
        *14(d, _device, irp) {
          const { k } = d
          const { memory } = k
          const user = memory.ptr(memory.ptr(irp! + 0xb8) + 0x20)
          const own = yield* d.ddi('PsGetCurrentProcess')
          const system = k.processes.system.address
          const [first, second, third] = [scratch(d, 48), scratch(d, 48), scratch(d, 48)]
          yield* d.ddi('KeStackAttachProcess', system, first)
          seen.push(memory.pte(user), (yield* d.ddi('PsGetCurrentProcess')) === system)
          seen.push(memory.u8(k.thread.address + KTHREAD.ApcStateIndex))
          yield* d.ddi('KeStackAttachProcess', own, second)
          seen.push(memory.u32(user))
          yield* d.ddi('KeStackAttachProcess', own, third)
          yield* d.ddi('KeUnstackDetachProcess', third)
          yield* d.ddi('KeUnstackDetachProcess', second)
          seen.push(memory.pte(user))
          yield* d.ddi('KeUnstackDetachProcess', first)
          seen.push(memory.u32(user), memory.u8(k.thread.address + KTHREAD.ApcStateIndex))
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const handle = yield* open(d)
        const buffer = d.k.thread.user!.scratch + 0x1000
        d.k.memory.setU32(buffer, 0x1234)
        // METHOD_NEITHER: the driver gets the program's own pointer.
        yield* d.ddi('DeviceIoControl', handle, IOCTL | 3, buffer, 4, 0, 0, d.out(), 0)
      },
    }).m
    expect(m.bugCheck).toBeNull()
    expect(seen).toEqual([0, true, 1, 0x1234, 0, 0x1234, 0])
    expect(m.of('process.attached').map(({ name, depth }) => [name, depth])).toEqual([
      ['System', 1],
      ['client.exe', 2],
    ])
  })

  test('detaching without being attached is bug check 0x06', () => {
    const m = toyDriver(function* (d) {
      yield* d.ddi('KeUnstackDetachProcess', scratch(d, 48))
    })
    expect(stopOf(m)?.code).toBe('0x6')
  })

  test('what is no process is bug check 0x05', () => {
    const m = toyDriver(function* (d) {
      yield* d.ddi('KeStackAttachProcess', scratch(d, 64), scratch(d, 48))
    })
    expect(stopOf(m)?.code).toBe('0x5')
  })

  test('a dispatch routine that stays attached is bug check 0x01', () => {
    const { m } = lab({
      majors: {
        *14(d, _device, irp) {
          yield* d.ddi('KeStackAttachProcess', d.k.processes.system.address, scratch(d, 48))
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const handle = yield* open(d)
        yield* d.ddi('DeviceIoControl', handle, IOCTL, 0, 0, 0, 0, d.out(), 0)
      },
    })
    expect(m.bugCheck?.code).toBe(1)
  })
})

describe('attached threads', () => {
  test('one that ends so is bug check 0x05', () => {
    const m = toyDriver(
      function* (d) {
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Worker'), 0)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
      },
      {
        *Worker(d) {
          const other = d.k.processes.create('other.exe')
          yield* d.ddi('KeStackAttachProcess', other.address, scratch(d, 48))
        },
      },
    )
    expect(stopOf(m)?.code).toBe('0x5')
    expect(stopOf(m)?.parameters[2]).toBe('0x1')
  })

  test('a DriverEntry that returns so is bug check 0x05', () => {
    const m = toyDriver(function* (d) {
      const other = d.k.processes.create('other.exe')
      yield* d.ddi('KeStackAttachProcess', other.address, scratch(d, 48))
    })
    expect(stopOf(m)?.code).toBe('0x5')
    expect(stopOf(m)?.parameters[2]).toBe('0x1')
  })

  test('an APC routine that stays attached is bug check 0x05', () => {
    const m = toyDriver(
      function* (d) {
        const apc = yield* apcFor(d, d.k.thread.address)
        yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
      },
      {
        *Kernel(d) {
          const other = d.k.processes.create('other.exe')
          yield* d.ddi('KeStackAttachProcess', other.address, scratch(d, 48))
        },
      },
    )
    expect(stopOf(m)?.code).toBe('0x5')
  })

  test('keep the process that they are in', () => {
    const seen: unknown[] = []
    const m = toyDriver(function* (d) {
      const { k } = d
      const other = k.processes.create('other.exe')
      const state = scratch(d, 48)
      yield* d.ddi('KeStackAttachProcess', other.address, state)
      k.ob.release(other.address)
      // Its end took the last reference but that of the attachment.
      seen.push(k.ob.pointerCount(other.address), k.processes.byAddress(other.address) === other)
      yield* d.ddi('KeUnstackDetachProcess', state)
      seen.push(k.processes.byAddress(other.address))
    })
    expect(m.bugCheck).toBeNull()
    expect(seen).toEqual([1, true, undefined])
  })
})

describe('a suspended thread', () => {
  /** A thread that counts; what `act` does with it, and what was written down. */
  function suspended(
    worker: (d: DriverApi, order: unknown[]) => Code<void>,
    act: (d: DriverApi, thread: Thread, order: unknown[]) => Code<void>,
  ): unknown[] {
    const order: unknown[] = []
    const m = toyDriver(
      function* (d) {
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Worker'), 0)
        const thread = [...d.k.scheduler.threads].find(({ name }) => name === 'toy!Worker')!
        yield* act(d, thread, order)
        yield* rest(d)
      },
      {
        *Kernel() {
          order.push('special')
        },
        *Normal() {
          order.push('normal')
        },
        Silent: nothing,
        *Worker(d) {
          yield* worker(d, order)
        },
      },
    )
    expect(m.bugCheck).toBeNull()
    return order
  }

  const rest = (d: DriverApi): Code => d.ddi('KeDelayExecutionThread', 0, false, -100_000n)

  test('takes special APCs and lets normal ones wait', () => {
    const order = suspended(
      function* (_d, order) {
        order.push('worker')
      },
      function* (d, thread, order) {
        expect(d.k.apcs.suspend(thread)).toBe(0)
        yield* rest(d)
        const special = yield* apcFor(d, thread.address)
        const normal = yield* apcFor(d, thread.address, { kernel: 'Silent', normal: 'Normal' })
        yield* d.ddi('KeInsertQueueApc', normal, 0, 0, 0)
        yield* d.ddi('KeInsertQueueApc', special, 0, 0, 0)
        yield* rest(d)
        order.push('resume')
        expect(d.k.apcs.resume(thread)).toBe(1)
      },
    )
    expect(order).toEqual(['special', 'resume', 'normal', 'worker'])
  })

  test('is not stopped in a critical region, where special APCs still come', () => {
    const order = suspended(
      function* (d, order) {
        yield* d.ddi('KeEnterCriticalRegion')
        yield* rest(d)
        yield* rest(d)
        order.push('in region')
        yield* d.ddi('KeLeaveCriticalRegion')
        order.push('left')
      },
      function* (d, thread, order) {
        yield* d.ddi('KeDelayExecutionThread', 0, false, -50_000n)
        d.k.apcs.suspend(thread)
        const special = yield* apcFor(d, thread.address)
        yield* d.ddi('KeInsertQueueApc', special, 0, 0, 0)
        for (let i = 0; i < 4; i++) yield* rest(d)
        order.push('resume')
        d.k.apcs.resume(thread)
      },
    )
    expect(order).toEqual(['special', 'in region', 'resume', 'left'])
  })

  test('is not stopped while it is attached', () => {
    const order = suspended(
      function* (d, order) {
        const state = scratch(d, 48)
        const other = d.k.processes.create('other.exe')
        yield* d.ddi('KeStackAttachProcess', other.address, state)
        yield* rest(d)
        yield* rest(d)
        order.push('attached')
        yield* d.ddi('KeUnstackDetachProcess', state)
        order.push('detached')
      },
      function* (d, thread, order) {
        yield* d.ddi('KeDelayExecutionThread', 0, false, -50_000n)
        d.k.apcs.suspend(thread)
        for (let i = 0; i < 4; i++) yield* rest(d)
        order.push('resume')
        d.k.apcs.resume(thread)
      },
    )
    expect(order).toEqual(['attached', 'resume', 'detached'])
  })
})

describe('other threads', () => {
  /** A program that counts in a loop of sleeps, and a driver that does something to it meanwhile. */
  function counted(act: (d: DriverApi, process: number, thread: number) => Code): number {
    let count = 0
    lab({
      majors: {
        *14(d, _device, irp) {
          yield* act(d, yield* d.ddi('PsGetCurrentProcess'), d.k.thread.address)
          return yield* complete(d, irp!, 0)
        },
      },
      driver: {
        *Resume(d, process) {
          yield* d.ddi('KeDelayExecutionThread', 0, false, -1_000_000n)
          count += 100
          yield* d.ddi('PsResumeProcess', process!)
        },
      },
      *client(d) {
        const handle = yield* open(d)
        yield* d.ddi('DeviceIoControl', handle, IOCTL, 0, 0, 0, 0, d.out(), 0)
        count++
      },
    })
    return count
  }

  test('a process that is suspended stands still until it is resumed', () => {
    const count = counted(function* (d, process) {
      yield* d.ddi('PsCreateSystemThread', d.out(), 0, 0, 0, 0, d.fn('Resume'), process)
      expect(yield* d.ddi('PsSuspendProcess', process)).toBe(0)
      // Still running: the thread stops when this call ends.
    })
    expect(count).toBe(101)
  })

  test('a thread that is sent elsewhere goes there when it is back in user mode', () => {
    const order: unknown[] = []
    lab({
      majors: {
        *14(d, _device, irp) {
          const { memory } = d.k
          const context = scratch(d, CONTEXT.SIZE)
          memory.setU32(context + CONTEXT.ContextFlags, 0x10_0001)
          memory.setPtr(context + CONTEXT.Rip, memory.ptr(memory.ptr(irp! + 0x18)))
          memory.setU64(context + CONTEXT.Rcx, 42n)
          order.push(yield* d.ddi('PsSetContextThread', d.k.thread.address, context, 0))
          return yield* complete(d, irp!, 0)
        },
      },
      *client(d) {
        const handle = yield* open(d)
        const buffer = d.k.thread.user!.scratch + 0x1000
        d.k.memory.setPtr(buffer, d.fn('Elsewhere'))
        yield* d.ddi('DeviceIoControl', handle, IOCTL, buffer, 8, 0, 0, d.out(), 0)
        order.push('back')
      },
      program: {
        *Elsewhere(d, first) {
          order.push([d.k.memory.address(first!) & 0xffffn, d.k.scheduler.userMode])
        },
      },
    })
    expect(order).toEqual([0, [42n, true], 'back'])
  })

  test('a thread of the system has no context to set', () => {
    let status = 0
    toyDriver(function* (d) {
      const context = scratch(d, CONTEXT.SIZE)
      d.k.memory.setU32(context + CONTEXT.ContextFlags, 0x10_0001)
      status = yield* d.ddi('PsSetContextThread', d.k.thread.address, context, 0)
    })
    expect(status).toBe(0xc00000bb)
  })
})
