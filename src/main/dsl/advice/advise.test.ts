import { describe, expect, test } from 'vitest'
import { ADVICE, type AdviceCode } from './rules'
import { adviceFor, applyFix, driver, errorsOf } from './testing'

interface Case {
  code: AdviceCode
  name: string
  /** Text of the line that is marked. */
  at: string
  source: string
  /** Whether a quick fix is offered. */
  fix?: true
}

const ALLOCATE = "  extension.Text = ExAllocatePool2(POOL_FLAG_PAGED, 16, 'tseT')"
const DPC = (body: string): string => `
function Tick(Dpc: KDPC, DeferredContext: PVOID, A: PVOID, B: PVOID): void {
  const extension = cast(EXTENSION, DeferredContext)
${body}
}
`
const USE_DPC =
  '  KeInitializeDpc(extension.Dpc, Tick, extension)\n  return Complete(Irp, STATUS_SUCCESS)'

const cases: Case[] = [
  {
    code: 'WDM001',
    name: 'a field of a completed request is read',
    at: 'const size = Irp.IoStatus.Information',
    source: driver(`  Complete(Irp, STATUS_SUCCESS)
  const size = Irp.IoStatus.Information
  DbgPrint('%u\\n', size)
  return STATUS_SUCCESS`),
  },
  {
    code: 'WDM001',
    name: 'a stack location of a completed request is read',
    at: "DbgPrint('%u\\n', stack.MajorFunction)",
    source: driver(`  const stack = IoGetCurrentIrpStackLocation(Irp)
  const status = Complete(Irp, STATUS_SUCCESS)
  DbgPrint('%u\\n', stack.MajorFunction)
  return status`),
  },
  {
    code: 'WDM002',
    name: 'completed in a branch and after it',
    at: 'IoCompleteRequest(Irp, IO_NO_INCREMENT)',
    source: driver(`  Irp.IoStatus.Status = STATUS_SUCCESS
  if (IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl.IoControlCode === 1) Complete(Irp, STATUS_SUCCESS)
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS`),
  },
  {
    code: 'WDM003',
    name: 'queued and not marked',
    at: 'return STATUS_PENDING',
    fix: true,
    source: driver(`  InsertTailList(extension.Queue, Irp.Tail.Overlay.ListEntry)
  return STATUS_PENDING`),
  },
  {
    code: 'WDM004',
    name: 'marked, and another status returned',
    at: 'return STATUS_SUCCESS',
    source: driver(`  IoMarkIrpPending(Irp)
  InsertTailList(extension.Queue, Irp.Tail.Overlay.ListEntry)
  return STATUS_SUCCESS`),
  },
  {
    code: 'WDM005',
    name: 'a way out that forgets the request',
    at: 'if (code !== 1) return STATUS_INVALID_PARAMETER',
    fix: true,
    source:
      driver(`  const code = IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl.IoControlCode
  if (code !== 1) return STATUS_INVALID_PARAMETER
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM006',
    name: 'completed with one status, another returned',
    at: 'return STATUS_SUCCESS',
    fix: true,
    source: driver(`  Irp.IoStatus.Status = STATUS_ACCESS_DENIED
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS`),
  },
  {
    code: 'WDM007',
    name: 'a way out with the lock',
    at: 'if (extension.Pending !== null) return STATUS_PENDING',
    fix: true,
    source: driver(`  const irql = out<KIRQL>()
  IoMarkIrpPending(Irp)
  KeAcquireSpinLock(extension.Lock, irql)
  if (extension.Pending !== null) return STATUS_PENDING
  extension.Pending = Irp
  KeReleaseSpinLock(extension.Lock, irql.value)
  return STATUS_PENDING`),
  },
  {
    code: 'WDM007',
    name: 'a cancel routine that keeps the cancel spin lock',
    at: '}',
    source: driver(
      `  IoSetCancelRoutine(Irp, Cancel)
  return Complete(Irp, STATUS_SUCCESS)`,
      `
function Cancel(DeviceObject: DEVICE_OBJECT, Irp: IRP): void {
  Complete(Irp, STATUS_CANCELLED)
}
`,
    ),
  },
  {
    code: 'WDM008',
    name: 'acquired twice, the second time in a helper',
    at: 'KeAcquireSpinLock(lock, irql)',
    source: driver(
      `  const irql = out<KIRQL>()
  KeAcquireSpinLock(extension.Lock, irql)
  Count(extension.Lock)
  KeReleaseSpinLock(extension.Lock, irql.value)
  return Complete(Irp, STATUS_SUCCESS)`,
      `
function Count(lock: KSPIN_LOCK): void {
  const irql = out<KIRQL>()
  KeAcquireSpinLock(lock, irql)
  KeReleaseSpinLock(lock, irql.value)
}
`,
    ),
  },
  {
    code: 'WDM009',
    name: 'released twice',
    at: 'KeReleaseSpinLock(extension.Lock, irql.value)',
    source: driver(`  const irql = out<KIRQL>()
  KeAcquireSpinLock(extension.Lock, irql)
  if (extension.Pending === null) KeReleaseSpinLock(extension.Lock, irql.value)
  KeReleaseSpinLock(extension.Lock, irql.value)
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM010',
    name: 'a wait in a DPC',
    at: 'KeWaitForSingleObject(event, Executive, KernelMode, FALSE, null)',
    source: driver(
      USE_DPC,
      DPC(`  const event = local(KEVENT)
  KeInitializeEvent(event, NotificationEvent, false)
  KeWaitForSingleObject(event, Executive, KernelMode, FALSE, null)`),
    ),
  },
  {
    code: 'WDM010',
    name: 'a routine for PASSIVE_LEVEL under a spin lock',
    at: 'IoDeleteDevice(DeviceObject)',
    source: driver(`  const irql = out<KIRQL>()
  KeAcquireSpinLock(extension.Lock, irql)
  IoDeleteDevice(DeviceObject)
  KeReleaseSpinLock(extension.Lock, irql.value)
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM011',
    name: 'paged pool in a DPC',
    at: 'extension.Text.u8[0] = 1',
    fix: true,
    source: driver(
      `${ALLOCATE}
  if (extension.Text === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES)
${USE_DPC}`,
      DPC('  extension.Text.u8[0] = 1'),
    ),
  },
  {
    code: 'WDM012',
    name: 'a link that may not have been made',
    at: "IoCreateSymbolicLink(RTL_CONSTANT_STRING('\\\\??\\\\A'), RTL_CONSTANT_STRING('\\\\Device\\\\A'))",
    fix: true,
    source: driver(
      '  return Complete(Irp, STATUS_SUCCESS)',
      "\nfunction Remove(): void {\n  IoDeleteSymbolicLink(RTL_CONSTANT_STRING('\\\\??\\\\A'))\n}\n",
      "  IoCreateSymbolicLink(RTL_CONSTANT_STRING('\\\\??\\\\A'), RTL_CONSTANT_STRING('\\\\Device\\\\A'))",
    ),
  },
  {
    code: 'WDM013',
    name: 'an allocation that is written without a look',
    at: 'block.u32[0] = 1',
    source: driver(`  const block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 'tseT')
  block.u32[0] = 1
  ExFreePoolWithTag(block, 'tseT')
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM014',
    name: 'used after it was freed',
    at: 'block.u32[0] = 1',
    source: driver(`  const block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 'tseT')
  if (block === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES)
  ExFreePoolWithTag(block, 'tseT')
  block.u32[0] = 1
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM014',
    name: 'freed twice',
    at: "ExFreePoolWithTag(extension.Text, 'tseT')",
    source: driver(`  if (extension.Pending === null) ExFreePoolWithTag(extension.Text, 'tseT')
  ExFreePoolWithTag(extension.Text, 'tseT')
  extension.Text = null
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM015',
    name: 'a way out that forgets the block',
    at: 'if (extension.Pending !== null) return Complete(Irp, STATUS_DEVICE_BUSY)',
    source: driver(`  const block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 'tseT')
  if (block === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES)
  if (extension.Pending !== null) return Complete(Irp, STATUS_DEVICE_BUSY)
  ExFreePoolWithTag(block, 'tseT')
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM016',
    name: 'a pointer of the program without a probe',
    at: 'Irp.UserBuffer.u32[0] = 1',
    source: driver(`  try {
    Irp.UserBuffer.u32[0] = 1
  } catch {
    return Complete(Irp, STATUS_ACCESS_VIOLATION)
  }
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM019',
    name: 'a buffer whose length nobody looked at',
    at: 'const first = Irp.AssociatedIrp.SystemBuffer.u32[0]',
    source: driver(`  const first = Irp.AssociatedIrp.SystemBuffer.u32[0]
  DbgPrint('%u\\n', first)
  return Complete(Irp, STATUS_SUCCESS)`),
  },
  {
    code: 'WDM020',
    name: 'a field that keeps a freed block',
    at: "ExFreePoolWithTag(extension.Text, 'tseT')",
    fix: true,
    source: driver(`  ExFreePoolWithTag(extension.Text, 'tseT')
  return Complete(Irp, STATUS_SUCCESS)`),
  },
]

const UNLOAD: Case[] = [
  {
    code: 'WDM018',
    name: 'a device that nobody deletes',
    at: 'const created = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, FALSE, device)',
    source: driver(
      '  return Complete(Irp, STATUS_SUCCESS)',
      '',
      `  const device = out<DEVICE_OBJECT>()
  const created = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(created)) return created`,
    ),
  },
  {
    code: 'WDM017',
    name: 'a device and no unload routine',
    at: 'const created = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, FALSE, device)',
    source: driver(
      '  return Complete(Irp, STATUS_SUCCESS)',
      '',
      `  const device = out<DEVICE_OBJECT>()
  const created = IoCreateDevice(DriverObject, 0, null, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(created)) return created`,
    ).replace('  DriverObject.DriverUnload = Unload\n', ''),
  },
]

test.each([...cases, ...UNLOAD])('$code: $name', ({ code, at, source }) => {
  const lines = source.split('\n')
  const found = adviceFor(source)
  expect(found.map((each) => [each.code, lines[each.line - 1]?.trim()])).toEqual([[code, at]])
  expect(found[0]).toMatchObject({
    severity: 'warning',
    docs: `docs/advice.md#${code.toLowerCase()}`,
  })
  expect(found[0]?.message).not.toContain('%')
})

test.each(cases.filter(({ fix }) => fix))(
  '$code: the fix of “$name” compiles, and nothing is left',
  ({ source }) => {
    const [found] = adviceFor(source)
    expect(found?.fix?.title).toBeTruthy()
    const mended = applyFix(source, found!.fix!)
    expect(errorsOf(mended)).toEqual([])
    expect(adviceFor(mended)).toEqual([])
  },
)

test('every rule has a case', () => {
  const tried = new Set([...cases, ...UNLOAD].map(({ code }) => code))
  expect(Object.keys(ADVICE).filter((code) => !tried.has(code as AdviceCode))).toEqual([])
})

test.each([
  [
    'a request that is completed on one path and pending on the other',
    `  let status: NTSTATUS = STATUS_SUCCESS
  if (extension.Pending === null) {
    IoMarkIrpPending(Irp)
    extension.Pending = Irp
    status = STATUS_PENDING
  }
  if (status !== STATUS_PENDING) Complete(Irp, status)
  return status`,
  ],
  [
    'a flag that remembers whether the lock is held',
    `  const irql = out<KIRQL>()
  const wanted = extension.Pending !== null
  if (wanted) KeAcquireSpinLock(extension.Lock, irql)
  if (wanted) KeReleaseSpinLock(extension.Lock, irql.value)
  return Complete(Irp, STATUS_SUCCESS)`,
  ],
  [
    'a loop that takes requests from a queue and completes each',
    `  const irql = out<KIRQL>()
  for (;;) {
    KeAcquireSpinLock(extension.Lock, irql)
    const entry = RemoveHeadList(extension.Queue)
    KeReleaseSpinLock(extension.Lock, irql.value)
    if (entry === extension.Queue) break
    Complete(CONTAINING_RECORD(entry, IRP, 'Tail.Overlay.ListEntry'), STATUS_CANCELLED)
  }
  return Complete(Irp, STATUS_SUCCESS)`,
  ],
  [
    'a program pointer that is probed inside of try',
    `  try {
    ProbeForWrite(Irp.UserBuffer, 4, 4)
    Irp.UserBuffer.u32[0] = 1
  } catch {
    return Complete(Irp, STATUS_ACCESS_VIOLATION)
  }
  return Complete(Irp, STATUS_SUCCESS)`,
  ],
  [
    'a request that is passed on',
    `  IoSkipCurrentIrpStackLocation(Irp)
  return IoCallDriver(DeviceObject.AttachedDevice, Irp)`,
  ],
  [
    'a switch whose cases all complete',
    `  switch (IoGetCurrentIrpStackLocation(Irp).Parameters.DeviceIoControl.IoControlCode) {
    case 1:
    case 2:
      return Complete(Irp, STATUS_SUCCESS)
    default:
      break
  }
  return Complete(Irp, STATUS_INVALID_DEVICE_REQUEST)`,
  ],
  [
    'a block that is kept in the extension',
    `  const block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 'tseT')
  if (block === null) return Complete(Irp, STATUS_INSUFFICIENT_RESOURCES)
  extension.Text = block
  return Complete(Irp, STATUS_SUCCESS)`,
  ],
])('nothing is said of %s', (_, dispatch) => {
  expect(adviceFor(driver(dispatch))).toEqual([])
})

test('a function with thousands of branches ends, with or without a finding', () => {
  const branches = Array.from(
    { length: 400 },
    (_, i) =>
      `  if (extension.Text !== null && extension.Dpc.Number === ${i % 97}) DbgPrint('${i}\\n')`,
  )
  const source = driver(`${branches.join('\n')}\n  return Complete(Irp, STATUS_SUCCESS)`)
  expect(adviceFor(source).filter(({ code }) => code !== 'WDM005')).toEqual([])
})

// Without bounds these take minutes or all memory, and the test's own limit ends them.
describe('bounds', () => {
  test('a hundred routines that share a helper with many branches', () => {
    const branches = Array.from(
      { length: 60 },
      (_, i) => `  if (Irp.Flags === ${i + 7}) D.Flags = ${i}`,
    )
    const routines = Array.from(
      { length: 100 },
      (_, i) => `function f${i}(D: DEVICE_OBJECT, Irp: IRP): NTSTATUS {\n  return H(D, Irp)\n}`,
    )
    const entry = routines.map((_, i) => `  DriverObject.MajorFunction[${i % 28}] = f${i}`)
    const source = driver(
      '  return Complete(Irp, STATUS_SUCCESS)',
      `function H(D: DEVICE_OBJECT, Irp: IRP): NTSTATUS {\n${branches.join('\n')}\n  return Complete(Irp, STATUS_SUCCESS)\n}\n${routines.join('\n')}`,
      entry.join('\n'),
    )
    expect(adviceFor(source)).toEqual([])
  })

  test('thousands of variables, and a sum of many choices', () => {
    const variables = Array.from({ length: 3000 }, (_, i) => `v${i}: number`)
    const sum = Array.from({ length: 24 }, (_, i) => `(extension.Dpc.Number === ${i} ? 1 : 2)`)
    const source = driver(
      `  let ${variables.join(', ')}\n  const x = ${sum.join(' + ')}\n  return Complete(Irp, x === 30 ? STATUS_SUCCESS : STATUS_CANCELLED)`,
    )
    expect(adviceFor(source)).toEqual([])
  })
})
