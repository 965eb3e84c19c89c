/** The lab: check, run, stop, and look at a run step by step. */
import { z } from 'zod'
import { PackageReport } from '../package/report'
import { SigningPlan } from '../package/signing'
import { PackageRequest } from './packages'
import { call, stream } from './table'
import { Diagnostic, ProjectFiles, RunReport, RunRequest } from './model'
import type { TraceEvent } from '../trace/event'
import type { MachineState } from '../trace/fold'
import type { CallPage } from '../trace/fold-rings'
import type { CallStory } from '../trace/rings'
import type { Timeline } from '../trace/timeline'
import { Rule, type Alarm } from '../detections'
import { Statement, type StatementResult } from '../statements'

const RunId = z.string().max(64)
const Event = z.custom<TraceEvent>((value) => typeof value === 'object' && value !== null)
const State = z.custom<MachineState>((value) => typeof value === 'object' && value !== null)
const Judged = z.custom<StatementResult>((value) => typeof value === 'object' && value !== null)
const Raised = z.custom<Alarm>((value) => typeof value === 'object' && value !== null)
const CallPageShape = z.custom<CallPage>((value) => typeof value === 'object' && value !== null)
const StoryShape = z.custom<CallStory>((value) => typeof value === 'object' && value !== null)
const TimelineShape = z.custom<Timeline>((value) => typeof value === 'object' && value !== null)

export const DdiEntry = z.object({
  name: z.string(),
  component: z.string(),
  prototype: z.string(),
  irql: z.string(),
  summary: z.string(),
  support: z.enum(['full', 'partial', 'none']),
  note: z.string().optional(),
  docs: z.string().optional(),
})
export type DdiEntry = z.infer<typeof DdiEntry>

export const labContract = {
  /** Compile without running. */
  'lab.check': call(
    z.object({ files: ProjectFiles }),
    z.object({ diagnostics: z.array(Diagnostic) }),
  ),
  /** Run to the end; the run stays open for the look-ups below until `lab.close`. */
  'lab.run': call(
    RunRequest.extend({ runId: RunId }),
    z.object({ runId: RunId, report: RunReport }),
  ),
  /** End a running run; its events so far stay. */
  'lab.stop': call(z.object({ runId: RunId }), z.object({ stopped: z.boolean() })),
  'lab.close': call(z.object({ runId: RunId }), z.object({})),
  /** Events `from`..`to` (seq, inclusive), at most 5,000. */
  'lab.events': call(
    z.object({ runId: RunId, from: z.number().int().min(1), to: z.number().int() }),
    z.object({ events: z.array(Event) }),
  ),
  /** Every event of one packet, at most 5,000. */
  'lab.irp': call(
    z.object({ runId: RunId, irp: z.number().int() }),
    z.object({ events: z.array(Event) }),
  ),
  /** The system calls around a step, at most 200. */
  'lab.calls': call(z.object({ runId: RunId, step: z.number().int().min(1) }), CallPageShape),
  /** How the call whose first hop is `first` went, hop by hop; null when there is none. */
  'lab.call': call(
    z.object({ runId: RunId, first: z.number().int().min(1) }),
    z.object({ story: StoryShape.nullable() }),
  ),
  /** The machine after event `step`. */
  'lab.state': call(z.object({ runId: RunId, step: z.number().int().min(0) }), State),
  /** Spans and marks of the steps `from`..`to`, thinned to about `width` of them. */
  'lab.timeline': call(
    z.object({
      runId: RunId,
      from: z.number().int().min(1),
      to: z.number().int(),
      width: z.number().int().min(10).max(4000),
    }),
    TimelineShape,
  ),
  /** DbgPrint and client output with their seq, newest last, a page of at most 1,000. */
  'lab.console': call(
    z.object({ runId: RunId, offset: z.number().int().min(0) }),
    z.object({
      total: z.number(),
      lines: z.array(
        z.object({ seq: z.number(), kind: z.enum(['dbgprint', 'stdout']), text: z.string() }),
      ),
    }),
  ),
  /** Seqs at which a source line was at work, at most 1,000. */
  'lab.lineSteps': call(
    z.object({ runId: RunId, file: z.string(), line: z.number().int() }),
    z.object({ steps: z.array(z.number()) }),
  ),
  /** Sequence of causes that led to an event, first cause first, each with a sentence. */
  'lab.why': call(
    z.object({ runId: RunId, seq: z.number().int().min(1) }),
    z.object({ chain: z.array(z.object({ seq: z.number(), text: z.string() })) }),
  ),
  /** Put statements to a run that has ended; the results are in their order. */
  'lab.evaluate': call(
    z.object({ runId: RunId, statements: z.array(Statement).max(200) }),
    z.object({ results: z.array(Judged), report: RunReport }),
  ),
  /** Put detection rules to a run that has ended and has its memory tables; the gravest alarm first. */
  'lab.detect': call(
    z.object({ runId: RunId, rules: z.array(Rule).max(2000) }),
    z.object({ alarms: z.array(Raised) }),
  ),
  /** Seq of the first event that differs between two runs, or null when one is a prefix of the other and equal. */
  'lab.compare': call(
    z.object({ left: RunId, right: RunId }),
    z.object({
      firstDifference: z.number().nullable(),
      left: z.array(Event),
      right: z.array(Event),
    }),
  ),
  /** The driver package of one of the folder's drivers: its parts, its INF, who would load it. */
  'lab.package': call(
    PackageRequest,
    z.object({
      /** Service names of all drivers of the folder. */
      drivers: z.array(z.string()),
      driver: z.string(),
      /** Files of the folder that say how it is signed and what its INF is, there or not. */
      files: z.object({ signing: z.string(), inf: z.string() }),
      signing: SigningPlan,
      /** scenario.json says in place how it is signed; the file does not count. */
      isInline: z.boolean(),
      report: PackageReport,
    }),
  ),
  /** The bytes of its files, in base64. */
  'lab.packageFiles': call(
    PackageRequest,
    z.object({ files: z.array(z.object({ name: z.string(), bytes: z.string() })) }),
  ),
  /** Type declarations for the editor: virtual path to text. */
  'lab.types': call(z.object({}), z.object({ files: ProjectFiles })),
  /** The table of routines, for hover and the reference. */
  'lab.ddi': call(z.object({}), z.object({ entries: z.array(DdiEntry) })),

  'lab.progress': stream(
    z.object({
      runId: RunId,
      phase: z.enum(['compiling', 'running', 'finished']),
      events: z.number(),
    }),
  ),
  /** The helper process ended and was started anew; open runs are gone, what was saved is not. */
  'lab.lost': stream(z.object({ reason: z.string() })),
}
