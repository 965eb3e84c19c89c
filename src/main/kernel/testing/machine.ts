/**
 * A machine for tests: driver code as plain generator functions, without compiler and sandbox.
 *
 *   const m = new TestMachine({ seed: 1 })
 *   m.driver('toy', {
 *     *DriverEntry(d, DriverObject) {
 *       const device = d.out()
 *       const status = yield* d.ddi('IoCreateDevice', DriverObject, 0, d.string('\\Device\\Toy'), 0x22, 0, 0, device)
 *       return status
 *     }
 *   })
 *   m.main(function* (k) { yield* k.loader.load('toy') })
 *   m.run()
 */
import type { TraceEvent } from '../../../shared/trace/event'
import { DDI_NAMES, DDIS } from '../ddi/index'
import { ROUTINE_NAMES, ROUTINES, type KernelRoutine, type VarArg } from '../ddi/types'
import { Kernel } from '../kernel'
import type { KernelOptions } from '../options'
import type { Ptr } from '../mm/memory'
import type { CallArgs, CallResult, Report } from '../port'
import { BugCheck, NtException } from '../stop'

/** Result parameter of a test's call. */
export class OutBox {
  value: number | bigint = 0
}

export type Argument = number | bigint | string | boolean | OutBox | VarArg[] | null

interface NativeCall {
  name: string
  args: Argument[]
}

export type Code<T = number | void> = Generator<NativeCall, T, number | bigint>

/** What driver code of a test can do. */
export class DriverApi {
  constructor(
    readonly k: Kernel,
    private readonly image: number,
    private readonly functionAddress: (name: string) => Ptr,
  ) {}

  /** Call a routine. Strings are script strings, functions are passed by `fn`. */
  *ddi(name: string, ...args: Argument[]): Code<number> {
    return Number(yield { name, args })
  }

  /** The same for routines with a 64-bit result. */
  *ddi64(name: string, ...args: Argument[]): Code<bigint> {
    return BigInt(yield { name, args })
  }

  out(): OutBox {
    return new OutBox()
  }

  /** RTL_CONSTANT_STRING. */
  string(text: string): Ptr {
    return this.k.images.internUnicodeString(this.image, text)
  }

  /** Address of another function of the driver. */
  fn(name: string): Ptr {
    return this.functionAddress(name)
  }
}

export type DriverFunction = (d: DriverApi, ...args: number[]) => Code

class Args implements CallArgs {
  constructor(
    private readonly values: Argument[],
    private readonly rest: number,
  ) {}
  int(i: number): number {
    const value = this.values[i]
    if (value instanceof OutBox) return -1
    return typeof value === 'string' ||
      value === null ||
      value === undefined ||
      Array.isArray(value)
      ? Array.isArray(value)
        ? 0
        : value === null || value === undefined
          ? 0
          : 1
      : Number(value)
  }
  wide(i: number): bigint {
    return BigInt(this.values[i] as number | bigint)
  }
  large(i: number): bigint | null {
    const value = this.values[i]
    return value === null || value === undefined ? null : BigInt(value as number | bigint)
  }
  text(i: number): string | null {
    const value = this.values[i]
    return typeof value === 'string' ? value : null
  }
  out(i: number): number {
    const value = this.values[i]
    if (value instanceof OutBox) return -1
    return value === null || value === undefined ? 0 : Number(value)
  }
  varargs(): VarArg[] {
    return this.values.slice(this.rest).map((value) => {
      if (typeof value === 'string') return { k: 'str', v: value }
      if (typeof value === 'bigint') return { k: 'int', v: value }
      return { k: 'int', v: BigInt(Number(value)) }
    })
  }
}

interface NativeFrame {
  code: Code
  /** Call that suspended the frame, to fill in its out parameters. */
  call: NativeCall | null
  /** Index into ROUTINE_NAMES: a command says it only when it starts a frame. */
  routine: number
}

export class TestMachine {
  readonly events: TraceEvent[] = []
  readonly k: Kernel
  private readonly functions: {
    image: number
    name: string
    run: DriverFunction
    api: DriverApi
  }[] = []
  private readonly units: { name: string; code: Record<string, DriverFunction> }[] = []
  private readonly frames = new Map<number, NativeFrame>()
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

  constructor(options: Partial<KernelOptions> = {}) {
    this.k = new Kernel({ seed: 1, ...options, onEvent: (event) => this.events.push(event) })
  }

  /** Install a driver; `m.k.loader.load(name)` loads it. */
  driver(
    name: string,
    code: Record<string, DriverFunction>,
    parameters: Record<string, number | string> = {},
  ): void {
    const unit = this.units.push({ name, code }) - 1
    this.k.loader.install(name, unit, parameters)
  }

  /** Code of a client program; the number that `m.k.programs.start` takes. */
  program(name: string, code: Record<string, DriverFunction>): number {
    return this.units.push({ name, code }) - 1
  }

  /** The thread that drives the run; with its end the run ends. */
  main(routine: (k: Kernel) => KernelRoutine<unknown>): void {
    const { scheduler, processes } = this.k
    const thread = scheduler.createThread({ process: processes.system, name: 'Main', priority: 9 })
    scheduler.main = thread
    scheduler.start(thread, routine(this.k), 'nt!Phase1Initialization')
  }

  /** Run to the end. Throws only for defects of the simulator. */
  run(): this {
    this.report.what = 'none'
    for (;;) {
      const command = this.k.next(this.report)
      if (command.op === 'end') break
      switch (command.op) {
        case 'load':
          this.load(command.fn, command.args[0]!)
          break
        case 'start': {
          const entry = this.functions[command.fn]!
          const code = entry.run(entry.api, ...command.args)
          this.frames.set(command.frame, { code, call: null, routine: command.routine })
          this.step(command.frame, () => code.next(0), command.stack)
          break
        }
        case 'resume': {
          const frame = this.frames.get(command.frame)!
          const value = this.take(frame.call!, command.result)
          this.step(command.frame, () => frame.code.next(value), command.stack)
          break
        }
        case 'throw': {
          const frame = this.frames.get(command.frame)!
          const exception = new NtException(command.code)
          this.step(command.frame, () => frame.code.throw(exception), command.stack)
          break
        }
        case 'discard':
          this.frames.delete(command.frame)
          this.report.what = 'none'
          break
        case 'pause':
          this.report.what = 'none'
          break
      }
    }
    this.k.flush()
    if (this.k.bug) throw this.k.bug
    return this
  }

  private load(unit: number, image: number): void {
    const { code } = this.units[unit]!
    const addresses = new Map<string, Ptr>()
    const api = new DriverApi(this.k, image, (name) => addresses.get(name) ?? 0)
    for (const [name, run] of Object.entries(code)) {
      const fn = this.functions.push({ image, name, run, api }) - 1
      addresses.set(name, this.k.registerFunction({ image, name, fn }))
    }
    this.report.what = 'returned'
    this.report.frame = 0
    this.report.value = addresses.get('DriverEntry') ?? addresses.get('main') ?? 0
  }

  private step(
    id: number,
    advance: () => IteratorResult<NativeCall, number | void>,
    stack: number,
  ): void {
    const { report } = this
    report.frame = id
    report.stack = stack
    report.loop = 0
    report.at = null
    const frame = this.frames.get(id)!
    try {
      let result = advance()
      for (;;) {
        if (result.done) {
          const signature = ROUTINES[ROUTINE_NAMES[frame.routine] ?? 'DRIVER_DISPATCH']
          this.frames.delete(id)
          report.what = 'returned'
          report.value = signature.returns.k === 'void' ? 0 : Number(result.value ?? 0) | 0
          return
        }
        const call = result.value
        const answer = this.k.ddi(
          DDI_NAMES.indexOf(call.name),
          0,
          new Args(call.args, restIndex(call)),
        )
        if (answer.state === 'suspended') {
          frame.call = call
          report.what = 'suspended'
          return
        }
        if (answer.state === 'unwind') {
          this.frames.delete(id)
          report.what = 'none'
          return
        }
        if (answer.state === 'dead') {
          report.what = 'died'
          return
        }
        if (answer.state === 'throw') result = frame.code.throw(new NtException(answer.code))
        else result = frame.code.next(this.take(call, answer))
      }
    } catch (error) {
      if (!(error instanceof NtException)) throw error
      this.frames.delete(id)
      report.what = 'threw'
      report.code = error.code
    }
  }

  private take(call: NativeCall, result: CallResult): number | bigint {
    call.args.forEach((arg, i) => {
      const value = result.outs[i]
      if (arg instanceof OutBox && value !== undefined) arg.value = value
    })
    const returns = DDIS[call.name]!.returns.k
    return returns === 'u64' || returns === 'i64' ? result.wide : result.value >>> 0
  }

  // --- what tests ask ----------------------------------------------------------------------------

  get bugCheck(): BugCheck | null {
    return this.k.ended instanceof BugCheck ? this.k.ended : null
  }

  of<T extends TraceEvent['t']>(t: T): Extract<TraceEvent, { t: T }>[] {
    return this.events.filter((event): event is Extract<TraceEvent, { t: T }> => event.t === t)
  }
}

/** Where the printf tail of a call begins. */
function restIndex(call: NativeCall): number {
  return Object.values(DDIS[call.name]!.params).findIndex((type) => type.k === 'varargs')
}
