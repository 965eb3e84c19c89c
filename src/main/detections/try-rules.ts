/** The tests that rules bring along: events and rows at once, samples by running them. */
import { compileRule, tryInline, verdictOf, type FailedTest } from '../../shared/detections'
import type { ProjectFiles } from '../../shared/contract/model'
import type { Outcome } from '../../shared/trace/event'
import { detect, type Detected } from './detect'
import type { ReadRule } from './read'

const NOT_RUN: ReadonlySet<Outcome> = new Set(['compile-error', 'load-failed'])

/**
 * Run the tests of rules.
 * @param filesOf  the driver folder of a sample; null when there is none of that name
 */
export async function tryRules(
  rules: readonly ReadRule[],
  filesOf: (sample: string) => ProjectFiles | null,
): Promise<FailedTest[]> {
  const failed: FailedTest[] = []
  /** Each sample runs once, under all rules. */
  const runs = new Map<string, Promise<Detected>>()
  const runOf = (sample: string): Promise<Detected> | null => {
    let run = runs.get(sample)
    if (!run) {
      const files = filesOf(sample)
      if (!files) return null
      run = detect({ files, seed: 1, verifier: [], trace: 'full' }, rules)
      runs.set(sample, run)
    }
    return run
  }
  for (const { rule } of rules) {
    const compiled = compileRule(rule)
    for (const test of rule.tests) {
      if (test.sample === undefined) {
        const result = tryInline(compiled, test)
        if (result) failed.push(result)
        continue
      }
      const run = runOf(test.sample)
      const fail = (because: string): void =>
        void failed.push({ rule: rule.id, test: test.name, because })
      if (!run) {
        fail(`There is no sample ${test.sample}.`)
        continue
      }
      const { alarms, report } = await run
      // A driver that never ran raises nothing, which says nothing about the rule.
      if (!test.raises && NOT_RUN.has(report.outcome)) {
        fail(`The sample ${test.sample} did not run: it ended with ${report.outcome}.`)
        continue
      }
      const result = verdictOf(compiled, test, alarms)
      if (result) failed.push(result)
    }
  }
  return failed
}
