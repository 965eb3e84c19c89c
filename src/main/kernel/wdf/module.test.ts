import { expect, test } from 'vitest'
import { frameworkModule } from './module'

test.each([
  ['WdfRequestComplete', false, 'Wdf01000'],
  ['WdfRequestComplete', true, 'WUDFx02000'],
  ['FxDevice::Dispatch', false, 'Wdf01000'],
  ['WDF_DRIVER_CONFIG_INIT', false, null],
  ['IofCallDriver', false, null],
])('%s, in a host %s: %s', (routine, inHost, module) => {
  expect(frameworkModule(routine, inHost)).toBe(module)
})
