/** Runs that are not that of the lesson, in the lab's helper process, which reads rules and runs drivers. */
import type { rulesContract } from '../../shared/contract/detections'
import type { labContract } from '../../shared/contract/lab'
import type { Handlers } from '../../shared/contract/table'
import { ok } from '../../shared/errors'
import type { Trials, Tried } from './judge'
import { asDiagnostic, noRule } from '../../shared/lessons/rule-mistakes'

type TrialLab = Pick<
  Handlers<typeof labContract & typeof rulesContract>,
  'rules.read' | 'lab.run' | 'lab.evaluate' | 'lab.detect' | 'lab.close'
>

/** One run after the other; each is closed as soon as it was looked at. */
const RUN_ID = 'lesson-trial'

export const triesIn = (lab: TrialLab): Trials => ({
  async rule(file, requests) {
    const read = await lab['rules.read']({ files: [file] })
    if (!read.ok) return read
    const { rules, mistakes } = read.value
    const told = rules.length === 0 && mistakes.length === 0 ? [noRule(file.file)] : mistakes
    if (told.length > 0) return ok({ mistakes: told.map(asDiagnostic), runs: [] })
    const runs: Tried[] = []
    for (const request of requests) {
      const run = await lab['lab.run']({ ...request, runId: RUN_ID })
      if (!run.ok) return run
      const asked = { runId: RUN_ID, rules: rules.map(({ rule }) => rule) }
      const found = await lab['lab.detect'](asked)
      await lab['lab.close']({ runId: RUN_ID })
      if (!found.ok) return found
      const { outcome } = run.value.report
      runs.push({ outcome, alarm: found.value.alarms[0]?.because ?? null })
    }
    return ok({ mistakes: [], runs })
  },

  async statements(request, statements) {
    const run = await lab['lab.run']({ ...request, runId: RUN_ID })
    if (!run.ok) return run
    const judged = await lab['lab.evaluate']({ runId: RUN_ID, statements: [...statements] })
    await lab['lab.close']({ runId: RUN_ID })
    return judged.ok ? ok(judged.value.results) : judged
  },
})
