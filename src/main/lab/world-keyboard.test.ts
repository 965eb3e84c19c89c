/** The keyboard of the small Windows: from the key to the program in front, and who stands in between. */
import { expect, test } from 'vitest'
import { client, driver } from './testing/snippets'
import { runWorld as run } from './testing/world'

const NOTEPAD = { name: 'notepad.exe', entry: 'world/notepad.ts' }
const typed = (text: string) => [
  { do: 'wait', milliseconds: 10 },
  { do: 'type', text },
]

/** Prints the file that notepad saved, when it is there and not open any more. */
const READER = client(`
export function main(): number {
  const name = 'C:\\\\Users\\\\student\\\\Documents\\\\note.txt'
  let file = INVALID_HANDLE_VALUE
  for (let i = 0; i < 100; i++) {
    Sleep(50)
    file = CreateFile(name, GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
    if (file !== INVALID_HANDLE_VALUE) break
  }
  const bytes = local(array(UCHAR, 100))
  const n = out<DWORD>()
  ReadFile(file, bytes, 99, n, null)
  printf('%s', bytes)
  return 0
}`)

test('what is typed reaches notepad, which saves it', async () => {
  const { report, written, events } = await run(
    {
      programs: [NOTEPAD, { name: 'reader.exe', entry: 'reader.ts' }],
      steps: typed('Hello, World!\n2b\n\n'),
    },
    { 'reader.ts': READER },
  )
  expect(report.outcome).toBe('ok')
  expect(written.map((line) => line.replace('\r', ''))).toEqual([
    'notepad: 2 lines saved\n',
    'Hello, World!\n',
    '2b\n',
  ])
  expect(events.find(({ t }) => t === 'input.delivered')).toMatchObject({
    name: 'notepad.exe',
    text: 'Hello, World!\r\n',
  })
})

test('keys typed before anybody reads wait; Backspace takes one back; Ctrl+Z ends', async () => {
  const { written, events } = await run({
    programs: [NOTEPAD],
    steps: [{ do: 'type', text: 'ab\bc\nlast\u001a' }],
  })
  expect(written).toEqual(['notepad: 1 lines saved\n'])
  const lines = events.flatMap((event) => (event.t === 'input.delivered' ? [event.text] : []))
  expect(lines).toEqual(['ac\r\n', 'last\u001a'])
})

/** Begins to read after 200 milliseconds. */
const LATE = client(`
export function main(): number {
  Sleep(200)
  const line = local(array(UCHAR, 40))
  const n = out<DWORD>()
  ReadConsole(GetStdHandle(STD_INPUT_HANDLE), line, 20, n, null)
  return 0
}`)

test('half a line stays with the program it was typed for', async () => {
  const { events } = await run(
    {
      programs: [
        { ...NOTEPAD, resident: true },
        { name: 'late.exe', entry: 'late.ts' },
      ],
      steps: [...typed('half'), { do: 'wait', milliseconds: 400 }, { do: 'type', text: 'own\n' }],
    },
    { 'late.ts': LATE },
  )
  const lines = events.flatMap((event) =>
    event.t === 'input.delivered' ? [[event.name, event.text]] : [],
  )
  expect(lines).toEqual([['late.exe', 'own\r\n']])
})

test('a program that waits for keys can be ended', async () => {
  const { report, state } = await run({
    programs: [{ ...NOTEPAD, resident: true }],
    steps: [{ do: 'wait', milliseconds: 100 }],
  })
  expect(report.outcome).toBe('ok')
  expect(state.processes.find(({ name }) => name === 'notepad.exe')?.exitCode).toBe(0x4001_0004)
  expect(state.irps.filter(({ phase }) => phase === 'pending')).toHaveLength(1)
})

/** Attaches above the keyboard and prints the code of every key that goes down. */
const LOGGER = driver(`
let Lower: DEVICE_OBJECT = null
let Own: DEVICE_OBJECT = null
let Pending: LONG = 0
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  for (let i = 0; i <= IRP_MJ_MAXIMUM_FUNCTION; i++) DriverObject.MajorFunction[i] = Pass
  DriverObject.MajorFunction[IRP_MJ_READ] = Read
  const device = out<DEVICE_OBJECT>()
  IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_KEYBOARD, 0, false, device)
  Own = device.value
  Own.Flags |= DO_BUFFERED_IO
  const lower = out<DEVICE_OBJECT>()
  const status = IoAttachDevice(Own, RTL_CONSTANT_STRING('\\\\Device\\\\KeyboardClass0'), lower)
  Lower = lower.value
  Own.Flags &= ~DO_DEVICE_INITIALIZING
  return status
}
function Pass(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(Lower, Irp)
}
function Read(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  IoCopyCurrentIrpStackLocationToNext(Irp)
  IoSetCompletionRoutine(Irp, Done, null, true, true, true)
  return IoCallDriver(Lower, Irp)
}
function Done(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  if (Irp.PendingReturned) IoMarkIrpPending(Irp)
  if (NT_SUCCESS(Irp.IoStatus.Status)) {
    const key = cast(KEYBOARD_INPUT_DATA, Irp.AssociatedIrp.SystemBuffer)
    if (key.Flags === KEY_MAKE) DbgPrint('%02x at %u\\n', key.MakeCode, KeGetCurrentIrql())
  }
  return STATUS_SUCCESS
}`)

test('a filter above the keyboard sees the keys, and the program in front still gets them', async () => {
  const { report, written } = await run(
    {
      programs: [NOTEPAD],
      drivers: [{ name: 'logger', entry: 'driver.ts' }],
      steps: typed('hi\n\n'),
      unload: false,
    },
    { 'driver.ts': LOGGER },
  )
  expect(report.outcome).toBe('ok')
  expect(written).toEqual(['notepad: 1 lines saved\n'])
  // The read that was pending before the filter came belongs to the class driver alone.
  expect(report.dbgPrint).toEqual(['17 at 2', '1c at 2', '1c at 2'])
})

test('a driver that waits for ever is told as that: the read of the keyboard waits with every machine', async () => {
  const stuck = driver(`
const OWN = struct('OWN', { Event: KEVENT })
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const own = cast(OWN, ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(OWN), 'kctS'))
  KeInitializeEvent(own.Event, NotificationEvent, false)
  KeWaitForSingleObject(own.Event, Executive, KernelMode, false, null)
  return STATUS_SUCCESS
}`)
  const { report } = await run(
    { drivers: [{ name: 'stuck', entry: 'driver.ts' }] },
    { 'driver.ts': stuck },
  )
  expect(report.outcome).toBe('hang')
  expect(report.reason).toContain('for an event at')
})

test('a bare machine has no keyboard', async () => {
  const { report } = await run({ world: undefined, steps: [{ do: 'type', text: 'x' }] })
  expect(report.outcome).toBe('limit')
  expect(report.reason).toContain('only "world": "windows" has a keyboard')
})

/** Sends a read of its own to the keyboard, does `then` with the packet, and `before` what comes first. */
const reader = (buffer: string, then: string, before = '', routines = ''): string =>
  driver(`${routines}
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const file = out<FILE_OBJECT>()
  const device = out<DEVICE_OBJECT>()
  const name = RTL_CONSTANT_STRING('\\\\Device\\\\KeyboardClass0')
  IoGetDeviceObjectPointer(name, FILE_READ_DATA, file, device)
  const irp = IoAllocateIrp(device.value.StackSize, false)
  const next = IoGetNextIrpStackLocation(irp)
  next.MajorFunction = IRP_MJ_READ
  next.Parameters.Read.Length = 240
  irp.AssociatedIrp.SystemBuffer = ${buffer}
  ${before}
  IoCallDriver(device.value, irp)
  ${then}
  return STATUS_SUCCESS
}`)

test.each([
  ['without a buffer', 'null', '', '0x0000000A'],
  [
    'that is freed',
    "ExAllocatePool2(POOL_FLAG_NON_PAGED, 240, 'eyeT')",
    'IoFreeIrp(irp)',
    '0x00000050',
  ],
])('a pending read %s stops the machine when a key comes', async (_, buffer, then, code) => {
  const { report } = await run(
    {
      drivers: [{ name: 'reader', entry: 'driver.ts' }],
      steps: [{ do: 'type', text: 'ab' }],
      unload: false,
    },
    { 'driver.ts': reader(buffer, then) },
  )
  expect(report.outcome).toBe('bugcheck')
  expect(report.bugcheck?.code).toBe(code)
})

test('a read that was cancelled before it came is completed as that, and takes no keys', async () => {
  const source = reader(
    'null',
    '',
    'IoSetCompletionRoutine(irp, Done, null, true, true, true)\n  IoCancelIrp(irp)',
    `
function Done(DeviceObject: DEVICE_OBJECT, Irp: IRP, Context: PVOID): NTSTATUS {
  DbgPrint('read ended with %x\\n', Irp.IoStatus.Status)
  return STATUS_MORE_PROCESSING_REQUIRED
}
`,
  )
  const { report } = await run(
    {
      drivers: [{ name: 'reader', entry: 'driver.ts' }],
      steps: [{ do: 'type', text: 'ab' }],
      unload: false,
    },
    { 'driver.ts': source },
  )
  expect(report.dbgPrint).toEqual(['read ended with c0000120'])
  expect(report.outcome).toBe('ok')
})
