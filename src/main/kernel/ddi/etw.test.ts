import { expect, test } from 'vitest'
import { DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INVALID_HANDLE,
  STATUS_INVALID_PARAMETER,
} from '../../../shared/nt/generated/ntstatus'
import { scratch } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'

/** Load and unload a driver that registers a provider, with the verifier on or off. */
function run(entry: (d: DriverApi) => Code, verifier: string[] = []): TestMachine {
  const m = new TestMachine({ verifier })
  m.driver('toy', {
    *DriverEntry(d, driverObject) {
      d.k.memory.setPtr(driverObject! + DRIVER_OBJECT.DriverUnload, d.fn('Unload'))
      yield* entry(d)
      return 0
    },
    *Unload() {},
  })
  m.main(function* (k) {
    yield* k.loader.load('toy')
    yield* k.loader.unload('toy')
  })
  return m.run()
}

function* register(d: DriverApi): Code<bigint> {
  const out = d.out()
  expect(yield* d.ddi('EtwRegister', scratch(d, 16), 0, 0, out)).toBe(0)
  return BigInt(out.value ?? 0)
}

test('a provider is there until it is unregistered, and what it writes is taken', () => {
  const m = run(
    function* (d) {
      const [a, b] = [yield* register(d), yield* register(d)]
      expect(a).not.toBe(b)
      expect(yield* d.ddi('EtwWrite', a, scratch(d, 16), 0, 0, 0)).toBe(0)
      expect(yield* d.ddi('EtwUnregister', a)).toBe(0)
      expect(yield* d.ddi('EtwUnregister', a)).toBe(STATUS_INVALID_HANDLE)
      expect(yield* d.ddi('EtwWrite', a, scratch(d, 16), 0, 0, 0)).toBe(STATUS_INVALID_HANDLE)
      expect(yield* d.ddi('EtwUnregister', b)).toBe(0)
      expect(yield* d.ddi('EtwRegister', 0, 0, 0, d.out())).toBe(STATUS_INVALID_PARAMETER)
    },
    ['standard'],
  )
  expect(m.bugCheck).toBeNull()
})

test('one that is left at the unload stops the machine with the verifier, and only with it', () => {
  const left = function* (d: DriverApi): Code {
    yield* register(d)
  }
  const { bugCheck } = run(left, ['standard'])
  expect(bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-UNLOAD-ETW' })
  expect(bugCheck!.parameters[0]).toBe(0xddn)
  expect(run(left).bugCheck).toBeNull()
})
