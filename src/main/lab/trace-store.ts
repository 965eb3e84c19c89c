/**
 * The events of one run, kept so that a million of them fit: packed in chunks, with indexes by
 * packet, source line and output, and the machine's state at every so many steps.
 */
import { deserialize, serialize } from 'node:v8'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import type { SourcePlace, TraceEvent } from '../../shared/trace/event'
import { emptyState, fold, type MachineState } from '../../shared/trace/fold'
import { CallIndex, type CallPage } from '../../shared/trace/fold-rings'
import { TimelineIndex } from '../../shared/trace/fold-timeline'
import { tellCall, type CallStory } from '../../shared/trace/rings'
import type { Timeline } from '../../shared/trace/timeline'
import { why, type Reason, type WhySource } from '../../shared/trace/why'

const CHUNK_EVENTS = 1000
/** A state is kept after each so many chunks; a step costs at most this many events of folding. */
const STATE_CHUNKS = 4
/** Unpacked chunks kept at hand. */
const CHUNKS_AT_HAND = 8
/** Seqs kept for one packet or one line; the first ones, and a line in a loop has many. */
const SEQS_MAX = 5000

export interface OutputLine {
  seq: number
  kind: 'dbgprint' | 'stdout'
  text: string
}

export class TraceStore {
  private readonly chunks: Buffer[] = []
  private open: TraceEvent[] = []
  private readonly states: Buffer[] = []
  private readonly running: MachineState = emptyState()
  private readonly atHand = new Map<number, TraceEvent[]>()
  private readonly packets = new Map<number, number[]>()
  private readonly lines = new Map<string, number[]>()
  /** The same lists by place: the places of compiled code are always the same objects. */
  private readonly linesByPlace = new WeakMap<SourcePlace, number[]>()
  private readonly freed = new Map<string, number[]>()
  private readonly output: OutputLine[] = []
  private readonly index = new TimelineIndex()
  private readonly calls = new CallIndex()
  private lastState: MachineState | null = null

  /** Events so far. */
  get count(): number {
    return this.chunks.length * CHUNK_EVENTS + this.open.length
  }

  push(event: TraceEvent): void {
    this.open.push(event)
    fold(this.running, event)
    this.index.push(event)
    this.calls.push(event)
    if ('irp' in event && typeof event.irp === 'number') add(this.packets, event.irp, event.seq)
    if (event.at) this.addToLine(event.at, event.seq)
    if (event.t === 'pool.freed') add(this.freed, event.block, event.seq)
    if (event.t === 'dbgprint' || event.t === 'stdout')
      this.output.push({ seq: event.seq, kind: event.t, text: event.text })
    if (this.open.length === CHUNK_EVENTS) this.seal()
  }

  private addToLine(place: SourcePlace, seq: number): void {
    let list = this.linesByPlace.get(place)
    if (!list) {
      list = listOf(this.lines, `${place.file}:${place.line}`)
      this.linesByPlace.set(place, list)
    }
    if (list.length < SEQS_MAX) list.push(seq)
  }

  private seal(): void {
    this.chunks.push(pack(this.open))
    this.open = []
    if (this.chunks.length % STATE_CHUNKS === 0) this.states.push(pack(this.running))
  }

  private chunk(number: number): readonly TraceEvent[] {
    if (number === this.chunks.length) return this.open
    const known = this.atHand.get(number)
    if (known) return known
    const packed = this.chunks[number]
    if (!packed) return []
    const events = unpack<TraceEvent[]>(packed)
    this.atHand.set(number, events)
    if (this.atHand.size > CHUNKS_AT_HAND) this.atHand.delete(this.atHand.keys().next().value!)
    return events
  }

  event(seq: number): TraceEvent | undefined {
    const at = seq - 1
    return this.chunk(Math.floor(at / CHUNK_EVENTS))[at % CHUNK_EVENTS]
  }

  /** Events `from`..`to`, both included. */
  range(from: number, to: number): TraceEvent[] {
    const events: TraceEvent[] = []
    for (let seq = Math.max(1, from); seq <= Math.min(to, this.count);) {
      const chunk = this.chunk(Math.floor((seq - 1) / CHUNK_EVENTS))
      const start = (seq - 1) % CHUNK_EVENTS
      const piece = chunk.slice(start, start + Math.min(to, this.count) - seq + 1)
      events.push(...piece)
      seq += piece.length
    }
    return events
  }

  /** Every event, oldest first. */
  *all(): Iterable<TraceEvent> {
    for (let i = 0; i <= this.chunks.length; i++) yield* this.chunk(i)
  }

  ofIrp(irp: number): TraceEvent[] {
    return (this.packets.get(irp) ?? []).map((seq) => this.event(seq)!)
  }

  lineSteps(file: string, line: number): number[] {
    return this.lines.get(`${file}:${line}`) ?? []
  }

  console(offset: number, limit: number): { total: number; lines: OutputLine[] } {
    return { total: this.output.length, lines: this.output.slice(offset, offset + limit) }
  }

  timeline(from: number, to: number, width: number): Timeline {
    return this.index.query(from, to, width)
  }

  /** The system calls around a step. */
  systemCalls(step: number, limit: number): CallPage {
    return this.calls.page(step, this.event(step)?.thread ?? null, limit)
  }

  /** How one of them went, hop by hop; undefined when no call begins with this event. */
  systemCall(first: number): CallStory | undefined {
    return tellCall(this.calls, this, first)
  }

  /** The machine after event `step`. The caller must not change it. */
  state(step: number): MachineState {
    const target = Math.min(step, this.count)
    const kept = Math.min(Math.floor(target / (CHUNK_EVENTS * STATE_CHUNKS)), this.states.length)
    const keptStep = kept * CHUNK_EVENTS * STATE_CHUNKS
    let state = this.lastState
    if (!state || state.step > target || state.step < keptStep)
      state = kept > 0 ? unpack<MachineState>(this.states[kept - 1]!) : emptyState()
    for (const event of this.range(state.step + 1, target)) fold(state, event)
    this.lastState = state
    return state
  }

  why(seq: number): Reason[] {
    const source: WhySource = {
      event: (at) => this.event(at),
      irp: (irp) => this.packets.get(irp) ?? [],
      freed: (address, before) => this.freed.get(address)?.findLast((at) => at < before),
    }
    return why(source, seq)
  }
}

function add<K>(map: Map<K, number[]>, key: K, seq: number): void {
  const list = listOf(map, key)
  if (list.length < SEQS_MAX) list.push(seq)
}

function listOf<K>(map: Map<K, number[]>, key: K): number[] {
  let list = map.get(key)
  if (!list) map.set(key, (list = []))
  return list
}

const QUICK = { params: { [constants.BROTLI_PARAM_QUALITY]: 0 } }

/** 16 bytes an event, in little more than half the time that JSON and deflate take. */
function pack(value: unknown): Buffer {
  return brotliCompressSync(serialize(value), QUICK)
}

function unpack<T>(packed: Buffer): T {
  return deserialize(brotliDecompressSync(packed)) as T
}
