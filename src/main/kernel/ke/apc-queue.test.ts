import { describe, expect, test } from 'vitest'
import { CONTEXT, KAPC, KTHREAD } from '../../../shared/nt/generated/offsets'
import { complete, lab, open } from '../testing/client'
import type { Code, DriverApi, DriverFunction } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'

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
  } = {},
): Code<number> {
  const apc = scratch(d, KAPC.SIZE)
  const normal = typeof o.normal === 'string' ? d.fn(o.normal) : (o.normal ?? 0)
  yield* d.ddi(
    'KeInitializeApc',
    apc,
    thread,
    0,
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

  test('what a thread did not get to is given back at its end', () => {
    const order: string[] = []
    toyDriver(
      function* (d) {
        const handle = d.out()
        yield* d.ddi('PsCreateSystemThread', handle, 0, 0, 0, 0, d.fn('Worker'), 0)
        yield* d.ddi('KeDelayExecutionThread', 0, false, -100_000n)
      },
      {
        Kernel: nothing,
        *Rundown() {
          order.push('rundown')
        },
        *Worker(d) {
          const apc = yield* apcFor(d, d.k.thread.address, { rundown: 'Rundown' })
          const old = d.out()
          yield* d.ddi('KeRaiseIrql', 1, old)
          yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)
        },
      },
    )
    expect(order).toEqual(['rundown'])
  })
})

describe('user APCs', () => {
  /** A program that tells the driver where its routine is and sleeps; the driver queues an APC to it. */
  function injected(alertable: boolean): { result: number; called: unknown[] } {
    const called: unknown[] = []
    let result = -1
    let target = 0
    lab({
      majors: {
        *14(d, _device, irp) {
          const { memory } = d.k
          const buffer = memory.ptr(irp! + 0x18)
          target = memory.ptr(buffer)
          const apc = yield* apcFor(d, d.k.thread.address, { normal: target, mode: 1, context: 42 })
          expect(yield* d.ddi('KeInsertQueueApc', apc, 0, 0, 0)).toBe(1)
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
    return { result, called }
  }

  test('end an alertable sleep and run in user mode', () => {
    expect(injected(true)).toEqual({
      result: STATUS_USER_APC,
      called: ['control done', 'kernel at 1', ['user routine', 42, true]],
    })
  })

  test('wait while nobody waits alertably', () => {
    expect(injected(false)).toEqual({ result: 0, called: ['control done'] })
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
