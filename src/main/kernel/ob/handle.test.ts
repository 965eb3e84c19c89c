import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  STATUS_ACCESS_DENIED,
  STATUS_HANDLE_NOT_CLOSABLE,
  STATUS_INVALID_HANDLE,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { Process } from '../ps/process'
import { TestMachine } from '../testing/machine'

const close = (k: Kernel, handle: number, mode: 0 | 1 = 0): unknown =>
  k.ob.closeHandle(handle, mode).next().value

/** A user process that counts as the current one. */
function enter(k: Kernel, name = 'client.exe'): Process {
  const process = k.processes.create(name)
  if (typeof process === 'number') throw new Error('no process')
  k.scheduler.current.attached = process
  return process
}

describe('values', () => {
  test('multiples of 4 from 4 on; the low bits are ignored; freed numbers come back', () => {
    const { k } = new TestMachine()
    enter(k)
    const object = k.ob.createSystem('Event', 0x18)
    const [first, second] = [k.ob.openHandle(object, 1), k.ob.openHandle(object, 1)]
    expect([first, second]).toEqual([4, 8])
    expect(k.ob.handleEntry(first | 3, 0)?.object).toBe(object)
    expect(close(k, first)).toBe(STATUS_SUCCESS)
    expect(k.ob.openHandle(object, 1)).toBe(4)
  })

  test('a kernel handle is negative, known everywhere in kernel mode and nowhere in user mode', () => {
    const { k } = new TestMachine()
    const object = k.ob.createSystem('Event', 0x18)
    const process = enter(k)
    const handle = k.ob.openHandle(object, 1, { kernel: true })
    expect(handle).toBeLessThan(0)
    expect(BigInt.asUintN(64, BigInt(handle)) >> 31n).toBe(0x1_ffff_ffffn)
    expect(process.handles.size).toBe(0)
    expect(k.ob.resolveHandle(handle, 0, null, 0).object).toBe(object)
    expect(k.ob.resolveHandle(handle, 0, null, 1).status).toBe(STATUS_INVALID_HANDLE)
    expect(close(k, handle, 1)).toBe(STATUS_INVALID_HANDLE)
    expect(close(k, handle)).toBe(STATUS_SUCCESS)
  })

  test('a handle belongs to its process', () => {
    const { k } = new TestMachine()
    const object = k.ob.createSystem('Event', 0x18)
    const a = enter(k, 'a.exe')
    const handle = k.ob.openHandle(object, 1)
    enter(k, 'b.exe')
    expect(k.ob.resolveHandle(handle, 0, null, 0).status).toBe(STATUS_INVALID_HANDLE)
    k.scheduler.current.attached = a
    expect(k.ob.resolveHandle(handle, 0, null, 0).status).toBe(STATUS_SUCCESS)
  })

  test('NtCurrentProcess names the process that is current', () => {
    const { k } = new TestMachine()
    const process = enter(k)
    expect(k.ob.resolveHandle(-1, 0, k.ob.types.Process, 1).object?.address).toBe(process.address)
    expect(k.ob.resolveHandle(-1, 0, k.ob.types.Event, 1).status).toBe(STATUS_OBJECT_TYPE_MISMATCH)
  })
})

describe('rights', () => {
  test('generic rights become those of the type; user mode gets no more than was granted', () => {
    const { k } = new TestMachine()
    enter(k)
    const object = k.ob.createSystem('Event', 0x18)
    const handle = k.ob.openHandle(object, 0x8000_0000)
    expect(k.ob.handleEntry(handle, 0)?.access).toBe(0x2_0001)
    expect(k.ob.resolveHandle(handle, 1, null, 1).status).toBe(STATUS_SUCCESS)
    expect(k.ob.resolveHandle(handle, 2, null, 1).status).toBe(STATUS_ACCESS_DENIED)
    expect(k.ob.resolveHandle(handle, 2, null, 0).status).toBe(STATUS_SUCCESS)
  })

  test('a protected handle does not close', () => {
    const { k } = new TestMachine()
    const process = enter(k)
    const object = k.ob.createSystem('Event', 0x18)
    const handle = process.handles.open(object, 1, { protect: true })
    expect(close(k, handle)).toBe(STATUS_HANDLE_NOT_CLOSABLE)
  })
})

test('the last of all handles runs the clean-up, with the process that closed it', () => {
  const { k } = new TestMachine()
  const closed: string[] = []
  k.ob.types.Semaphore.onLastHandleClosed = function* (object, process) {
    closed.push(`${process.name} ${k.ob.handleCount(object.address)}`)
  }
  const object = k.ob.createSystem('Semaphore', 0x20)
  const a = enter(k, 'a.exe')
  const first = k.ob.openHandle(object, 1)
  const b = enter(k, 'b.exe')
  const second = a.handles.duplicate(first, b.handles)
  k.ob.release(object.address)
  expect(second).toBe(4)
  k.scheduler.current.attached = a
  close(k, first)
  expect(closed).toEqual([])
  k.scheduler.current.attached = b
  close(k, second!)
  expect(closed).toEqual(['b.exe 1'])
  expect(k.ob.lookup(object.address)).toBeUndefined()
})

test('events carry the table they happen in', () => {
  const machine = new TestMachine()
  const { k } = machine
  const object = k.ob.createSystem('Event', 0x18)
  const process = enter(k)
  const own = k.ob.openHandle(object, 1)
  const kernel = k.ob.openHandle(object, 1, { kernel: true })
  close(k, own)
  close(k, kernel)
  k.flush()
  expect(machine.of('handle.opened').map(({ handle, process: p }) => [handle, p])).toEqual([
    [own, process.id],
    [kernel, 4],
  ])
  expect(machine.of('handle.closed').map(({ handle, process: p }) => [handle, p])).toEqual([
    [own, process.id],
    [kernel, 4],
  ])
})

test('any sequence of opens and closes agrees with a plain map', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 60 }), (steps) => {
      const { k } = new TestMachine()
      const process = enter(k)
      const objects = [0, 1, 2].map(() => k.ob.createSystem('Event', 0x18))
      const model = new Map<number, number>()
      for (const step of steps) {
        if (step % 2 === 0) {
          const which = step % 3
          const handle = k.ob.openHandle(objects[which]!, 1)
          expect(model.has(handle)).toBe(false)
          expect(handle % 4).toBe(0)
          model.set(handle, which)
        } else {
          const handle = step * 4
          expect(close(k, handle)).toBe(
            model.delete(handle) ? STATUS_SUCCESS : STATUS_INVALID_HANDLE,
          )
        }
        expect(process.handles.size).toBe(model.size)
        objects.forEach((object, i) =>
          expect(k.ob.handleCount(object.address)).toBe(
            [...model.values()].filter((which) => which === i).length,
          ),
        )
      }
    }),
    { numRuns: 30 },
  )
})
