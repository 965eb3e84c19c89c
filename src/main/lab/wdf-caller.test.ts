/** Framework requests in the thread that asks: raw buffers, locked memory, the way into the queue. */
import { expect, test } from 'vitest'
import { client, driver } from './testing/snippets'
import { runProject } from './run'

const source = driver(`
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
  WdfDeviceInitSetIoInCallerContextCallback(init[0], Caller)
  const device = out<PVOID>()
  status = WdfDeviceCreate(init, null, device)
  if (!NT_SUCCESS(status)) return status
  WdfDeviceCreateSymbolicLink(device.value, RTL_CONSTANT_STRING('\\\\??\\\\Kmdf'))
  const queue = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queue, WdfIoQueueDispatchSequential)
  queue.EvtIoDefault = Default
  WdfIoQueueCreate(device.value, queue, null, null)
  WdfControlFinishInitializing(device.value)
  return STATUS_SUCCESS
}
function Unload(Driver: PVOID): void { DbgPrint('unload\\n') }
function Caller(Device: PVOID, Request: PVOID): void {
  const parameters = local(WDF_REQUEST_PARAMETERS)
  WDF_REQUEST_PARAMETERS_INIT(parameters)
  WdfRequestGetParameters(Request, parameters)
  const asked = parameters.Parameters.DeviceIoControl
  DbgPrint('type %u, %u in, %u out, code %x\\n', parameters.Type, asked.InputBufferLength, asked.OutputBufferLength, asked.IoControlCode)
  const input = out<PVOID>()
  const length = out<SIZE_T>()
  DbgPrint('raw %x\\n', WdfRequestRetrieveUnsafeUserInputBuffer(Request, 2, input, length))
  const memory = out<PVOID>()
  DbgPrint('empty %x\\n', WdfRequestProbeAndLockUserBufferForRead(Request, input.value, 0, memory))
  DbgPrint('write %x\\n', WdfRequestProbeAndLockUserBufferForWrite(Request, input.value, 2, memory))
  if (memory.value !== null) {
    const size = out<SIZE_T>()
    WdfMemoryGetBuffer(memory.value, size).u8[0] = 0x7a
    DbgPrint('%u bytes\\n', size.value)
  }
  DbgPrint('queued %x\\n', WdfDeviceEnqueueRequest(Device, Request))
}
function Default(Queue: PVOID, Request: PVOID): void {
  DbgPrint('default\\n')
  DbgPrint('again %x\\n', WdfDeviceEnqueueRequest(WdfIoQueueGetDevice(Queue), Request))
  WdfRequestComplete(Request, STATUS_SUCCESS)
}`)

test('their own pointers are checked, locked and let go', async () => {
  const program = client(`
export function main(): number {
  const device = CreateFile('\\\\\\\\.\\\\Kmdf', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  const bytes = local(array(UCHAR, 4))
  const count = out<DWORD>()
  DeviceIoControl(device, CTL_CODE(0x22, 0x800, METHOD_NEITHER, 0), bytes, 3, bytes, 4, count, null)
  printf('%x\\n', bytes[0])
  DeviceIoControl(device, CTL_CODE(0x22, 0x801, METHOD_BUFFERED, 0), bytes, 1, null, 0, count, null)
  return 0
}`)
  const files = { 'driver.ts': source, 'client.ts': program }
  const { report } = await runProject({ files, seed: 1, verifier: ['standard'], trace: 'off' })
  expect(report.diagnostics).toEqual([])
  expect([report.outcome, report.leaks]).toEqual(['ok', []])
  expect(report.client?.stdout).toBe('7a\n')
  expect(report.dbgPrint.map((text) => text.trim())).toEqual([
    'type 14, 3 in, 4 out, code 222003',
    'raw 0',
    'empty c00000e8',
    'write 0',
    '2 bytes',
    // The queue is empty: the handler runs before the request counts as queued.
    'default',
    'again c0000010',
    'queued 0',
    'type 14, 1 in, 0 out, code 222004',
    'raw c0000010',
    'empty c00000e8',
    // NULL is nobody's memory.
    'write c0000005',
    'default',
    'again c0000010',
    'queued 0',
    'unload',
  ])
})
