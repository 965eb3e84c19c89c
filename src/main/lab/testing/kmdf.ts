/** KMDF drivers for tests: a control device with a queue, and what a run of one said. */
import { expect } from 'vitest'
import { runProject } from '../run'
import { client, driver } from './snippets'

/** A control device `\\.\Kmdf`; `queue` sets up its queue, `code` declares the handlers. */
export const control = (queue: string, code: string, more = ''): string =>
  driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, null)
  config.DriverInitFlags = WdfDriverInitNonPnpDriver
  config.EvtDriverUnload = Unload
  const handle = out<PVOID>()
  let status = WdfDriverCreate(DriverObject, RegistryPath, null, config, handle)
  if (!NT_SUCCESS(status)) return status
  const init = local(array(PVOID, 1))
  init[0] = WdfControlDeviceInitAllocate(handle.value, RTL_CONSTANT_STRING('D:P'))
  WdfDeviceInitAssignName(init[0], RTL_CONSTANT_STRING('\\\\Device\\\\Kmdf'))
  const device = out<PVOID>()
  status = WdfDeviceCreate(init, null, device)
  if (!NT_SUCCESS(status)) return status
  if (init[0] !== null) DbgPrint('the init structure is still there\\n')
  status = WdfDeviceCreateSymbolicLink(device.value, RTL_CONSTANT_STRING('\\\\??\\\\Kmdf'))
  if (!NT_SUCCESS(status)) return status
  const queueConfig = local(WDF_IO_QUEUE_CONFIG)
  ${queue}
  const queue = out<PVOID>()
  status = WdfIoQueueCreate(device.value, queueConfig, null, queue)
  if (!NT_SUCCESS(status)) return status
  ${more}
  WdfControlFinishInitializing(device.value)
  return STATUS_SUCCESS
}
function Unload(Driver: PVOID): void { DbgPrint('unload\\n') }
${code}`)

export const SEQUENTIAL = `WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queueConfig, WdfIoQueueDispatchSequential)`

export async function runKmdf(
  source: string,
  program: string,
  verifier: string[] = [],
): Promise<{
  printed: string[]
  stdout: string[]
  outcome: string
  leaks: unknown[]
  code: string
  /** First parameter of a bug check. */
  stop: number
}> {
  const files = { 'driver.ts': source, 'client.ts': client(program) }
  const { report } = await runProject({ files, seed: 1, verifier, trace: 'off' })
  expect(report.diagnostics).toEqual([])
  return {
    printed: report.dbgPrint.map((text) => text.trim()),
    stdout: (report.client?.stdout ?? '').trim().split('\n'),
    outcome: report.outcome,
    leaks: report.leaks,
    code: report.bugcheck?.code ?? '',
    stop: Number(report.bugcheck?.parameters[0] ?? 0),
  }
}

/** Expression of a client that opens the device. */
export const OPEN = `CreateFile('\\\\\\\\.\\\\Kmdf', GENERIC_READ | GENERIC_WRITE, 0, null, OPEN_EXISTING, 0, null)`
export const ECHO = `CTL_CODE(FILE_DEVICE_UNKNOWN, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)`
