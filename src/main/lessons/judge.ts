/** What became of all checks of a lesson, those about the run and those about what was written. */
import type { Diagnostic, ProjectFiles, RunReport, RunRequest } from '../../shared/contract/model'
import { ok, type Result } from '../../shared/errors'
import type { RuleAsk } from '../../shared/lessons/check'
import { HIDDEN, statementsOf, type Lesson } from '../../shared/lessons/lesson'
import type { Statement, StatementResult } from '../../shared/statements'
import { judgeAnswers } from './answers'

/** What a rule made of one run. */
export interface Tried {
  outcome: RunReport['outcome']
  /** Why it raised its first alarm; null when it raised none. */
  alarm: string | null
}

/** What a rule made of runs; no runs when there is something wrong with the rule. */
export interface Trial {
  mistakes: Diagnostic[]
  runs: Tried[]
}

/** Read a rule and put it to runs, in their order. */
export type TryRule = (
  rule: { file: string; text: string },
  runs: readonly RunRequest[],
) => Promise<Result<Trial>>

/** Put statements to a run; what becomes of them, in their order. */
export type TryStatements = (
  run: RunRequest,
  statements: readonly Statement[],
) => Promise<Result<StatementResult[]>>

/** How runs are made that are not that of the lesson. */
export interface Trials {
  rule: TryRule
  statements: TryStatements
}

export interface Judged {
  /** In the order of the checks. */
  results: StatementResult[]
  /** Mistakes in what the student wrote that is no driver. */
  diagnostics: Diagnostic[]
}

/**
 * @param files       the lesson's files with those of the student
 * @param statements  results of the checks that are statements about the lesson's run, in their order
 */
export async function judge(
  lesson: Lesson,
  files: ProjectFiles,
  statements: readonly StatementResult[],
  tries: Trials,
): Promise<Result<Judged>> {
  const trials = new Map<string, { trial: Trial; names: string[] }>()
  for (const name of rulesOf(lesson)) {
    const names = runsOf(lesson, name)
    const rule = { file: name, text: files[name] ?? '' }
    const runs = names.map((scenario) => requestWith(lesson, files, scenario))
    const tried = await tries.rule(rule, runs)
    if (!tried.ok) return tried
    trials.set(name, { trial: tried.value, names })
  }
  const waiting = new Map<string | undefined, StatementResult[]>([[undefined, [...statements]]])
  for (const scenario of elsewhereOf(lesson)) {
    const run = requestWith(lesson, files, scenario)
    const tried = await tries.statements(run, statementsOf(lesson, scenario))
    if (!tried.ok) return tried
    waiting.set(
      scenario,
      tried.value.map((result) => toldOf(scenario, result)),
    )
  }
  return ok({
    results: lesson.checks.map((check) => {
      if ('statement' in check) return waiting.get(check.in)!.shift()!
      if ('answers' in check) return judgeAnswers(check.answers, files[check.answers.answers] ?? '')
      const { trial, names } = trials.get(check.rule.rule)!
      return judgeRule(check.rule, trial, names)
    }),
    diagnostics: [...trials.values()].flatMap(({ trial }) => trial.mistakes),
  })
}

/** Files of a lesson that are rules. */
export const rulesOf = (lesson: Pick<Lesson, 'checks'>): Set<string> =>
  new Set(lesson.checks.flatMap((check) => ('rule' in check ? [check.rule.rule] : [])))

/** Runs that statements are about, but for that of the lesson. */
const elsewhereOf = (lesson: Lesson): Set<string> =>
  new Set(
    lesson.checks.flatMap((check) =>
      'statement' in check && check.in !== undefined ? [check.in] : [],
    ),
  )

/** The result of another run: its events are not those that the student steps through. */
const toldOf = (scenario: string, { says, holds, because }: StatementResult): StatementResult => ({
  says,
  holds,
  because: scenario.startsWith(HIDDEN)
    ? `It ${holds ? 'holds' : 'does not hold'} in a run that the lesson does not show.`
    : `In ${scenario}: ${because}`,
  seq: null,
})

/** Every run that a rule is tried on, once. */
function runsOf(lesson: Lesson, rule: string): string[] {
  const asks = lesson.checks.flatMap((check) => ('rule' in check ? [check.rule] : []))
  const mine = asks.filter((ask) => ask.rule === rule)
  return [...new Set(mine.flatMap(({ raises, quiet }) => [...raises, ...quiet]))]
}

/** The lesson's folder with another file in the place of scenario.json. */
function requestWith(lesson: Lesson, files: ProjectFiles, scenario: string): RunRequest {
  const { seed, verifier, processors } = lesson.run
  return {
    files: { ...files, 'scenario.json': files[scenario] ?? '' },
    seed,
    verifier,
    trace: 'full',
    tables: true,
    ...(processors === undefined ? {} : { processors }),
  }
}

function judgeRule(ask: RuleAsk, { mistakes, runs }: Trial, names: string[]): StatementResult {
  const told = (holds: boolean, because: string): StatementResult => ({
    says: ask.says,
    holds,
    because,
    seq: null,
  })
  const [mistake] = mistakes
  if (mistake) return told(false, `${mistake.file}:${mistake.line} ${mistake.message}`)
  for (const name of [...ask.raises, ...ask.quiet]) {
    const isShown = !name.startsWith(HIDDEN)
    const { outcome, alarm } = runs[names.indexOf(name)]!
    if (outcome === 'compile-error' || outcome === 'load-failed')
      return told(false, `${name} did not run: it ended with ${outcome}.`)
    if (ask.raises.includes(name) === (alarm !== null)) continue
    if (alarm === null)
      return told(false, `No alarm in ${isShown ? name : 'a run that the lesson does not show'}.`)
    // Of a run that is not shown neither driver nor event are told.
    return told(
      false,
      isShown
        ? `A false alarm in ${name}. ${alarm}`
        : 'A false alarm about an honest driver that the lesson does not show.',
    )
  }
  const runsWords = (count: number): string => (count === 1 ? 'one run' : `${count} runs`)
  const quiet = ask.quiet.length > 0 ? `, and none in ${runsWords(ask.quiet.length)}` : ''
  return told(true, `An alarm in ${runsWords(ask.raises.length)}${quiet}.`)
}
