/** Binds the DDI table to a machine: marshals arguments, checks IRQL, traces, runs, hands results back. */
import { hex32 } from '../../../shared/nt/format'
import { ddiFacts } from '../../../shared/nt/ddi-facts'
import { STATUS_ACCESS_VIOLATION } from '../../../shared/nt/generated/ntstatus'
import type { TraceValue } from '../../../shared/trace/event'
import type { Kernel } from '../kernel'
import type { CodeFrame, KernelFrame, Thread } from '../ke/thread'
import { MemoryFault } from '../mm/memory'
import type { CallArgs, CallResult } from '../port'
import { NtException } from '../stop'
import { isWatchedRoutine, routineCalled } from '../verifier/rules/security'
import { frameworkModule } from '../wdf/module'
import { DDIS, DDI_NAMES } from './index'
import { isInline } from './inline'
import {
  isOfModule,
  type DdiEntry,
  type KernelRoutine,
  type Out,
  type OutType,
  type ParamType,
  type ReturnType,
} from './types'

type OutValues = (number | bigint | undefined)[]
const NO_OUTS: OutValues = []
/** Stands for a DDI's index in frames that called a plain address. */
const CALLED_ADDRESS = -2

interface Bound {
  name: string
  /** In stack listings: `nt!IofCallDriver`, `KERNEL32!Sleep`. */
  frame: string
  /** The same in a host process of UMDF: `WUDFx02000!WdfRequestComplete`. */
  hostFrame: string
  entry: DdiEntry
  params: [name: string, type: ParamType][]
  hasOuts: boolean
  maxIrql: number
  traced: boolean
  /** Whether the verifier looks at each call. */
  watched: boolean
}

function moduleOf(name: string, { module }: DdiEntry, inHost: boolean): string {
  return frameworkModule(name, inHost) ?? (module === 'win32' ? 'KERNEL32' : 'nt')
}

export class DdiTable {
  private readonly bound: Bound[]
  private readonly result: CallResult = {
    state: 'done',
    value: 0,
    wide: 0n,
    outs: NO_OUTS,
    code: 0,
  }
  /** The exception that driver code is unwinding, to know it again when it leaves a frame. */
  lastException: NtException | null = null
  /** The routine that was called last. */
  private newest = -1

  constructor(private readonly k: Kernel) {
    this.bound = DDI_NAMES.map((name) => {
      const entry = DDIS[name]!
      const facts = ddiFacts(name)
      return {
        name,
        frame: `${moduleOf(name, entry, false)}!${name}`,
        hostFrame: `${moduleOf(name, entry, true)}!${name}`,
        entry,
        params: Object.entries(entry.params),
        hasOuts: Object.values(entry.params).some((type) => type.k === 'out'),
        maxIrql: entry.irql?.[1] ?? facts?.maxIrql ?? 15,
        traced: entry.traced ?? true,
        watched: isWatchedRoutine(name),
      }
    })
  }

  has(name: string): boolean {
    return Object.hasOwn(DDIS, name)
  }

  /** Whether the kernel's image exports a routine of that name: what programs call it does not, nor what compilers put into the driver. */
  isExported(name: string): boolean {
    return this.has(name) && isOfModule(DDIS[name]!, 'wdm') && !isInline(name)
  }

  name(index: number): string {
    return this.bound[index]?.name ?? ''
  }

  /** Note on a fault that the routine met it; code that compilers put into the driver is the driver's. */
  blame(error: unknown, index: number): void {
    if (!(error instanceof MemoryFault)) return
    const name = this.name(index)
    if (name && !isInline(name)) error.routine ??= name
  }

  /** Name of the kernel routine that runs for driver code. */
  get running(): string {
    const top = this.k.thread.frames.at(-1)
    return this.name(top?.kind === 'kernel' && top.ddi >= 0 ? top.ddi : this.newest)
  }

  /** Run the routine `index` for the code on top of the current thread. */
  call(index: number, args: CallArgs): CallResult {
    const bound = this.bound[index]
    if (!bound) throw new NtException(0xc000_001d)
    this.newest = index
    const k = this.k
    const thread = k.scheduler.current
    const { entry } = bound
    const level = k.irql.level
    // As long as the parameters, so that the caller sees which were not written to.
    const outs: OutValues = bound.hasOuts ? new Array(bound.params.length) : NO_OUTS
    const values = this.marshal(bound, args, outs)
    const outerCause = thread.cause
    let seq = 0
    if (k.tracing && bound.traced) {
      seq = k.emit({ t: 'ddi.called', name: bound.name, args: this.traceArgs(bound, values) })
      thread.cause = seq
    }
    if (bound.watched && k.verifier.watching) routineCalled(k, bound.name, bound.params, values)
    if (level > bound.maxIrql && !entry.checksIrql) k.verifier.ddiIrql(bound.name, bound.maxIrql)
    let value: unknown
    try {
      value = entry.run(k, values as never)
      if (isRoutine(value)) {
        const done = this.runRoutine(thread, index, bound, value, outs, seq, outerCause)
        if (!done) return this.suspended()
        value = done.value
      }
    } catch (error) {
      thread.cause = outerCause
      this.blame(error, index)
      throw error
    }
    if (seq) this.traceResult(bound, seq, value)
    thread.cause = outerCause
    if (k.attention) {
      // Something else runs first; the result waits in a frame of its own.
      const frame = this.codeFrame(thread)
      frame.waitingFor = index
      frame.at = thread.at
      thread.frames.push({
        kind: 'kernel',
        routine: held(value),
        name: '',
        ddi: index,
        cause: outerCause,
        outs,
        callSeq: 0,
        outerCause,
      })
      return this.suspended()
    }
    return this.convert(entry.returns, value, outs)
  }

  /** Start a routine that may wait or call; its value when it did neither, else null. */
  private runRoutine(
    thread: Thread,
    index: number,
    bound: Bound,
    routine: KernelRoutine<unknown>,
    outs: OutValues,
    callSeq: number,
    outerCause: number,
  ): { value: unknown } | null {
    const code = this.codeFrame(thread)
    const frame: KernelFrame = {
      kind: 'kernel',
      routine,
      name: thread.process.isHost ? bound.hostFrame : bound.frame,
      ddi: index,
      cause: thread.cause,
      outs,
      callSeq,
      outerCause,
    }
    thread.frames.push(frame)
    let step
    try {
      step = routine.next(0)
    } catch (error) {
      thread.frames.pop()
      throw error
    }
    if (step.done) {
      thread.frames.pop()
      return { value: step.value }
    }
    code.waitingFor = index
    code.at = thread.at
    this.k.scheduler.frames.take(thread, frame, step)
    return null
  }

  private codeFrame(thread: Thread): CodeFrame {
    const frame = thread.frames.at(-1)
    if (frame?.kind !== 'code') throw new Error('a routine call without a code frame')
    return frame
  }

  /** A suspended routine is done: keep its result for the frame below. */
  finished(thread: Thread, frame: KernelFrame, value: unknown): void {
    const code = thread.frames.at(-1)
    if (code?.kind !== 'code') return
    const bound = this.bound[frame.ddi]
    thread.at = code.at
    if (frame.callSeq && bound) this.traceResult(bound, frame.callSeq, value)
    thread.cause = frame.outerCause ?? thread.cause
    code.result = value
    code.outs = frame.outs ?? NO_OUTS
  }

  /**
   * Call what a pointer points at: a routine of the kernel, or code of another image. An address that
   * holds no code faults.
   */
  callAddress(address: number, args: CallArgs, count: number): CallResult {
    const thread = this.k.scheduler.current
    const values: number[] = []
    for (let i = 0; i < count; i++) values.push(args.int(i))
    const code = this.codeFrame(thread)
    code.waitingFor = CALLED_ADDRESS
    code.at = thread.at
    // Code of the kernel is out of reach for a program, too.
    if (this.k.scheduler.userMode && !this.k.memory.isUser(address))
      throw this.k.fault(address, 'execute')
    const routine = this.k.call(address, 'DRIVER_DISPATCH', values)
    const frame: KernelFrame = {
      kind: 'kernel',
      routine,
      name: '',
      ddi: CALLED_ADDRESS,
      cause: thread.cause,
    }
    if (!this.k.images.landing(address)) throw this.k.fault(address, 'execute')
    thread.frames.push(frame)
    return this.suspended()
  }

  /** The answer with which a suspended code frame goes on. */
  resumeResult(frame: CodeFrame): CallResult {
    if (frame.waitingFor === CALLED_ADDRESS) {
      frame.waitingFor = -1
      return this.convert({ k: 'u32', c: 'ULONG' }, frame.result, NO_OUTS)
    }
    if (frame.waitingFor < 0) return this.convert({ k: 'void', c: 'VOID' }, undefined, NO_OUTS)
    const bound = this.bound[frame.waitingFor]!
    frame.waitingFor = -1
    return this.convert(bound.entry.returns, frame.result, frame.outs)
  }

  raise(exception: NtException): CallResult {
    this.lastException = exception
    this.result.state = 'throw'
    this.result.code = exception.code
    return this.result
  }

  dead(): CallResult {
    this.result.state = 'dead'
    return this.result
  }

  /** The code on top is given up: nothing of it runs again, not even what cleans up. */
  unwind(): CallResult {
    this.result.state = 'unwind'
    return this.result
  }

  private suspended(): CallResult {
    this.result.state = 'suspended'
    return this.result
  }

  private convert(type: ReturnType, value: unknown, outs: OutValues): CallResult {
    const result = this.result
    result.state = 'done'
    result.outs = outs
    if (type.k === 'u64' || type.k === 'i64') {
      result.wide = value as bigint
      result.value = 0
    } else if (typeof value === 'boolean') result.value = value ? 1 : 0
    else result.value = typeof value === 'number' ? value | 0 : 0
    return result
  }

  // --- arguments -----------------------------------------------------------------------------

  private marshal(bound: Bound, args: CallArgs, outs: OutValues): Record<string, unknown> {
    const values: Record<string, unknown> = {}
    const { params } = bound
    for (let i = 0; i < params.length; i++) {
      const [name, type] = params[i]!
      values[name] = this.argument(type, args, i, outs)
    }
    return values
  }

  private argument(type: ParamType, args: CallArgs, i: number, outs: OutValues): unknown {
    switch (type.k) {
      case 'u8':
        return args.int(i) & 0xff
      case 'i8':
        return (args.int(i) << 24) >> 24
      case 'u16':
        return args.int(i) & 0xffff
      case 'i16':
        return (args.int(i) << 16) >> 16
      case 'u32':
      case 'ntstatus':
        return args.int(i) >>> 0
      case 'i32':
      case 'handle':
      case 'ptr':
      case 'fn':
        return args.int(i)
      case 'size':
        return args.int(i) & 0x7fff_ffff
      case 'bool':
        return args.int(i) !== 0
      case 'u64':
        return BigInt.asUintN(64, args.wide(i))
      case 'i64':
        return BigInt.asIntN(64, args.wide(i))
      case 'large':
        return args.large(i)
      case 'wstr': {
        const text = args.text(i)
        if (text !== null) return text
        const at = args.int(i)
        if (at === 0) return null
        this.checkReach(at, 'read', this.k.scheduler.userMode)
        return this.k.memory.wsz(at)
      }
      case 'astr': {
        const text = args.text(i)
        if (text !== null) return text
        const at = args.int(i)
        if (at === 0) return null
        this.checkReach(at, 'read', this.k.scheduler.userMode)
        return this.k.memory.sz(at)
      }
      case 'varargs':
        return args.varargs(i)
      case 'out':
        return this.outArgument(type.of, args.out(i), i, outs)
    }
  }

  /** Programs do not reach kernel memory, whoever reads or writes for them. */
  private checkReach(at: number, access: 'read' | 'write', userMode: boolean): void {
    const { memory } = this.k
    if (userMode && !memory.isUser(at))
      throw new NtException(STATUS_ACCESS_VIOLATION, memory.address(at), access)
  }

  private outArgument(of: OutType, target: number, i: number, outs: OutValues): Out<never> {
    const { memory } = this.k
    const userMode = target > 0 && this.k.scheduler.userMode
    const check = (): void => this.checkReach(target, 'write', userMode)
    return {
      given: target !== 0,
      target,
      write(value: number | bigint | boolean) {
        if (target === 0) return
        if (target === -1) {
          outs[i] = typeof value === 'boolean' ? (value ? 1 : 0) : value
          return
        }
        check()
        switch (of.k) {
          case 'ptr':
            memory.setPtr(target, value as number)
            break
          case 'u64':
          case 'i64':
            memory.setU64(target, BigInt(value))
            break
          case 'handle':
            memory.setU64(target, BigInt(value))
            break
          case 'u8':
          case 'i8':
          case 'bool':
            memory.setU8(target, Number(value))
            break
          case 'u16':
          case 'i16':
            memory.setU16(target, Number(value))
            break
          default:
            memory.setU32(target, Number(value) | 0)
        }
      },
    } as Out<never>
  }

  // --- trace ---------------------------------------------------------------------------------

  private traceArgs(bound: Bound, values: Record<string, unknown>): Record<string, TraceValue> {
    const shown: Record<string, TraceValue> = {}
    for (const [name, type] of bound.params) {
      const value = values[name]
      switch (type.k) {
        case 'ptr':
          shown[name] = this.pointerText(value as number, type.target)
          break
        case 'fn':
          shown[name] = this.k.images.symbol(value as number)
          break
        case 'out':
          break
        case 'ntstatus':
          shown[name] = hex32(value as number)
          break
        case 'varargs':
          shown[name] = (value as { v: unknown }[]).map((item) => String(item.v)).join(', ')
          break
        default:
          shown[name] = typeof value === 'bigint' ? value.toString() : (value as TraceValue)
      }
    }
    return shown
  }

  /** A UNICODE_STRING is shown by its text, other pointers as addresses. */
  private pointerText(value: number, target: string | null): string {
    const { memory } = this.k
    if (value === 0) return 'NULL'
    if (target === 'UNICODE_STRING' && memory.pte(value) & 1 && memory.pte(value + 15) & 1) {
      const length = memory.u16(value)
      const buffer = memory.ptr(value + 8)
      if (buffer && length <= 1024 && memory.pte(buffer) & 1 && memory.pte(buffer + length) & 1)
        return memory.text16(buffer, length)
    }
    return memory.format(value)
  }

  private traceResult(bound: Bound, seq: number, value: unknown): void {
    const type = bound.entry.returns
    let text: TraceValue = null
    if (type.k === 'ntstatus') text = hex32((value as number) >>> 0)
    else if (type.k === 'ptr') text = value === 0 ? 'NULL' : this.k.memory.format(value as number)
    else if (type.k === 'fn') text = this.k.images.symbol(value as number)
    else if (type.k !== 'void')
      text = typeof value === 'bigint' ? value.toString() : (value as TraceValue)
    this.k.emitResult(seq, bound.name, text)
  }
}

function isRoutine(value: unknown): value is KernelRoutine<unknown> {
  return typeof value === 'object' && value !== null && 'next' in value
}

/** A result that waits until whatever interrupted is done. */
function* held(value: unknown): KernelRoutine<unknown> {
  return value
}
