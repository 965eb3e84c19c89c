import { ring } from '../services/ring'

/** Loading a driver takes far fewer steps. */
const LOOK_MAX = 2000

/**
 * Where a finished run that ended well is opened: the first request in the driver's own code, since
 * there most of the pictures have something to show in both directions; else its DriverEntry.
 */
export async function firstInterestingStep(runId: string, events: number): Promise<number> {
  if (events === 0) return 0
  const to = Math.min(events, LOOK_MAX)
  const result = await ring()['lab.timeline']({ runId, from: 1, to, width: LOOK_MAX })
  if (!result.ok) return 1
  const code = result.value.spans.filter((span) => span.lane === 'code')
  const request =
    code.find((span) => span.kind === 'routine') ?? code.find((span) => span.kind === 'load')
  return request?.from ?? 1
}
