import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OBJECT_TYPE } from '../../../shared/nt/generated/offsets'
import { BugCheck } from '../stop'
import { TestMachine } from '../testing/machine'

/** What a call that stops the machine throws. */
function stopOf(run: () => unknown): BugCheck {
  try {
    run()
  } catch (error) {
    if (error instanceof BugCheck) return error
    throw error
  }
  throw new Error('the machine did not stop')
}

describe('headers', () => {
  test('counts, type and flags lie 0x30 bytes before the body', () => {
    const { k } = new TestMachine()
    const object = k.ob.createSystem('Event', 0x18)
    const header = object.address - 0x30
    expect(k.memory.u64(header)).toBe(1n)
    expect(k.memory.u64(header + 8)).toBe(0n)
    expect(k.ob.typeOf(object.address)).toBe(k.ob.types.Event)
    k.ob.reference(object.address)
    const handle = k.ob.openHandle(object, 1)
    expect([k.memory.u64(header), k.memory.u64(header + 8)]).toEqual([3n, 1n])
    expect(handle % 4).toBe(0)
  })

  test('TypeIndex is stored mixed with a cookie, so equal types differ in their byte', () => {
    const { k } = new TestMachine()
    const bytes = new Set<number>()
    for (let i = 0; i < 16; i++)
      bytes.add(k.memory.u8(k.ob.createSystem('Event', 0x18).address - 0x30 + 0x18))
    expect(bytes.size).toBeGreaterThan(1)
  })

  test('the counts in memory are the truth', () => {
    const { k } = new TestMachine()
    const object = k.ob.createSystem('Event', 0x18)
    k.memory.setU64(object.address - 0x30, 7n)
    expect(k.ob.reference(object.address)).toBe(8)
  })

  test('exported variables point at the types', () => {
    const { k } = new TestMachine()
    for (const type of Object.values(k.ob.types))
      if (type.variable) expect(k.memory.ptr(type.variable)).toBe(type.address)
    expect(k.ob.typeAt(k.memory.ptr(k.ob.data.find('IoFileObjectType')))).toBe(k.ob.types.File)
  })

  test('OBJECT_TYPE counts its objects', () => {
    const { k } = new TestMachine()
    const at = k.ob.types.Event.address + OBJECT_TYPE.TotalNumberOfObjects
    const before = k.memory.u32(at)
    const object = k.ob.createSystem('Event', 0x18)
    expect(k.memory.u32(at)).toBe(before + 1)
    k.ob.release(object.address)
    expect(k.memory.u32(at)).toBe(before)
  })
})

describe('references', () => {
  test('the last one deletes, in order: clean-up, event, memory', () => {
    const machine = new TestMachine()
    const { k } = machine
    const order: string[] = []
    const object = k.ob.createSystem('Event', 0x18, {
      onDelete: () => {
        order.push('cleaned')
      },
    })
    k.ob.reference(object.address)
    expect(k.ob.release(object.address)).toBe(1)
    expect(order).toEqual([])
    expect(k.ob.release(object.address)).toBe(0)
    expect(order).toEqual(['cleaned'])
    expect(k.ob.lookup(object.address)).toBeUndefined()
    expect(k.pool.block(object.block)).toBeUndefined()
    k.flush()
    expect(machine.of('object.created').at(-1)).toMatchObject({ type: 'Event', name: null })
    expect(machine.of('object.deleted').at(-1)).toMatchObject({
      object: k.memory.format(object.address),
    })
  })

  test('a dereference too many is REFERENCE_BY_POINTER with type and object', () => {
    const { k } = new TestMachine()
    const object = k.ob.createSystem('Event', 0x18)
    k.ob.release(object.address)
    const stop = stopOf(() => k.ob.release(object.address))
    expect(stop.code).toBe(0x18)
    expect(stop.parameters.slice(0, 2)).toEqual([
      k.memory.address(k.ob.types.Event.address),
      k.memory.address(object.address),
    ])
  })

  test('a reference to a deleted object is REFERENCE_BY_POINTER, with the verifier 0xC4/0x3F', () => {
    for (const verifier of [[], ['VR-OBJ-REFZERO']]) {
      const { k } = new TestMachine({ verifier })
      const object = k.ob.createSystem('Event', 0x18)
      k.ob.release(object.address)
      const stop = stopOf(() => k.ob.reference(object.address))
      if (verifier.length === 0) expect(stop.code).toBe(0x18)
      else {
        expect(stop.code).toBe(0xc4)
        expect(stop.parameters).toEqual([0x3fn, k.memory.address(object.address), 1n, 0n])
      }
    }
  })

  test('dropping the last reference under an open handle is REFERENCE_BY_POINTER', () => {
    const { k } = new TestMachine()
    const object = k.ob.createSystem('Event', 0x18)
    k.ob.openHandle(object, 1)
    k.ob.release(object.address)
    expect(stopOf(() => k.ob.release(object.address)).code).toBe(0x18)
  })

  test('any legal sequence keeps count and life together', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('ref', 'deref', 'open', 'close')), (steps) => {
        const { k } = new TestMachine()
        const object = k.ob.createSystem('Event', 0x18)
        const handles: number[] = []
        let count = 1
        for (const step of steps) {
          if (step === 'ref') count = (k.ob.reference(object.address), count + 1)
          else if (step === 'deref' && count > 1) count = (k.ob.release(object.address), count - 1)
          else if (step === 'open') handles.push(k.ob.openHandle(object, 1))
          else if (step === 'close' && handles.length > 0)
            k.ob.closeHandle(handles.pop()!, 0).next()
          expect(k.ob.pointerCount(object.address)).toBe(count + handles.length)
          expect(k.ob.handleCount(object.address)).toBe(handles.length)
        }
        for (const handle of handles) k.ob.closeHandle(handle, 0).next()
        while (count-- > 0) k.ob.release(object.address)
        expect(k.ob.lookup(object.address)).toBeUndefined()
      }),
      { numRuns: 30 },
    )
  })
})

test('a delete procedure that has to call a driver waits for PASSIVE_LEVEL', () => {
  const machine = new TestMachine()
  const { k } = machine
  const levels: number[] = []
  k.ob.types.Timer.onDelete = function* () {
    levels.push(k.irql.level)
    yield { op: 'yield' }
  }
  machine.main(function* () {
    const object = k.ob.createSystem('Timer', 0x40)
    const old = k.irql.raise(2, 'test')
    yield* k.ob.dereference(object.address)
    expect(levels).toEqual([])
    expect(k.ob.lookup(object.address)).toBe(object)
    k.irql.lower(old, 'test')
    for (let i = 0; i < 5; i++) yield { op: 'yield' }
    expect(k.ob.lookup(object.address)).toBeUndefined()
    const second = k.ob.createSystem('Timer', 0x40)
    yield* k.ob.dereference(second.address)
    expect(k.ob.lookup(second.address)).toBeUndefined()
  })
  machine.run()
  expect(levels).toEqual([0, 0])
  expect(machine.bugCheck).toBeNull()
})
