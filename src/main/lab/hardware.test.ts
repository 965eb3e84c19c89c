/** What a scenario says of the machine: its platform, its memory, what happens to its devices. */
import { expect, test } from 'vitest'
import type { TraceEvent } from '../../shared/trace/event'
import { runProject } from './run'

const DRIVER = `
import { ExAllocatePoolWithTag, ExFreePoolWithTag, PagedPool, STATUS_SUCCESS, KeGetCurrentIrql, DbgPrint, __readmsr } from 'wdm'
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DriverObject.DriverUnload = Unload
  const block = ExAllocatePoolWithTag(PagedPool, 8192, 'Tpag')
  if (block === null) return STATUS_SUCCESS
  for (let i = 0; i < 400; i++) {
    block.u32[i] = i
    KeGetCurrentIrql()
  }
  let sum = 0
  for (let i = 0; i < 400; i++) sum += block.u32[i]
  DbgPrint('sum %u', sum)
  ExFreePoolWithTag(block, 'Tpag')
  return STATUS_SUCCESS
}
function Unload(DriverObject: DRIVER_OBJECT): void {}
`

async function run(
  scenario: Record<string, unknown>,
  driver = DRIVER,
): Promise<{ events: TraceEvent[]; outcome: string; printed: string[]; code: string | undefined }> {
  const events: TraceEvent[] = []
  const { report } = await runProject(
    {
      files: { 'driver.ts': driver, 'scenario.json': JSON.stringify(scenario) },
      seed: 1,
      verifier: [],
      trace: 'full',
    },
    { onEvent: (event) => events.push(event) },
  )
  expect(report.diagnostics.filter(({ severity }) => severity === 'error')).toEqual([])
  const { outcome, dbgPrint, bugcheck } = report
  return { events, outcome, printed: dbgPrint, code: bugcheck?.code }
}

const kinds = (events: TraceEvent[]): Set<string> => new Set(events.map(({ t }) => t))

test('memory pressure moves pages of a driver in and out, and nothing is lost', async () => {
  const calm = await run({})
  expect(kinds(calm.events)).not.toContain('page.faulted')
  const { events, outcome, printed } = await run({ paging: 'pressure' })
  expect([outcome, printed]).toEqual(['ok', ['sum 79800']])
  expect(kinds(events)).toContain('pages.trimmed')
  expect(kinds(events)).toContain('page.faulted')
})

test('steps feed devices, make noise and send pages out', async () => {
  const { events, outcome } = await run({
    steps: [
      { do: 'input', device: 'dma0', data: { text: 'x' } },
      { do: 'interrupt', device: 'uart0', repeat: 2 },
      { do: 'pageOut', pages: 1 },
    ],
  })
  expect(outcome).toBe('ok')
  const { length } = events.filter(({ t }) => t === 'interrupt.raised')
  expect(length).toBe(2)
  expect(kinds(events)).toContain('device.received')
})

test('the platform is the scenario’s', async () => {
  const driver = DRIVER.replace('let sum = 0', 'let sum = 0; __readmsr(0xC0000082)')
  expect((await run({}, driver)).outcome).toBe('ok')
  const arm = await run({ hal: 'arm64' }, driver)
  expect([arm.outcome, arm.code]).toEqual(['bugcheck', '0x0000007E'])
})
