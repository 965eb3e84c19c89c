/** Shorthand for tests of routines: a driver of one test, with threads, DPCs and other callbacks. */
import type { KernelOptions } from '../options'
import type { Ptr } from '../mm/memory'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from './machine'

/** Run `body` as the DriverEntry of a driver with the functions `others`, to the end. */
export function toyDriver(
  body: (d: DriverApi, driverObject: Ptr) => Code<void>,
  others: Record<string, DriverFunction> = {},
  options: Partial<KernelOptions> = {},
): TestMachine {
  const machine = new TestMachine(options)
  machine.driver('toy', {
    *DriverEntry(d, driverObject = 0) {
      yield* body(d, driverObject)
      return 0
    },
    ...others,
  })
  machine.main(function* (k) {
    yield* k.loader.load('toy')
  })
  return machine.run()
}

/** Zeroed nonpaged memory that counts as nobody's. */
export function scratch(d: DriverApi, bytes: number): Ptr {
  return d.k.pool.allocate(bytes, 'Test', { system: true })
}

/** Code and parameters of the bug check that ended a run, as hexadecimal text. */
export function stopOf(machine: TestMachine): { code: string; parameters: string[] } | null {
  const stop = machine.bugCheck
  if (!stop) return null
  return {
    code: '0x' + stop.code.toString(16).toUpperCase(),
    parameters: stop.parameters.map((value) => '0x' + value.toString(16).toUpperCase()),
  }
}
