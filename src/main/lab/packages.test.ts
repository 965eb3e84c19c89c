import { describe, expect, test } from 'vitest'
import type { ProjectFiles } from '../../shared/contract/model'
import type { LoadPolicy } from '../../shared/package/policy'
import type { SigningChoice } from '../../shared/package/signing'
import type { TraceEvent } from '../../shared/trace/event'
import { createLabHost } from './host'
import { planOf } from './project'
import { packageSourceOf } from './package-source'
import { runProject } from './run'

const DRIVER = `import { DbgPrint, IoCreateDevice, NT_SUCCESS, STATUS_SUCCESS, FALSE, FILE_DEVICE_UNKNOWN, IoDeleteDevice, RTL_CONSTANT_STRING, out } from 'wdm'
import type { DEVICE_OBJECT, DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
import { done } from './done'
const Name = RTL_CONSTANT_STRING('\\\\Device\\\\Toy')
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  const device = out<DEVICE_OBJECT>()
  const status = IoCreateDevice(DriverObject, 0, Name, FILE_DEVICE_UNKNOWN, 0, FALSE, device)
  if (!NT_SUCCESS(status)) return status
  DbgPrint('loaded\\n')
  return STATUS_SUCCESS
}
function Unload(DriverObject: DRIVER_OBJECT): void {
  done()
  IoDeleteDevice(DriverObject.DeviceObject)
}
`
const DONE = `import { KeRaiseIrql, KeLowerIrql, DISPATCH_LEVEL, out } from 'wdm'
import type { KIRQL } from 'wdm'
export function done(): void {
  const old = out<KIRQL>()
  KeRaiseIrql(DISPATCH_LEVEL, old)
  KeLowerIrql(old.value)
}
`
const folder = (scenario: object, more: ProjectFiles = {}): ProjectFiles => ({
  'driver.ts': DRIVER,
  'done.ts': DONE,
  'scenario.json': JSON.stringify(scenario),
  ...more,
})
const scenario = (policy: LoadPolicy | undefined, signature?: SigningChoice) => ({
  ...(policy ? { policy } : {}),
  drivers: [{ name: 'Toy', entry: 'driver.ts', ...(signature ? { signature } : {}) }],
})

async function run(files: ProjectFiles) {
  const events: TraceEvent[] = []
  const { report } = await runProject(
    { files, seed: 1, verifier: [], trace: 'full' },
    { onEvent: (event) => events.push(event) },
  )
  return { report, events, kinds: events.map(({ t }) => t) }
}

describe('a machine with a policy', () => {
  test('refuses a driver before anything of it is mapped, and says by which rule', async () => {
    const { report, events, kinds } = await run(folder(scenario({ windows: '10-1607' }, {})))
    expect(report).toMatchObject({
      outcome: 'load-failed',
      driverEntry: { status: '0xC0000428' },
      dbgPrint: [],
      verdicts: [{ driver: 'Toy', accepted: false, rule: 'portal', windows: '10-1607' }],
    })
    expect(report.reason).toMatch(/Windows 10 1607 refused it by the rule "portal": /)
    expect(kinds).not.toContain('image.mapped')
    const verified = events.find(({ t }) => t === 'image.verified')
    expect(verified).toMatchObject({ name: 'Toy', accepted: false, status: '0xC0000428' })
  })

  test('loads a driver that its rules accept, with the verdict in front', async () => {
    const { report, kinds } = await run(folder(scenario({ windows: '10-1607' }, { by: 'whcp' })))
    expect(report.outcome).toBe('ok')
    expect(report.dbgPrint).toEqual(['loaded'])
    expect(kinds.indexOf('image.verified')).toBe(kinds.indexOf('image.mapped') - 1)
  })

  test('refuses a driver that says nothing of a signature', async () => {
    const { report } = await run(folder(scenario({ windows: '7' })))
    expect(report.verdicts).toMatchObject([{ rule: 'signed', status: '0xC0000428' }])
  })

  test('takes how a driver is signed from files of the folder', async () => {
    const files = { 'toy.package.json': '{ "by": "test" }' }
    const policy: LoadPolicy = { windows: '10-1507', testSigning: true, secureBoot: false }
    expect((await run(folder(scenario(policy), files))).report.outcome).toBe('ok')
    const named = { policy, drivers: [{ name: 'Toy', entry: 'driver.ts', package: 'toy' }] }
    expect((await run(folder(named, files))).report.outcome).toBe('ok')
    const { report } = await run(folder(named))
    expect(report.outcome).toBe('compile-error')
    expect(report.diagnostics[0]?.message).toContain('no toy.package.json')
  })

  test('tells a mistake in such a file with its place', async () => {
    const bad = '{\n  "by": "nobody",\n  "stamp": { "time": "2024-02-31" }\n}'
    const { report } = await run(folder(scenario({ windows: '7' }), { 'toy.package.json': bad }))
    expect(report.diagnostics.map(({ file, line }) => [file, line])).toEqual([
      ['toy.package.json', 2],
      ['toy.package.json', 3],
    ])
  })

  test('without a policy nothing is asked', async () => {
    const plain = await run(folder(scenario(undefined)))
    const signed = await run(folder(scenario(undefined, { by: 'none' })))
    expect(signed.events).toEqual(plain.events)
    expect(plain.kinds).not.toContain('image.verified')
    expect(plain.report).not.toHaveProperty('verdicts')
  })
})

describe('what a package is made of', () => {
  test('is what the driver and its modules import, under the names a linker sees', () => {
    const planned = planOf(folder(scenario(undefined)), undefined)
    if (!('plan' in planned)) throw new Error('no plan')
    const { imports, texts } = packageSourceOf(planned.plan, planned.plan.drivers[0]!)
    expect(imports).toEqual([
      {
        dll: 'ntoskrnl.exe',
        functions: ['DbgPrint', 'IoCreateDevice', 'IoDeleteDevice', 'KeLowerIrql', 'KfRaiseIrql'],
      },
    ])
    expect(texts).toEqual(['\\Device\\Toy'])
  })
})

describe('the calls', () => {
  const host = createLabHost({ onProgress: () => undefined })
  const files = folder(scenario({ windows: '11-22H2', blockList: false }), {
    'toy.package.json': '{ "by": "attestation" }',
    'toy.inf': '[Version]\nSignature="$Windows NT$"\n',
  })

  test('describe the package, judged by the scenario where it says how the machine is', async () => {
    const answer = await host['lab.package']({ files, driver: null })
    if (!answer.ok) throw new Error(answer.error.message)
    const { drivers, files: names, signing, report } = answer.value
    expect([drivers, names, signing.by]).toEqual([
      ['Toy'],
      { signing: 'toy.package.json', inf: 'toy.inf' },
      'attestation',
    ])
    expect(report.parts.map(({ name, isListed }) => [name, isListed])).toEqual([
      ['toy.sys', true],
      ['toy.inf', true],
      ['toy.cat', null],
    ])
    expect(report.verdicts.map(({ accepted }) => accepted)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ])
    expect(report.verdicts.at(-1)?.machine).toContain('block list off')
    expect(report.problems.length).toBeGreaterThan(3)
  })

  test('give the bytes, and say what is wrong with a folder', async () => {
    const answer = await host['lab.packageFiles']({ files, driver: 'Toy' })
    if (!answer.ok) throw new Error(answer.error.message)
    const [image] = answer.value.files
    expect(Buffer.from(image!.bytes, 'base64').toString('latin1', 0, 2)).toBe('MZ')
    const bad = await host['lab.package']({
      files: { ...files, 'toy.package.json': '{' },
      driver: null,
    })
    expect(bad).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('toy.package.json, line 1') as string },
    })
  })
})
