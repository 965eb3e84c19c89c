/**
 * The timeline picture as a fold over the trace. `TimelineIndex` takes the events once, in order,
 * and then answers any window of steps without reading them again: spans and marks lie in flat
 * columns, so that a window of a run of a million events costs milliseconds and little memory.
 */
import type { EventOf, LeakKind, RoutineKind, TraceEvent } from './event'
import type { Lane, Mark, Span, Timeline } from './timeline'
import { grouped, leakNoun, majorName, plural, statusName } from './words'

const LANES: readonly Lane[] = ['code', 'io', 'memory', 'threads', 'verifier']
const KINDS: readonly Span['kind'][] = ['load', 'irp', 'routine', 'unload', 'thread', 'many']
const MARKS: readonly Mark['kind'][] = [
  'bugcheck',
  'verifier',
  'leak',
  'exception',
  'hang',
  'alloc',
  'free',
  'print',
  'signal',
]
/** Marks up to here are problems: they are never thinned away. */
const LAST_PROBLEM = MARKS.indexOf('hang')
/** More problems than this in one window are not shown one by one. */
const PROBLEMS_MAX = 400
/** Rows of a lane; what nests deeper shares the last row. */
const DEPTH_MAX = 15

/** Buckets that a thinned mark stands for. */
const MARK_BUCKETS = 4

const MULTIPLE_IRP_COMPLETE_REQUESTS = 0x44
const OPEN = 0
const NO_IRP = -1

/** A growing column of numbers. */
class Column<A extends Uint32Array | Int32Array | Uint8Array> {
  length = 0
  constructor(
    private make: (size: number) => A,
    private data: A = make(64),
  ) {}
  push(value: number): void {
    if (this.length === this.data.length) {
      const larger = this.make(this.data.length * 2)
      larger.set(this.data)
      this.data = larger
    }
    this.data[this.length++] = value
  }
  at(index: number): number {
    return this.data[index]!
  }
  set(index: number, value: number): void {
    this.data[index] = value
  }
  /** First index whose value is greater than `value`, in a sorted column. */
  after(value: number): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.data[middle]! <= value) low = middle + 1
      else high = middle
    }
    return low
  }
}

const u32 = (): Column<Uint32Array> => new Column((size) => new Uint32Array(size))
const i32 = (): Column<Int32Array> => new Column((size) => new Int32Array(size))
const u8 = (): Column<Uint8Array> => new Column((size) => new Uint8Array(size))

/** Equal texts are kept once: a run repeats few names very often. */
class Words {
  private ids = new Map<string, number>([['', 0]])
  private texts: string[] = ['']
  id(text: string): number {
    const known = this.ids.get(text)
    if (known !== undefined) return known
    this.texts.push(text)
    this.ids.set(text, this.texts.length - 1)
    return this.texts.length - 1
  }
  text(id: number): string {
    return this.texts[id]!
  }
}

interface OpenRoutine {
  span: number
  name: string
  depth: number
}

const routineSpan: Record<RoutineKind, Span['kind']> = {
  DriverEntry: 'load',
  DriverUnload: 'unload',
  dispatch: 'routine',
  completion: 'routine',
  cancel: 'routine',
  dpc: 'routine',
  timer: 'routine',
  workitem: 'routine',
  thread: 'thread',
  startio: 'routine',
  isr: 'routine',
  notify: 'routine',
  main: 'thread',
  other: 'routine',
}

const leakLane: Record<LeakKind, Lane> = {
  pool: 'memory',
  device: 'io',
  link: 'io',
  handle: 'io',
  irp: 'io',
  object: 'io',
  thread: 'threads',
  timer: 'threads',
}

/** Collects the events of one run and answers windows of it. */
export class TimelineIndex {
  private words = new Words()
  private last = 0

  private from = u32()
  private to = u32()
  private lane = u8()
  private depth = u8()
  private kind = u8()
  private label = u32()
  /** What was asked (an IOCTL code) and what came of it, as words. */
  private about = u32()
  private result = u32()
  private irp = i32()
  private bad = u8()

  private markSeq = u32()
  private markLane = u8()
  private markKind = u8()
  private markLabel = u32()

  private irqlSeq = u32()
  private irqlLevel = u8()

  /** Rows in use, a bit each, by lane. */
  private rows = new Uint32Array(LANES.length)
  private routines = new Map<number, OpenRoutine[]>()
  private packets = new Map<number, number>()
  /** The last packet at each address; also after it was freed. */
  private addresses = new Map<string, number>()
  private finished = new Set<number>()
  private threads = new Map<number, number>()
  private waits = new Map<number, number>()

  /** Number of events seen. */
  get total(): number {
    return this.last
  }

  /** Take the next event of the run. */
  push(event: TraceEvent): void {
    this.last = event.seq
    this.level(event.seq, event.t === 'irql.changed' ? event.to : event.irql)
    switch (event.t) {
      case 'routine.called':
        this.routineCalled(event)
        break
      case 'routine.returned':
        this.routineReturned(event)
        break
      case 'irp.created': {
        const name = majorName(event.major)
        const span = this.open(event.seq, 'io', 'irp', name, event.ioctl ?? '', event.irp)
        this.packets.set(event.irp, span)
        this.addresses.set(event.address, span)
        break
      }
      case 'irp.completed': {
        const span = this.packets.get(event.irp)
        if (span === undefined) break
        if (this.finished.has(event.irp)) this.bad.set(span, 1)
        this.finished.add(event.irp)
        break
      }
      case 'irp.finished': {
        const span = this.packets.get(event.irp)
        if (span === undefined || this.to.at(span) !== OPEN) break
        this.result.set(span, this.words.id(statusName(event.status)))
        this.close(span, event.seq)
        break
      }
      case 'irp.freed': {
        const span = this.packets.get(event.irp)
        if (span !== undefined && this.to.at(span) === OPEN) this.close(span, event.seq)
        this.packets.delete(event.irp)
        this.finished.delete(event.irp)
        break
      }
      case 'thread.created':
        this.threads.set(
          event.id,
          this.open(event.seq, 'threads', 'thread', event.name, `thread ${event.id}`),
        )
        break
      case 'thread.exited':
        this.closeIn(this.threads, event.id, event.seq)
        break
      case 'wait.started':
        this.waits.set(
          event.thread,
          this.open(event.seq, 'threads', 'thread', 'wait', `thread ${event.thread}`),
        )
        break
      case 'wait.ended':
        this.closeIn(this.waits, event.thread, event.seq)
        break
      case 'object.signaled':
        this.mark(event.seq, 'threads', 'signal', `${event.type} signaled`)
        break
      case 'timer.expired':
        this.mark(event.seq, 'threads', 'signal', 'timer expired')
        break
      case 'pool.allocated':
        this.mark(
          event.seq,
          'memory',
          'alloc',
          `${event.tag}: ${plural(event.bytes, 'byte')} taken`,
        )
        break
      case 'pool.freed':
        this.mark(event.seq, 'memory', 'free', `${event.tag}: ${plural(event.bytes, 'byte')} freed`)
        break
      case 'dbgprint':
        this.mark(event.seq, 'code', 'print', event.text)
        break
      case 'exception.raised':
        this.mark(event.seq, 'code', 'exception', statusName(event.code))
        break
      case 'bugcheck':
        if (Number(event.code) === MULTIPLE_IRP_COMPLETE_REQUESTS)
          this.blame(this.addresses.get(event.parameters[0]))
        this.mark(event.seq, 'code', 'bugcheck', `${event.name} (${event.code})`)
        break
      case 'verifier.stop':
        this.mark(event.seq, 'verifier', 'verifier', `${event.rule}: ${event.name}`)
        break
      case 'verifier.warned':
        this.mark(event.seq, 'verifier', 'verifier', `${event.rule}: ${event.what}`)
        break
      case 'leak.found':
        this.mark(event.seq, leakLane[event.kind], 'leak', leakWords(event))
        if (event.kind === 'irp') this.blamePackets()
        break
      case 'hang.found':
        this.mark(event.seq, 'code', 'hang', event.reason)
        this.blamePackets()
        break
      case 'limit.reached':
        this.mark(event.seq, 'code', 'hang', event.detail)
        break
    }
  }

  /**
   * Spans, marks and levels of the steps `from`..`to` (seq, inclusive). When there are more than
   * about `width` of a kind, neighbours of one row become one span of kind `many`, and marks of one
   * kind in one place become one mark with a count; problems stay single.
   */
  query(from: number, to: number, width: number): Timeline {
    const first = Math.max(1, from)
    const end = Math.max(first, Math.min(to, this.last))
    const bucket = Math.max(1, Math.ceil((end - first + 1) / width))
    return {
      from: first,
      to: end,
      total: this.last,
      spans: this.spansIn(first, end, width, bucket),
      marks: this.marksIn(first, end, width, bucket),
      irql: this.levelsIn(first, end, width, bucket),
    }
  }

  /** Seq of the nearest problem after (or before) a step, or null. */
  problem(step: number, direction: 1 | -1): number | null {
    const start = this.markSeq.after(direction === 1 ? step : step - 1)
    for (
      let i = direction === 1 ? start : start - 1;
      i >= 0 && i < this.markSeq.length;
      i += direction
    )
      if (this.markKind.at(i) <= LAST_PROBLEM) return this.markSeq.at(i)
    return null
  }

  private routineCalled(event: EventOf<'routine.called'>): void {
    const stack = this.routines.get(event.thread) ?? []
    const parent = stack.at(-1)
    const span = this.open(
      event.seq,
      'code',
      routineSpan[event.kind],
      event.name,
      '',
      event.irp,
      parent === undefined ? 0 : parent.depth + 1,
    )
    stack.push({ span, name: event.name, depth: this.depth.at(span) })
    this.routines.set(event.thread, stack)
  }

  private routineReturned(event: EventOf<'routine.returned'>): void {
    const stack = this.routines.get(event.thread)
    const index = stack?.findLastIndex((item) => item.name === event.name) ?? -1
    if (!stack || index < 0) return
    // What was called above it is gone too: an exception unwound it.
    const [routine, ...unwound] = stack.splice(index)
    this.close(routine!.span, event.seq)
    for (const { span } of unwound) this.close(span, event.seq)
    if (isStatus(event.result))
      this.result.set(routine!.span, this.words.id(statusName(event.result)))
  }

  private open(
    seq: number,
    lane: Lane,
    kind: Span['kind'],
    label: string,
    about: string,
    irp = NO_IRP,
    rowFrom = 0,
  ): number {
    const laneIndex = LANES.indexOf(lane)
    let row = Math.min(rowFrom, DEPTH_MAX)
    while (row < DEPTH_MAX && this.rows[laneIndex]! & (1 << row)) row++
    this.rows[laneIndex]! |= 1 << row
    this.from.push(seq)
    this.to.push(OPEN)
    this.lane.push(laneIndex)
    this.depth.push(row)
    this.kind.push(KINDS.indexOf(kind))
    this.label.push(this.words.id(label))
    this.about.push(this.words.id(about))
    this.result.push(0)
    this.irp.push(irp)
    this.bad.push(0)
    return this.from.length - 1
  }

  private close(span: number, seq: number): void {
    if (this.to.at(span) !== OPEN) return
    this.to.set(span, seq)
    this.rows[this.lane.at(span)]! &= ~(1 << this.depth.at(span))
  }

  private closeIn(spans: Map<number, number>, key: number, seq: number): void {
    const span = spans.get(key)
    if (span !== undefined) this.close(span, seq)
    spans.delete(key)
  }

  private blame(span: number | undefined): void {
    if (span !== undefined) this.bad.set(span, 1)
  }

  /** Packets that are still open at a hang or an unload were never completed. */
  private blamePackets(): void {
    for (const span of this.packets.values()) if (this.to.at(span) === OPEN) this.bad.set(span, 1)
  }

  private mark(seq: number, lane: Lane, kind: Mark['kind'], label: string): void {
    this.markSeq.push(seq)
    this.markLane.push(LANES.indexOf(lane))
    this.markKind.push(MARKS.indexOf(kind))
    this.markLabel.push(this.words.id(label))
  }

  private level(seq: number, level: number): void {
    const count = this.irqlLevel.length
    if (count > 0 && this.irqlLevel.at(count - 1) === level) return
    this.irqlSeq.push(seq)
    this.irqlLevel.push(level)
  }

  private spansIn(first: number, end: number, width: number, bucket: number): Span[] {
    const limit = this.from.after(end)
    const shown: number[] = []
    for (let i = 0; i < limit; i++) {
      const to = this.to.at(i)
      if (to === OPEN || to >= first) shown.push(i)
    }
    if (shown.length <= width) return shown.map((i) => this.span(i))

    const spans: Span[] = []
    const groups = new Map<number, Span & { count: number; single: number }>()
    const flush = (group: Span & { count: number; single: number }): void => {
      const { count, single, ...span } = group
      spans.push(
        count === 1
          ? this.span(single)
          : { ...span, label: manyWords(span.lane, count), detail: manyWords(span.lane, count) },
      )
    }
    for (const i of shown) {
      const from = this.from.at(i)
      const to = this.to.at(i) === OPEN ? this.last : this.to.at(i)
      if (to - from >= bucket * 2) {
        spans.push(this.span(i))
        continue
      }
      const row = this.lane.at(i) * (DEPTH_MAX + 1) + this.depth.at(i)
      const group = groups.get(row)
      if (group && from <= (group.to ?? 0) + bucket) {
        group.to = Math.max(group.to ?? 0, to)
        group.count++
        if (this.bad.at(i)) group.bad = true
        continue
      }
      if (group) flush(group)
      groups.set(row, {
        lane: LANES[this.lane.at(i)]!,
        from,
        to,
        label: '',
        detail: '',
        depth: this.depth.at(i),
        kind: 'many',
        ...(this.bad.at(i) ? { bad: true } : {}),
        count: 1,
        single: i,
      })
    }
    for (const group of groups.values()) flush(group)
    return spans.sort((a, b) => a.from - b.from || a.depth - b.depth)
  }

  private span(i: number): Span {
    const to = this.to.at(i)
    const irp = this.irp.at(i)
    return {
      lane: LANES[this.lane.at(i)]!,
      from: this.from.at(i),
      to: to === OPEN ? null : to,
      label: this.words.text(this.label.at(i)),
      detail: this.sentence(i),
      depth: this.depth.at(i),
      kind: KINDS[this.kind.at(i)]!,
      ...(irp === NO_IRP ? {} : { irp }),
      ...(this.bad.at(i) ? { bad: true } : {}),
    }
  }

  private sentence(i: number): string {
    const label = this.words.text(this.label.at(i))
    const about = this.words.text(this.about.at(i))
    const result = this.words.text(this.result.at(i))
    const irp = this.irp.at(i)
    const packet = LANES[this.lane.at(i)] === 'io'
    const subject =
      irp === NO_IRP ? label : packet ? `IRP ${irp} ${label}` : `${label} for IRP ${irp}`
    return `${subject}${about ? ` ${about}` : ''}${result ? `: ${result}` : ''}`
  }

  private marksIn(first: number, end: number, width: number, bucket: number): Mark[] {
    const start = this.markSeq.after(first - 1)
    const limit = this.markSeq.after(end)
    const marks: Mark[] = []
    if (limit - start <= width) {
      for (let i = start; i < limit; i++) marks.push(this.markAt(i))
      return marks
    }
    let problems = 0
    const open = new Map<number, { mark: Mark; until: number; count: number }>()
    for (let i = start; i < limit; i++) {
      const kind = this.markKind.at(i)
      const seq = this.markSeq.at(i)
      if (kind <= LAST_PROBLEM && problems++ < PROBLEMS_MAX) {
        marks.push(this.markAt(i))
        continue
      }
      const key = kind * LANES.length + this.markLane.at(i)
      const group = open.get(key)
      if (group && seq < group.until) {
        group.count++
        group.mark.label = `${grouped(group.count)} here`
        continue
      }
      const mark = this.markAt(i)
      marks.push(mark)
      // A mark is wider than a bucket; side by side they would say nothing.
      open.set(key, { mark, until: seq + bucket * MARK_BUCKETS, count: 1 })
    }
    return marks
  }

  private markAt(i: number): Mark {
    return {
      lane: LANES[this.markLane.at(i)]!,
      seq: this.markSeq.at(i),
      kind: MARKS[this.markKind.at(i)]!,
      label: this.words.text(this.markLabel.at(i)),
    }
  }

  private levelsIn(first: number, end: number, width: number, bucket: number): Timeline['irql'] {
    const start = this.irqlSeq.after(first)
    const limit = this.irqlSeq.after(end)
    const levels: Timeline['irql'] = []
    if (this.last > 0)
      levels.push({ seq: first, level: start === 0 ? 0 : this.irqlLevel.at(start - 1) })
    if (limit - start <= width) {
      for (let i = start; i < limit; i++)
        levels.push({ seq: this.irqlSeq.at(i), level: this.irqlLevel.at(i) })
      return levels
    }
    // Of each bucket the highest level and the last one: a short raise stays visible.
    for (let i = start; i < limit;) {
      const until = this.irqlSeq.at(i) + bucket
      const seq = this.irqlSeq.at(i)
      let highest = 0
      let lastLevel = 0
      let lastSeq = seq
      for (; i < limit && this.irqlSeq.at(i) < until; i++) {
        lastLevel = this.irqlLevel.at(i)
        lastSeq = this.irqlSeq.at(i)
        highest = Math.max(highest, lastLevel)
      }
      levels.push({ seq, level: highest })
      if (lastLevel !== highest) levels.push({ seq: Math.max(lastSeq, seq), level: lastLevel })
    }
    return levels
  }
}

/** The timeline of a whole trace or a window of it. */
export function timeline(
  events: readonly TraceEvent[],
  from = 1,
  to = events.length,
  width = 4000,
): Timeline {
  const index = new TimelineIndex()
  for (const event of events) index.push(event)
  return index.query(from, to, width)
}

function manyWords(lane: Lane, count: number): string {
  switch (lane) {
    case 'io':
      return plural(count, 'packet')
    case 'threads':
      return plural(count, 'thread or wait', 'threads or waits')
    default:
      return plural(count, 'call')
  }
}

function leakWords(event: EventOf<'leak.found'>): string {
  const what = event.tag ?? event.name
  const bytes = event.bytes === undefined ? '' : `, ${plural(event.bytes, 'byte')}`
  return `${plural(event.count, leakNoun(event.kind))}${what === undefined ? '' : ` ${what}`} left${bytes}`
}

function isStatus(result: unknown): result is string {
  return typeof result === 'string' && /^0x[0-9A-F]{8}$/i.test(result)
}
