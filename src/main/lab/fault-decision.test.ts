/**
 * The table `faultDecision` of data/kernel/bugchecks.json, each row acted out by a driver that goes
 * through compiler, sandbox and kernel.
 */
import { expect, test } from 'vitest'
import { FAULT_DECISION } from '../../shared/nt/bugchecks'
import { driver } from '../dsl/testing/compile-driver'
import { runProject } from './run'

interface Row {
  /** Body of DriverEntry, and what else the driver has. */
  entry: string
  more?: string
  client?: string
  verifier?: string[]
  /** The bug check and some of its parameters, or what the driver prints after having caught it. */
  stop?: [code: number, ...parameters: (number | null)[]]
  prints?: string
}

const HEAP = `const block = ExAllocatePoolWithTag(NonPagedPoolNx, 64, 'tseT')`
const CAUGHT = (code: string): string =>
  `try { ${code} } catch { DbgPrint('caught %x\\n', GetExceptionCode()) }\n return STATUS_SUCCESS`
const ACCESS_VIOLATION = 'caught c0000005'

/** A device whose control codes reach \`Control\`. */
const DEVICE = `
  const device = out<DEVICE_OBJECT>()
  const name = RTL_CONSTANT_STRING('\\\\Device\\\\Fault')
  IoCreateDevice(DriverObject, 0, name, FILE_DEVICE_UNKNOWN, 0, false, device)
  IoCreateSymbolicLink(RTL_CONSTANT_STRING('\\\\??\\\\Fault'), name)
  DriverObject.MajorFunction[IRP_MJ_CREATE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_CLOSE] = Succeed
  DriverObject.MajorFunction[IRP_MJ_DEVICE_CONTROL] = Control
  return STATUS_SUCCESS`
const SUCCEED = `
function Succeed(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
  Irp.IoStatus.Status = STATUS_SUCCESS
  IoCompleteRequest(Irp, IO_NO_INCREMENT)
  return STATUS_SUCCESS
}`
const CLIENT = `
import { CreateFile, DeviceIoControl, GENERIC_READ, OPEN_EXISTING, out, VirtualAlloc } from 'win32'
import { DWORD, MEM_COMMIT, MEM_RESERVE, PAGE_READONLY } from 'win32'
export function main(): number {
  const page = VirtualAlloc(null, 4096, MEM_COMMIT | MEM_RESERVE, PAGE_READONLY)
  const device = CreateFile('\\\\\\\\.\\\\Fault', GENERIC_READ, 0, null, OPEN_EXISTING, 0, null)
  DeviceIoControl(device, 0x222003, page, 16, page, 16, out<DWORD>(), null)
  return 0
}`

/** By the words of the table. */
const ROWS: Record<string, Row[]> = {
  'address lies in the image range of an unloaded driver': [
    {
      entry: `
        DriverObject.DriverUnload = Unload
        PsCreateSystemThread(out<HANDLE>(), 0x1fffff, null, null, null, Thread, null)
        return STATUS_SUCCESS`,
      more: `
        function Unload(DriverObject: DRIVER_OBJECT): void {}
        function Thread(Context: PVOID): void {
          KeDelayExecutionThread(KernelMode, false, -10000000n)
        }`,
      stop: [0xce],
    },
  ],
  'address lies in a special-pool guard page behind a block': [
    { entry: `${HEAP}\n block.u8[64] = 1\n return 0`, verifier: ['special-pool'], stop: [0xd6] },
    {
      entry: `${HEAP}\n RtlInitUnicodeString(cast(UNICODE_STRING, block.add(64)), null)\n return 0`,
      verifier: ['special-pool'],
      stop: [0xcd],
    },
  ],
  'address lies in a freed special-pool block': [
    {
      entry: `${HEAP}\n ExFreePoolWithTag(block, 'tseT')\n return block.u8[0]`,
      verifier: ['special-pool'],
      stop: [0xd5],
    },
    {
      entry: `${HEAP}
        ExFreePoolWithTag(block, 'tseT')
        RtlInitUnicodeString(cast(UNICODE_STRING, block), null)
        return 0`,
      verifier: ['special-pool'],
      stop: [0xcc],
    },
  ],
  'stack limit exceeded': [
    {
      entry: 'return Deeper(0)',
      more: `function Deeper(Level: ULONG): ULONG {
        const bytes = local(array(UCHAR, 512))
        bytes[0] = Level
        return Deeper(Level + 1) + bytes[0]
      }`,
      stop: [0x7f, 8],
    },
  ],
  'IRQL >= DISPATCH_LEVEL and the page is not resident (any address, also pageable memory)': [
    {
      entry: `
        const block = ExAllocatePoolWithTag(PagedPool, 64, 'tseT')
        KeRaiseIrql(DISPATCH_LEVEL, out<KIRQL>())
        ${CAUGHT('block.u8[0] = 1')}`,
      stop: [0xd1, null, 2, 1],
    },
    {
      entry: `
        KeRaiseIrql(DISPATCH_LEVEL, out<KIRQL>())
        ${CAUGHT('RtlInitUnicodeString(cast(UNICODE_STRING, 0x10), null)')}`,
      stop: [0x0a, 0x10, 2, 1],
    },
  ],
  'write to a present read-only kernel page': [
    {
      entry: `
        const code = cast(PVOID, DriverObject.add(offsetof(DRIVER_OBJECT, 'MajorFunction')).u64[0])
        ${CAUGHT('code.u8[0] = 0xc3')}`,
      stop: [0xbe],
    },
  ],
  'execute of a present no-execute kernel page or of a user page (SMEP)': [
    {
      entry: `
        const dpc = local(KDPC)
        ${HEAP}
        KeInitializeDpc(dpc, Routine, null)
        dpc.add(offsetof(KDPC, 'DeferredRoutine')).u64[0] = cast(ULONG_PTR, block)
        KeInsertQueueDpc(dpc, null, null)
        return STATUS_SUCCESS`,
      more: `function Routine(Dpc: KDPC, Context: PVOID, One: PVOID, Two: PVOID): void {}`,
      stop: [0xfc],
    },
  ],
  'IRQL < 2, address not canonical': [
    {
      entry: CAUGHT('cast(PVOID, 0x1234567812345678n).u8[0] = 1'),
      prints: ACCESS_VIOLATION,
    },
    {
      entry: 'return cast(PVOID, 0x1234567812345678n).u8[0]',
      stop: [0x7e, 0xc0000005],
    },
  ],
  'IRQL < 2, invalid kernel address': [
    { entry: CAUGHT('cast(PVOID, 0xfffff80123456000n).u8[0] = 1'), stop: [0x50, null, 2] },
  ],
  'IRQL < 2, invalid user address (including NULL page)': [
    { entry: CAUGHT('cast(PVOID, 0x10).u8[0] = 1'), prints: ACCESS_VIOLATION },
    { entry: CAUGHT('cast(PVOID, 0x7ffe12345000n).u8[0] = 1'), prints: ACCESS_VIOLATION },
  ],
  'write to a read-only user page': [
    {
      entry: DEVICE,
      more: `${SUCCEED}
      function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
        const first = Irp.UserBuffer.u8[0]
        try { Irp.UserBuffer.u8[0] = 1 } catch { DbgPrint('caught %x\\n', GetExceptionCode()) }
        return Succeed(DeviceObject, Irp)
      }`,
      client: CLIENT,
      prints: ACCESS_VIOLATION,
    },
  ],
  'DPC, ISR, timer callback, or IRQL >= 2': [
    {
      entry: `
        const dpc = local(KDPC)
        KeInitializeDpc(dpc, Routine, null)
        KeInsertQueueDpc(dpc, null, null)
        return STATUS_SUCCESS`,
      more: `function Routine(Dpc: KDPC, Context: PVOID, One: PVOID, Two: PVOID): void {
        ExRaiseStatus(STATUS_DATA_ERROR)
      }`,
      stop: [0x1e, 0xc000003e],
    },
  ],
  'thread that entered through a system call (dispatch routine called for a user request, notify callbacks in its context)':
    [
      {
        entry: DEVICE,
        more: `${SUCCEED}
        function Control(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS {
          ExRaiseStatus(STATUS_DATA_ERROR)
          return Succeed(DeviceObject, Irp)
        }`,
        client: CLIENT,
        stop: [0x3b, 0xc000003e],
      },
    ],
  'system thread (DriverEntry of a loaded-on-demand driver, AddDevice, PnP, work item, PsCreateSystemThread)':
    [
      {
        entry: 'ExRaiseStatus(STATUS_DATA_ERROR)\n return STATUS_SUCCESS',
        stop: [0x7e, 0xc000003e],
      },
    ],
}

const table = [...FAULT_DECISION.order, ...FAULT_DECISION.unhandledException]

test('every row of the table is acted out', () => {
  expect(Object.keys(ROWS)).toEqual(table.map(({ condition }) => condition))
})

test.each(
  table.flatMap(({ condition, outcome }) =>
    (ROWS[condition] ?? []).map((row) => [condition, outcome, row] as const),
  ),
)('%s: %s', async (_condition, _outcome, row) => {
  const { entry, more = '', client, verifier = [], stop, prints } = row
  const source = driver(`
    export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
      ${entry}
    }
    ${more}`)
  const files = { 'driver.ts': source, ...(client ? { 'client.ts': client } : {}) }
  const { report } = await runProject({ files, seed: 1, verifier, trace: 'off' })
  expect(report.diagnostics).toEqual([])
  if (prints) {
    expect(report.bugcheck).toBeUndefined()
    expect(report.dbgPrint.join('')).toContain(prints)
    return
  }
  const [code = 0, ...parameters] = stop ?? []
  expect(Number(report.bugcheck?.code)).toBe(code)
  parameters.forEach((value, i) => {
    if (value !== null) expect(BigInt(report.bugcheck?.parameters[i] ?? 0)).toBe(BigInt(value))
  })
})
