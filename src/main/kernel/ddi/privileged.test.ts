import { describe, expect, test } from 'vitest'
import { lab } from '../testing/client'
import type { DriverApi } from '../testing/machine'
import { stopOf, toyDriver } from '../testing/toy-driver'

const LSTAR = 0xc000_0082
/** Exit codes. */
const PRIVILEGED_INSTRUCTION = 0xc000_0096
const ILLEGAL_INSTRUCTION = 0xc000_001d
const ACCESS_VIOLATION = 0xc000_0005

type Call = readonly [string, ...(number | bigint)[]]
const PRIVILEGED: Call[] = [
  ['__readmsr', LSTAR],
  ['__writemsr', LSTAR, 0n],
  ['__readcr0'],
  ['__writecr0', 0n],
  ['__readcr3'],
  ['__readcr4'],
  ['__writecr4', 0n],
  ['_disable'],
  ['_enable'],
  ['__halt'],
  ['__inbyte', 0x60],
  ['__outbyte', 0x64, 0xfe],
]

const run = (d: DriverApi, [name, ...args]: Call) => d.ddi(name, ...(args as number[]))

describe('a privileged instruction in a program', () => {
  test.each(PRIVILEGED.map((call) => ({ name: call[0], call })))(
    '$name ends the program, and the machine lives',
    ({ call }) => {
      const { m, exitCode } = lab({
        *client(d) {
          yield* run(d, call)
          return 0
        },
      })
      expect(exitCode).toBe(PRIVILEGED_INSTRUCTION)
      expect(m.of('exception.raised')).toMatchObject([{ code: '0xC0000096', address: null }])
      expect(m.of('register.written')).toEqual([])
      expect(m.bugCheck).toBeNull()
    },
  )

  test('means nothing to an ARM64 processor', () => {
    const { exitCode } = lab({
      hal: 'arm64',
      *client(d) {
        yield* d.ddi('__readmsr', LSTAR)
        return 0
      },
    })
    expect(exitCode).toBe(ILLEGAL_INSTRUCTION)
  })

  test('is not what reads the time: __rdtsc is for everybody', () => {
    const { exitCode } = lab({
      *client(d) {
        return (yield* d.ddi64('__rdtsc')) > 0n ? 7 : 0
      },
    })
    expect(exitCode).toBe(7)
  })
})

test('a program that touches kernel memory ends alone, whatever lies there', () => {
  for (const write of [false, true]) {
    const { m, exitCode } = lab({
      *client(d) {
        const { table } = d.k.syscalls
        const own = d.k.thread.user!.scratch
        yield* d.ddi('memcpy', write ? table : own, write ? own : table, 4)
        return 0
      },
    })
    expect(exitCode).toBe(ACCESS_VIOLATION)
    expect(m.bugCheck).toBeNull()
  }
})

describe('in a driver', () => {
  test('__halt waits for the clock, and for ever with interrupts off', () => {
    toyDriver(function* (d) {
      yield* d.ddi('__halt')
      expect(d.k.tick).toBe(156_250)
    })
    const stuck = toyDriver(function* (d) {
      yield* d.ddi('_disable')
      yield* d.ddi('__halt')
    })
    expect(stopOf(stuck)).toBeNull()
    expect(stuck.k.ended).toMatchObject({ outcome: 'hang', limit: 'hlt' })
  })

  test('ports are reached by __inbyte and __outbyte', () => {
    toyDriver(function* (d) {
      // The scratch register of the serial port keeps what it is given.
      yield* d.ddi('__outbyte', 0x3ff, 0x5a)
      expect(yield* d.ddi('__inbyte', 0x3ff)).toBe(0x5a)
    })
  })
})
