/** Walks through a trace by source lines: step over, back, and to the next breakpoint. */
import type { SourcePlace, TraceEvent } from '../../../shared/trace/event'
import { eventPage, PAGE_SIZE } from './event-pages'
import { ring } from './ring'

/** Events that a step over looks at before it gives up and goes to the last one it saw. */
const LOOK_MAX = 20_000

/**
 * Seq of the next (or previous) event on another source line that is not deeper in the calls than
 * the event at `from`; the end of the run in that direction when there is none.
 */
export async function stepOver(
  runId: string,
  from: number,
  total: number,
  direction: 1 | -1,
): Promise<number> {
  let page = await eventPage(runId, Math.floor((from - 1) / PAGE_SIZE))
  const start = page[(from - 1) % PAGE_SIZE]
  if (!start) return from
  let depth = 0
  // Going back, a line is entered at its first event, where going forward enters it too.
  let line: { at: SourcePlace; seq: number } | null = null
  for (let seq = from, looked = 0; looked < LOOK_MAX; looked++) {
    // A call opens its level after itself going forward, and before itself going back.
    const before = page[(seq - 1) % PAGE_SIZE]
    // From the head of a routine a step goes into its lines, not over all of them.
    const isHead =
      seq === from && before?.t === (direction === 1 ? 'routine.called' : 'routine.returned')
    if (before && !isHead && before.thread === start.thread) depth += entered(before, direction)
    seq += direction
    if (seq < 1 || seq > total) return line?.seq ?? (direction === 1 ? total : 1)
    const index = Math.floor((seq - 1) / PAGE_SIZE)
    page = await eventPage(runId, index)
    const event = page[(seq - 1) % PAGE_SIZE]
    if (!event) return line?.seq ?? seq - direction
    if (isProblem(event)) return line?.seq ?? seq
    if (event.thread !== start.thread || !event.at || depth > 0) continue
    // Another routine that the line sets off is deeper, though its first event is not counted yet.
    const isEntry = event.t === (direction === 1 ? 'routine.called' : 'routine.returned')
    if (isEntry && start.at && depth >= 0) continue
    if (line) {
      if (!sameLine(event.at, line.at) || event.t === 'routine.returned') return line.seq
      line.seq = seq
    } else if (!sameLine(event.at, start.at)) {
      if (direction === 1) return seq
      line = { at: event.at, seq }
    }
  }
  return line?.seq ?? Math.max(1, Math.min(total, from + direction * LOOK_MAX))
}

function entered(event: TraceEvent, direction: 1 | -1): number {
  if (event.t === 'routine.called') return direction === 1 ? 1 : -1
  if (event.t === 'routine.returned') return direction === 1 ? -1 : 1
  return 0
}

function isProblem(event: TraceEvent): boolean {
  return event.t === 'bugcheck' || event.t === 'verifier.stop' || event.t === 'hang.found'
}

function sameLine(a: SourcePlace, b: SourcePlace | undefined): boolean {
  return b !== undefined && a.file === b.file && a.line === b.line
}

/** Nearest step after (or before) `from` at one of the lines, or null. */
export async function nextAtLines(
  runId: string,
  lines: readonly { file: string; line: number }[],
  from: number,
  direction: 1 | -1,
): Promise<number | null> {
  let best: number | null = null
  for (const { file, line } of lines) {
    const result = await ring()['lab.lineSteps']({ runId, file, line })
    if (!result.ok) continue
    for (const step of result.value.steps) {
      if (direction === 1 ? step <= from : step >= from) continue
      if (best === null || (direction === 1 ? step < best : step > best)) best = step
    }
  }
  return best
}

/** Nearest problem mark after (or before) `from`, or null. */
export async function nextProblem(
  runId: string,
  from: number,
  total: number,
  direction: 1 | -1,
): Promise<number | null> {
  const window =
    direction === 1
      ? { from: Math.min(from + 1, total), to: total }
      : { from: 1, to: Math.max(1, from - 1) }
  const result = await ring()['lab.timeline']({ runId, ...window, width: 4000 })
  if (!result.ok) return null
  const problems = result.value.marks
    .filter((mark) => PROBLEMS.has(mark.kind))
    .map((mark) => mark.seq)
    .filter((seq) => (direction === 1 ? seq > from : seq < from))
    .sort((a, b) => (a - b) * direction)
  return problems[0] ?? null
}

const PROBLEMS = new Set(['bugcheck', 'verifier', 'leak', 'exception', 'hang'])
