import { describe, expect, test } from 'vitest'
import { BugCheck } from '../stop'
import { TestMachine } from '../testing/machine'
import { toyDriver } from '../testing/toy-driver'
import { entriesOf, initializeListHead, insertTail } from './list'

describe('walking a list', () => {
  const make = () => {
    const { k } = new TestMachine()
    const head = k.pool.allocate(0x100, 'List', { system: true })
    initializeListHead(k.memory, head)
    for (const at of [0x20, 0x40, 0x60]) insertTail(k, head, head + at)
    return { k, head }
  }

  test('gives the entries, first to last', () => {
    const { k, head } = make()
    expect([...entriesOf(k, head)]).toEqual([head + 0x20, head + 0x40, head + 0x60])
  })

  test('a knot that a driver ties ends in 0x139 and not in an endless walk', () => {
    const { k, head } = make()
    k.memory.setPtr(head + 0x60, head + 0x20)
    try {
      for (const entry of entriesOf(k, head)) expect(entry).toBeGreaterThan(head)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(BugCheck)
      expect((error as BugCheck).code).toBe(0x139)
      expect((error as BugCheck).parameters[0]).toBe(3n)
    }
  })
})

describe('knots that a driver ties', () => {
  test('in a device queue: 0x139 at the next insertion by key', () => {
    const machine = toyDriver(function* (d) {
      const queue = d.k.pool.allocate(0x100, 'Queu', { system: true })
      yield* d.ddi('KeInitializeDeviceQueue', queue)
      yield* d.ddi('KeInsertByKeyDeviceQueue', queue, queue + 0x40, 1)
      yield* d.ddi('KeInsertByKeyDeviceQueue', queue, queue + 0x60, 1)
      d.k.memory.setPtr(queue + 0x60, queue + 0x60)
      yield* d.ddi('KeInsertByKeyDeviceQueue', queue, queue + 0x80, 5)
    })
    expect(machine.bugCheck?.code).toBe(0x139)
  })

  test('in a chain of MDLs: the run ends as a hang that says so', () => {
    const machine = toyDriver(function* (d) {
      const irp = yield* d.ddi('IoAllocateIrp', 1, false)
      const memory = d.k.pool.allocate(64, 'Mdls', { system: true })
      const mdl = yield* d.ddi('IoAllocateMdl', memory, 16, false, false, irp)
      d.k.memory.setPtr(mdl, mdl)
      yield* d.ddi('IoAllocateMdl', memory, 16, true, false, irp)
    })
    expect(machine.k.ended).toMatchObject({ outcome: 'hang', limit: 'list' })
  })
})
