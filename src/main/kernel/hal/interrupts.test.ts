import { describe, expect, it } from 'vitest'
import { DRIVER_OBJECT, KDPC, KINTERRUPT } from '../../../shared/nt/generated/offsets'
import { DevNode } from '../pnp/devnode'
import { listBytes } from '../pnp/resource-lists'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { stopOf, scratch, toyDriver } from '../testing/toy-driver'
import { COM1, connectTo, enableUart } from './testing'

/** Reads what has arrived and puts it behind the count at its context. */
const readingIsr = function* (
  d: Parameters<typeof enableUart>[0],
  _interrupt = 0,
  context = 0,
): ReturnType<typeof d.ddi> {
  const { memory } = d.k
  if ((yield* d.ddi('READ_PORT_UCHAR', COM1 + 2)) & 1) return 0
  while ((yield* d.ddi('READ_PORT_UCHAR', COM1 + 5)) & 1) {
    const count = memory.u32(context)
    memory.setU8(context + 4 + count, yield* d.ddi('READ_PORT_UCHAR', COM1))
    memory.setU32(context, count + 1)
  }
  return 1
}

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

describe('an interrupt', () => {
  it('runs the service routine at the level of the device, and gives the level back', () => {
    const levels: number[] = []
    let text = ''
    const m = toyDriver(
      function* (d) {
        const context = scratch(d, 64)
        expect(yield* connectTo(d, 'uart0', 'Isr', { context })).not.toBe(0)
        yield* enableUart(d)
        d.k.hal.receive('uart0', bytes('hi'))
        // Delivered at the next place where the code can be interrupted.
        levels.push(yield* d.ddi('KeGetCurrentIrql'))
        levels.push(yield* d.ddi('KeGetCurrentIrql'))
        text = d.k.memory.sz(context + 4)
      },
      {
        *Isr(d, interrupt, context) {
          levels.push(d.k.irql.level)
          return yield* readingIsr(d, interrupt, context)
        },
      },
    )
    expect(stopOf(m)).toBeNull()
    expect(text).toBe('hi')
    expect(levels).toEqual([9, 0, 0])
    expect(m.of('interrupt.delivered')).toMatchObject([{ device: 'uart0', vector: 0x94, level: 9 }])
    expect(m.of('interrupt.served')).toMatchObject([{ claimed: true, routine: 'toy!Isr' }])
  })

  it('names the bytes that arrived as the cause of the routine that reads them', () => {
    const m = toyDriver(
      function* (d) {
        const context = scratch(d, 64)
        yield* connectTo(d, 'uart0', 'Isr', { context })
        yield* enableUart(d)
        d.k.hal.receive('uart0', bytes('x'))
        yield* d.ddi('KeGetCurrentIrql')
      },
      { Isr: readingIsr },
    )
    const seq = (t: 'device.received' | 'interrupt.raised' | 'interrupt.delivered'): number =>
      m.of(t)[0]!.seq
    expect(m.of('interrupt.raised')[0]!.cause).toBe(seq('device.received'))
    expect(m.of('interrupt.delivered')[0]!.cause).toBe(seq('interrupt.raised'))
    const isr = m.of('routine.called').find(({ kind }) => kind === 'isr')
    expect(isr).toMatchObject({ name: 'Isr', irql: 9, cause: seq('interrupt.delivered') })
  })

  it('waits while the level is as high as its own, and comes when it falls', () => {
    const order: string[] = []
    toyDriver(
      function* (d) {
        const context = scratch(d, 64)
        yield* connectTo(d, 'uart0', 'Isr', { context })
        yield* enableUart(d)
        const old = yield* d.ddi('KfRaiseIrql', 9)
        d.k.hal.receive('uart0', bytes('x'))
        yield* d.ddi('KeGetCurrentIrql')
        order.push('raised')
        yield* d.ddi('KeLowerIrql', 8)
        order.push('below')
        yield* d.ddi('KeLowerIrql', old)
      },
      {
        *Isr(d, interrupt, context) {
          order.push('isr')
          return yield* readingIsr(d, interrupt, context)
        },
      },
    )
    expect(order).toEqual(['raised', 'isr', 'below'])
  })

  it('of a higher level interrupts the service routine of a lower one', () => {
    const order: string[] = []
    toyDriver(
      function* (d) {
        const context = scratch(d, 64)
        yield* connectTo(d, 'uart0', 'Uart', { context })
        yield* connectTo(d, 'dma0', 'Dma')
        yield* enableUart(d)
        d.k.hal.pulse('dma0')
        yield* d.ddi('KeGetCurrentIrql')
      },
      {
        *Dma(d) {
          order.push(`dma at ${d.k.irql.level}`)
          d.k.hal.receive('uart0', bytes('x'))
          yield* d.ddi('KeGetCurrentIrql')
          order.push(`dma at ${d.k.irql.level}`)
          return 1
        },
        *Uart(d, interrupt, context) {
          order.push(`uart at ${d.k.irql.level}`)
          return yield* readingIsr(d, interrupt, context)
        },
      },
    )
    expect(order).toEqual(['dma at 8', 'uart at 9', 'dma at 8'])
  })

  it('wakes an idle machine', () => {
    const m = toyDriver(
      function* (d) {
        const context = scratch(d, 64)
        const event = scratch(d, 24)
        d.k.memory.setPtr(context, event)
        yield* d.ddi('KeInitializeEvent', event, 0, false)
        const dpc = scratch(d, KDPC.SIZE)
        d.k.memory.setPtr(context + 8, dpc)
        yield* d.ddi('KeInitializeDpc', dpc, d.fn('Dpc'), event)
        yield* connectTo(d, 'dma0', 'Isr', { context })
        const { base } = d.k.hal.device('dma0')!.memory!
        const registers = yield* d.ddi('MmMapIoSpace', BigInt(base), 0x1000, 0)
        d.k.memory.setPtr(context + 16, registers)
        yield* d.ddi('WRITE_REGISTER_ULONG', registers + 0x1c, 50)
        yield* d.ddi('WRITE_REGISTER_ULONG', registers + 4, 4 | 8)
        const status = yield* d.ddi('KeWaitForSingleObject', event, 0, 0, false, null)
        expect(status).toBe(0)
        yield* d.ddi('WRITE_REGISTER_ULONG', registers + 4, 0)
        yield* d.ddi('MmUnmapIoSpace', registers, 0x1000)
      },
      {
        *Isr(d, _interrupt, context = 0) {
          const registers = d.k.memory.ptr(context + 16)
          if (!((yield* d.ddi('READ_REGISTER_ULONG', registers + 8)) & 8)) return 0
          yield* d.ddi('WRITE_REGISTER_ULONG', registers + 8, 8)
          yield* d.ddi('KeInsertQueueDpc', d.k.memory.ptr(context + 8), 0, 0)
          return 1
        },
        *Dpc(d, _dpc, event = 0) {
          expect(d.k.irql.level).toBe(2)
          yield* d.ddi('KeSetEvent', event, 0, false)
        },
      },
    )
    expect(stopOf(m)).toBeNull()
    expect(m.of('driver.loaded')).toMatchObject([{ status: '0x00000000' }])
    expect(m.of('interrupt.delivered').length).toBe(1)
  })

  it('that nobody claims is served and forgotten', () => {
    const m = toyDriver(
      function* (d) {
        yield* connectTo(d, 'uart0', 'Isr')
        d.k.hal.pulse('uart0')
        yield* d.ddi('KeGetCurrentIrql')
      },
      { *Isr() {} },
    )
    expect(stopOf(m)).toBeNull()
    expect(m.of('interrupt.served')).toMatchObject([{ claimed: false, routine: null }])
  })

  it('of a line that nobody is connected to waits at the controller until somebody is', () => {
    let text = ''
    const m = toyDriver(
      function* (d) {
        yield* enableUart(d)
        d.k.hal.receive('uart0', bytes('early'))
        yield* d.ddi('KeGetCurrentIrql')
        const context = scratch(d, 64)
        yield* connectTo(d, 'uart0', 'Isr', { context })
        text = d.k.memory.sz(context + 4)
      },
      { Isr: readingIsr },
    )
    expect(m.of('interrupt.raised')).toMatchObject([{ masked: true }])
    expect(text).toBe('early')
  })

  it('that stays up because nobody reads the device stops the machine', () => {
    const m = toyDriver(
      function* (d) {
        yield* connectTo(d, 'uart0', 'Isr')
        yield* enableUart(d)
        d.k.hal.receive('uart0', bytes('x'))
        yield* d.ddi('KeGetCurrentIrql')
      },
      {
        *Isr() {
          return 1
        },
      },
    )
    expect(stopOf(m)?.code).toBe('0x133')
    expect(m.bugCheck?.what).toContain('uart0')
  })

  it('ends in 0x1E when its routine raises an exception', () => {
    const m = toyDriver(
      function* (d) {
        yield* connectTo(d, 'uart0', 'Isr')
        d.k.hal.pulse('uart0')
        yield* d.ddi('KeGetCurrentIrql')
      },
      {
        *Isr(d) {
          yield* d.ddi('ExRaiseStatus', 0xc000000d)
        },
      },
    )
    expect(stopOf(m)).toMatchObject({
      code: '0x1E',
      parameters: ['0xC000000D', expect.anything(), '0x0', '0x0'],
    })
  })

  it('does not come while the processor has interrupts off', () => {
    const order: string[] = []
    toyDriver(
      function* (d) {
        yield* connectTo(d, 'uart0', 'Isr')
        yield* d.ddi('_disable')
        d.k.hal.pulse('uart0')
        yield* d.ddi('KeGetCurrentIrql')
        order.push('off')
        yield* d.ddi('_enable')
        order.push('on')
      },
      {
        *Isr() {
          order.push('isr')
        },
      },
    )
    expect(order).toEqual(['off', 'isr', 'on'])
  })
})

describe('sharing a vector', () => {
  it('asks the routines in turn until one claims a level', () => {
    const asked: string[] = []
    const m = toyDriver(
      function* (d) {
        yield* connectTo(d, 'dma0', 'First', { shared: true })
        yield* connectTo(d, 'dma0', 'Second', { shared: true })
        yield* connectTo(d, 'dma0', 'Third', { shared: true })
        d.k.hal.pulse('dma0')
        yield* d.ddi('KeGetCurrentIrql')
      },
      {
        *First() {
          asked.push('first')
          return 0
        },
        *Second() {
          asked.push('second')
          return 1
        },
        *Third() {
          asked.push('third')
          return 1
        },
      },
    )
    expect(asked).toEqual(['first', 'second'])
    expect(m.of('interrupt.served')).toMatchObject([{ claimed: true, routine: 'toy!Second' }])
  })

  it('is refused to those who do not share', () => {
    const results: number[] = []
    toyDriver(
      function* (d) {
        results.push(yield* connectTo(d, 'dma0', 'Isr'))
        results.push(yield* connectTo(d, 'dma0', 'Isr', { shared: true }))
      },
      { *Isr() {} },
    )
    expect(results[0]).not.toBe(0)
    expect(results[1]).toBe(0)
  })
})

describe('IoConnectInterruptEx', () => {
  it('refuses a level that is not the vector’s, and one of synchronization below it', () => {
    toyDriver(
      function* (d) {
        expect(yield* connectTo(d, 'uart0', 'Isr', { synchronizeIrql: 8 })).toBe(0)
        expect(yield* connectTo(d, 'uart0', 'Isr', { synchronizeIrql: 11 })).not.toBe(0)
      },
      { *Isr() {} },
    )
  })

  it('fails with STATUS_NOT_FOUND for a line of a device that PnP has not given out', () => {
    toyDriver(function* (d) {
      const p = scratch(d, 80)
      d.k.memory.setU32(p, 2)
      expect(yield* d.ddi('IoConnectInterruptEx', p)).toBe(0xc000_0225)
      d.k.memory.setU32(p, 9)
      expect(yield* d.ddi('IoConnectInterruptEx', p)).toBe(0xc000_000d)
    })
  })

  it('connects the line of a physical device object that has one, by message or not', () => {
    const m = toyDriver(
      function* (d, driverObject) {
        const p = scratch(d, 80)
        const place = scratch(d, 8)
        d.k.hal.assign(driverObject, d.k.hal.device('dma0')!)
        d.k.memory.setU32(p, 3)
        d.k.memory.setPtr(p + 8, driverObject)
        d.k.memory.setPtr(p + 16, place)
        d.k.memory.setPtr(p + 56, d.fn('Isr'))
        expect(yield* d.ddi('IoConnectInterruptEx', p)).toBe(0)
        expect(d.k.memory.u32(p)).toBe(2)
        const object = d.k.memory.ptr(place)
        expect(d.k.memory.u32(object + KINTERRUPT.Vector)).toBe(0x81)
        expect(d.k.memory.u8(object + KINTERRUPT.SynchronizeIrql)).toBe(8)
        d.k.memory.setPtr(p + 8, object)
        yield* d.ddi('IoDisconnectInterruptEx', p)
      },
      { *Isr() {} },
    )
    expect(stopOf(m)).toBeNull()
    expect(m.of('interrupt.disconnected')).toHaveLength(1)
  })
})

describe('a device of the board under plug and play', () => {
  it('gets its ports and its interrupt as resources, and its line can be connected', () => {
    const m = toyDriver(
      function* (d, driverObject) {
        const { k } = d
        const node = new DevNode(driverObject, null)
        node.hardwareIds = ['ACPI\\PNP0501']
        expect(k.pnp.arbiter.assign(node)).toBeNull()
        const list = Buffer.from(listBytes(k, node.allocatedResources))
        // CM_RESOURCE_LIST with a port and an interrupt.
        expect(list.readUInt32LE(16)).toBe(2)
        expect([list[20], list.readUInt32LE(24), list.readUInt32LE(32)]).toEqual([1, 0x3f8, 8])
        expect([list[40], list.readUInt32LE(44), list.readUInt32LE(48)]).toEqual([2, 9, 0x94])
        const p = scratch(d, 80)
        k.memory.setU32(p, 2)
        k.memory.setPtr(p + 8, driverObject)
        k.memory.setPtr(p + 16, scratch(d, 8))
        k.memory.setPtr(p + 24, d.fn('Isr'))
        expect(yield* d.ddi('IoConnectInterruptEx', p)).toBe(0)
        k.pnp.arbiter.release(node)
        expect(k.hal.assignedTo(driverObject)).toBeUndefined()
      },
      { *Isr() {} },
    )
    expect(stopOf(m)).toBeNull()
  })
})

describe('a service routine of a driver that is gone', () => {
  it('stops the machine when its interrupt comes', () => {
    const m = new TestMachine()
    m.driver('toy', {
      *DriverEntry(d, driverObject = 0) {
        d.k.memory.setPtr(driverObject + DRIVER_OBJECT.DriverUnload, d.fn('Unload'))
        return (yield* connectTo(d, 'uart0', 'Isr')) ? 0 : 0xc0000001
      },
      *Isr() {},
      *Unload() {},
    })
    m.main(function* (k) {
      yield* k.loader.load('toy')
      yield* k.loader.unload('toy')
      k.hal.pulse('uart0')
      yield { op: 'yield' }
    })
    m.run()
    expect(stopOf(m)?.code).toBe('0xD4')
  })
})

describe('two processors', () => {
  it('keep a service routine and what KeSynchronizeExecution runs apart', () => {
    for (let seed = 1; seed <= 20; seed++) {
      let inside = 0
      let calls = 0
      let isDone = false
      const enter = function* (d: DriverApi): Code<number> {
        expect(++inside).toBe(1)
        for (let i = 0; i < 5; i++) yield* d.ddi('KeGetCurrentIrql')
        inside--
        calls++
        return 1
      }
      const m = toyDriver(
        function* (d) {
          const object = yield* connectTo(d, 'dma0', 'Isr')
          const handle = d.out()
          const start = d.fn('Other')
          yield* d.ddi('PsCreateSystemThread', handle, 0x1fffff, null, 0, null, start, object)
          for (let i = 0; i < 6; i++) {
            d.k.hal.pulse('dma0')
            yield* d.ddi('KeGetCurrentIrql')
          }
          for (let i = 0; i < 5000 && !isDone; i++) yield* d.ddi('KeGetCurrentIrql')
        },
        {
          Isr: enter,
          Inside: enter,
          *Other(d, object = 0) {
            for (let i = 0; i < 6; i++)
              yield* d.ddi('KeSynchronizeExecution', object, d.fn('Inside'), 0)
            isDone = true
          },
        },
        { processors: 2, seed, limits: { ddiCalls: 20_000 } },
      )
      expect(stopOf(m)).toBeNull()
      expect(isDone).toBe(true)
      expect(calls).toBeGreaterThan(6)
    }
  })
})

describe('a line in service', () => {
  /** A level that stays up while its service routine takes its time; how many run it at once. */
  function mostAtOnce(seed: number): { most: number; calls: number; m: TestMachine } {
    let inside = 0
    let most = 0
    let calls = 0
    const m = toyDriver(
      function* (d) {
        const object = yield* connectTo(d, 'uart0', 'Isr', { context: scratch(d, 64) })
        yield* enableUart(d)
        yield* d.ddi('PsCreateSystemThread', d.out(), 0x1fffff, null, 0, null, d.fn('Other'), 0)
        d.k.hal.receive('uart0', bytes('x'))
        for (let i = 0; i < 200; i++) yield* d.ddi('KeGetCurrentIrql')
        yield* d.ddi('IoDisconnectInterrupt', object)
      },
      {
        *Isr(d, interrupt, context) {
          // In front of the object's lock nobody else is either: the count is of who has entered.
          most = Math.max(most, ++inside)
          calls++
          for (let i = 0; i < 10; i++) yield* d.ddi('KeGetCurrentIrql')
          const claimed = yield* readingIsr(d, interrupt, context)
          inside--
          return claimed
        },
        *Other(d) {
          for (let i = 0; i < 200; i++) yield* d.ddi('KeGetCurrentIrql')
        },
      },
      { processors: 2, seed, limits: { ddiCalls: 20_000 } },
    )
    return { most, calls, m }
  }

  it('is delivered to one processor until its end of interrupt', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { most, calls, m } = mostAtOnce(seed)
      expect(stopOf(m)).toBeNull()
      expect([most, calls]).toEqual([1, 1])
      expect(m.of('interrupt.delivered')).toHaveLength(1)
      expect(m.of('interrupt.served')).toMatchObject([{ claimed: true }])
    }
  })

  /** Connect to the edge-triggered line 7, which no device of the board has. */
  function* connectEdge(d: DriverApi, isShared = false): Code<number> {
    const { lines, platform } = d.k.hal
    if (!lines.ofNumber(7)) lines.add(7, 'edge', 'test')
    const vector = platform.vectorOf(7)
    const irql = platform.irqlOf(vector)
    const place = d.out()
    const isr = d.fn('Isr')
    const rest = [irql, irql, 1, isShared, 3n, false] as const
    expect(yield* d.ddi('IoConnectInterrupt', place, isr, 0, null, vector, ...rest)).toBe(0)
    return Number(place.value)
  }

  /** Pulses of an edge while its service routine runs on the other processor. */
  function edges(hal: 'x64' | 'arm64'): { overlapping: number; delivered: number } {
    let overlapping = 0
    let delivered = 0
    for (let seed = 1; seed <= 20; seed++) {
      const m = toyDriver(
        function* (d) {
          const object = yield* connectEdge(d)
          yield* d.ddi('PsCreateSystemThread', d.out(), 0x1fffff, null, 0, null, d.fn('Other'), 0)
          d.k.hal.lines.pulse(7)
          for (let i = 0; i < 200; i++) yield* d.ddi('KeGetCurrentIrql')
          yield* d.ddi('IoDisconnectInterrupt', object)
        },
        {
          *Isr(d) {
            if (++delivered % 2 === 1) d.k.hal.lines.pulse(7)
            for (let i = 0; i < 20; i++) yield* d.ddi('KeGetCurrentIrql')
            return 1
          },
          *Other(d) {
            for (let i = 0; i < 200; i++) yield* d.ddi('KeGetCurrentIrql')
          },
        },
        { processors: 2, seed, hal, limits: { ddiCalls: 20_000 } },
      )
      expect(stopOf(m)).toBeNull()
      const served = m.of('interrupt.served').map(({ seq }) => seq)
      const begun = m.of('interrupt.delivered').map(({ seq }) => seq)
      expect(begun).toHaveLength(2)
      if (begun[1]! < served[0]!) overlapping++
    }
    return { overlapping, delivered }
  }

  it('keeps an edge at a GIC, while an I/O APIC gives it to another processor', () => {
    expect(edges('arm64')).toEqual({ overlapping: 0, delivered: 40 })
    const { overlapping, delivered } = edges('x64')
    expect(delivered).toBe(40)
    expect(overlapping).toBeGreaterThan(0)
  })

  it('is left alone by IoDisconnectInterrupt until the service routine is done', () => {
    let waited = 0
    for (let seed = 1; seed <= 20; seed++) {
      let isInside = false
      const m = toyDriver(
        function* (d) {
          const object = yield* connectTo(d, 'dma0', 'Isr')
          yield* d.ddi('PsCreateSystemThread', d.out(), 0x1fffff, null, 0, null, d.fn('Other'), 0)
          for (let i = 0; i < 50 && !isInside; i++) yield* d.ddi('KeGetCurrentIrql')
          if (isInside) waited++
          yield* d.ddi('IoDisconnectInterrupt', object)
          expect(isInside).toBe(false)
        },
        {
          *Isr(d) {
            isInside = true
            for (let i = 0; i < 30; i++) yield* d.ddi('KeGetCurrentIrql')
            isInside = false
            return 1
          },
          *Other(d) {
            d.k.hal.pulse('dma0')
            for (let i = 0; i < 100; i++) yield* d.ddi('KeGetCurrentIrql')
          },
        },
        { processors: 2, seed, limits: { ddiCalls: 20_000 } },
      )
      expect(stopOf(m)).toBeNull()
    }
    expect(waited).toBeGreaterThan(0)
  })

  it('of edges that are always claimed is a storm', () => {
    const m = toyDriver(
      function* (d) {
        yield* connectEdge(d, true)
        yield* connectEdge(d, true)
        d.k.hal.lines.pulse(7)
        yield* d.ddi('KeGetCurrentIrql')
      },
      {
        *Isr() {
          return 1
        },
      },
    )
    expect(stopOf(m)?.code).toBe('0x133')
  })
})

describe('KeSynchronizeExecution', () => {
  it('runs its routine at the level of the interrupt and returns what it returned', () => {
    let inside = -1
    const m = toyDriver(
      function* (d) {
        const object = yield* connectTo(d, 'uart0', 'Isr', { synchronizeIrql: 10 })
        expect(yield* d.ddi('KeSynchronizeExecution', object, d.fn('Inside'), 7)).toBe(1)
        expect(d.k.irql.level).toBe(0)
      },
      {
        *Isr() {},
        *Inside(d, context) {
          inside = d.k.irql.level
          expect(context).toBe(7)
          d.k.hal.pulse('uart0')
          yield* d.ddi('KeGetCurrentIrql')
          return 1
        },
      },
    )
    expect(stopOf(m)).toBeNull()
    expect(inside).toBe(10)
    // The interrupt came when the routine was done.
    const [delivered] = m.of('interrupt.delivered')
    const returned = m.of('routine.returned').find(({ name }) => name === 'Inside')
    expect(delivered!.seq).toBeGreaterThan(returned!.seq)
  })

  it('stops the machine for what is no interrupt object', () => {
    const m = toyDriver(function* (d) {
      yield* d.ddi('KeSynchronizeExecution', scratch(d, 256), d.fn('DriverEntry'), 0)
    })
    expect(stopOf(m)?.code).toBe('0xA')
  })
})

describe('KeAcquireInterruptSpinLock', () => {
  it('keeps the service routine away until the lock is given back', () => {
    const order: string[] = []
    toyDriver(
      function* (d) {
        const object = yield* connectTo(d, 'uart0', 'Isr')
        const old = yield* d.ddi('KeAcquireInterruptSpinLock', object)
        d.k.hal.pulse('uart0')
        yield* d.ddi('KeGetCurrentIrql')
        order.push(`held at ${d.k.irql.level}`)
        yield* d.ddi('KeReleaseInterruptSpinLock', object, old)
        order.push('free')
      },
      {
        *Isr() {
          order.push('isr')
        },
      },
    )
    expect(order).toEqual(['held at 9', 'isr', 'free'])
  })
})

describe('IoDisconnectInterrupt', () => {
  it('ends the calls of the service routine', () => {
    let calls = 0
    toyDriver(
      function* (d) {
        const object = yield* connectTo(d, 'uart0', 'Isr')
        d.k.hal.pulse('uart0')
        yield* d.ddi('KeGetCurrentIrql')
        yield* d.ddi('IoDisconnectInterrupt', object)
        d.k.hal.pulse('uart0')
        yield* d.ddi('KeGetCurrentIrql')
      },
      {
        *Isr() {
          calls++
        },
      },
    )
    expect(calls).toBe(1)
  })
})
