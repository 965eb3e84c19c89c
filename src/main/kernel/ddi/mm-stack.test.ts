import { describe, expect, it } from 'vitest'
import { DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import { STATUS_INVALID_PARAMETER_3, STATUS_NO_MEMORY } from '../../../shared/nt/generated/ntstatus'
import { TestMachine } from '../testing/machine'
import { stopOf, toyDriver } from '../testing/toy-driver'

describe('the stack of a thread', () => {
  it('has limits 24 KiB apart, and what is left between them', () => {
    toyDriver(function* (d) {
      const { memory, thread } = d.k
      const [low, high] = [d.out(), d.out()]
      yield* d.ddi('IoGetStackLimits', low, high)
      expect(BigInt(high.value) - BigInt(low.value)).toBe(0x6000n)
      expect(low.value).toBe(memory.address(thread.stackLimit))
      const left = yield* d.ddi64('IoGetRemainingStackSize')
      expect(left).toBeGreaterThan(0n)
      expect(left).toBeLessThanOrEqual(0x6000n)
    })
  })

  it('is enough for a callout, or the callout is not made', () => {
    const calls: number[] = []
    toyDriver(
      function* (d) {
        const expand = (bytes: number): ReturnType<typeof d.ddi> =>
          d.ddi('KeExpandKernelStackAndCallout', d.fn('Callout'), 7, bytes)
        expect(yield* expand(0x1000)).toBe(0)
        expect(yield* expand(0x10000)).toBe(STATUS_NO_MEMORY)
        expect(yield* expand(0x20000)).toBe(STATUS_INVALID_PARAMETER_3)
      },
      {
        *Callout(_d, parameter) {
          calls.push(parameter!)
        },
      },
    )
    expect(calls).toEqual([7])
  })
})

describe('interrupts turned off', () => {
  it('when a dispatch routine returns are what the verifier stops', () => {
    const m = new TestMachine({ verifier: ['VR-MISC-INTERRUPTS'] })
    m.driver('toy', {
      *DriverEntry(d, driverObject = 0) {
        const device = d.out()
        const name = d.string('\\Device\\Toy')
        yield* d.ddi('IoCreateDevice', driverObject, 0, name, 0x22, 0, false, device)
        yield* d.ddi('IoCreateSymbolicLink', d.string('\\??\\Toy'), name)
        d.k.memory.setPtr(driverObject + DRIVER_OBJECT.MajorFunction, d.fn('Create'))
        return 0
      },
      *Create(d, _device, irp = 0) {
        yield* d.ddi('_disable')
        yield* d.ddi('IofCompleteRequest', irp, 0)
        return 0
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('toy')
      const process = yield* k.programs.startSteps('client.exe', [
        { do: 'open', path: '\\\\.\\Toy', as: 'h', access: ['read'], overlapped: false },
      ])
      yield* k.programs.exited(process)
    })
    m.run()
    expect(m.bugCheck?.rule).toBe('VR-MISC-INTERRUPTS')
    expect(stopOf(m)).toMatchObject({ code: '0xC4' })
    expect(stopOf(m)!.parameters[0]).toBe('0xC1')
  })
})
