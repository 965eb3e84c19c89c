import { describe, expect, test } from 'vitest'
import { scratch } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from '../testing/machine'

function run(
  functions: Record<string, DriverFunction>,
  entry: (d: DriverApi) => Code,
): TestMachine {
  const m = new TestMachine()
  m.driver('toy', {
    *DriverEntry(d) {
      yield* entry(d)
      return 0
    },
    ...functions,
  })
  m.main((k) => k.loader.load('toy'))
  return m.run()
}

/** ExCreateCallback; the object, or the status when there is none. */
function* create(
  d: DriverApi,
  name: string,
  make: boolean,
  multiple: boolean,
  attributes = 0x40,
): Code<number> {
  const at = scratch(d, 0x30)
  yield* d.ddi('InitializeObjectAttributes', at, d.string(name), attributes, 0, 0)
  const out = d.out()
  const status = yield* d.ddi('ExCreateCallback', out, at, make, multiple)
  return status === 0 ? Number(out.value) : status
}

describe('callback objects', () => {
  test('call their routines in order, with their contexts and arguments', () => {
    const calls: unknown[] = []
    const note = (name: string): DriverFunction =>
      function* (d, context, first, second) {
        calls.push([name, context, first, second, d.k.irql.level])
      }
    const m = run({ A: note('A'), B: note('B') }, function* (d) {
      const object = yield* create(d, '\\Callback\\Toy', true, true)
      const a = yield* d.ddi('ExRegisterCallback', object, d.fn('A'), 11)
      yield* d.ddi('ExRegisterCallback', object, d.fn('B'), 22)
      yield* d.ddi('ExNotifyCallback', object, 1, 2)
      yield* d.ddi('ExUnregisterCallback', a)
      yield* d.ddi('ExNotifyCallback', object, 3, 4)
      yield* d.ddi('ObDereferenceObject', object)
    })
    expect(m.bugCheck).toBeNull()
    expect(calls).toEqual([
      ['A', 11, 1, 2, 0],
      ['B', 22, 1, 2, 0],
      ['B', 22, 3, 4, 0],
    ])
    expect(m.of('callback.registered')[0]).toMatchObject({ about: '\\Callback\\Toy' })
  })

  test('are found by name, take one routine or many, and are missing when nobody made them', () => {
    const got: unknown[] = []
    run({ *A() {} }, function* (d) {
      got.push(yield* create(d, '\\Callback\\None', false, false))
      const object = yield* create(d, '\\Callback\\One', true, false)
      got.push((yield* create(d, '\\Callback\\One', false, false)) === object)
      got.push(yield* create(d, '\\Callback\\One', true, false))
      got.push((yield* create(d, '\\Callback\\One', true, false, 0xc0)) === object)
      got.push((yield* d.ddi('ExRegisterCallback', object, d.fn('A'), 0)) !== 0)
      got.push(yield* d.ddi('ExRegisterCallback', object, d.fn('A'), 0))
      got.push(yield* create(d, '\\Device', false, false))
    })
    expect(got).toEqual([0xc0000034, true, 0xc0000035, true, true, 0, 0xc0000024])
  })

  test('a routine that takes itself out waits for ever', () => {
    let registration = 0
    const m = run(
      {
        *A(d) {
          yield* d.ddi('ExUnregisterCallback', registration)
        },
      },
      function* (d) {
        const object = yield* create(d, '\\Callback\\Toy', true, false)
        registration = yield* d.ddi('ExRegisterCallback', object, d.fn('A'), 0)
        yield* d.ddi('ExNotifyCallback', object, 0, 0)
      },
    )
    expect(m.of('hang.found')).toHaveLength(1)
  })
})

test('ExUuidCreate makes different ones, the same for the same seed', () => {
  const make = (seed: number): string[] => {
    const found: string[] = []
    const m = new TestMachine({ seed })
    m.driver('toy', {
      *DriverEntry(d) {
        for (let i = 0; i < 3; i++) {
          const at = scratch(d, 16)
          expect(yield* d.ddi('ExUuidCreate', at)).toBe(0)
          found.push(d.k.memory.u64(at).toString(16) + d.k.memory.u64(at + 8).toString(16))
          expect(d.k.memory.u16(at + 6) >> 12).toBe(4)
        }
        return 0
      },
    })
    m.main((k) => k.loader.load('toy'))
    m.run()
    return found
  }
  expect(new Set(make(1)).size).toBe(3)
  expect(make(1)).toEqual(make(1))
  expect(make(1)).not.toEqual(make(2))
})
