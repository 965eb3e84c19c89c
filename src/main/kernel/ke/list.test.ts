import { describe, expect, test } from 'vitest'
import { BugCheck } from '../stop'
import { TestMachine } from '../testing/machine'
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
