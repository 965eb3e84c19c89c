/** Removing a callback waits until nobody is in it. */
import { describe, expect, test } from 'vitest'
import {
  OB_CALLBACK_REGISTRATION,
  OB_OPERATION_REGISTRATION,
} from '../../../shared/nt/generated/offsets'
import { scratch } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'

/** A kind of callback: how to register `Callback`, what sets it off, how to remove it. */
interface Kind {
  register(d: DriverApi): Code<void>
  trigger(d: DriverApi): Code<void>
  remove(d: DriverApi): Code<void>
  /** Object that `register` made; kept between the three. */
  made?: number | bigint
}

function* openOwnKey(d: DriverApi): Code<void> {
  const attributes = scratch(d, 0x30)
  const path = d.string('\\Registry\\Machine\\System\\CurrentControlSet\\Services\\toy')
  yield* d.ddi('InitializeObjectAttributes', attributes, path, 0x240, 0, 0)
  yield* d.ddi('ZwOpenKey', d.out(), 0xf003f, attributes)
}

const KINDS: Record<string, () => Kind> = {
  registry: () => ({
    *register(d) {
      const cookie = scratch(d, 8)
      yield* d.ddi('CmRegisterCallbackEx', d.fn('Callback'), d.string('7'), 0, 0, cookie, 0)
      this.made = d.k.memory.i64(cookie)
    },
    trigger: openOwnKey,
    *remove(d) {
      yield* d.ddi('CmUnRegisterCallback', this.made!)
    },
  }),
  object: () => ({
    *register(d) {
      const { memory } = d.k
      const at = scratch(d, OB_CALLBACK_REGISTRATION.SIZE)
      const operation = scratch(d, OB_OPERATION_REGISTRATION.SIZE)
      memory.setPtr(
        operation + OB_OPERATION_REGISTRATION.ObjectType,
        d.k.ob.data.find('PsProcessType'),
      )
      memory.setU32(operation + OB_OPERATION_REGISTRATION.Operations, 1)
      memory.setPtr(operation + OB_OPERATION_REGISTRATION.PreOperation, d.fn('Callback'))
      memory.setU16(at + OB_CALLBACK_REGISTRATION.Version, 0x100)
      memory.setU16(at + OB_CALLBACK_REGISTRATION.OperationRegistrationCount, 1)
      const altitude = d.string('7')
      memory.write(at + OB_CALLBACK_REGISTRATION.Altitude, memory.read(altitude, 16))
      memory.setPtr(at + OB_CALLBACK_REGISTRATION.OperationRegistration, operation)
      const handle = d.out()
      expect(yield* d.ddi('ObRegisterCallbacks', at, handle)).toBe(0)
      this.made = Number(handle.value)
    },
    *trigger(d) {
      const process = yield* d.ddi('IoGetCurrentProcess')
      yield* d.ddi('ObOpenObjectByPointer', process, 0x200, null, 0x400, 0, 0, d.out())
    },
    *remove(d) {
      yield* d.ddi('ObUnRegisterCallbacks', this.made!)
    },
  }),
  thread: () => ({
    *register(d) {
      yield* d.ddi('PsSetCreateThreadNotifyRoutine', d.fn('Callback'))
    },
    *trigger(d) {
      yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, null, null, d.fn('Nothing'), 0)
    },
    *remove(d) {
      yield* d.ddi('PsRemoveCreateThreadNotifyRoutine', d.fn('Callback'))
    },
  }),
  executive: () =>
    ({
      *register(d) {
        const attributes = scratch(d, 0x30)
        const name = d.string('\\Callback\\Toy')
        yield* d.ddi('InitializeObjectAttributes', attributes, name, 0x40, 0, 0)
        const object = d.out()
        yield* d.ddi('ExCreateCallback', object, attributes, true, true)
        this.object = Number(object.value)
        this.made = yield* d.ddi('ExRegisterCallback', this.object, d.fn('Callback'), 0)
      },
      object: 0,
      *trigger(d) {
        yield* d.ddi('ExNotifyCallback', this.object, 0, 0)
      },
      *remove(d) {
        yield* d.ddi('ExUnregisterCallback', this.made!)
      },
    }) as Kind & { object: number },
}

const MILLISECOND = -10_000

/** Set a callback off that takes 5 ms, remove it after 1 ms from another thread. */
function race(kind: Kind, processors: number): { order: string[]; m: TestMachine } {
  const order: string[] = []
  let isRemoving = false
  const m = new TestMachine({ processors, seed: 3 })
  m.driver('toy', {
    *DriverEntry(d) {
      yield* kind.register(d)
      const handle = d.out()
      const trigger = d.fn('Trigger')
      // A thread routine of its own birth would be told of this one.
      if (kind.made === undefined) yield* d.ddi('IoQueueWorkItem', yield* item(d), trigger, 1, 0)
      else yield* d.ddi('PsCreateSystemThread', handle, 0, null, null, null, trigger, 0)
      yield* d.ddi('KeDelayExecutionThread', 0, false, MILLISECOND)
      isRemoving = true
      order.push('removing')
      yield* kind.remove(d)
      order.push('removed')
      return 0
    },
    *Trigger(d) {
      yield* kind.trigger(d)
      // Nobody is told any more.
      yield* kind.trigger(d)
    },
    *Callback(d) {
      if (order.includes('in')) return 0
      order.push('in')
      yield* d.ddi('KeDelayExecutionThread', 0, false, 5 * MILLISECOND)
      order.push(isRemoving ? 'out' : 'out early')
      return 0
    },
    *Nothing() {},
  })
  function* item(d: DriverApi): Code<number> {
    const device = d.out()
    yield* d.ddi(
      'IoCreateDevice',
      d.k.loader.byName('toy')!.object,
      0,
      null,
      0x22,
      0,
      false,
      device,
    )
    return yield* d.ddi('IoAllocateWorkItem', Number(device.value))
  }
  m.main(function* (k) {
    yield* k.loader.load('toy')
    yield* k.dispatcher.delay(BigInt(20 * MILLISECOND))
  })
  m.run()
  return { order, m }
}

describe.each(Object.keys(KINDS))('%s callbacks', (name) => {
  test.each([1, 2])('are not removed while they run, on %i processors', (processors) => {
    const { order, m } = race(KINDS[name]!(), processors)
    expect(m.bugCheck).toBeNull()
    expect(order).toEqual(['in', 'removing', 'out', 'removed'])
  })

  test('that remove themselves wait for ever', () => {
    const kind = KINDS[name]!()
    const order: string[] = []
    const m = new TestMachine({ limits: { idleTicks: 1_000_000 } })
    m.driver('toy', {
      *DriverEntry(d) {
        yield* kind.register(d)
        yield* kind.trigger(d)
        order.push('never')
        return 0
      },
      *Callback(d) {
        order.push('in')
        yield* kind.remove(d)
        order.push('never')
        return 0
      },
      *Nothing() {},
    })
    m.main((k) => k.loader.load('toy'))
    m.run()
    expect(order).toEqual(['in'])
    expect(m.k.ended).toMatchObject({ outcome: 'hang' })
  })
})
