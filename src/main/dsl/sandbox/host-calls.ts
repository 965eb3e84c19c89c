/**
 * The host's end of the one host call: reads the mailbox, asks the kernel, writes the answer back.
 *
 * What comes in is hostile: every number is checked before it is used, and nothing is thrown back
 * through WebAssembly. What the kernel throws is a defect of the simulator; it is kept in `bug` and
 * the sandbox is told that the run is over.
 */
import type { SourcePlace } from '../../../shared/trace/event'
import type { VarArg } from '../../kernel/ddi/types'
import { CONTROL } from '../../kernel/mm/layout'
import type {
  AccessKind,
  CallArgs,
  CallResult,
  Command,
  KernelPort,
  Report,
  SlowAccess,
} from '../../kernel/port'
import {
  ARGS_MAX,
  ARG_WORDS,
  CALL,
  FAILURES,
  MAILBOX_WORDS,
  OP,
  STATE,
  TAG,
  TEXT,
  TEXT_IDS,
  WHAT,
  WORD,
} from './mailbox'
import { LOOP_QUANTUM } from './tables'

/** A set of modules as the host remembers it. */
export interface Unit {
  /** Names of functions by id; index 0 is not used. */
  functions: readonly string[]
  /** Location ids of the unit are these of the run, from here on. */
  locationBase: number
}

interface LoadedFunctions {
  first: number
  unit: Unit
  image: number
}

const ACCESS_KINDS: readonly AccessKind[] = ['read', 'write', 'execute']
const ACCESS_SIZES = new Set([1, 2, 4, 8])
/** Function pointers of one run. */
const FUNCTIONS_MAX = 65_536

export class HostCalls {
  kernel: KernelPort | null = null
  /** Set once; from then on the interrupt handler unwinds the sandbox. */
  dead = false
  /** Why it is dead, when the simulator itself is to blame. */
  bug: unknown = null
  /** Asked before each command whether to return to the event loop instead. */
  pause: (() => boolean) | null = null
  /** How the last slice ended: whether the kernel asked for the end. */
  ended = false
  /** Called at every sign of progress, to wind up the interrupt handler again. */
  progress: () => void = () => {}
  readonly units: Unit[] = []

  private readonly words: Int32Array
  private readonly wides: BigInt64Array
  private readonly scratch: Uint16Array
  private readonly texts = new Array<string>(TEXT_IDS).fill('')
  private readonly loads: LoadedFunctions[] = []
  private nextFunctionId = 0
  private registered = 0
  private frame = 0
  private readonly report: Report = {
    what: 'none',
    frame: 0,
    value: 0,
    code: 0,
    loop: 0,
    backEdges: 0,
    stack: 0,
    at: null,
    message: '',
  }
  private readonly access: SlowAccess = {
    kind: 'read',
    index: 0,
    size: 1,
    lo: 0,
    hi: 0,
    at: null,
    state: 'done',
    code: 0,
  }
  private readonly args: CallArgs

  constructor(
    control: Uint8Array,
    /** Length of the routine table. */
    private readonly routineCount: number,
    private readonly placeOf: (stack: string) => SourcePlace | null,
  ) {
    const at = control.byteOffset + CONTROL.mailbox
    this.words = new Int32Array(control.buffer, at, MAILBOX_WORDS)
    this.wides = new BigInt64Array(control.buffer, at, MAILBOX_WORDS / 2)
    this.scratch = new Uint16Array(
      control.buffer,
      control.byteOffset + CONTROL.scratch,
      (CONTROL.bytes - CONTROL.scratch) / 2,
    )
    this.args = this.argumentReader()
  }

  /** The host call. Never throws. */
  handle(op: number, a: number, b: number, c: number): void {
    const { kernel, words } = this
    if (op === CALL.selfTest) {
      words[WORD.value] = (Math.imul(a, 3) + b) | 0
      return
    }
    if (this.dead || kernel === null) {
      words[WORD.state] = STATE.dead
      words[WORD.op] = OP.end
      words[WORD.value] = 0
      return
    }
    try {
      this.call(kernel, op, a, b, c)
    } catch (error) {
      this.bug ??= error
      this.kill()
    }
  }

  private kill(): void {
    this.dead = true
    this.words[WORD.state] = STATE.dead
    this.words[WORD.op] = OP.end
  }

  private call(kernel: KernelPort, op: number, a: number, b: number, c: number): void {
    const { words, wides } = this
    switch (op) {
      case CALL.next:
        this.next(kernel)
        return
      case CALL.ddi:
        if (a < 0 || a >= this.routineCount) return this.misuse(kernel, `routine ${a}`)
        this.progress()
        this.answer(kernel.ddi(a, b, this.args))
        return
      case CALL.address:
        this.progress()
        this.answer(kernel.callAddress(a, b, this.args, this.count()))
        return
      case CALL.access:
        this.slowAccess(kernel, a, b, c)
        return
      case CALL.indexOf:
        words[WORD.value] = kernel.indexOf(a, b)
        return
      case CALL.addressOf:
        wides[WORD.wide / 2] = kernel.addressOf(a)
        return
      case CALL.register:
        words[WORD.value] = this.register(kernel, a, b)
        return
      case CALL.intern:
        words[WORD.value] = this.intern(kernel, a, b, c)
        return
      case CALL.text:
        this.text(a, b, c)
        return
      case CALL.fail:
        kernel.runnerFailed(
          FAILURES[a] ?? 'script',
          this.texts[TEXT.message] ?? '',
          this.placeOf(this.texts[TEXT.stack] ?? ''),
        )
        this.kill()
        return
      case CALL.raise:
        this.answer(kernel.raise(a >>> 0, this.placeOf(this.texts[TEXT.stack] ?? '')))
        return
      case CALL.routineAddress:
        if (a < 0 || a >= this.routineCount) return this.misuse(kernel, `routine ${a}`)
        words[WORD.value] = kernel.routineAddress(a)
        return
      default:
        this.misuse(kernel, `host call ${op}`)
    }
  }

  /** Something that no prelude does: the script got at what it must not have. */
  private misuse(kernel: KernelPort, what: string): void {
    kernel.runnerFailed('script', `the sandbox was misused: ${what}`, null)
    this.kill()
  }

  // --- commands --------------------------------------------------------------------------------

  private next(kernel: KernelPort): void {
    const { words, report } = this
    this.progress()
    if (this.pause?.()) {
      // The report stays in the mailbox until the sandbox runs again.
      words[WORD.op] = OP.pause
      return
    }
    const what = words[WORD.what]
    words[WORD.what] = WHAT.none
    report.what =
      what === WHAT.returned
        ? 'returned'
        : what === WHAT.suspended
          ? 'suspended'
          : what === WHAT.threw
            ? 'threw'
            : 'none'
    report.frame = this.frame
    report.value = words[WORD.resultValue]!
    report.code = words[WORD.resultCode]! >>> 0
    const loop = what === WHAT.suspended ? words[WORD.loop]! : 0
    report.loop = Math.abs(loop)
    report.backEdges = loop > 0 ? LOOP_QUANTUM : 0
    report.stack = words[WORD.stack]!
    this.command(kernel.next(report))
  }

  /** Tell the kernel that the frame that ran is gone, with everything else in the sandbox. */
  died(kernel: KernelPort): Command {
    const { report } = this
    report.what = 'died'
    report.frame = this.frame
    report.value = 0
    report.code = 0
    report.loop = 0
    report.backEdges = 0
    report.stack = this.words[WORD.stack]!
    return kernel.next(report)
  }

  private command(command: Command): void {
    const { words } = this
    words[WORD.frame] = command.frame
    if (command.op !== 'pause' && command.op !== 'end') this.frame = command.frame
    switch (command.op) {
      case 'start':
        words[WORD.op] = OP.start
        words[WORD.fn] = command.fn
        words[WORD.routine] = command.routine
        for (let i = 0; i < command.args.length; i++)
          words[WORD.args + i * ARG_WORDS] = command.args[i]!
        this.stack(command)
        return
      case 'resume':
        words[WORD.op] = OP.resume
        this.stack(command)
        this.result(command.result)
        return
      case 'throw':
        words[WORD.op] = OP.throw
        words[WORD.code] = command.code | 0
        this.stack(command)
        return
      case 'discard':
        words[WORD.op] = OP.discard
        return
      case 'load':
        this.load(command)
        return
      case 'pause':
        words[WORD.op] = OP.pause
        return
      case 'end':
        words[WORD.op] = OP.end
        this.ended = true
        return
    }
  }

  private stack(command: Command): void {
    this.words[WORD.stack] = command.stack
    this.words[WORD.stackLimit] = command.stackLimit
  }

  private load(command: Command): void {
    const { words } = this
    const unit = this.units[command.fn]
    if (!unit) throw new RangeError(`there is no code unit ${command.fn}`)
    words[WORD.op] = OP.load
    words[WORD.fn] = command.fn
    words[WORD.image] = command.args[0] ?? 0
    words[WORD.functionBase] = this.nextFunctionId
    words[WORD.locationBase] = unit.locationBase
    this.stack(command)
    this.loads.push({ first: this.nextFunctionId, unit, image: command.args[0] ?? 0 })
    this.nextFunctionId += unit.functions.length
  }

  // --- results ---------------------------------------------------------------------------------

  private answer(result: CallResult): void {
    const { words } = this
    switch (result.state) {
      case 'done':
        words[WORD.state] = STATE.done
        this.result(result)
        return
      case 'suspended':
        words[WORD.state] = STATE.suspended
        return
      case 'throw':
        words[WORD.state] = STATE.throw
        words[WORD.code] = result.code | 0
        return
      case 'unwind':
        words[WORD.state] = STATE.unwind
        return
      case 'dead':
        this.kill()
        return
    }
  }

  private result(result: CallResult): void {
    const { words, wides } = this
    words[WORD.value] = result.value
    wides[WORD.wide / 2] = result.wide
    const { outs } = result
    if (outs.length === 0) return
    for (let i = 0; i < outs.length && i < ARGS_MAX; i++) {
      const slot = WORD.args + i * ARG_WORDS
      const value = outs[i]
      if (value === undefined) words[slot + 2] = 0
      else {
        if (typeof value === 'bigint') wides[slot / 2] = value
        else words[slot] = value
        words[slot + 2] = 1
      }
    }
  }

  private slowAccess(kernel: KernelPort, kind: number, index: number, size: number): void {
    const { words, access } = this
    const kindName = ACCESS_KINDS[kind]
    if (kindName === undefined || !ACCESS_SIZES.has(size)) {
      this.misuse(kernel, `access ${kind} of ${size}`)
      return
    }
    access.kind = kindName
    access.index = index
    access.size = size
    access.lo = words[WORD.wide]!
    access.hi = words[WORD.wide + 1]!
    access.at = this.placeOf(this.texts[TEXT.stack] ?? '')
    access.state = 'done'
    access.code = 0
    kernel.slowAccess(access)
    if (access.state === 'done') {
      words[WORD.state] = STATE.done
      words[WORD.wide] = access.lo
      words[WORD.wide + 1] = access.hi
    } else if (access.state === 'throw') {
      words[WORD.state] = STATE.throw
      words[WORD.code] = access.code | 0
    } else if (access.state === 'unwind') words[WORD.state] = STATE.unwind
    else this.kill()
  }

  // --- functions and texts ---------------------------------------------------------------------

  private register(kernel: KernelPort, id: number, fn: number): number {
    const load = this.loads.findLast(({ first }) => id > first)
    const name = load?.unit.functions[id - load.first]
    if (load === undefined || name === undefined || fn !== this.registered) {
      this.misuse(kernel, `function ${id}`)
      return 0
    }
    if (++this.registered > FUNCTIONS_MAX) {
      kernel.runnerFailed('memory', 'too many function pointers', null)
      this.kill()
      return 0
    }
    const address = kernel.registerFunction({ image: load.image, name, fn })
    if (address === 0) this.full(kernel)
    return address
  }

  private intern(kernel: KernelPort, image: number, id: number, kind: number): number {
    const text = this.textAt(id)
    // Texts belong to the image whose code runs; the sandbox may only name one that it loaded.
    if (text === null || !this.loads.some((load) => load.image === image)) {
      this.misuse(kernel, `text ${id} of image ${image}`)
      return 0
    }
    const index =
      kind === 2 ? kernel.internUnicodeString(image, text) : kernel.intern(image, text, kind === 1)
    if (index === 0) this.full(kernel)
    return index
  }

  private full(kernel: KernelPort): void {
    kernel.runnerFailed('memory', 'the image has no room for more constants', null)
    this.kill()
  }

  private text(id: number, units: number, start: number): void {
    if (id < 1 || id >= TEXT_IDS || units < 0 || units > this.scratch.length) return
    let text = ''
    // In pieces, because fromCharCode takes its arguments from the stack.
    for (let at = 0; at < units; at += 4096)
      text += String.fromCharCode(...this.scratch.subarray(at, Math.min(units, at + 4096)))
    const before = start === 0 ? '' : (this.texts[id] ?? '')
    this.texts[id] = before.length + text.length > TEXT.unitsMax ? before : before + text
  }

  private textAt(id: number): string | null {
    return id >= 1 && id < TEXT_IDS ? this.texts[id]! : null
  }

  private count(): number {
    const count = this.words[WORD.count]!
    return count < 0 ? 0 : count > ARGS_MAX ? ARGS_MAX : count
  }

  private argumentReader(): CallArgs {
    const { words, wides } = this
    // A parameter number comes from the kernel's own table, so it is in range.
    const slotOf = (i: number): number => WORD.args + i * ARG_WORDS
    return {
      // For `large` the tag says whether a value is there; everything else is the low word.
      int: (i) => words[slotOf(i)]!,
      wide: (i) => wides[slotOf(i) / 2]!,
      large: (i) => (words[slotOf(i) + 2] === 0 ? null : wides[slotOf(i) / 2]!),
      text: (i) => (words[slotOf(i) + 2] === 0 ? null : this.textAt(words[slotOf(i) + 2]!)),
      out: (i) => words[slotOf(i)]!,
      varargs: (first) => this.varargs(first),
    }
  }

  private varargs(first: number): VarArg[] {
    const { words, wides } = this
    const count = Math.min(this.count(), ARGS_MAX - first)
    const list: VarArg[] = []
    for (let i = 0; i < count; i++) {
      const slot = WORD.args + (first + i) * ARG_WORDS
      const tag = words[slot + 2]
      if (tag === TAG.text) list.push({ k: 'str', v: this.textAt(words[slot]!) ?? '' })
      else if (tag === TAG.pointer) list.push({ k: 'ptr', v: words[slot]! })
      else list.push({ k: 'int', v: wides[slot / 2]! })
    }
    return list
  }
}
