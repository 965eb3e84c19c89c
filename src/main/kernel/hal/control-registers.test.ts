import { describe, expect, it } from 'vitest'
import {
  STATUS_ACCESS_VIOLATION,
  STATUS_ILLEGAL_INSTRUCTION,
} from '../../../shared/nt/generated/ntstatus'
import type { ScenarioStep } from '../../../shared/contract/model'
import { TestMachine, type DriverFunction } from '../testing/machine'
import { scratch, stopOf, toyDriver } from '../testing/toy-driver'
import type { NtException } from '../stop'

const LSTAR = 0xc000_0082
const WP = 1n << 16n

/** A driver, and a program that does some steps once it is loaded. */
function withProgram(code: Record<string, DriverFunction>, steps: ScenarioStep[]): TestMachine {
  const m = new TestMachine()
  m.driver('toy', code)
  m.main(function* (k) {
    yield* k.loader.load('toy')
    yield* k.programs.exited(yield* k.programs.startSteps('client.exe', steps))
  })
  return m.run()
}

const WAIT: ScenarioStep = { do: 'wait', milliseconds: 1 }

describe('model-specific registers', () => {
  it('hold what a machine of this kind holds, and the time', () => {
    toyDriver(function* (d) {
      const { memory, syscalls } = d.k
      expect(yield* d.ddi64('__readmsr', LSTAR)).toBe(memory.address(syscalls.entryPoint))
      expect(yield* d.ddi64('__readmsr', 0xc000_0080)).toBe(0xd01n)
      const before = yield* d.ddi64('__rdtsc')
      expect(yield* d.ddi64('__rdtsc')).toBeGreaterThan(before)
      expect(yield* d.ddi64('__readmsr', 0x10)).toBeGreaterThan(before)
    })
  })

  it('that do not exist, or values that cannot be, are a general protection fault', () => {
    const caught: [number, bigint | null][] = []
    toyDriver(function* (d) {
      for (const call of [
        ['__readmsr', 0x1234],
        ['__writemsr', 0x1234, 0n],
        ['__writemsr', LSTAR, 0x4141_4141_4141_4141n],
        ['__writecr0', 0n],
      ] as const)
        try {
          yield* d.ddi(...(call as unknown as [string, number, bigint]))
        } catch (error) {
          caught.push([(error as NtException).code, d.k.ddis.lastException!.address])
        }
    })
    expect(caught).toEqual(Array(4).fill([STATUS_ACCESS_VIOLATION, 0xffff_ffff_ffff_ffffn]))
  })
})

describe('IA32_LSTAR', () => {
  it('moved to a function of a driver, sends every system call through it', () => {
    const numbers: number[] = []
    const m = withProgram(
      {
        *DriverEntry(d) {
          yield* d.ddi('__writemsr', LSTAR, d.k.memory.address(d.fn('Hook')))
          return 0
        },
        *Hook(d, number) {
          numbers.push(number!)
          yield* d.ddi('KeGetCurrentIrql')
        },
      },
      [WAIT, WAIT],
    )
    expect(stopOf(m)).toBeNull()
    // NtDelayExecution, twice at least.
    expect(numbers.filter((number) => number === 0x34)).toHaveLength(2)
    expect(m.of('register.written')).toMatchObject([{ register: 'IA32_LSTAR' }])
  })

  it('moved to a place without code, ends in a double fault', () => {
    const m = withProgram(
      {
        *DriverEntry(d) {
          yield* d.ddi('__writemsr', LSTAR, d.k.memory.address(scratch(d, 16)))
          return 0
        },
      },
      [WAIT],
    )
    expect(stopOf(m)).toMatchObject({ code: '0x7F', parameters: ['0x8', '0x0', '0x0', '0x0'] })
  })

  it('left moved, is found by Kernel Patch Protection after some minutes', () => {
    const m = withProgram(
      {
        *DriverEntry(d) {
          yield* d.ddi('__writemsr', LSTAR, d.k.memory.address(d.fn('Hook')))
          return 0
        },
        *Hook() {},
      },
      [{ do: 'wait', milliseconds: 500_000 }],
    )
    expect(stopOf(m)).toMatchObject({ code: '0x109', parameters: ['0x0', '0x0', '0x0', '0x7'] })
    expect(m.k.tick).toBeGreaterThan(120 * 10_000_000)
  })

  it('put back in time, is not', () => {
    const m = withProgram(
      {
        *DriverEntry(d) {
          const old = yield* d.ddi64('__readmsr', LSTAR)
          yield* d.ddi('__writemsr', LSTAR, d.k.memory.address(d.fn('Hook')))
          yield* d.ddi('__writemsr', LSTAR, old)
          return 0
        },
        *Hook() {},
      },
      [{ do: 'wait', milliseconds: 500_000 }],
    )
    expect(stopOf(m)).toBeNull()
  })
})

describe('CR0.WP', () => {
  it('keeps the kernel from writing to read-only pages: 0xBE', () => {
    const m = toyDriver(function* (d) {
      yield* d.ddi('RtlZeroMemory', d.k.syscalls.table, 4)
    })
    expect(stopOf(m)?.code).toBe('0xBE')
  })

  it('cleared, lets it: a system service can be replaced in its table', () => {
    let hooked = 0
    const m = withProgram(
      {
        *DriverEntry(d) {
          const { memory, syscalls } = d.k
          yield* d.ddi('_disable')
          const cr0 = yield* d.ddi64('__readcr0')
          yield* d.ddi('__writecr0', cr0 & ~WP)
          const entry = scratch(d, 4)
          memory.setU32(entry, (d.fn('Delay') - syscalls.table) << 4)
          yield* d.ddi('RtlCopyMemory', syscalls.table + 0x34 * 4, entry, 4)
          yield* d.ddi('__writecr0', cr0)
          yield* d.ddi('_enable')
          return 0
        },
        *Delay() {
          hooked++
          return 0
        },
      },
      [WAIT],
    )
    expect(stopOf(m)).toBeNull()
    expect(hooked).toBe(1)
    expect(m.of('register.written').map(({ register }) => register)).toEqual(['CR0', 'CR0'])
  })

  it('cleared, does not make memory writable that is not there', () => {
    const m = toyDriver(function* (d) {
      yield* d.ddi('__writecr0', (yield* d.ddi64('__readcr0')) & ~WP)
      yield* d.ddi('RtlZeroMemory', d.k.syscalls.table + 0x10_0000, 4)
    })
    expect(stopOf(m)?.code).toBe('0x50')
  })

  it('left cleared, is found by Kernel Patch Protection', () => {
    const m = withProgram(
      {
        *DriverEntry(d) {
          yield* d.ddi('__writecr0', (yield* d.ddi64('__readcr0')) & ~WP)
          return 0
        },
      },
      [{ do: 'wait', milliseconds: 500_000 }],
    )
    expect(stopOf(m)).toMatchObject({ code: '0x109', parameters: ['0x0', '0x0', '0x0', '0x15'] })
  })
})

describe('CR3 and CR4', () => {
  it('tell the page table base of the process and what the processor protects', () => {
    toyDriver(function* (d) {
      expect(yield* d.ddi64('__readcr3')).toBe(0x1ad000n)
      const cr4 = yield* d.ddi64('__readcr4')
      expect(cr4 & (1n << 20n)).not.toBe(0n)
      yield* d.ddi('__writecr4', cr4 & ~(1n << 20n))
      expect(yield* d.ddi64('__readcr4')).toBe(cr4 & ~(1n << 20n))
    })
  })
})

describe('an ARM64 processor', () => {
  it.each([
    ['__readmsr', [LSTAR]],
    ['__writemsr', [LSTAR, 0n]],
    ['__readcr0', []],
    ['__writecr0', [0n]],
    ['__readcr3', []],
    ['__rdtsc', []],
  ])('does not know %s', (name, args) => {
    let code = 0
    toyDriver(
      function* (d) {
        try {
          yield* d.ddi(name, ...args)
        } catch (error) {
          code = (error as NtException).code
        }
      },
      {},
      { hal: 'arm64' },
    )
    expect(code).toBe(STATUS_ILLEGAL_INSTRUCTION)
  })
})
