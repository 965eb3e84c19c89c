import { expect, test } from 'vitest'
import { RunReport, type ProjectFiles } from '../../shared/contract/model'
import { diffTables } from '../../shared/memory/difference'
import { eventLine } from '../../shared/trace/codec'
import { runProject } from './run'
import { readSamples } from './testing/samples'

const samples = readSamples()
const filesOf = (slug: string): ProjectFiles => samples.find((each) => each.slug === slug)!.files

async function run(
  files: ProjectFiles,
  tables = true,
): Promise<{ report: RunReport; trace: string }> {
  const lines: string[] = []
  const { report } = await runProject(
    { files, seed: 1, verifier: [], trace: 'full', tables },
    { onEvent: (event) => lines.push(eventLine(event)) },
  )
  return { report, trace: lines.join('') }
}

test('a run that is asked for memory tables has them, and the trace that it has without', async () => {
  const { report, trace } = await run(filesOf('process-watcher'))
  const without = await run(filesOf('process-watcher'), false)
  expect(trace).toBe(without.trace)
  expect(without.report.tables).toBeUndefined()
  const { before, after } = RunReport.parse(report).tables ?? {}
  expect(before?.['drivers']).toEqual([])
  // The last program is about to end, and still there.
  expect(after?.['processes']).toContainEqual(
    expect.objectContaining({ name: 'notepad.exe', byList: true, isExiting: false }),
  )
  const shown = diffTables(before!, after!).map(({ table }) => table)
  expect(shown).toEqual(
    expect.arrayContaining(['modules', 'processes', 'callbacks', 'drivers', 'tokens']),
  )
  expect(shown).not.toContain('ssdt')
  expect(shown).not.toContain('code')
})

test('a machine that stopped is read as it stopped', async () => {
  const { report } = await run(filesOf('null-dereference'))
  expect(report.outcome).toBe('bugcheck')
  expect(report.tables?.after?.['modules']).toContainEqual(
    expect.objectContaining({ name: 'Adder.sys', byList: true }),
  )
})

test('a run without programs is read before its drivers are unloaded', async () => {
  const { 'driver.ts': driver = '' } = filesOf('hello')
  const { report } = await run({ 'driver.ts': driver })
  expect(report.outcome).toBe('ok')
  expect(report.tables?.after?.['modules']?.length).toBe(2)
})
