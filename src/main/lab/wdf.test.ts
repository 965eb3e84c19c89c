/** Framework drivers (KMDF) through compiler, sandbox and kernel. */
import { describe, expect, test } from 'vitest'
import { control, ECHO, OPEN, runKmdf as run, SEQUENTIAL } from './testing/kmdf'
import { driver } from './testing/snippets'
import { runProject } from './run'

describe('requests', () => {
  const echo = control(
    `${SEQUENTIAL}
    queueConfig.EvtIoDeviceControl = Control
    queueConfig.EvtIoWrite = Write`,
    `
function Control(Queue: PVOID, Request: PVOID, OutputLength: ULONG, InputLength: ULONG, Code: ULONG): void {
  const input = out<PVOID>()
  const output = out<PVOID>()
  const length = out<SIZE_T>()
  let status = WdfRequestRetrieveInputBuffer(Request, 2, input, null)
  if (NT_SUCCESS(status)) status = WdfRequestRetrieveOutputBuffer(Request, 4, output, length)
  if (!NT_SUCCESS(status)) {
    WdfRequestComplete(Request, status)
    return
  }
  DbgPrint('%u in, %u out, code %x\\n', InputLength, length.value, Code)
  const first = input.value.u8[0]
  output.value.u8[0] = input.value.u8[1]
  output.value.u8[1] = first
  WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, 2)
}
function Write(Queue: PVOID, Request: PVOID, Length: ULONG): void {
  const input = out<PVOID>()
  WdfRequestRetrieveInputBuffer(Request, 1, input, null)
  const output = out<PVOID>()
  const wrong = WdfRequestRetrieveOutputBuffer(Request, 1, output, null)
  DbgPrint('write %c, output %x\\n', input.value.u8[0], wrong)
  WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, Length)
}`,
  )

  test('come with their buffers, and are completed', async () => {
    const { printed, stdout, outcome, leaks } = await run(
      echo,
      `
export function main(): number {
  const device = ${OPEN}
  const bytes = local(array(UCHAR, 4))
  const count = out<DWORD>()
  bytes[0] = 0x61
  bytes[1] = 0x62
  let done = DeviceIoControl(device, ${ECHO}, bytes, 2, bytes, 4, count, null)
  printf('%u %u %c%c\\n', done, count.value, bytes[0], bytes[1])
  done = DeviceIoControl(device, ${ECHO}, bytes, 1, bytes, 4, count, null)
  printf('%u %u\\n', done, GetLastError())
  done = WriteFile(device, bytes, 3, count, null)
  printf('%u %u\\n', done, count.value)
  done = WriteFile(device, bytes, 0, count, null)
  printf('%u %u\\n', done, count.value)
  done = ReadFile(device, bytes, 3, count, null)
  printf('%u %u\\n', done, GetLastError())
  CloseHandle(device)
  return 0
}`,
    )
    expect(stdout).toEqual(['1 2 ba', '0 122', '1 3', '1 0', '0 1'])
    expect(printed).toEqual(['2 in, 4 out, code 222000', 'write b, output c0000010', 'unload'])
    expect([outcome, leaks]).toEqual(['ok', []])
  })

  test('completed twice stop the machine', async () => {
    const { code } = await run(
      control(
        `${SEQUENTIAL}\n queueConfig.EvtIoDefault = Default`,
        `
function Default(Queue: PVOID, Request: PVOID): void {
  WdfRequestComplete(Request, STATUS_SUCCESS)
  WdfRequestComplete(Request, STATUS_SUCCESS)
}`,
      ),
      `
export function main(): number {
  DeviceIoControl(${OPEN}, ${ECHO}, null, 0, null, 0, out<DWORD>(), null)
  return 0
}`,
    )
    expect(code).toBe('0x0000010D')
  })
})

describe('queues', () => {
  /** Three overlapped requests, of which the driver completes the first when it is told to. */
  const keeping = (dispatch: string): string =>
    control(
      `WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(queueConfig, ${dispatch})
      queueConfig.EvtIoDefault = Default`,
      `
let Kept: PVOID = null
function Default(Queue: PVOID, Request: PVOID): void {
  DbgPrint('given\\n')
  if (Kept !== null) WdfRequestComplete(Kept, STATUS_SUCCESS)
  Kept = Request
}`,
    )
  const THREE = `
export function main(): number {
  const device = CreateFile('\\\\\\\\.\\\\Kmdf', GENERIC_READ, 0, null, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, null)
  const first = local(OVERLAPPED)
  const second = local(OVERLAPPED)
  const third = local(OVERLAPPED)
  const count = out<DWORD>()
  DeviceIoControl(device, ${ECHO}, null, 0, null, 0, null, first)
  DeviceIoControl(device, ${ECHO}, null, 0, null, 0, null, second)
  DeviceIoControl(device, ${ECHO}, null, 0, null, 0, null, third)
  CancelIoEx(device, second)
  printf('%x %x %x\\n', first.Internal, second.Internal, third.Internal)
  return 0
}`

  test('that are sequential give one at a time; what waits is cancelled without the driver', async () => {
    const { printed, stdout } = await run(keeping('WdfIoQueueDispatchSequential'), THREE)
    expect(printed.filter((line) => line === 'given')).toHaveLength(1)
    expect(stdout).toEqual(['103 c0000120 103'])
  })

  test('that are parallel give all', async () => {
    const { printed, stdout } = await run(keeping('WdfIoQueueDispatchParallel'), THREE)
    expect(printed.filter((line) => line === 'given')).toHaveLength(3)
    expect(stdout).toEqual(['0 0 103'])
  })

  test.each([
    ['a size that is wrong', 'queueConfig.Size = 4', '0xC0000004'],
    ['no way of giving', 'queueConfig.DispatchType = 0', '0xC000000D'],
  ])('are refused with %s', async (_name, line, status) => {
    const files = { 'driver.ts': control(`${SEQUENTIAL}\n ${line}`, '') }
    const { report } = await runProject({ files, seed: 1, verifier: [], trace: 'off' })
    expect(report.driverEntry?.status).toBe(status)
  })

  test('are there once by default', async () => {
    const source = control(
      SEQUENTIAL,
      '',
      `DbgPrint('%x\\n', WdfIoQueueCreate(device.value, queueConfig, null, null))`,
    )
    const { printed } = await run(source, 'export function main(): number { return 0 }')
    expect(printed).toEqual(['c0000001', 'unload'])
  })
})

test('memory, locks, work items and contexts live as long as their parent', async () => {
  const source = control(
    SEQUENTIAL,
    `
const TALLY = struct('TALLY', { Count: ULONG })
function Work(WorkItem: PVOID): void {
  DbgPrint('work at %u, parent %u\\n', KeGetCurrentIrql(), WdfWorkItemGetParentObject(WorkItem) !== null ? 1 : 0)
}
function Cleanup(Object: PVOID): void {
  DbgPrint('clean-up of %u\\n', cast(TALLY, WdfObjectGetTypedContext(Object)).Count)
}`,
    `
  const attributes = local(WDF_OBJECT_ATTRIBUTES)
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.ParentObject = device.value
  const workConfig = local(WDF_WORKITEM_CONFIG)
  WDF_WORKITEM_CONFIG_INIT(workConfig, Work)
  const item = out<PVOID>()
  DbgPrint('%x\\n', WdfWorkItemCreate(workConfig, attributes, item))
  WdfWorkItemEnqueue(item.value)
  attributes.ContextSizeOverride = sizeof(TALLY)
  attributes.EvtCleanupCallback = Cleanup
  const lock = out<PVOID>()
  DbgPrint('%x\\n', WdfSpinLockCreate(attributes, lock))
  cast(TALLY, WdfObjectGetTypedContext(lock.value)).Count = 7
  WdfSpinLockAcquire(lock.value)
  DbgPrint('locked at %u\\n', KeGetCurrentIrql())
  WdfSpinLockRelease(lock.value)
  const memory = out<PVOID>()
  const buffer = out<PVOID>()
  DbgPrint('%x\\n', WdfMemoryCreate(null, NonPagedPoolNx, 'fdmk', 64, memory, buffer))
  buffer.value.u8[63] = 1
  DbgPrint('%x\\n', WdfMemoryCreate(null, NonPagedPoolNx, 'fdmk', 0, memory, buffer))
  WdfObjectDelete(memory.value)`,
  )
  const { printed, leaks, outcome } = await run(
    source,
    'export function main(): number { Sleep(10); return 0 }',
  )
  expect(outcome).toBe('ok')
  expect([...printed].sort()).toEqual(
    [
      '0',
      '0',
      '0',
      'c000000d',
      'locked at 2',
      'work at 0, parent 1',
      'unload',
      'clean-up of 7',
    ].sort(),
  )
  expect([outcome, leaks]).toEqual(['ok', []])
})

test.each([
  ['NULL', 'WdfRequestComplete(null, STATUS_SUCCESS)', 4],
  ['a handle of another kind', 'WdfRequestComplete(device.value, STATUS_SUCCESS)', 5],
  ['a wild pointer', 'WdfObjectDelete(cast(PVOID, 0x1234))', 5],
])('%s stops the machine with 0x10D', async (_name, line, parameter) => {
  const files = { 'driver.ts': control(SEQUENTIAL, '', line) }
  const { report } = await runProject({ files, seed: 1, verifier: [], trace: 'off' })
  expect(report.bugcheck?.code).toBe('0x0000010D')
  expect(Number(report.bugcheck?.parameters[0])).toBe(parameter)
})

test('stacks name the image of the framework', async () => {
  const source = control(
    SEQUENTIAL,
    'function Cleanup(Object: PVOID): void { KeBugCheck(0xe2) }',
    `
  const attributes = local(WDF_OBJECT_ATTRIBUTES)
  WDF_OBJECT_ATTRIBUTES_INIT(attributes)
  attributes.EvtCleanupCallback = Cleanup
  const lock = out<PVOID>()
  WdfSpinLockCreate(attributes, lock)
  WdfObjectDelete(lock.value)`,
  )
  const files = { 'driver.ts': source }
  const { report } = await runProject({ files, seed: 1, verifier: [], trace: 'off' })
  const frames = report.dump?.processors[0]?.stack.map(({ frame }) => frame)
  expect(frames?.slice(0, 2)).toEqual(['toy!Cleanup', 'Wdf01000!WdfObjectDelete'])
})

test('a device in a stack sends requests to the one below', async () => {
  const source = driver(`
let Below: DEVICE_OBJECT | null = null
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const pdo = out<DEVICE_OBJECT>()
  const name = RTL_CONSTANT_STRING('\\\\Device\\\\Kmdf')
  IoCreateDevice(DriverObject, 0, name, FILE_DEVICE_UNKNOWN, 0, false, pdo)
  IoCreateSymbolicLink(RTL_CONSTANT_STRING('\\\\??\\\\Kmdf'), name)
  const config = local(WDF_DRIVER_CONFIG)
  WDF_DRIVER_CONFIG_INIT(config, Add)
  let status = WdfDriverCreate(DriverObject, RegistryPath, null, config, null)
  if (!NT_SUCCESS(status)) return status
  const again = WdfDriverCreate(DriverObject, RegistryPath, null, config, null)
  DbgPrint('again %x\\n', again)
  const dispatch = DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL]
  Framework = dispatch
  Below = pdo.value
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Split
  status = DriverObject.DriverExtension.AddDevice(DriverObject, pdo.value)
  return status
}
let Framework: any = null
function Split(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  if (DeviceObject !== Below) return Framework(DeviceObject, Irp)
  DbgPrint('below\\n')
  Irp.IoStatus.Status = STATUS_SUCCESS
  Irp.IoStatus.Information = 1
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}
function Add(Driver: PVOID, DeviceInit: PVOID): NTSTATUS {
  const init = local(array(PVOID, 1))
  init[0] = DeviceInit
  const device = out<PVOID>()
  const status = WdfDeviceCreate(init, null, device)
  if (!NT_SUCCESS(status)) return status
  const queueConfig = local(WDF_IO_QUEUE_CONFIG)
  ${SEQUENTIAL}
  queueConfig.EvtIoDeviceControl = Control
  return WdfIoQueueCreate(device.value, queueConfig, null, null)
}
function Control(Queue: PVOID, Request: PVOID, OutputLength: ULONG, InputLength: ULONG, Code: ULONG): void {
  const target = WdfDeviceGetIoTarget(WdfIoQueueGetDevice(Queue))
  const options = local(WDF_REQUEST_SEND_OPTIONS)
  options.Size = sizeof(WDF_REQUEST_SEND_OPTIONS)
  DbgPrint('without options %u %x\\n', WdfRequestSend(Request, target, null) ? 1 : 0, WdfRequestGetStatus(Request))
  if (OutputLength === 0) {
    options.Flags = WDF_REQUEST_SEND_OPTION_SEND_AND_FORGET
    WdfRequestSend(Request, target, options)
    return
  }
  options.Flags = WDF_REQUEST_SEND_OPTION_SYNCHRONOUS
  const sent = WdfRequestSend(Request, target, options)
  DbgPrint('sent %u %x\\n', sent ? 1 : 0, WdfRequestGetStatus(Request))
  WdfRequestCompleteWithInformation(Request, STATUS_SUCCESS, 4)
}`)
  const { printed, stdout } = await run(
    source,
    `
export function main(): number {
  const device = ${OPEN}
  const bytes = local(array(UCHAR, 4))
  const count = out<DWORD>()
  DeviceIoControl(device, ${ECHO}, null, 0, bytes, 4, count, null)
  printf('%u\\n', count.value)
  DeviceIoControl(device, ${ECHO}, null, 0, null, 0, count, null)
  printf('%u\\n', count.value)
  return 0
}`,
  )
  expect(stdout).toEqual(['4', '1'])
  expect(printed).toEqual([
    'again c0000183',
    'without options 0 c0000010',
    'below',
    'sent 1 0',
    'without options 0 c0000010',
    'below',
  ])
})
