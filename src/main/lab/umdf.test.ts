/** UMDF drivers: in a host process, reached by messages, and ended without the machine. */
import { describe, expect, test } from 'vitest'
import type { RunReport } from '../../shared/contract/model'
import type { TraceEvent } from '../../shared/trace/event'
import { readSamples, runSample } from './testing/samples'
import { client, driver } from './testing/snippets'
import { runProject } from './run'

/** A UMDF driver for `\\.\Umdf`; `control` is what EvtIoDeviceControl does. */
const umdf = (control: string, queue = 'WdfIoQueueDispatchParallel'): string =>
  driver(`
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, Add)
  return WdfDriverCreate(DriverObject, RegistryPath, null, config, null)
}
function Add(Driver: PVOID, DeviceInit: PVOID): NTSTATUS {
  const init = local(array(PVOID, 1))
  init[0] = DeviceInit
  const device = out<PVOID>()
  const attributes = local(WDF_OBJECT_ATTRIBUTES)
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.EvtCleanupCallback = Cleanup
  const status = WdfDeviceCreate(init, attributes, device)
  if (!NT_SUCCESS(status)) return status
  const queueConfig = local(WDF_IO_QUEUE_CONFIG)
  WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queueConfig, ${queue})
  queueConfig.EvtIoDeviceControl = Control
  WdfIoQueueCreate(device.value, queueConfig, null, null)
  return WdfDeviceCreateSymbolicLink(device.value, RTL_CONSTANT_STRING('\\\\DosDevices\\\\Global\\\\Umdf'))
}
function Cleanup(Object: PVOID): void { DbgPrint('device gone\\n') }
function Control(Queue: PVOID, Request: PVOID, OutputLength: ULONG, InputLength: ULONG, Code: ULONG): void {
  ${control}
}`)

const SCENARIO = {
  drivers: [{ name: 'Umdf', entry: 'driver.ts', umdf: true }],
  devices: [{ id: 'ROOT\\Umdf', service: 'Umdf', plugged: true }],
}
const CODE = (n: number): string => `CTL_CODE(0x22, 0x80${n}, METHOD_BUFFERED, FILE_ANY_ACCESS)`
const OPEN = `CreateFile('\\\\\\\\.\\\\Umdf', GENERIC_READ, 0, null, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, null)`

async function run(
  source: string,
  program = 'export function main(): number { return 0 }',
  scenario: unknown = SCENARIO,
  verifier = ['standard'],
): Promise<{ report: RunReport; events: TraceEvent[]; stdout: string[]; printed: string[] }> {
  const events: TraceEvent[] = []
  const files = {
    'driver.ts': source,
    'client.ts': client(program),
    'scenario.json': JSON.stringify(scenario),
  }
  const { report } = await runProject(
    { files, seed: 1, verifier, trace: 'full' },
    { onEvent: (event) => events.push(event) },
  )
  const stdout = (report.client?.stdout ?? '').trim().split('\n')
  return { report, events, stdout, printed: report.dbgPrint.map((text) => text.trim()) }
}

test('the echo device gives the same answers in WDM, KMDF and UMDF', async () => {
  const samples = readSamples().filter(({ slug }) => /^(ioctl|kmdf|umdf)-echo$/.test(slug))
  const answers = []
  for (const { files } of samples) answers.push((await runSample(files)).report.client)
  expect(answers).toHaveLength(3)
  expect(answers[0]?.stdout).toContain('BUFFERED: 6 bytes back')
  expect(answers[1]).toEqual(answers[0])
  expect(answers[2]).toEqual(answers[0])
})

describe('a host process', () => {
  const LAST = `
export function main(): number {
  const count = out<DWORD>()
  const request = local(OVERLAPPED)
  for (let i = 0; i < 8; i++) {
    const device = CreateFile('\\\\\\\\.\\\\Umdf', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
    if (device === INVALID_HANDLE_VALUE) printf('gone\\n')
    else if (!DeviceIoControl(device, ${CODE(0)}, null, 0, null, 0, count, null)) printf('%u\\n', GetLastError())
    CloseHandle(device)
    Sleep(100)
  }
  return 0
}`

  test.each([
    ['reads through NULL', 'cast(PVOID, 0).u8[0] = 1', '0xC0000005'],
    [
      'reads memory of the kernel',
      'DbgPrint("%u\\n", cast(PVOID, 0xFFFFF80700101000n).u8[0])',
      '0xC0000005',
    ],
    ['gives a handle that is none', 'WdfRequestComplete(Queue, STATUS_SUCCESS)', '0xC0000008'],
    [
      'completes twice',
      'WdfRequestComplete(Request, STATUS_SUCCESS)\nWdfRequestComplete(Request, STATUS_SUCCESS)',
      '0xC0000008',
    ],
  ])('ends when its driver %s, five times, and the machine lives', async (_what, line, code) => {
    const { report, events, stdout } = await run(umdf(line), LAST)
    expect(report.diagnostics).toEqual([])
    expect([report.outcome, report.leaks]).toEqual(['ok', []])
    const ends = events.flatMap((event) => (event.t === 'wdf.host.ended' ? [event.code] : []))
    expect(ends).toEqual(Array.from({ length: 6 }, () => code))
    expect(events.filter(({ t }) => t === 'wdf.device.failed')).toHaveLength(1)
    // The sixth host was the last one.
    expect(stdout.slice(-2)).toEqual(['gone', 'gone'])
    const problem = events.find(({ t }) => t === 'devnode.problem')
    expect(problem).toMatchObject({ problem: 'CM_PROB_FAILED_POST_START' })
  })

  test('ends with the status of a driver that adds no device', async () => {
    const source = umdf('').replace(/return WdfDeviceCreateSymbolicLink.*/, 'return 0xC0000001')
    const { report, events } = await run(source, LAST)
    expect(report.outcome).toBe('ok')
    expect(events.filter(({ t }) => t === 'wdf.host.started')).toHaveLength(1)
    expect(events.find(({ t }) => t === 'devnode.problem')).toMatchObject({
      problem: 'CM_PROB_FAILED_ADD',
    })
  })
})

test('what waits in a host is cancelled without its driver; what that keeps, it keeps', async () => {
  const { report, events, stdout, printed } = await run(
    umdf(`DbgPrint('given %x\\n', Code)`, 'WdfIoQueueDispatchSequential'),
    `
export function main(): number {
  const device = ${OPEN}
  const kept = local(OVERLAPPED)
  const waits = local(OVERLAPPED)
  DeviceIoControl(device, ${CODE(0)}, null, 0, null, 0, null, kept)
  DeviceIoControl(device, ${CODE(1)}, null, 0, null, 0, null, waits)
  Sleep(10)
  CancelIoEx(device, waits)
  Sleep(10)
  printf('%x %x\\n', kept.Internal, waits.Internal)
  return 0
}`,
    SCENARIO,
    [],
  )
  expect(stdout).toEqual(['103 c0000120'])
  expect(printed).toEqual(['given 222000'])
  // The program ends only when its packet is back, and the driver never gives it.
  expect(report.outcome).toBe('hang')
  expect(events.filter(({ t }) => t === 'wdf.request.cancelled')).toHaveLength(1)
})

test('what a host has no room for never reaches its driver, and the next request does', async () => {
  const { report, stdout } = await run(
    umdf('WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, InputLength)'),
    `
export function main(): number {
  const device = CreateFile('\\\\\\\\.\\\\Umdf', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  const count = out<DWORD>()
  const bytes = VirtualAlloc(null, 0x180000, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE)
  for (let length = 0x180000; length > 8; length >>= 16)
    printf('%d %u %x\\n', DeviceIoControl(device, ${CODE(0)}, bytes, length, bytes, length, count, null), GetLastError(), count.value)
  return 0
}`,
  )
  expect(report.diagnostics).toEqual([])
  expect(stdout).toEqual(['0 1450 0', '1 1450 18'])
  expect([report.outcome, report.leaks]).toEqual(['ok', []])
})

test('a host that says it answered more than there is room for spoils nothing', async () => {
  const { report, stdout } = await run(
    umdf('WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, 0xFFFFFFFFFFFFn)'),
    `
export function main(): number {
  const device = CreateFile('\\\\\\\\.\\\\Umdf', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  const count = out<DWORD>()
  const bytes = local(array(DWORD, 4))
  for (let method = 0; method < 4; method++) {
    const code = CTL_CODE(0x22, 0x800, method, FILE_ANY_ACCESS)
    printf('%d %u\\n', DeviceIoControl(device, code, bytes, 8, bytes, 16, count, null), count.value)
  }
  printf('%d %u\\n', DeviceIoControl(device, ${CODE(0)}, bytes, 8, null, 0, count, null), count.value)
  return 0
}`,
  )
  expect(report.diagnostics).toEqual([])
  expect(stdout).toEqual(['1 16', '1 16', '1 16', '1 16', '1 8'])
  expect([report.outcome, report.leaks]).toEqual(['ok', []])
})

describe('refused are', () => {
  test('routines of the kernel, with what to do instead', async () => {
    const { report } = await run(umdf('KeGetCurrentIrql()\nWdfDeviceWdmGetDeviceObject(Queue)'))
    expect(report.outcome).toBe('compile-error')
    expect(report.diagnostics.map(({ code, message }) => [code, message])).toEqual([
      ['DSL045', expect.stringContaining('KeGetCurrentIrql')],
      ['DSL045', 'WdfDeviceWdmGetDeviceObject is there in KMDF only.'],
    ])
    expect(report.diagnostics[0]?.hint).toContain('"umdf"')
  })

  test('drivers that no device has', async () => {
    const { report } = await run(umdf(''), undefined, { drivers: SCENARIO.drivers })
    expect(report.diagnostics[0]).toMatchObject({ file: 'scenario.json', line: 1 })
    expect(report.diagnostics[0]?.hint).toContain('"service": "Umdf"')
  })
})
