/** What `out()` holds after a routine that wrote nothing to it, through compiler, sandbox and kernel. */
import { expect, test } from 'vitest'
import { driver } from './testing/snippets'
import { runProject } from './run'

test('a failed call leaves the result of the one before', async () => {
  const source = driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const name = RTL_CONSTANT_STRING('\\\\Device\\\\Out')
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, name, FILE_DEVICE_UNKNOWN, 0, false, device)
  const first = device.value
  const status = IoCreateDevice(DriverObject, 0, name, FILE_DEVICE_UNKNOWN, 0, false, device)
  DbgPrint('%x %u', status, device.value === first ? 1 : 0)
  IoDeleteDevice(device.value)
  return STATUS_UNSUCCESSFUL
}`)
  const files = { 'driver.ts': source }
  const { report } = await runProject({ files, seed: 1, verifier: [], trace: 'off' })
  expect(report.diagnostics).toEqual([])
  expect(report.dbgPrint).toEqual(['c0000035 1'])
})
