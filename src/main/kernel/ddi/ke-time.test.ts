import { describe, expect, it } from 'vitest'
import { BOOT_TIME, TIME_INCREMENT } from '../ke/time'
import { stopOf, toyDriver } from '../testing/toy-driver'

const clean = (machine: { k: { ended: unknown } }): void => expect(machine.k.ended).toBe('done')

describe('time', () => {
  it('the clocks agree with each other and move with the machine', () => {
    clean(
      toyDriver(function* (d) {
        const [time, ticks, frequency] = [d.out(), d.out(), d.out()]
        yield* d.ddi('KeDelayExecutionThread', 0, false, -10_000_000n)
        yield* d.ddi('KeQuerySystemTime', time)
        expect(time.value).toBe(BOOT_TIME + BigInt(d.k.tick))
        expect(
          new Date(Number((BigInt(time.value) - 116444736000000000n) / 10000n)).toISOString(),
        ).toBe('2025-01-01T00:00:01.000Z')
        expect(yield* d.ddi64('KeQueryInterruptTime')).toBe(BigInt(d.k.tick))
        const counter = yield* d.ddi64('KeQueryPerformanceCounter', frequency)
        expect(frequency.value).toBe(10_000_000n)
        expect(counter).toBe(BigInt(d.k.tick))
        expect(yield* d.ddi64('KeQueryPerformanceCounter', null)).toBeGreaterThan(counter)
        yield* d.ddi('KeQueryTickCount', ticks)
        expect(ticks.value).toBe(64n)
        expect(yield* d.ddi('KeQueryTimeIncrement')).toBe(TIME_INCREMENT)
      }),
    )
  })

  it('KeStallExecutionProcessor takes its time', () => {
    clean(
      toyDriver(function* (d) {
        const before = d.k.tick
        yield* d.ddi('KeStallExecutionProcessor', 50)
        expect(d.k.tick - before).toBe(501)
      }),
    )
  })
})

describe('processors', () => {
  it('there is one', () => {
    clean(
      toyDriver(function* (d) {
        const mask = d.out()
        expect(yield* d.ddi('KeQueryActiveProcessorCount', mask)).toBe(1)
        expect(mask.value).toBe(1n)
        expect(yield* d.ddi('KeQueryActiveProcessorCount', null)).toBe(1)
        expect(yield* d.ddi('KeQueryActiveProcessorCountEx', 0xffff)).toBe(1)
        expect(yield* d.ddi('KeGetCurrentProcessorNumber')).toBe(0)
        yield* d.ddi('KeSetSystemAffinityThread', 3n)
        yield* d.ddi('KeRevertToUserAffinityThread')
      }),
    )
  })

  it('0x03: a thread is bound to a processor that does not exist', () => {
    const machine = toyDriver(function* (d) {
      yield* d.ddi('KeSetSystemAffinityThread', 2n)
    })
    expect(machine.bugCheck?.code).toBe(0x03)
  })
})

describe('stops by the driver itself', () => {
  it('KeBugCheckEx and KeBugCheck', () => {
    const machine = toyDriver(function* (d) {
      yield* d.ddi('KeBugCheckEx', 0xe2, 1n, 2n, 0xffff_f800_0000_0000n, 4n)
    })
    expect(stopOf(machine)).toEqual({
      code: '0xE2',
      parameters: ['0x1', '0x2', '0xFFFFF80000000000', '0x4'],
    })
    const plain = toyDriver(function* (d) {
      yield* d.ddi('KeBugCheck', 0xdeaddead)
    })
    expect(stopOf(plain)).toEqual({ code: '0xDEADDEAD', parameters: ['0x0', '0x0', '0x0', '0x0'] })
  })

  it('ExRaiseStatus raises what it is told', () => {
    const machine = toyDriver(function* (d) {
      yield* d.ddi('ExRaiseStatus', 0xc000_0022)
    })
    expect(machine.bugCheck?.code).toBe(0x7e)
    expect(machine.bugCheck?.parameters[0]).toBe(0xc000_0022n)
  })
})
