/** Framework drivers in real device stacks, and requests that are cancelled at bad moments. */
import { expect, test } from 'vitest'
import type { TraceEvent } from '../../shared/trace/event'
import { foldAll } from '../../shared/trace/fold'
import { driver } from './testing/snippets'
import { runProject } from './run'

/** A function driver of the framework for TOY\Lamp, whose manual queue keeps what comes. */
const lamp = (result = 'STATUS_SUCCESS'): string =>
  driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, Add)
  return WdfDriverCreate(DriverObject, RegistryPath, null, config, null)
}
function Add(Driver: PVOID, DeviceInit: PVOID): NTSTATUS {
  const init = local(array(PVOID, 1))
  init[0] = DeviceInit
  const attributes = local(WDF_OBJECT_ATTRIBUTES)
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.EvtCleanupCallback = Cleanup
  const device = out<PVOID>()
  const status = WdfDeviceCreate(init, attributes, device)
  if (!NT_SUCCESS(status)) return status
  const guid = local(GUID)
  guid.Data1 = 0x1a2b3c4d
  guid.Data2 = 0x5e6f
  guid.Data3 = 0x4711
  guid.add(8).u64[0] = 0x0100000000000000n
  WdfDeviceCreateDeviceInterface(device.value, guid, null)
  const queueConfig = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queueConfig, WdfIoQueueDispatchManual)
  WdfIoQueueCreate(device.value, queueConfig, null, null)
  return ${result}
}
function Cleanup(Object: PVOID): void { DbgPrint('device gone\\n') }
`)

async function run(
  source: string,
  steps: unknown[],
  verifier: string[] = [],
): Promise<{ events: TraceEvent[]; printed: string[]; outcome: string; leaks: unknown[] }> {
  const events: TraceEvent[] = []
  const scenario = {
    drivers: [{ name: 'Lamp', entry: 'driver.ts' }],
    ...(steps.length > 0 && {
      devices: [{ id: 'TOY\\Lamp', service: 'Lamp', description: 'Toy lamp' }],
    }),
    steps,
  }
  const files = { 'driver.ts': source, 'scenario.json': JSON.stringify(scenario) }
  const { report } = await runProject(
    { files, seed: 1, verifier, trace: 'full' },
    { onEvent: (event) => events.push(event) },
  )
  expect(report.diagnostics).toEqual([])
  const printed = report.dbgPrint.map((text) => text.trim())
  return { events, printed, outcome: report.outcome, leaks: report.leaks }
}

const PLUG = { do: 'plug', device: 'TOY\\Lamp', as: 'lamp' }
const OPEN = {
  do: 'openInterface',
  interface: '{1a2b3c4d-5e6f-4711-0000-000000000001}',
  overlapped: true,
}
const KEPT = { do: 'ioctl', code: '0x222000' }

const states = (events: TraceEvent[]): string[] =>
  events.flatMap((event) =>
    event.t === 'devnode.state' && event.devnode.startsWith('TOY') ? [event.to.slice(10)] : [],
  )

test('PnP and power packets pass a framework driver, without a word of the verifier', async () => {
  const { events, printed, outcome, leaks } = await run(
    lamp(),
    [
      PLUG,
      { do: 'power', to: 'sleep' },
      { do: 'power', to: 'wake' },
      { do: 'restart', device: 'lamp' },
      { do: 'unplug', device: 'lamp' },
    ],
    ['io', 'standard'],
  )
  expect([outcome, leaks]).toEqual(['ok', []])
  expect(states(events)).toEqual([
    'Initialized',
    'DriversAdded',
    'ResourcesAssigned',
    'Started',
    'QueryStopped',
    'Stopped',
    'Started',
    'QueryRemoved',
    'Removed',
    'Deleted',
  ])
  expect(printed).toEqual(['device gone'])
})

test('a device that is pulled out lets go of what waits in its queue', async () => {
  const { events, outcome, leaks } = await run(lamp(), [
    PLUG,
    OPEN,
    KEPT,
    { do: 'surpriseRemove', device: 'lamp' },
    KEPT,
    { do: 'close' },
  ])
  const statuses = events.flatMap((event) =>
    event.t === 'irp.completed' && event.status.startsWith('0xC') ? [event.status] : [],
  )
  expect(statuses).toContain('0xC0000120')
  const told = events.flatMap(({ t }) => (/^wdf\.(queue|request)/.test(t) ? [t.slice(4)] : []))
  expect(told).toEqual([
    ...['queue.created', 'request.queued', 'queue.purged', 'request.cancelled'],
    'queue.deleted',
  ])
  const queued = events.find(({ t }) => t === 'wdf.request.queued')!
  expect(foldAll(events, queued.seq).filtering.queues).toMatchObject([
    { dispatch: 'manual', isDefault: true, purged: false, presented: [] },
  ])
  expect(foldAll(events, queued.seq).filtering.queues[0]?.waiting).toHaveLength(1)
  expect(foldAll(events).filtering.queues).toEqual([])
  expect([outcome, leaks]).toEqual(['ok', []])
})

test('a driver that fails after it made its device leaves none in the stack', async () => {
  const { events, printed, leaks } = await run(lamp('STATUS_UNSUCCESSFUL'), [PLUG])
  expect(printed).toEqual(['device gone'])
  expect(states(events)).not.toContain('Started')
  expect(events.filter(({ t }) => t === 'device.detached')).toHaveLength(1)
  expect(leaks).toEqual([])
})

/** A control device with a manual queue; `code` sends it `irp`, whose end it sees in `event` and `iosb`. */
const sending = (code: string): string =>
  driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, null)
  config.DriverInitFlags = WdfDriverInitNonPnpDriver
  config.EvtDriverUnload = Unload
  const handle = out<PVOID>()
  WdfDriverCreate(DriverObject, RegistryPath, null, config, handle)
  const init = local(array(PVOID, 1))
  init[0] = WdfControlDeviceInitAllocate(handle.value, RTL_CONSTANT_STRING('D:P'))
  const device = out<PVOID>()
  WdfDeviceCreate(init, null, device)
  const queueConfig = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queueConfig, WdfIoQueueDispatchManual)
  const queue = out<PVOID>()
  WdfIoQueueCreate(device.value, queueConfig, null, queue)
  WdfControlFinishInitializing(device.value)
  const target = WdfDeviceWdmGetDeviceObject(device.value)
  const event = local(KEVENT)
  const iosb = local(IO_STATUS_BLOCK)
  KeInitializeEvent(event, NotificationEvent, false)
  const irp = IoBuildDeviceIoControlRequest(0x222000, target, null, 0, null, 0, false, event, iosb)
  ${code}
  KeWaitForSingleObject(event, Executive, KernelMode, false, null)
  DbgPrint('%x\\n', iosb.Status)
  return STATUS_SUCCESS
}
function Unload(Driver: PVOID): void {}
`)

test('a packet that is cancelled before it comes is not kept', async () => {
  const { printed, outcome } = await run(
    sending(`
  IoCancelIrp(irp)
  DbgPrint('%x\\n', IofCallDriver(target, irp))`),
    [],
  )
  expect([printed, outcome]).toEqual([['103', 'c0000120'], 'ok'])
})

test("a request whose cancel routine was taken is that routine's to end", async () => {
  const { printed, outcome } = await run(
    sending(`
  IofCallDriver(target, irp)
  const cancel = IoSetCancelRoutine(irp, null)
  DbgPrint('%x\\n', WdfIoQueueRetrieveNextRequest(queue.value, out<PVOID>()))
  const irql = out<KIRQL>()
  IoAcquireCancelSpinLock(irql)
  irp.CancelIrql = irql.value
  cancel(target, irp)
  DbgPrint('%x\\n', WdfIoQueueRetrieveNextRequest(queue.value, out<PVOID>()))`),
    [],
  )
  expect([printed, outcome]).toEqual([['8000001a', '8000001a', 'c0000120'], 'ok'])
})
