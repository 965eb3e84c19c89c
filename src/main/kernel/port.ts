/**
 * The border between the kernel and whatever runs driver code (the QuickJS sandbox, or plain
 * TypeScript in tests). The runner owns a loop:
 *
 *   for (;;) { const command = kernel.next(report); ...start, resume or end a frame...; report = what it did }
 *
 * and, while a frame runs, calls `kernel.ddi(...)` for every routine that driver code uses. A frame
 * is one activation of a driver function that the kernel asked for (a dispatch routine, a DPC ...),
 * together with the functions it calls itself.
 */
import type { SourcePlace } from '../../shared/trace/event'

/** What the kernel wants next. One object, reused: read it before the next call. */
export interface Command {
  op:
    | 'start' // begin `fn` with `args` as frame `frame`
    | 'resume' // go on with `frame`; `result` is the value of the routine that suspended it
    | 'throw' // go on with `frame` by raising exception `code` inside it
    | 'discard' // drop `frame` (its thread is gone)
    | 'pause' // return to the event loop, then ask again
    | 'end' // the run is over
  frame: number
  /** Function number in the runner's registry (see `registerFunction`). */
  fn: number
  /** Index into ROUTINE_NAMES: how `args` are to be wrapped and the result unwrapped. */
  routine: number
  args: number[]
  result: CallResult
  code: number
}

/** What the runner did with the last command. One object, reused. */
export interface Report {
  what:
    | 'none' // first call
    | 'returned' // the frame is done; `value` is its result as int32 (0 for void; pointers as memory index)
    | 'suspended' // a DDI answered `suspended`, or the frame reached a quantum's end at `loop`
    | 'threw' // an exception left the frame; `code` is its NTSTATUS
    | 'died' // the run was killed while the frame ran (bug check, limit): nothing to resume
  frame: number
  value: number
  code: number
  /** Location id when suspended by a loop's quantum, else 0. */
  loop: number
  /** For `threw`: where, when known, and the sandbox's own message when it was no NT exception. */
  at: SourcePlace | null
  message: string
}

/** Answer to a routine call. One object, reused by the kernel. */
export interface CallResult {
  state:
    | 'done' // value is set
    | 'suspended' // leave the frame; the value comes with a later `resume`
    | 'throw' // raise NT exception `code` at the call
    | 'dead' // the run is over: unwind everything
  /** int32, pointer index, 0/1 for BOOLEAN; 64-bit results are in `wide`. */
  value: number
  wide: bigint
  /** Values of the `out` parameters that were given as `out()` objects, by parameter index; undefined = not written. */
  outs: (number | bigint | undefined)[]
  code: number
}

/** How the runner presents the arguments of a call. Parameter i is read once. */
export interface CallArgs {
  /** int32 as passed: integers, pointer index, function number is already an address. */
  int(i: number): number
  wide(i: number): bigint
  /** Text of a string argument, or null when a pointer was passed (then `int(i)` has it). */
  text(i: number): string | null
  /** 0 = NULL, -1 = an `out()` object, else a memory index. */
  out(i: number): number
  varargs(i: number): import('./ddi/types').VarArg[]
}

/** A function of a driver that has an address in its image. */
export interface FunctionInfo {
  image: number
  name: string
  /** Function number in the runner. */
  fn: number
}

/** Kinds of slow access that the runner cannot do by itself: they fault, cross a page, or are unaligned. */
export type AccessKind = 'read' | 'write' | 'execute'
