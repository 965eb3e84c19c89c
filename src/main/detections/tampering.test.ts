/** Rules that ship, put to a driver that does several of the things they are for. */
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { driver } from '../lab/testing/snippets'
import { SAMPLES } from '../lab/testing/samples'
import { detect } from './detect'
import { readRuleFolder } from './library'

const { rules } = readRuleFolder(resolve(join(SAMPLES, '..', 'detections')))

const TAMPERING = driver(`
function process(id: number): PVOID {
  const found = out<PEPROCESS>()
  if (!NT_SUCCESS(PsLookupProcessByProcessId(id, found))) return null
  ObDereferenceObject(found.value)
  return cast(PVOID, found.value)
}

export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const cr0 = __readcr0()
  __writecr0(cr0 - 0x10000n)
  __writecr0(cr0)

  const service = process(2104)
  const system = process(4)
  if (service === null || system === null) return STATUS_NOT_FOUND
  service.add(0x4b8).u64[0] = system.add(0x4b8).u64[0]
  RemoveEntryList(cast(LIST_ENTRY, service.add(0x448)))
  RemoveEntryList(cast(LIST_ENTRY, DriverObject.DriverSection))

  const id = local(CLIENT_ID)
  id.UniqueProcess = 2456
  const attributes = local(OBJECT_ATTRIBUTES)
  InitializeObjectAttributes(attributes, null, OBJ_KERNEL_HANDLE, null, null)
  const handle = out<HANDLE>()
  const status = ZwOpenProcess(handle, PROCESS_TERMINATE, attributes, id)
  if (!NT_SUCCESS(status)) return status
  ZwTerminateProcess(handle.value, STATUS_SUCCESS)
  ZwClose(handle.value)
  return STATUS_SUCCESS
}`)

test('each of them is found, with the event or the row that shows it', async () => {
  const scenario = { world: 'windows', unload: false }
  const files = { 'driver.ts': TAMPERING, 'scenario.json': JSON.stringify(scenario) }
  const { report, alarms } = await detect({ files, seed: 1, verifier: [], trace: 'full' }, rules)
  expect(report.diagnostics).toEqual([])
  const found = Object.fromEntries(alarms.map((alarm) => [alarm.rule, alarm]))
  expect(Object.keys(found).sort()).toEqual([
    'driver-ends-processes',
    'module-off-the-list',
    'process-off-the-list',
    'token-of-another-process',
    'write-protection-off',
  ])
  expect(found['write-protection-off']).toMatchObject({
    times: 1,
    driver: 'toy',
    at: { line: expect.any(Number) as number },
  })
  expect(found['driver-ends-processes']?.seqs.length).toBe(2)
  expect(found['process-off-the-list']?.row).toMatchObject({ pid: 2104, name: 'svchost.exe' })
  expect(found['module-off-the-list']?.row).toMatchObject({ byMemory: true, byLoader: true })
  expect(found['token-of-another-process']?.shows).toMatchObject({ sharedWith: ['System (4)'] })
})
