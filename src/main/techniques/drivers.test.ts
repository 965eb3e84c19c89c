/** Defences that are drivers: loaded first, they say what they see, and nothing of honest drivers. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import type { RunReport } from '../../shared/contract/model'
import type { DefenceName } from '../../shared/defences'
import { readSample } from '../detections/sample-folder'
import { runProject } from '../lab/run'
import { SAMPLES } from '../lab/testing/samples'

const samples = resolve(SAMPLES, '..')

async function run(
  sample: string,
  defences: DefenceName[],
  change: (files: Record<string, string>) => void = () => undefined,
): Promise<RunReport> {
  const files = { ...readSample(samples, sample)! }
  change(files)
  const request = { files, seed: 1, verifier: [], trace: 'full' as const, defences }
  const { report } = await runProject(request)
  expect(report.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  return report
}

const textsOf = ({ alerts = [] }: RunReport): string[] => alerts.map(({ text }) => text)

test('the EDR notices that it is told nothing any more', async () => {
  const report = await run('techniques/callback-removal', ['edr'], (files) => {
    files['driver.ts'] = files['driver.ts']!.replace('\\\\Driver\\\\guard', '\\\\Driver\\\\Edr')
  })
  expect(textsOf(report)).toContain('I am not asked about handles any more')
})

test('a token that is another one is told once, by the program of the EDR', async () => {
  const report = await run('techniques/token-theft', ['edr'])
  expect(report.alerts).toEqual([
    {
      defence: 'edr',
      seq: expect.any(Number) as number,
      text: expect.stringMatching(/^client\.exe \(\d+\) has another token/) as string,
    },
  ])
  expect(report.client?.stdout).toContain('opened for writing')
})

test('the filter guard lets no driver write the image of another one, and programs do', async () => {
  const report = await run('techniques/irp-hook', ['filter-guard'], (files) => {
    files['client.ts'] = CLIENT
    files['driver.ts'] = DROPPER
  })
  expect(report.dbgPrint).toEqual(['0xC0000022'])
  expect(report.client?.stdout).toBe('made\n')
  expect(textsOf(report)).toEqual([
    'kernel mode, in process 4, may not write \\Device\\HarddiskVolume1\\Windows\\evil.sys',
  ])
})

test('the filter guard sees devices of the file system that another driver serves', async () => {
  const report = await run('techniques/irp-hook', ['filter-guard'], (files) => {
    files['driver.ts'] = files['driver.ts']!.replace(
      '  victim.MajorFunction[IRP_MJ_CREATE] = MirageCreate\n',
      `  for (let i = 0; i < 28; i++) DriverObject.MajorFunction[i] = victim.MajorFunction[i]
      DriverObject.MajorFunction[IRP_MJ_CREATE] = MirageCreate
      for (let device = victim.DeviceObject; device !== null; device = device.NextDevice)
        device.DriverObject = DriverObject\n`,
    )
  })
  expect(report.client?.stdout).toContain('plan.txt: error 2')
  expect(textsOf(report)).toEqual(['a device of \\FileSystem\\Ntfs was given to another driver'])
})

const DROPPER = String.raw`
import { DbgPrint, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, GENERIC_WRITE, IO_STATUS_BLOCK,
  InitializeObjectAttributes, NT_SUCCESS, OBJECT_ATTRIBUTES, OBJ_CASE_INSENSITIVE, OBJ_KERNEL_HANDLE,
  RTL_CONSTANT_STRING, STATUS_SUCCESS, SYNCHRONIZE, ZwClose, ZwCreateFile, local, out } from 'wdm'
import type { DRIVER_OBJECT, HANDLE, NTSTATUS, UNICODE_STRING } from 'wdm'
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  const attributes = local(OBJECT_ATTRIBUTES)
  const path = RTL_CONSTANT_STRING('\\??\\C:\\Windows\\evil.sys')
  InitializeObjectAttributes(attributes, path, OBJ_KERNEL_HANDLE | OBJ_CASE_INSENSITIVE, null, null)
  const file = out<HANDLE>()
  const status = ZwCreateFile(file, GENERIC_WRITE | SYNCHRONIZE, attributes, local(IO_STATUS_BLOCK),
    null, 0, 0, FILE_CREATE, FILE_SYNCHRONOUS_IO_NONALERT, null, 0)
  if (NT_SUCCESS(status)) ZwClose(file.value)
  DbgPrint('0x%08X', status)
  return STATUS_SUCCESS
}
function Unload(DriverObject: DRIVER_OBJECT): void {}
`

const CLIENT = String.raw`
import { CREATE_NEW, CloseHandle, CreateFile, GENERIC_WRITE, INVALID_HANDLE_VALUE, printf } from 'win32'
export function main(): number {
  const file = CreateFile('C:\\Windows\\good.sys', GENERIC_WRITE, 0, null, CREATE_NEW, 0, null)
  printf(file === INVALID_HANDLE_VALUE ? 'refused\n' : 'made\n')
  if (file !== INVALID_HANDLE_VALUE) CloseHandle(file)
  return 0
}
`

test('a driver that prints ALERT is no defence', async () => {
  const report = await run('drivers/hello', ['edr'], (files) => {
    files['driver.ts'] = files['driver.ts']!.replace("DbgPrint('", "DbgPrint('ALERT ")
  })
  expect(report.dbgPrint.some((line) => line.startsWith('ALERT '))).toBe(true)
  expect(report.alerts).toBeUndefined()
})

test('a scenario cannot call its own what belongs to a defence', async () => {
  const { report } = await runProject({
    files: {
      'driver.ts': readFileSync(resolve(samples, 'drivers/hello/driver.ts'), 'utf8'),
      'scenario.json': '{ "drivers": [{ "name": "edr", "entry": "driver.ts" }] }',
    },
    seed: 1,
    verifier: [],
    trace: 'off',
    defences: ['edr'],
  })
  expect(report.diagnostics[0]?.message).toBe('"edr" is the name of a part of the defence edr.')
})

test.each([
  'drivers/hello',
  'drivers/handle-guard',
  'drivers/process-watcher',
  'drivers/registry-guard',
])('nothing is said of %s', async (sample) => {
  const report = await run(sample, ['edr', 'cross-view', 'filter-guard'])
  expect(textsOf(report)).toEqual([])
  expect(report.outcome).toBe('ok')
})
