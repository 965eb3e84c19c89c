/**
 * The lab behind the contract: runs, and the questions about them. It lives in a process of its own
 * in the app and in the terminal's process there.
 */
import type { labContract } from '../../shared/contract/lab'
import { fail, ok, type Result } from '../../shared/errors'
import type { Handlers } from '../../shared/contract/table'
import type { TraceEvent } from '../../shared/trace/event'
import type { z } from 'zod'
import { DetectionRun, compileRule } from '../../shared/detections'
import { evaluate } from '../../shared/statements'
import type { RunReport } from '../../shared/contract/model'
import { check } from '../dsl/compile'
import { sortDiagnostics } from '../dsl/diagnostics'
import { ddiReference } from '../kernel/ddi/reference'
import { SimulatorBug } from '../kernel/stop'
import { declarationFiles } from '../dsl/types/declarations'
import { answerPackage, describePackage, packageBytes } from './package-calls'
import { packageProblems } from './packages'
import { planOf } from './project'
import { runProject } from './run'
import { TraceStore } from './trace-store'

export type LabHost = Handlers<typeof labContract>
type Progress = z.input<(typeof labContract)['lab.progress']['output']>

const EVENTS_MAX = 5000
const CONSOLE_PAGE = 1000
const CALLS_PAGE = 200

interface OpenRun {
  store: TraceStore
  running: boolean
  stopping: boolean
  /** Null before it has ended, and when it ended with a fault of ours. */
  report: RunReport | null
}

export function createLabHost(options: { onProgress: (progress: Progress) => void }): LabHost {
  const runs = new Map<string, OpenRun>()

  const withRun = <T>(runId: string, use: (run: OpenRun) => T): Result<T> => {
    const run = runs.get(runId)
    if (run) return ok(use(run))
    return fail(
      'run-not-found',
      `Run ${runId} is not open.`,
      'Run it again; the same seed gives the same run.',
    )
  }

  return {
    'lab.check'({ files }) {
      const planned = planOf(files, undefined)
      if ('diagnostics' in planned) return ok({ diagnostics: planned.diagnostics })
      const { entries, files: all } = planned.plan
      // A twin beside the driver (fixed.ts) is checked as a driver too.
      for (const file of Object.keys(files))
        if (file === 'fixed.ts' && !entries.some(({ entry }) => entry === file))
          return ok({
            // What both import is looked at twice and told once.
            diagnostics: sortDiagnostics([
              ...packageProblems(planned.plan),
              ...check(all, entries),
              ...check(files, [{ entry: file, kind: 'driver' }]),
            ]),
          })
      return ok({ diagnostics: [...packageProblems(planned.plan), ...check(all, entries)] })
    },

    async 'lab.run'(request) {
      const { runId } = request
      if (runs.get(runId)?.running)
        return fail('bad-request', `Run ${runId} is running already.`, 'Use another run id.')
      const run: OpenRun = { store: new TraceStore(), running: true, stopping: false, report: null }
      runs.set(runId, run)
      try {
        const { report } = await runProject(request, {
          onEvent: (event) => run.store.push(event),
          onProgress: (phase, events) => options.onProgress({ runId, phase, events }),
          shouldStop: () => run.stopping,
        })
        run.report = report
        return ok({ runId, report })
      } catch (error) {
        return simulatorFault(error, request.seed, run.store.count)
      } finally {
        run.running = false
        options.onProgress({ runId, phase: 'finished', events: run.store.count })
        collectSoon()
      }
    },

    'lab.stop'({ runId }) {
      const run = runs.get(runId)
      if (run?.running) run.stopping = true
      return ok({ stopped: run?.running ?? false })
    },

    'lab.close'({ runId }) {
      const run = runs.get(runId)
      if (run) run.stopping = true
      runs.delete(runId)
      return ok({})
    },

    'lab.events': ({ runId, from, to }) =>
      withRun(runId, ({ store }) => ({
        events: store.range(from, Math.min(to, from + EVENTS_MAX - 1)),
      })),

    'lab.irp': ({ runId, irp }) =>
      withRun(runId, ({ store }) => ({ events: store.ofIrp(irp).slice(0, EVENTS_MAX) })),

    'lab.calls': ({ runId, step }) =>
      withRun(runId, ({ store }) => store.systemCalls(step, CALLS_PAGE)),

    'lab.call': ({ runId, first }) =>
      withRun(runId, ({ store }) => ({ story: store.systemCall(first) ?? null })),

    'lab.state': ({ runId, step }) => withRun(runId, ({ store }) => store.state(step)),

    'lab.timeline': ({ runId, from, to, width }) =>
      withRun(runId, ({ store }) => store.timeline(from, to, width)),

    'lab.console': ({ runId, offset }) =>
      withRun(runId, ({ store }) => store.console(offset, CONSOLE_PAGE)),

    'lab.lineSteps': ({ runId, file, line }) =>
      withRun(runId, ({ store }) => ({ steps: store.lineSteps(file, line).slice(0, 1000) })),

    'lab.why': ({ runId, seq }) => withRun(runId, ({ store }) => ({ chain: store.why(seq) })),

    'lab.evaluate'({ runId, statements }) {
      const run = runs.get(runId)
      if (!run?.report) return notEnded(runId)
      const { report, store } = run
      // Who names what is hidden does not unhide it: what defences say does not count.
      const alerts = new Set(report.alerts?.map(({ seq }) => seq))
      const results = evaluate(statements, {
        events: alerts.size > 0 ? without(store.all(), alerts) : store.all(),
        outcome: report.outcome,
        tables: report.tables ?? null,
      })
      return ok({ results, report })
    },

    'lab.detect'({ runId, rules }) {
      const run = runs.get(runId)
      if (!run?.report) return notEnded(runId)
      const detection = new DetectionRun(rules.map(compileRule))
      for (const event of run.store.all()) detection.event(event)
      const { before = null, after = null } = run.report.tables ?? {}
      detection.tables({ before, after })
      return ok({ alarms: detection.finish() })
    },

    'lab.compare'({ left, right }) {
      const a = runs.get(left)
      const b = runs.get(right)
      if (!a || !b)
        return fail(
          'run-not-found',
          'One of the two runs is not open.',
          'Open both runs, then compare.',
        )
      const firstDifference = firstDifferenceOf(a.store, b.store)
      const from = Math.max(1, (firstDifference ?? 1) - 3)
      return ok({
        firstDifference,
        left: a.store.range(from, from + 10),
        right: b.store.range(from, from + 10),
      })
    },

    'lab.package': (request) => answerPackage(request, describePackage),
    'lab.packageFiles': (request) => answerPackage(request, packageBytes),

    'lab.types': () => ok({ files: { ...declarationFiles() } }),
    'lab.ddi': () => ok({ entries: [...ddiReference()] }),
  }
}

function* without(events: Iterable<TraceEvent>, seqs: ReadonlySet<number>): Iterable<TraceEvent> {
  for (const event of events) if (!seqs.has(event.seq)) yield event
}

const notEnded = (runId: string): Result<never> =>
  fail('run-not-found', `Run ${runId} has not ended.`, 'Run to the end, then ask again.')

/** A run that has just ended is looked at first; collecting takes some 50 ms. */
const COLLECT_AFTER_MS = 1000

/**
 * Collect what a run left behind, where the process was started with --expose-gc. V8 does not hurry
 * by itself: the 100 MB of WebAssembly memory are a small object to it.
 */
function collectSoon(): void {
  const { gc } = globalThis as { gc?: () => void }
  if (gc) setTimeout(gc, COLLECT_AFTER_MS)
}

/** Seq of the first event that is not the same in both runs; null when there is none. */
function firstDifferenceOf(a: TraceStore, b: TraceStore): number | null {
  const right = b.all()[Symbol.iterator]()
  let seq = 0
  for (const event of a.all()) {
    seq = event.seq
    const other = right.next()
    if (other.done || !isSameEvent(event, other.value)) return seq
  }
  return right.next().done ? null : seq + 1
}

function isSameEvent(a: TraceEvent, b: TraceEvent): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function simulatorFault(error: unknown, seed: number, step: number): Result<never> {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  const cause =
    error instanceof SimulatorBug && error.cause instanceof Error ? `\n${error.cause.stack}` : ''
  return fail(
    'internal',
    `Simulator fault at step ${step}, seed ${seed}.`,
    'This is a fault of the program, not of the driver. Copy the details into a report.',
    detail + cause,
  )
}
