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
    | 'load' // evaluate code unit `fn` for image number `args[0]`; `returned` with the address of its entry function
    | 'start' // begin `fn` with `args` as frame `frame`
    | 'resume' // go on with `frame`; `result` is the value of the routine that suspended it
    | 'throw' // go on with `frame` by raising exception `code` inside it
    | 'discard' // drop `frame` (its thread is gone)
    | 'pause' // return to the event loop, then ask again
    | 'end' // the run is over
  frame: number
  /** Function number in the runner's registry (see `registerFunction`); for `load` the code unit. */
  fn: number
  /** Index into ROUTINE_NAMES: how `args` are to be wrapped and the result unwrapped. */
  routine: number
  args: number[]
  result: CallResult
  code: number
  /** For `start`, `resume` and `throw`: stack pointer and lowest usable byte of the thread's stack (for `local`). */
  stack: number
  stackLimit: number
}

/** What the runner did with the last command. One object, reused. */
export interface Report {
  what:
    | 'none' // first call
    | 'returned' // the frame is done; `value` is its result as int32 (0 for void; pointers as memory index)
    | 'suspended' // a DDI answered `suspended`, or the frame reached the end of a quantum or turn at `loop`
    | 'threw' // an exception left the frame; `code` is its NTSTATUS
    | 'died' // the run was killed while the frame ran (bug check, limit): nothing to resume
  frame: number
  value: number
  code: number
  /** Location id when suspended by a loop's quantum or the end of a processor's turn, else 0. */
  loop: number
  /** Back edges that led to it; 0 when it is no loop's quantum. */
  backEdges: number
  /** Stack pointer when the frame stopped. */
  stack: number
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
    | 'unwind' // drop the frame without running anything of it: the machine stopped, but goes on with others
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
  /** int32 as passed: integers, pointer index, address of a function. */
  int(i: number): number
  wide(i: number): bigint
  /** LARGE_INTEGER parameter, signed; null for NULL. */
  large(i: number): bigint | null
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

/** An access that the runner's fast path refused. One object, reused by the runner; the kernel fills in the answer. */
export interface SlowAccess {
  kind: AccessKind
  index: number
  /** 1, 2, 4 or 8 bytes. */
  size: number
  /** Halves of the value, int32 each: the one to write, or the answer of a read (upper half of narrow ones ignored). */
  lo: number
  hi: number
  /** Innermost place in driver code, when known. */
  at: SourcePlace | null
  state: 'done' | 'throw' | 'unwind' | 'dead'
  /** NTSTATUS for `throw`. */
  code: number
}

/** Failures that belong to the runner and not to simulated code. */
export type RunnerFailure =
  | 'stack' // calls too deep
  | 'memory' // the script's own memory limit
  | 'endless' // code that never yields
  | 'script' // an error of the script that is no NT exception

/**
 * What the runner needs of the kernel. No method may throw for anything that driver code does; what
 * is thrown is a defect of the simulator, ends the run and reaches the caller of the runner.
 */
export interface KernelPort {
  /** Report what became of the last command and ask for the next one. */
  next(report: Report): Command
  /** Driver code called the routine `index` of the DDI table at source location `location`. */
  ddi(index: number, location: number, args: CallArgs): CallResult
  /** Driver code called through a pointer that is no function of this sandbox; `count` untyped arguments. */
  callAddress(address: number, location: number, args: CallArgs, count: number): CallResult
  slowAccess(access: SlowAccess): void
  /** The code raised an exception by itself: an integer was divided by zero, a program's stack is used up. */
  raise(code: number, at: SourcePlace | null): CallResult
  /** A function of driver code became a pointer: the address it has in its image. */
  registerFunction(info: FunctionInfo): number
  /** Index of constant text in the image's read-only data; equal texts share one. 0 when the image is full. */
  intern(image: number, text: string, wide: boolean): number
  /** Index of a constant UNICODE_STRING, likewise. */
  internUnicodeString(image: number, text: string): number
  /** Address of the routine `index` of the DDI table, for driver code that takes a pointer to it. */
  routineAddress(index: number): number
  /** Index of the address `hi:lo`; foreign ones get one in the wild window. */
  indexOf(lo: number, hi: number): number
  /** Address of an index, also of a wild one. */
  addressOf(index: number): bigint
  /** The sandbox met a limit of its own. The run is over: what is asked of the kernel afterwards is answered `dead`. */
  runnerFailed(kind: RunnerFailure, message: string, at: SourcePlace | null): void
}
