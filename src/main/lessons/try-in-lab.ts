/** A rule of a student put to runs by the lab's helper process, which reads rules and runs drivers. */
import type { rulesContract } from '../../shared/contract/detections'
import type { labContract } from '../../shared/contract/lab'
import type { Handlers } from '../../shared/contract/table'
import { ok } from '../../shared/errors'
import type { Tried, TryRule } from './judge'
import { asDiagnostic, noRule } from './rule-mistakes'

type TrialLab = Pick<
  Handlers<typeof labContract & typeof rulesContract>,
  'rules.read' | 'lab.run' | 'lab.detect' | 'lab.close'
>

/** One run after the other; each is closed as soon as it was looked at. */
export const tryRuleIn =
  (lab: TrialLab): TryRule =>
  async (file, requests) => {
    const read = await lab['rules.read']({ files: [file] })
    if (!read.ok) return read
    const { rules, mistakes } = read.value
    const told = rules.length === 0 && mistakes.length === 0 ? [noRule(file.file)] : mistakes
    if (told.length > 0) return ok({ mistakes: told.map(asDiagnostic), runs: [] })
    const runs: Tried[] = []
    for (const [i, request] of requests.entries()) {
      const runId = `lesson-rule-${i}`
      const run = await lab['lab.run']({ ...request, runId })
      if (!run.ok) return run
      const found = await lab['lab.detect']({ runId, rules: rules.map(({ rule }) => rule) })
      await lab['lab.close']({ runId })
      if (!found.ok) return found
      const { outcome } = run.value.report
      runs.push({ outcome, alarm: found.value.alarms[0]?.because ?? null })
    }
    return ok({ mistakes: [], runs })
  }
