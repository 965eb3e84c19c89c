/** When the flags of a device that was attached late are judged. */
import { expect, test } from 'vitest'
import { DO_BUFFERED_IO, DO_DEVICE_INITIALIZING } from '../../../../shared/nt/constants'
import { DEVICE_OBJECT } from '../../../../shared/nt/generated/offsets'
import { stopOf, toyDriver } from '../../testing/toy-driver'
import { deviceUsed } from './device'

/** A packet comes to a device that was attached and has not the flags of the one below. */
function used(isInitializing: boolean): ReturnType<typeof stopOf> {
  const m = toyDriver(
    function* (d, driver) {
      const { k } = d
      const make = function* (flags: number) {
        const device = d.out()
        yield* d.ddi('IoCreateDevice', driver, 0, 0, 0x22, 0, false, device)
        const at = Number(device.value)
        k.memory.setU32(at + DEVICE_OBJECT.Flags, flags)
        return at
      }
      const lower = yield* make(DO_BUFFERED_IO)
      const upper = yield* make(isInitializing ? DO_DEVICE_INITIALIZING : 0)
      yield* d.ddi('IoAttachDeviceToDeviceStack', upper, lower)
      deviceUsed(k, upper)
      k.memory.setU32(upper + DEVICE_OBJECT.Flags, DO_BUFFERED_IO)
    },
    {},
    { verifier: ['VR-DEV-BUFFER-FLAGS'] },
  )
  return stopOf(m)
}

test('not while its driver sets it up', () => {
  expect(used(true)).toBeNull()
})

test('when it is used after that', () => {
  const stop: unknown = expect.objectContaining({ code: 0xc9, rule: 'VR-DEV-BUFFER-FLAGS' })
  expect(() => used(false)).toThrow(stop as Error)
})
