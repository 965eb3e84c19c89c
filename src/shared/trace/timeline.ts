/** Shape of the timeline picture; built by `timeline()` in fold-timeline.ts from events. */
export type Lane = 'code' | 'io' | 'memory' | 'threads' | 'verifier'

export interface Span {
  lane: Lane
  /** First and last seq. `to` is null while the span is open at the end of the trace. */
  from: number
  to: number | null
  label: string
  detail: string
  depth: number
  kind: 'load' | 'irp' | 'routine' | 'unload' | 'thread' | 'many'
  irp?: number
  bad?: boolean
}

export interface Mark {
  lane: Lane
  seq: number
  kind:
    'bugcheck' | 'verifier' | 'leak' | 'exception' | 'alloc' | 'free' | 'print' | 'signal' | 'hang'
  label: string
}

export interface Timeline {
  from: number
  to: number
  total: number
  spans: Span[]
  marks: Mark[]
  /** IRQL as a staircase: the level from this seq on. */
  irql: { seq: number; level: number }[]
}
