/** Minifilters, over a file system that is a toy driver itself, through compiler, sandbox and kernel. */
import { describe, expect, test } from 'vitest'
import type { TraceEvent } from '../../shared/trace/event'
import { foldAll } from '../../shared/trace/fold'
import { driver, client } from './testing/snippets'
import { runProject } from './run'

/** One file of 64 bytes; everything that is opened is it. */
const RAM_FILE = driver(`
const NAME = RTL_CONSTANT_STRING('\\\\Device\\\\RamDisk')
const LINK = RTL_CONSTANT_STRING('\\\\??\\\\R:')
const DISK = struct('DISK', { Bytes: array(UCHAR, 64) })

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, sizeof(DISK), NAME, FILE_DEVICE_DISK_FILE_SYSTEM, 0, false, device)
  device.value.Flags |= DO_BUFFERED_IO
  const bytes = cast(DISK, device.value.DeviceExtension).Bytes
  for (let i = 0; i < 64; i++) bytes[i] = 0x61 + i % 26
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_READ] = Read
  DriverObject.DriverUnload = Unload
  return IoCreateSymbolicLink(LINK, NAME)
}
function Complete(Irp: IRP, Status: NTSTATUS, Information: number): NTSTATUS {
  Irp.IoStatus.Status = Status
  Irp.IoStatus.Information = Information
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return Status
}
function Succeed(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  return Complete(Irp, STATUS_SUCCESS, 0)
}
function Read(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  const read = IoGetCurrentIrpStackLocation(Irp).Parameters.Read
  const length = Math.min(read.Length, 64)
  DbgPrint('fs: read of %u\\n', read.Length)
  RtlCopyMemory(Irp.AssociatedIrp.SystemBuffer, cast(DISK, DeviceObject.DeviceExtension).Bytes, length)
  return Complete(Irp, STATUS_SUCCESS, length)
}
function Unload(DriverObject: DRIVER_OBJECT): void {
  IoDeleteSymbolicLink(LINK)
  IoDeleteDevice(DriverObject.DeviceObject)
}`)

/** A minifilter; `code` declares Pre and Post for reads, PreCreate, and what else it needs. */
const filter = (code: string, more = ''): string =>
  driver(`
let Filter: PVOID = null
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const operations = local(array(FLT_OPERATION_REGISTRATION, 3))
  operations[0].MajorFunction = IRP_MJ_CREATE
  operations[0].PreOperation = PreCreate
  operations[1].MajorFunction = IRP_MJ_READ
  operations[1].PreOperation = Pre
  operations[1].PostOperation = Post
  operations[2].MajorFunction = IRP_MJ_OPERATION_END
  const registration = local(FLT_REGISTRATION)
  registration.Size = sizeof(FLT_REGISTRATION)
  registration.Version = FLT_REGISTRATION_VERSION
  registration.OperationRegistration = cast(FLT_OPERATION_REGISTRATION, operations)
  registration.InstanceSetupCallback = Setup
  const filter = out<PVOID>()
  DriverObject.DriverUnload = Unload
  const status = FltRegisterFilter(DriverObject, registration, filter)
  if (!NT_SUCCESS(status)) return status
  Filter = filter.value
  ${more}
  return FltStartFiltering(Filter)
}
function Unload(DriverObject: DRIVER_OBJECT): void { FltUnregisterFilter(Filter) }
${code}`)

const QUIET = `
function Setup(FltObjects: FLT_RELATED_OBJECTS, Flags: ULONG, Type: ULONG, System: ULONG): NTSTATUS {
  return STATUS_SUCCESS
}
function PreCreate(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID): ULONG {
  return FLT_PREOP_SUCCESS_NO_CALLBACK
}
function Pre(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID): ULONG {
  return FLT_PREOP_SUCCESS_WITH_CALLBACK
}
function Post(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID, Flags: ULONG): ULONG {
  return FLT_POSTOP_FINISHED_PROCESSING
}`

const without = (code: string, ...names: string[]): string =>
  names.reduce(
    (text, name) => text.replace(new RegExp(`\\nfunction ${name}\\([\\s\\S]*?\\n}`), ''),
    code,
  )

const READER = client(`
export function main(): number {
  const file = CreateFile('R:\\\\secret\\\\plan.txt:stream', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  if (file === INVALID_HANDLE_VALUE) { printf('open failed %u\\n', GetLastError()); return 1 }
  const buffer = local(array(UCHAR, 9))
  const count = out<DWORD>()
  if (ReadFile(file, buffer, 8, count, null)) printf('%u bytes %s\\n', count.value, buffer)
  else printf('read failed %u\\n', GetLastError())
  CloseHandle(file)
  return 0
}`)

async function run(
  filters: [name: string, altitude: string, source: string][],
  program = READER,
): Promise<{
  printed: string[]
  stdout: string
  outcome: string
  leaks: unknown[]
  events: TraceEvent[]
}> {
  const drivers = [
    { name: 'RamDisk', entry: 'driver.ts' },
    ...filters.map(([name, Altitude]) => ({
      name,
      entry: `${name.toLowerCase()}.ts`,
      parameters: { Altitude },
    })),
  ]
  const sources = Object.fromEntries(
    filters.map(([name, , source]) => [`${name.toLowerCase()}.ts`, source]),
  )
  const files = {
    'driver.ts': RAM_FILE,
    ...sources,
    'client.ts': program,
    'scenario.json': JSON.stringify({ drivers }),
  }
  const events: TraceEvent[] = []
  const { report } = await runProject(
    { files, seed: 1, verifier: [], trace: 'full' },
    { onEvent: (event) => events.push(event) },
  )
  expect(report.diagnostics).toEqual([])
  return {
    events,
    printed: report.dbgPrint.map((text) => text.trim()),
    stdout: report.client?.stdout ?? '',
    outcome: report.outcome,
    leaks: report.leaks,
  }
}

const tracing = (name: string): string =>
  filter(`${without(QUIET, 'Pre', 'Post')}
function Pre(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID): ULONG {
  DbgPrint('${name} pre %u\\n', Data.Iopb.Parameters.Read.Length)
  Context.u64[0] = 7n
  return FLT_PREOP_SUCCESS_WITH_CALLBACK
}
function Post(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID, Flags: ULONG): ULONG {
  DbgPrint('${name} post %x %u %p\\n', Data.IoStatus.Status, Data.IoStatus.Information, Context)
  return FLT_POSTOP_FINISHED_PROCESSING
}`)

describe('minifilters', () => {
  test.each([
    ['and no DriverUnload', '', ['callback 1']],
    ['before its DriverUnload', 'DriverObject.DriverUnload = Unload', ['callback 1', 'driver']],
  ])('with a FilterUnloadCallback are unloaded by it, %s', async (_, set, expected) => {
    const source = filter(`${QUIET}
function Ended(Flags: ULONG): NTSTATUS {
  DbgPrint('callback %u\\n', Flags)
  FltUnregisterFilter(Filter)
  return STATUS_SUCCESS
}`)
      .replace('DriverObject.DriverUnload = Unload', set)
      .replace('.InstanceSetupCallback = Setup', '.FilterUnloadCallback = Ended')
      .replace('{ FltUnregisterFilter(Filter) }', "{ DbgPrint('driver\\n') }")
    const { printed, outcome, events } = await run([['Low', '45000', source]])
    expect(outcome).toBe('ok')
    expect(printed.filter((line) => !line.startsWith('fs:'))).toEqual(expected)
    expect(events.map(({ t }) => t)).toContain('minifilter.removed')
    expect(events.filter(({ t }) => t === 'verifier.warned')).toEqual([])
    expect(
      events.filter((event) => event.t === 'driver.unloaded').map(({ name }) => name),
    ).toContain('Low')
  })

  test('are asked from the highest altitude down, and told from the lowest up', async () => {
    const { printed, stdout, outcome, events } = await run([
      ['Low', '45000.5', tracing('low')],
      ['High', '320000', tracing('high')],
      ['Middle', '45000.51', tracing('middle')],
    ])
    expect([outcome, stdout]).toEqual(['ok', '8 bytes abcdefgh\n'])
    const context = '0000000000000007'
    expect(printed).toEqual([
      'high pre 8',
      'middle pre 8',
      'low pre 8',
      'fs: read of 8',
      `low post 0 8 ${context}`,
      `middle post 0 8 ${context}`,
      `high post 0 8 ${context}`,
    ])
    const called = events.filter((event) => event.t === 'minifilter.called')
    expect(
      called.filter(({ operation }) => operation === 3).map(({ name, phase }) => [name, phase]),
    ).toEqual([
      ...[
        ['High', 'pre'],
        ['Middle', 'pre'],
        ['Low', 'pre'],
      ],
      ...[
        ['Low', 'post'],
        ['Middle', 'post'],
        ['High', 'post'],
      ],
    ])
    const { minifilters } = foldAll(events, called.at(-1)!.seq).filtering
    expect(
      minifilters.map(({ name, started, called, instances }) => ({
        name,
        started,
        called,
        volumes: instances.map(({ volume }) => volume),
      })),
    ).toEqual(
      ['High', 'Middle', 'Low'].map((name) => ({
        name,
        started: true,
        called: 3,
        volumes: ['\\Device\\RamDisk'],
      })),
    )
    expect(foldAll(events).filtering.minifilters).toEqual([])
  })

  test('may refuse, and then nobody below sees the request', async () => {
    const guard = filter(`${without(QUIET, 'PreCreate')}
function PreCreate(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID): ULONG {
  const name = out<FLT_FILE_NAME_INFORMATION>()
  const options = FLT_FILE_NAME_NORMALIZED | FLT_FILE_NAME_QUERY_DEFAULT
  if (!NT_SUCCESS(FltGetFileNameInformation(Data, options, name))) return FLT_PREOP_SUCCESS_NO_CALLBACK
  FltParseFileNameInformation(name.value)
  DbgPrint('%wZ|%wZ|%wZ|%wZ|%wZ|%wZ\\n', name.value.Name, name.value.Volume, name.value.ParentDir,
    name.value.FinalComponent, name.value.Extension, name.value.Stream)
  FltReleaseFileNameInformation(name.value)
  Data.IoStatus.Status = STATUS_ACCESS_DENIED
  Data.IoStatus.Information = 0
  return FLT_PREOP_COMPLETE
}`)
    const { printed, stdout, leaks, events } = await run([['Guard', '100', guard]])
    const file = '\\secret\\plan.txt:stream'
    expect(events.filter((event) => event.t === 'minifilter.called')).toMatchObject([
      { phase: 'pre', operation: 0, file, result: 'FLT_PREOP_COMPLETE', status: '0xC0000022' },
    ])
    expect(stdout).toBe('open failed 5\n')
    expect(printed).toEqual([
      '\\Device\\RamDisk\\secret\\plan.txt:stream|\\Device\\RamDisk|\\secret\\|plan.txt:stream|txt|:stream',
    ])
    expect(leaks).toEqual([])
  })

  test('may change parameters on the way down and the result on the way up', async () => {
    const change = filter(`${without(QUIET, 'Pre', 'Post')}
function Pre(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID): ULONG {
  Data.Iopb.Parameters.Read.Length = 3
  FltSetCallbackDataDirty(Data)
  return FLT_PREOP_SUCCESS_WITH_CALLBACK
}
function Post(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID, Flags: ULONG): ULONG {
  Data.Iopb.Parameters.Read.ReadBuffer.u8[0] = 0x58
  return FLT_POSTOP_FINISHED_PROCESSING
}`)
    const { printed, stdout } = await run([['Change', '100', change]])
    expect(printed).toEqual(['fs: read of 3'])
    expect(stdout).toBe('3 bytes Xbc\n')
  })

  test('read a file below themselves', async () => {
    const reader = filter(`${without(QUIET, 'Pre')}
function Pre(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID): ULONG {
  const bytes = local(array(UCHAR, 5))
  const count = out<ULONG>()
  const status = FltReadFile(FltObjects.Instance, FltObjects.FileObject, 0n, 4, bytes, 0, count, null, null)
  DbgPrint('own read %x %u %s\\n', status, count.value, bytes)
  return FLT_PREOP_SUCCESS_NO_CALLBACK
}`)
    const { printed, stdout } = await run([
      ['Reader', '200', reader],
      ['Low', '100', tracing('low')],
    ])
    expect(stdout).toBe('8 bytes abcdefgh\n')
    expect(printed.filter((line) => !line.startsWith('low post'))).toEqual([
      'low pre 4',
      'fs: read of 4',
      'own read 0 4 abcd',
      'low pre 8',
      'fs: read of 8',
    ])
  })

  test('may not want a volume', async () => {
    const picky = filter(`${without(QUIET, 'Setup', 'Pre')}
function Setup(FltObjects: FLT_RELATED_OBJECTS, Flags: ULONG, Type: ULONG, System: ULONG): NTSTATUS {
  DbgPrint('setup type %u\\n', Type)
  return STATUS_FLT_DO_NOT_ATTACH
}
function Pre(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID): ULONG {
  DbgPrint('asked\\n')
  return FLT_PREOP_SUCCESS_NO_CALLBACK
}`)
    const { printed } = await run([['Picky', '100', picky]])
    expect(printed).toEqual(['setup type 8', 'fs: read of 8'])
  })

  test('allocate contexts of the kinds that they declared', async () => {
    const contexts = filter(
      QUIET,
      `
  const context = out<PVOID>()
  const kind = FltAllocateContext(Filter, FLT_FILE_CONTEXT, 16, NonPagedPoolNx, context)
  DbgPrint('%x\\n', kind)`,
    )
    const { printed } = await run([['Contexts', '100', contexts]])
    expect(printed[0]).toBe('c01c0016')
  })

  test.each([
    ['no altitude', {}, 'c0000034'],
    ['an altitude that is none', { Altitude: 'high' }, 'c000000d'],
  ])('do not register with %s', async (_name, parameters, status) => {
    const files = {
      'driver.ts': filter(QUIET),
      'scenario.json': JSON.stringify({
        drivers: [{ name: 'Filter', entry: 'driver.ts', parameters }],
      }),
    }
    const { report } = await runProject({ files, seed: 1, verifier: [], trace: 'off' })
    expect(report.driverEntry?.status.toLowerCase()).toBe(`0x${status}`)
  })

  test('of one altitude do not start twice', async () => {
    const drivers = ['One', 'Two'].map((name) => ({
      name,
      entry: 'driver.ts',
      parameters: { Altitude: 7 },
    }))
    const files = { 'driver.ts': filter(QUIET), 'scenario.json': JSON.stringify({ drivers }) }
    const { report } = await runProject({ files, seed: 1, verifier: [], trace: 'off' })
    expect(report.reason).toContain('0xC01C0011')
  })
})

describe('communication ports', () => {
  /** A filter with a port; `message` is what it does with one, besides answering STATUS_SUCCESS. */
  const withPort = (message: string): string =>
    filter(
      `${without(QUIET, 'Pre')}
let Server: PVOID = null
let Client: PVOID = null
const PORT = struct('PORT', { Client: PVOID })
const Holder = { at: null as PVOID }
function Connect(ClientPort: PVOID, Cookie: PVOID, Context: PVOID, Size: ULONG, ConnectionCookie: PVOID): NTSTATUS {
  DbgPrint('connected with %u bytes\\n', Size)
  Client = ClientPort
  return STATUS_SUCCESS
}
function Disconnect(Cookie: PVOID): void {
  DbgPrint('disconnected\\n')
  Client = null
}
function Message(Cookie: PVOID, Input: PVOID, InputLength: ULONG, Output: PVOID, OutputLength: ULONG, Returned: PVOID): NTSTATUS {
  ${message}
  return STATUS_SUCCESS
}
function Pre(Data: FLT_CALLBACK_DATA, FltObjects: FLT_RELATED_OBJECTS, Context: PVOID): ULONG {
  const port = local(PORT)
  port.Client = Client
  const text = local(array(UCHAR, 4))
  const reply = local(array(UCHAR, 8))
  const length = local(ULONG)
  text[0] = 0x68
  text[1] = 0x69
  length.u32[0] = 8
  const status = FltSendMessage(Filter, port, text, 3, reply, length, -10000000n)
  DbgPrint('reply %x %u %s\\n', status, length.u32[0], reply)
  return FLT_PREOP_SUCCESS_NO_CALLBACK
}`,
      `
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, RTL_CONSTANT_STRING('\\\\ToyPort'), OBJ_KERNEL_HANDLE, 0, null)
  const server = out<PVOID>()
  const created = FltCreateCommunicationPort(Filter, server, attributes, null, Connect, Disconnect, Message, 1)
  if (!NT_SUCCESS(created)) return created
  Server = server.value`,
    )

  const PORT = withPort(`Output.u8[0] = Input.u8[0] + 1
  Returned.u32[0] = 1`)

  test('carry messages both ways', async () => {
    const program = client(`
let Port: HANDLE = 0
function Serve(Parameter: PVOID): DWORD {
  const message = local(array(UCHAR, 64))
  if (FilterGetMessage(Port, message, 64, null) !== 0) return 1
  printf('message %s, reply of %u\\n', message.add(16), message.u32[0])
  message.u8[16] = 0x6f
  message.u8[17] = 0x6b
  message.u8[18] = 0
  printf('replied %x\\n', FilterReplyMessage(Port, message, 19))
  return 0
}
export function main(): number {
  const port = out<HANDLE>()
  printf('%x\\n', FilterConnectCommunicationPort('\\\\Nobody', 0, null, 0, null, port))
  printf('%x\\n', FilterConnectCommunicationPort('\\\\ToyPort', 0, 'context', 7, null, port))
  Port = port.value
  const bytes = local(array(UCHAR, 2))
  bytes[0] = 0x41
  const count = out<DWORD>()
  FilterSendMessage(Port, bytes, 1, bytes, 1, count)
  printf('%u byte %c\\n', count.value, bytes[0])
  const thread = CreateThread(null, 0, Serve, null, 0, null)
  const file = CreateFile('R:\\\\a', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  ReadFile(file, bytes, 1, count, null)
  WaitForSingleObject(thread, INFINITE)
  CloseHandle(thread)
  CloseHandle(file)
  CloseHandle(Port)
  return 0
}`)
    const { printed, stdout, outcome } = await run([['Port', '100', PORT]], program)
    expect(outcome).toBe('ok')
    expect(stdout.trim().split('\n')).toEqual([
      '80070002',
      '0',
      '1 byte B',
      'message hi, reply of 8',
      'replied 0',
    ])
    expect(printed).toEqual([
      'connected with 7 bytes',
      'reply 0 3 ok',
      'fs: read of 1',
      'disconnected',
    ])
  })

  /** Closes what the first byte of a message says. */
  const CLOSING = withPort(`
  if (Input.u8[0] === 1) FltCloseCommunicationPort(Server)
  if (Input.u8[0] === 2) {
    const port = local(PORT)
    port.Client = Client
    FltCloseClientPort(Filter, port)
    DbgPrint('closed %p\\n', port.Client)
  }
  DbgPrint('message %u\\n', Input.u8[0])`)
  const SAYING = `
let Port: HANDLE = 0
function Say(Byte: number): DWORD {
  const bytes = local(array(UCHAR, 1))
  bytes[0] = Byte
  return FilterSendMessage(Port, bytes, 1, bytes, 1, out<DWORD>())
}
function Connect(): DWORD {
  const port = out<HANDLE>()
  const result = FilterConnectCommunicationPort('\\\\ToyPort', 0, null, 0, null, port)
  if (result === 0) Port = port.value
  return result
}
function Wait(Parameter: PVOID): DWORD {
  const message = local(array(UCHAR, 64))
  printf('waited %x\\n', FilterGetMessage(Port, message, 64, null))
  return 0
}`

  test('that are closed keep who is connected, and let nobody else in', async () => {
    const program = client(`${SAYING}
export function main(): number {
  printf('%x\\n', Connect())
  printf('%x %x\\n', Say(1), Say(3))
  printf('%x\\n', Connect())
  return 0
}`)
    const { printed, stdout, outcome, leaks } = await run([['Port', '100', CLOSING]], program)
    expect(stdout.trim().split('\n')).toEqual(['0', '0 0', '80070002'])
    expect(printed).toEqual(['connected with 0 bytes', 'message 1', 'message 3', 'disconnected'])
    expect([outcome, leaks]).toEqual(['ok', []])
  })

  test('end a connection at the driver, which is told once, when the program closes its handle', async () => {
    const program = client(`${SAYING}
export function main(): number {
  Connect()
  const thread = CreateThread(null, 0, Wait, null, 0, null)
  Sleep(10)
  printf('%x\\n', Say(2))
  WaitForSingleObject(thread, INFINITE)
  printf('%x\\n', Say(3))
  CloseHandle(thread)
  CloseHandle(Port)
  printf('%x\\n', Connect())
  return 0
}`)
    const { printed, stdout, outcome } = await run([['Port', '100', CLOSING]], program)
    expect(stdout.trim().split('\n')).toEqual(['0', 'waited 80070006', '80070006', '0'])
    expect(printed).toEqual([
      'connected with 0 bytes',
      'closed 0000000000000000',
      'message 2',
      'disconnected',
      'connected with 0 bytes',
      'disconnected',
    ])
    expect(outcome).toBe('ok')
  })

  test('with nobody there are disconnected', async () => {
    const { printed } = await run([['Port', '100', PORT]])
    expect(printed[0]).toContain('reply c0000037')
  })
})
