/**
 * The sandbox: QuickJS in WebAssembly with simulated memory inside its own, one for each run.
 *
 * `load` announces compiled code, `run` enters the prelude's loop. The kernel runs inside the loop's
 * host calls; nothing of the host is reachable from the script except that one call, and no
 * exception of the host crosses WebAssembly. A sandbox that died is thrown away as a whole.
 */
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from 'quickjs-emscripten-core'
import type { CompiledEntry, CompiledProgram } from '../compiled'
import { DDIS } from '../../kernel/ddi/index'
import { isOfModule } from '../../kernel/ddi/types'
import { CONTROL, PAGE_SIZE, PHYSICAL_BYTES } from '../../kernel/mm/layout'
import type { Backing } from '../../kernel/mm/memory'
import type { KernelPort, RunnerFailure } from '../../kernel/port'
import { SimulatorBug } from '../../kernel/stop'
import { HostCalls } from './host-calls'
import { CALL, WORD } from './mailbox'
import { OWN_FILES, PRELUDE } from './prelude'
import { instantiate, interceptCalls, type QuickJs } from './quickjs'
import { evaluationName, placeInDriverCode } from './stack-trace'
import { routinesUsed, stubsText, tablesText, type RoutineTable } from './tables'

export interface SandboxOptions {
  /** Routines by name; the index of a name is what `KernelPort.ddi` gets. The kernel's table by default. */
  routines?: RoutineTable
  /** Bytes the script may use besides simulated memory. */
  heapBytes?: number
  /** Bytes of the script's own call stack: about 300 for each nested call. */
  stackBytes?: number
  /**
   * Steps (function calls, jumps) between two signs of progress, in units of 10,000, before code
   * that never yields is stopped.
   */
  interruptsMax?: number
  /** Use only the library's public way of calling the host, which is 80 times slower. */
  publicCalls?: boolean
  /** Said in the message of a SimulatorBug: seed, build. */
  label?: string
}

/** Code of a driver or client, to be loaded when the kernel says so. */
export interface CodeUnit {
  program: Pick<CompiledProgram, 'functions'>
  entry: CompiledEntry
  /** Added to the location ids of the program, so that several programs share one numbering. */
  locationBase?: number
}

export interface RunOptions {
  /** Asked before each command: true leaves the loop, to be entered again later. */
  pause?: () => boolean
}

export interface Sandbox {
  /** Simulated memory, for the kernel. */
  readonly backing: Backing
  /** Whether host calls take the quick way. */
  readonly quick: boolean
  /**
   * Announce code; the number of the unit for the kernel's `load` command.
   * @throws CodeTooLarge when it does not fit the sandbox
   */
  load(unit: CodeUnit): number
  /**
   * Let driver code run until the kernel wants a pause or the end.
   * @throws SimulatorBug when the kernel threw; the sandbox is dead then
   */
  run(kernel: KernelPort, options?: RunOptions): 'pause' | 'end'
  dispose(): void
}

interface Failure {
  kind: RunnerFailure
  message: string
  stack: string
}

/** Compiled code that the sandbox cannot take: too deeply nested, or too much of it. */
export class CodeTooLarge extends Error {
  override name = 'CodeTooLarge'
}

const DEFAULTS = {
  heapBytes: 32 << 20,
  stackBytes: 192 << 10,
  interruptsMax: 2000,
}

/** What QuickJS itself needs besides the script's heap: its stack, tables, the allocator's slack. */
const ENGINE_BYTES = 10 << 20

/** Make a sandbox; takes some 10 ms, more for the first of a process. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const settings = { ...DEFAULTS, ...options }
  const bytes = PHYSICAL_BYTES + CONTROL.bytes + settings.heapBytes + ENGINE_BYTES
  return new QuickJsSandbox(await instantiate(bytes), settings)
}

type Settings = SandboxOptions & typeof DEFAULTS

class QuickJsSandbox implements Sandbox {
  readonly backing: Backing
  readonly quick: boolean

  private readonly context: QuickJSContext
  private readonly runtime: QuickJSRuntime
  private readonly calls: HostCalls
  private readonly label: string
  private readonly api: Record<'run' | 'unit' | 'module' | 'stubs', QuickJSHandle>
  private readonly routines: RoutineTable
  private readonly routineIndexes: ReadonlyMap<string, number>
  /** Routines that have a stub already, by the mode that calls them. */
  private readonly stubbed = { kernel: new Set<string>(), user: new Set<string>() }
  /** Interrupts since the last sign of progress. */
  private interrupts = 0
  private readonly interruptsMax: number
  private endless = false
  private state: 'usable' | 'running' | 'dead' | 'disposed' = 'usable'

  constructor(engine: QuickJs, settings: Settings) {
    this.label = settings.label ?? ''
    this.interruptsMax = settings.interruptsMax
    this.routines = settings.routines ?? DDIS
    this.routineIndexes = new Map(Object.keys(this.routines).map((name, index) => [name, index]))
    const { quickjs, memory } = engine
    this.runtime = quickjs.newRuntime()
    this.runtime.setMemoryLimit(settings.heapBytes)
    this.runtime.setMaxStackSize(settings.stackBytes)
    this.context = this.runtime.newContext({
      // Eval is what evaluates; lockdown.js takes it from the script. No Date, Promise, Proxy,
      // RegExp: neither the prelude nor driver code uses them.
      intrinsics: {
        BaseObjects: true,
        Eval: true,
        JSON: true,
        MapSet: true,
        TypedArrays: true,
        BigInt: true,
        Date: false,
        Promise: false,
        Proxy: false,
        RegExp: false,
        RegExpCompiler: false,
        StringNormalize: false,
      },
    })

    const control = this.reserve(engine, CONTROL.bytes)
    const physical = this.reserve(engine, PHYSICAL_BYTES)
    this.backing = {
      control: new Uint8Array(memory.buffer, control.address, CONTROL.bytes),
      physical: new Uint8Array(memory.buffer, physical.address, PHYSICAL_BYTES),
    }
    this.calls = new HostCalls(this.backing.control, this.routineIndexes.size, placeInDriverCode)
    this.calls.progress = () => {
      this.interrupts = 0
    }

    const h = this.context.newFunction('h', (...args) => {
      const numbers = args.map((arg) => this.context.getNumber(arg) | 0)
      this.calls.handle(numbers[0] ?? -1, numbers[1] ?? 0, numbers[2] ?? 0, numbers[3] ?? 0)
    })
    this.quick = !settings.publicCalls && this.callQuickly(engine, h)

    const tables = this.evaluate(tablesText(), `${OWN_FILES}tables`)
    const start = this.evaluate(PRELUDE, `${OWN_FILES}prelude`)
    const api = this.call(start, h, control.handle, physical.handle, tables)
    const stuck = this.context.getProp(api, 'stuck')
    if (this.context.getNumber(stuck) !== 0)
      throw new SimulatorBug('some globals of QuickJS cannot be removed')
    this.api = {
      run: this.context.getProp(api, 'run'),
      unit: this.context.getProp(api, 'unit'),
      module: this.context.getProp(api, 'module'),
      stubs: this.context.getProp(api, 'stubs'),
    }
    for (const handle of [h, control.handle, physical.handle, tables, start, api, stuck])
      handle.dispose()
    this.runtime.setInterruptHandler(() => this.interrupted())
  }

  // --- set-up ----------------------------------------------------------------------------------

  /** Memory inside the engine's own, as an ArrayBuffer of the script. Fresh memory is zero. */
  private reserve({ module }: QuickJs, bytes: number): { address: number; handle: QuickJSHandle } {
    const block = module._malloc(bytes + PAGE_SIZE)
    if (block === 0) throw new SimulatorBug('the memory of the sandbox is too small')
    const address = (block + PAGE_SIZE - 1) & -PAGE_SIZE
    return { address, handle: wrapMemory(this.context, address, bytes) }
  }

  private callQuickly({ module, memory }: QuickJs, h: QuickJSHandle): boolean {
    const words = new Int32Array(memory.buffer)
    const { calls } = this
    // Arguments are NaN-boxed: low word, then the tag, which is 0 for an int32.
    const int = (argc: number, argv: number, i: number): number => {
      const at = (argv >> 2) + 2 * i
      return i < argc && words[at + 1] === 0 ? words[at]! : 0
    }
    const mailbox = (this.backing.control.byteOffset + CONTROL.mailbox) >> 2
    const wrong = 0x5a5a5a5a
    const passed = interceptCalls(
      module,
      (argc, argv) => {
        const op = argc > 0 && words[(argv >> 2) + 1] === 0 ? words[argv >> 2]! : -1
        calls.handle(op, int(argc, argv, 1), int(argc, argv, 2), int(argc, argv, 3))
      },
      () => {
        words[mailbox + WORD.value] = wrong
        const probe = this.evaluate(
          `(function (h) { h(${CALL.selfTest}, -12345, 6789) })`,
          `${OWN_FILES}probe`,
        )
        this.call(probe, h).dispose()
        probe.dispose()
      },
    )
    return passed && words[mailbox + WORD.value] === -12345 * 3 + 6789
  }

  private evaluate(code: string, name: string): QuickJSHandle {
    return this.unwrap(this.context.evalCode(code, name, { type: 'global', strict: true }))
  }

  private call(f: QuickJSHandle, ...args: QuickJSHandle[]): QuickJSHandle {
    return this.unwrap(this.context.callFunction(f, this.context.undefined, ...args))
  }

  private unwrap(result: ReturnType<QuickJSContext['evalCode']>): QuickJSHandle {
    if (!result.error) return result.value
    const { message } = this.describe(result.error)
    throw new SimulatorBug(`the sandbox did not start: ${message}`)
  }

  private describe(error: QuickJSHandle): { message: string; stack: string } {
    // Without memory for an error object, QuickJS throws null.
    if (this.context.sameValue(error, this.context.null))
      return { message: 'out of memory', stack: '' }
    const text = (name: string): string => {
      const handle = this.context.getProp(error, name)
      const value = this.context.typeof(handle) === 'string' ? this.context.getString(handle) : ''
      handle.dispose()
      return value
    }
    const described = { message: text('message'), stack: text('stack') }
    error.dispose()
    return described
  }

  // --- code ------------------------------------------------------------------------------------

  load({ program, entry, locationBase = 0 }: CodeUnit): number {
    this.assertUsable()
    const { context, calls } = this
    const number = calls.units.length
    // A UMDF driver is user-mode code that calls what drivers call.
    const user = entry.kind !== 'driver'
    const module = entry.kind === 'client' ? 'win32' : 'wdm'
    calls.units.push({
      functions: program.functions.map((f) => f?.name ?? ''),
      locationBase,
    })
    this.interrupts = 0
    withHandles(
      [
        context.newNumber(user ? 1 : 0),
        context.newNumber(program.functions.length - 1),
        context.newString(entry.entry),
        context.newString(entry.main),
      ],
      (args) => this.call(this.api.unit, ...args).dispose(),
    )
    for (const { file, code, imports } of entry.modules) {
      this.addStubs(code, user, module)
      let factory: QuickJSHandle
      try {
        const result = context.evalCode(code, evaluationName(number, file), {
          type: 'global',
          strict: true,
        })
        if (result.error) {
          const { message } = this.describe(result.error)
          // The compiler gives valid code, so what is left are limits of the engine.
          throw /stack overflow|out of memory/.test(message)
            ? new CodeTooLarge(`${file} is too large or too deeply nested`)
            : new SimulatorBug(`the code of ${file} does not evaluate: ${message}`)
        }
        factory = result.value
      } catch (error) {
        this.state = 'dead'
        if (error instanceof RangeError)
          throw new CodeTooLarge(`${file} is too deeply nested`, { cause: error })
        throw error
      }
      withHandles(
        [context.newString(file), context.newString(imports.join('\n')), factory],
        (args) => this.call(this.api.module, ...args).dispose(),
      )
    }
    return number
  }

  /** Evaluate the stubs that a module needs and none before it did. */
  private addStubs(code: string, user: boolean, module: 'wdm' | 'win32'): void {
    const known = this.stubbed[user ? 'user' : 'kernel']
    const names = [...routinesUsed(code)].filter(
      (name) => !known.has(name) && isOfModule(this.routines[name] ?? {}, module),
    )
    if (names.length === 0) return
    for (const name of names) known.add(name)
    const text = stubsText(this.routines, this.routineIndexes, names)
    withHandles(
      [this.context.newNumber(user ? 1 : 0), this.evaluate(text, `${OWN_FILES}stubs`)],
      (args) => this.call(this.api.stubs, ...args).dispose(),
    )
  }

  // --- running ---------------------------------------------------------------------------------

  run(kernel: KernelPort, { pause }: RunOptions = {}): 'pause' | 'end' {
    this.assertUsable()
    const { calls } = this
    calls.kernel = kernel
    calls.pause = pause ?? null
    this.interrupts = 0
    this.state = 'running'
    let failure: Failure | null
    try {
      failure = this.enter()
    } finally {
      // Whatever happened inside, the sandbox cannot be trusted until that is known.
      this.state = 'dead'
    }
    if (calls.bug !== null) throw this.blame(calls.bug)
    if (failure === null && !calls.dead) {
      this.state = calls.ended ? 'dead' : 'usable'
      return calls.ended ? 'end' : 'pause'
    }
    try {
      if (failure)
        kernel.runnerFailed(failure.kind, failure.message, placeInDriverCode(failure.stack))
      if (calls.died(kernel).op !== 'end')
        throw new SimulatorBug('the kernel goes on after the sandbox died')
    } catch (error) {
      throw this.blame(error)
    }
    return 'end'
  }

  /** Run the loop once; what went wrong if the sandbox stopped and the kernel does not know yet. */
  private enter(): Failure | null {
    const { context, calls } = this
    let error: QuickJSHandle
    try {
      const result = context.callFunction(this.api.run, context.undefined)
      if (!result.error) {
        result.value.dispose()
        return null
      }
      error = result.error
    } catch (thrown) {
      // By WebAssembly itself: the host's own stack ran out, or the engine aborted.
      if (calls.dead) return null
      calls.dead = true
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      return { kind: thrown instanceof RangeError ? 'stack' : 'memory', message, stack: '' }
    }
    if (calls.dead) return null
    // Reading the error may run code of the script, which gets no answers any more.
    calls.dead = true
    let message = 'something that is no error was thrown'
    let stack = ''
    try {
      ;({ message, stack } = this.describe(error))
    } catch {
      // It was made to hurt whoever reads it.
    }
    if (this.endless) return { kind: 'endless', message: 'the code never yields', stack }
    if (message.includes('stack overflow')) return { kind: 'stack', message, stack }
    if (message.includes('out of memory')) return { kind: 'memory', message, stack }
    return { kind: 'script', message, stack }
  }

  /** Called by QuickJS every 10,000 steps; true unwinds the script, past every catch and finally. */
  private interrupted(): boolean {
    if (this.calls.dead) return true
    if (++this.interrupts <= this.interruptsMax) return false
    this.endless = true
    return true
  }

  private blame(error: unknown): SimulatorBug {
    if (error instanceof SimulatorBug) return error
    const what = error instanceof Error ? error.message : String(error)
    const where = this.label === '' ? '' : ` (${this.label})`
    return new SimulatorBug(`simulator fault${where}: ${what}`, { cause: error })
  }

  private assertUsable(): void {
    if (this.state !== 'usable') throw new SimulatorBug(`the sandbox is ${this.state}`)
  }

  /**
   * Let go of everything. The engine is not asked to free its objects one by one: nobody else can
   * reach its memory, and one that died halfway could not.
   */
  dispose(): void {
    this.state = 'disposed'
    this.calls.kernel = null
    this.calls.pause = null
    this.calls.dead = true
  }
}

/** Use handles that are disposed of afterwards. */
function withHandles(handles: QuickJSHandle[], action: (handles: QuickJSHandle[]) => void): void {
  try {
    action(handles)
  } finally {
    for (const handle of handles) if (handle.alive) handle.dispose()
  }
}

/** An ArrayBuffer of the script over memory that exists already; the public call would copy 64 MiB. */
function wrapMemory(context: QuickJSContext, address: number, bytes: number): QuickJSHandle {
  const { ffi, ctx, memory } = context as unknown as {
    ffi: { QTS_NewArrayBuffer(context: unknown, at: number, length: number): number }
    ctx: { value: unknown }
    memory: { heapValueHandle(pointer: number): QuickJSHandle }
  }
  return memory.heapValueHandle(ffi.QTS_NewArrayBuffer(ctx.value, address, bytes))
}
