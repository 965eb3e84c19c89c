/** A routine that the reference knows and the lab does not have: none today, so one is invented. */
import { expect, test, vi } from 'vitest'
import { compile } from '../compile'

vi.mock('../../../shared/nt/ddi-facts', async (original) => {
  const facts = await original<typeof import('../../../shared/nt/ddi-facts')>()
  const invented = { IoCompleteRequestTwice: facts.DDI_FACTS.IoFreeIrp }
  return { ...facts, DDI_FACTS: { ...facts.DDI_FACTS, ...invented } }
})

const ENTRY = `
import type { DRIVER_OBJECT, NTSTATUS, UNICODE_STRING } from 'wdm'
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  return 0
}`

const messages = (line: string): string[] =>
  compile({ 'driver.ts': line + ENTRY }, [{ entry: 'driver.ts', kind: 'driver' }]).diagnostics.map(
    ({ code, message, hint }) => `${code} ${message} ${hint}`,
  )

test.each([
  ["import { IoCompleteRequestTwice } from 'wdm'", 'imported'],
  ['export function f() { IoCompleteRequestTwice() }', 'used without an import'],
])('%s is refused with its name and the nearest one', (line) => {
  expect(messages(line)).toEqual([
    expect.stringMatching(
      /^DSL020 IoCompleteRequestTwice is a Windows routine that the lab does not have.* IoCompleteRequest\b/,
    ) as string,
  ])
})
