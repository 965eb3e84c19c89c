import { describe, expect, test } from 'vitest'
import { IRP } from '../../../shared/nt/generated/offsets'
import {
  IRP_MN_REMOVE_DEVICE,
  IRP_MN_START_DEVICE,
  IRP_MN_SURPRISE_REMOVAL,
} from '../../../shared/nt/irp-functions'
import type { KernelRoutine } from '../ddi/types'
import type { Kernel } from '../kernel'
import { TestMachine } from '../testing/machine'
import {
  complete,
  lowerOf,
  passDown,
  pnpDriver,
  removeDevice,
  scenario,
  type PnpDriverOptions,
} from './testing'

function lamp(
  pnp: PnpDriverOptions['pnp'],
  then: (k: Kernel) => KernelRoutine<unknown> = (k) => k.pnp.unplug('lamp'),
  verifier = ['io'],
): TestMachine {
  const m = new TestMachine({ verifier })
  pnpDriver(m, 'Lamp', { pnp: pnp ?? {} })
  m.k.pnp.packages.add({ id: 'TOY\\Lamp', service: 'Lamp' })
  return scenario(m, function* (k) {
    yield* k.pnp.plug('TOY\\Lamp', 'lamp')
    yield* then(k)
  })
}

test('a driver as the WDK has it breaks no rule under the standard settings', () => {
  const m = lamp(
    {},
    function* (k) {
      yield* k.pnp.restart('lamp')
      yield* k.power.change('sleep')
      yield* k.power.change('wake')
      yield* k.pnp.surpriseRemove('lamp')
      yield* k.pnp.plug('TOY\\Lamp', 'lamp')
      yield* k.pnp.unplug('lamp')
    },
    ['standard'],
  )
  expect(m.bugCheck).toBeNull()
})

describe('REMOVE_DEVICE', () => {
  test('VR-PNP-REMOVE-NODETACH: the device is still attached', () => {
    const m = lamp({ [IRP_MN_REMOVE_DEVICE]: (d, device, irp) => passDown(d, device!, irp!) })
    expect(m.bugCheck).toMatchObject({ rule: 'VR-PNP-REMOVE-NODETACH', code: 0xc9 })
    expect(m.bugCheck?.parameters[0]).toBe(0x21dn)
  })

  test('VR-PNP-REMOVE-NODELETE: the device was detached and not deleted', () => {
    const m = lamp({
      *[IRP_MN_REMOVE_DEVICE](d, device, irp) {
        const lower = lowerOf(d, device!)
        const status = yield* passDown(d, device!, irp!)
        yield* d.ddi('IoDetachDevice', lower)
        return status
      },
    })
    expect(m.bugCheck).toMatchObject({ rule: 'VR-PNP-REMOVE-NODELETE' })
    expect(m.bugCheck?.parameters[0]).toBe(0x21en)
  })

  test('VR-PNP-REMOVE-FAILED: it is completed with an error', () => {
    const m = lamp({ [IRP_MN_REMOVE_DEVICE]: (d, _device, irp) => complete(d, irp!, 0xc000_0001) })
    expect(m.bugCheck).toMatchObject({ rule: 'VR-PNP-REMOVE-FAILED' })
    expect(m.bugCheck?.parameters[0]).toBe(0x306n)
  })

  test('without the verifier the device is left over, and nothing stops', () => {
    const m = lamp(
      { [IRP_MN_REMOVE_DEVICE]: (d, device, irp) => passDown(d, device!, irp!) },
      undefined,
      [],
    )
    expect(m.bugCheck).toBeNull()
    expect(m.of('driver.unloaded')).toEqual([])
  })
})

test('VR-PNP-SURPRISE-DETACH: detach is 0x241, delete 0x242', () => {
  const pulled = (k: Kernel): KernelRoutine<unknown> => k.pnp.surpriseRemove('lamp')
  const detached = lamp(
    { [IRP_MN_SURPRISE_REMOVAL]: (d, device, irp) => removeDevice(d, device!, irp!) },
    pulled,
  )
  expect(detached.bugCheck).toMatchObject({ rule: 'VR-PNP-SURPRISE-DETACH' })
  expect(detached.bugCheck?.parameters[0]).toBe(0x241n)
  const deleted = lamp(
    {
      *[IRP_MN_SURPRISE_REMOVAL](d, device, irp) {
        yield* d.ddi('IoDeleteDevice', device!)
        return yield* passDown(d, device!, irp!)
      },
    },
    pulled,
    ['VR-PNP-SURPRISE-DETACH'],
  )
  expect(deleted.bugCheck?.parameters[0]).toBe(0x242n)
})

describe('packets that are not passed down', () => {
  test('VR-PNP-COMPLETED: a function driver completes START_DEVICE with success', () => {
    const m = lamp({ [IRP_MN_START_DEVICE]: (d, _device, irp) => complete(d, irp!, 0) })
    expect(m.bugCheck).toMatchObject({ rule: 'VR-PNP-COMPLETED' })
    expect(m.bugCheck?.parameters[0]).toBe(0x22en)
  })

  test('VR-PNP-COMPLETED: one that was not touched is 0x22F, a minor function that nobody knows 0x22D', () => {
    const untouched = lamp({
      *[IRP_MN_START_DEVICE](d, _device, irp) {
        return yield* complete(d, irp!, 0xc000_00bb)
      },
    })
    expect(untouched.bugCheck?.parameters[0]).toBe(0x22fn)
  })

  test('a function driver may complete what its bus driver has answered already', () => {
    const m = lamp({
      *[IRP_MN_START_DEVICE](d, device, irp) {
        yield* d.ddi('IoForwardIrpSynchronously', lowerOf(d, device!), irp!)
        return yield* complete(d, irp!, 0)
      },
    })
    expect(m.bugCheck).toBeNull()
  })

  test('VR-PNP-STATUS: a packet that failed is passed down', () => {
    const m = lamp({
      *[IRP_MN_START_DEVICE](d, device, irp) {
        d.k.memory.setU32(irp! + IRP['IoStatus.Status'], 0xc000_0001)
        return yield* passDown(d, device!, irp!)
      },
    })
    expect(m.bugCheck).toMatchObject({ rule: 'VR-PNP-STATUS' })
    expect(m.bugCheck?.parameters[0]).toBe(0x215n)
  })
})
