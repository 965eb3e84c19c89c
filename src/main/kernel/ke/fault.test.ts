/** Which stop a bad access makes, and what its parameters point at. */
import { describe, expect, test } from 'vitest'
import { toyDriver } from '../testing/toy-driver'
import type { TestMachine } from '../testing/machine'
import { REGIONS } from '../mm/layout'

function stop(machine: TestMachine): { code: number; parameters: readonly bigint[]; what: string } {
  const bug = machine.bugCheck
  expect(bug).not.toBeNull()
  return { code: bug!.code, parameters: bug!.parameters, what: bug!.what ?? '' }
}

const isIn = (machine: TestMachine, address: bigint, region: { start: number; bytes: number }) => {
  const index = machine.k.memory.index(address)
  return index >= region.start && index < region.start + region.bytes
}

describe('at DISPATCH_LEVEL', () => {
  const touch = (routine: string, ...args: unknown[]): TestMachine =>
    toyDriver(function* (d) {
      yield* d.ddi('KeRaiseIrqlToDpcLevel')
      yield* d.ddi(routine as 'RtlZeroMemory', ...(args as [number, number]))
    })

  test('0xD1 for what compilers put into the driver', () => {
    const machine = touch('RtlZeroMemory', 0x10, 8)
    const { code, parameters } = stop(machine)
    expect(code).toBe(0xd1)
    expect(parameters.slice(0, 3)).toEqual([0x10n, 2n, 1n])
    expect(isIn(machine, parameters[3]!, REGIONS.driverImages)).toBe(true)
  })

  test('0x0A for a routine of the kernel, which is named', () => {
    const machine = touch('RtlInitUnicodeString', 0x10, 0)
    const { code, parameters, what } = stop(machine)
    expect(code).toBe(0x0a)
    expect(isIn(machine, parameters[3]!, REGIONS.ntImage)).toBe(true)
    expect(what).toMatch(/^RtlInitUnicodeString, called by toy\.sys, wrote to /)
    expect(machine.k.stopRecord.stack[0]?.frame).toBe('nt!RtlInitUnicodeString')
  })

  test('0x0A of an event in memory that is not there', () => {
    const machine = touch('KeSetEvent', 0x10, 0, false)
    const { code, parameters, what } = stop(machine)
    expect(code).toBe(0x0a)
    expect(isIn(machine, parameters[3]!, REGIONS.ntImage)).toBe(true)
    expect(what).toMatch(/^KeSetEvent (read from|wrote to) /)
  })
})

test('0x7E points at an exception record and at a context on the kernel stack', () => {
  const machine = toyDriver(function* (d) {
    yield* d.ddi('RtlZeroMemory', 0x18, 4)
  })
  const { code, parameters } = stop(machine)
  const [status, instruction, record = 0n, context = 0n] = parameters
  expect([code, status]).toEqual([0x7e, 0xc0000005n])
  const { memory } = machine.k
  const at = memory.index(record)
  expect(isIn(machine, record, REGIONS.stacks)).toBe(true)
  expect(memory.u32(at)).toBe(0xc0000005)
  expect(memory.u64(at + 0x10)).toBe(instruction)
  expect([memory.u32(at + 0x18), memory.u64(at + 0x20), memory.u64(at + 0x28)]).toEqual([
    2,
    1n,
    0x18n,
  ])
  expect(isIn(machine, context, REGIONS.stacks)).toBe(true)
  expect(memory.u64(memory.index(context) + 0xf8)).toBe(instruction)
})
