/** Machines that start again after a crash, and the dumps that they leave. */
import { expect, test } from 'vitest'
import type { RunReport, RunRequest } from '../../shared/contract/model'
import type { TraceEvent } from '../../shared/trace/event'
import { emptyState, fold } from '../../shared/trace/fold'
import { driver } from '../dsl/testing/compile-driver'
import { BOOTS_MAX } from './boots'
import { runProject } from './run'

/** A driver that makes itself start at boot and stops the machine in its first boots. */
const persistent = (start: number, boots: number): string =>
  driver(`
const Value = RTL_CONSTANT_STRING('Start')
const Boots = RTL_CONSTANT_STRING('Boots')
const RECORD = struct('RECORD', { Callback: KBUGCHECK_CALLBACK_RECORD, Note: array(UCHAR, 4) })
function OnStop(Buffer: PVOID, Length: ULONG): void {
  cast(pointer(UCHAR), Buffer)[0] = 0x21
}
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const record = cast(RECORD, ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(RECORD), 'cRoT'))
  KeInitializeCallbackRecord(record.Callback)
  KeRegisterBugCheckCallback(record.Callback, OnStop, addressof(record.Note), 1, 'Toy')
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, RegistryPath, OBJ_KERNEL_HANDLE, null, null)
  const key = out<HANDLE>()
  let status = ZwOpenKey(key, KEY_ALL_ACCESS, attributes)
  if (!NT_SUCCESS(status)) return status
  const number = local(ULONG)
  number[0] = ${start}
  ZwSetValueKey(key.value, Value, 0, REG_DWORD, number, 4)
  const info = local(array(ULONG, 8))
  const length = out<ULONG>()
  status = ZwQueryValueKey(key.value, Boots, KeyValuePartialInformation, info, 32, length)
  number[0] = NT_SUCCESS(status) ? info[3] + 1 : 1
  ZwSetValueKey(key.value, Boots, 0, REG_DWORD, number, 4)
  ZwClose(key.value)
  DbgPrint('boot %u\\n', number[0])
  if (number[0] <= ${boots}) KeBugCheckEx(0xE2, number[0], 0, 0, 0)
  return STATUS_SUCCESS
}`)

async function run(
  code: string,
  changes: Partial<RunRequest> = {},
  reboot = true,
): Promise<{ report: RunReport; events: TraceEvent[] }> {
  const events: TraceEvent[] = []
  const files = {
    'driver.ts': code,
    'scenario.json': JSON.stringify({ reboot, drivers: [{ name: 'Toy', entry: 'driver.ts' }] }),
  }
  const { report } = await runProject(
    { files, seed: 1, verifier: [], trace: 'full', ...changes },
    { onEvent: (event) => events.push(event) },
  )
  return { report, events }
}

test('a service with start type boot is loaded again after the crash', async () => {
  const { report, events } = await run(persistent(0, 1))
  expect(report.diagnostics).toEqual([])
  expect(report).toMatchObject({ outcome: 'bugcheck', bugcheck: { code: '0x000000E2' } })
  expect(report.boots).toMatchObject([
    { boot: 2, loaded: [{ name: 'Toy', status: '0x00000000' }], outcome: 'ok' },
  ])
  expect(report.dbgPrint).toEqual(['boot 1', 'boot 2'])
  // One trace: numbers without gaps, time that never goes back, a state that begins anew.
  expect(events.every((event, i) => event.seq === i + 1)).toBe(true)
  expect(events.every((event, i) => i === 0 || event.tick >= events[i - 1]!.tick)).toBe(true)
  const at = events.findIndex((event) => event.t === 'machine.rebooted')
  const state = events.slice(0, at + 1).reduce(fold, emptyState())
  expect([state.drivers, state.bugcheck?.code]).toEqual([[], '0x000000E2'])
  expect(events.at(-1)?.t).toBe('run.ended')
})

test('a service that starts on demand is not', async () => {
  const { report } = await run(persistent(3, 1))
  expect(report.boots).toMatchObject([{ boot: 2, loaded: [], outcome: 'ok' }])
})

test('a machine that crashes at every boot is left alone in the end', async () => {
  const { report } = await run(persistent(1, 1000))
  expect(report.boots).toHaveLength(BOOTS_MAX - 1)
  expect(report.boots?.every(({ outcome }) => outcome === 'bugcheck')).toBe(true)
})

test('without the option it stays as it is, and the dump says what it was', async () => {
  const { report } = await run(persistent(0, 1), { processors: 2 }, false)
  expect(report.boots).toBeUndefined()
  expect(report.dump).toMatchObject({
    processors: [{ number: 0 }, { number: 1 }],
    modules: [{ name: 'Toy.sys' }],
    callbacks: [{ component: 'Toy', routine: 'Toy!OnStop', data: '21' }],
  })
  expect(report.dump?.processors.flatMap(({ stack }) => stack)).toContainEqual(
    expect.objectContaining({ frame: 'Toy!DriverEntry' }),
  )
  expect((await run(persistent(0, 1), { processors: 2 }, false)).report).toEqual(report)
})

test('a fault in code is given up without its finally block', async () => {
  const { report } = await run(
    driver(`
const RECORD = struct('RECORD', { Callback: KBUGCHECK_CALLBACK_RECORD, Note: ULONG })
function OnStop(Buffer: PVOID, Length: ULONG): void {
  try { DbgPrint('callback\\n') } finally { DbgPrint('its own end\\n') }
}
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const record = cast(RECORD, ExAllocatePoolWithTag(NonPagedPoolNx, sizeof(RECORD), 'cRoT'))
  KeInitializeCallbackRecord(record.Callback)
  KeRegisterBugCheckCallback(record.Callback, OnStop, null, 0, 'Toy')
  const paged = cast(RECORD, ExAllocatePoolWithTag(PagedPool, sizeof(RECORD), 'cRoT'))
  const irql = out<KIRQL>()
  KeRaiseIrql(DISPATCH_LEVEL, irql)
  try { paged.Note = 1 } catch { DbgPrint('handled\\n') } finally { DbgPrint('cleaned up\\n') }
  return STATUS_SUCCESS
}`),
    {},
    false,
  )
  expect(report.bugcheck?.code).toBe('0x000000D1')
  expect(report.dbgPrint).toEqual(['callback', 'its own end'])
})
