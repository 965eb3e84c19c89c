/** Runs of a machine with the small Windows around its drivers, for tests. */
import type { RunReport } from '../../../shared/contract/model'
import { foldAll, type MachineState } from '../../../shared/trace/fold'
import type { TraceEvent } from '../../../shared/trace/event'
import { runProject } from '../run'

export interface WorldRun {
  report: RunReport
  events: TraceEvent[]
  /** What all programs wrote. */
  written: string[]
  state: MachineState
}

/** Run a scenario; without `drivers` there are none. */
export async function runWorld(
  scenario: Record<string, unknown>,
  files: Record<string, string> = {},
): Promise<WorldRun> {
  const text = JSON.stringify({ world: 'windows', drivers: [], ...scenario })
  const events: TraceEvent[] = []
  const { report } = await runProject(
    { files: { 'scenario.json': text, ...files }, seed: 1, verifier: [], trace: 'full' },
    { onEvent: (event) => events.push(event) },
  )
  const written = events.flatMap((event) => (event.t === 'stdout' ? [event.text] : []))
  return { report, events, written, state: foldAll(events) }
}
