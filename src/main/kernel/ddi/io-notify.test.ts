import { describe, expect, test } from 'vitest'
import { DEVICE_OBJECT, DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import { complete } from '../testing/client'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { toyDriver } from '../testing/toy-driver'

function* device(d: DriverApi, driver: number): Code<number> {
  const out = d.out()
  yield* d.ddi('IoCreateDevice', driver, 0, null, 0x22, 0, false, out)
  return Number(out.value)
}

describe('shutdown', () => {
  test('who registered last is told first; who took it back is not told', () => {
    const told: number[] = []
    const devices: number[] = []
    const m = new TestMachine()
    m.driver('toy', {
      *DriverEntry(d, driver) {
        d.k.memory.setPtr(driver! + DRIVER_OBJECT.MajorFunction + 16 * 8, d.fn('Shutdown'))
        for (let i = 0; i < 3; i++) {
          devices.push(yield* device(d, driver!))
          yield* d.ddi('IoRegisterShutdownNotification', devices[i]!)
        }
        expect(d.k.memory.u32(devices[1]! + DEVICE_OBJECT.Flags) & 0x800).toBe(0x800)
        yield* d.ddi('IoUnregisterShutdownNotification', devices[1]!)
        expect(d.k.memory.u32(devices[1]! + DEVICE_OBJECT.Flags) & 0x800).toBe(0)
        return 0
      },
      *Shutdown(d, target, irp) {
        told.push(target!)
        return yield* complete(d, irp!, 0xc000_0001)
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('toy')
      yield* k.power.shutDown()
    })
    m.run()
    expect(told).toEqual([devices[2], devices[0]])
    expect(m.of('power.system')).toMatchObject([{ from: 'S0', to: 'S5' }])
    // Who is registered is seen among the callbacks, as long as it is.
    const callbacks = m.of('callback.registered').filter(({ kind }) => kind === 'shutdown')
    expect(callbacks.map(({ routine }) => routine)).toEqual(Array(3).fill('toy!Shutdown'))
    expect(m.of('callback.removed').map(({ id }) => id)).toEqual([callbacks[1]!.id])
  })
})

describe('reinitialization', () => {
  test('runs when all drivers are there, again when it registers again, with a count', () => {
    const calls: string[] = []
    const m = new TestMachine()
    m.driver('first', {
      *DriverEntry(d, driver) {
        yield* d.ddi('IoRegisterDriverReinitialization', driver!, d.fn('Again'), 0x1234)
        calls.push('first')
        return 0
      },
      *Again(d, driver, context, count) {
        calls.push(`again ${count} ${context!.toString(16)}`)
        if (count! < 2) yield* d.ddi('IoRegisterDriverReinitialization', driver!, d.fn('Again'), 5)
      },
    })
    m.driver('second', {
      *DriverEntry() {
        calls.push('second')
        return 0
      },
    })
    m.main((k) =>
      k.loader.reinitialization.after(
        k,
        (function* () {
          yield* k.loader.load('first')
          yield* k.loader.load('second')
        })(),
      ),
    )
    m.run()
    expect(calls).toEqual(['first', 'second', 'again 1 1234', 'again 2 5'])
  })

  test('a driver whose DriverEntry failed is not called', () => {
    let called = false
    const m = new TestMachine()
    m.driver('toy', {
      *DriverEntry(d, driver) {
        yield* d.ddi('IoRegisterBootDriverReinitialization', driver!, d.fn('Again'), 0)
        return 0xc000_0001
      },
      *Again() {
        called = true
      },
    })
    m.main((k) => k.loader.load('toy'))
    m.run()
    expect(called).toBe(false)
    expect(m.bugCheck).toBeNull()
  })
})

test('drivers hear of file systems that are there, that come and that go', () => {
  const heard: string[] = []
  toyDriver(
    function* (d, driver) {
      const old = yield* device(d, driver)
      yield* d.ddi('IoRegisterFileSystem', old)
      expect(yield* d.ddi('IoRegisterFsRegistrationChange', driver, d.fn('Change'))).toBe(0)
      expect(yield* d.ddi('IoRegisterFsRegistrationChange', driver, d.fn('Change'))).toBe(
        0xc000_0038,
      )
      yield* d.ddi('IoRegisterFileSystem', driver)
      yield* d.ddi('IoUnregisterFileSystem', old)
      yield* d.ddi('IoUnregisterFsRegistrationChange', driver, d.fn('Change'))
      yield* d.ddi('IoUnregisterFileSystem', driver)
    },
    {
      *Change(_d, _device, active) {
        heard.push(active ? 'came' : 'went')
      },
    },
  )
  expect(heard).toEqual(['came', 'came', 'went'])
})

describe('IoCreateDriver', () => {
  test('makes a driver object without image and service, and calls its initialization routine', () => {
    let entered: number[] = []
    const m = toyDriver(
      function* (d) {
        const name = d.string('\\Driver\\Mapped')
        expect(yield* d.ddi('IoCreateDriver', name, d.fn('Entry'))).toBe(0)
        expect(yield* d.ddi('IoCreateDriver', name, d.fn('Entry'))).toBe(0xc000_0035)
        expect(yield* d.ddi('IoCreateDriver', null, d.fn('Fails'))).toBe(0xc000_0001)
      },
      {
        *Entry(d, driver, path) {
          entered = [d.k.memory.ptr(driver! + DRIVER_OBJECT.DriverStart), path!]
          yield* device(d, driver!)
          return 0
        },
        *Fails() {
          return 0xc000_0001
        },
      },
    )
    expect(m.bugCheck).toBeNull()
    expect(entered).toEqual([0, 0])
    expect(m.k.ob.find('\\Driver\\Mapped')).toBeDefined()
    expect(m.of('device.created').map(({ owner }) => owner)).toEqual(['Mapped'])
  })
})
