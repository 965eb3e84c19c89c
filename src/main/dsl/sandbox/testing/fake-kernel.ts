/**
 * A kernel port for tests: real memory, no Windows. A script (a generator of commands) says what
 * runs; routines are plain functions by name.
 */
import type { SourcePlace } from '../../../../shared/trace/event'
import { ROUTINE_NAMES, t, type RoutineName } from '../../../kernel/ddi/types'
import { PAGE_SIZE, PTE, REGIONS } from '../../../kernel/mm/layout'
import { Memory, MemoryFault, type Backing, type Ptr } from '../../../kernel/mm/memory'
import type {
  CallArgs,
  CallResult,
  Command,
  FunctionInfo,
  KernelPort,
  Report,
  RunnerFailure,
  SlowAccess,
} from '../../../kernel/port'
import type { RoutineTable } from '../tables'

/** Routines that the tests' driver code calls. */
export const FAKE_ROUTINES = {
  IoCompleteRequest: { params: { Irp: t.ptr('IRP'), PriorityBoost: t.cchar }, returns: t.void },
  IoGetCurrentIrpStackLocation: {
    params: { Irp: t.ptr('IRP') },
    returns: t.ptr('IO_STACK_LOCATION'),
  },
  IoCreateDevice: {
    params: {
      DriverObject: t.ptr('DRIVER_OBJECT'),
      DeviceExtensionSize: t.ulong,
      DeviceName: t.optional(t.ptr('UNICODE_STRING')),
      DeviceType: t.deviceType,
      DeviceCharacteristics: t.ulong,
      Exclusive: t.boolean,
      DeviceObject: t.out(t.ptr('DEVICE_OBJECT')),
    },
    returns: t.ntstatus,
  },
  RtlInitUnicodeString: {
    params: { DestinationString: t.ptr('UNICODE_STRING'), SourceString: t.optional(t.wstr) },
    returns: t.void,
  },
  DbgPrint: { params: { Format: t.astr, Arguments: t.varargs }, returns: t.ulong },
  KeDelayExecutionThread: {
    params: { WaitMode: t.mode, Alertable: t.boolean, Interval: t.optional(t.large) },
    returns: t.ntstatus,
  },
  KeInitializeDpc: {
    params: {
      Dpc: t.ptr('KDPC'),
      DeferredRoutine: t.fn('KDEFERRED_ROUTINE'),
      DeferredContext: t.optional(t.pvoid),
    },
    returns: t.void,
  },
  KeQueryTickCount: { params: { Count: t.out(t.longlong) }, returns: t.void },
  ExAllocatePoolWithTag: {
    params: { PoolType: t.poolType, NumberOfBytes: t.size, Tag: t.ulong },
    returns: t.pvoid,
  },
  ExRaiseStatus: { params: { Status: t.ntstatus }, returns: t.void },
  KeBugCheck: { params: { BugCheckCode: t.ulong }, returns: t.void },
  PsGetCurrentProcessId: { params: {}, returns: { k: 'handle', c: 'HANDLE' } },
  KeQueryPerformanceCounter: { params: {}, returns: t.ulonglong },
  RtlMoveMemory: {
    params: { Destination: t.pvoid, Source: t.pvoid, Length: t.size },
    returns: t.void,
  },
  puts: { params: { Text: t.astr }, returns: t.long, module: 'win32' },
  printf: { params: { Format: t.astr, Arguments: t.varargs }, returns: t.long, module: 'win32' },
} as const satisfies RoutineTable

export type FakeRoutine = keyof typeof FAKE_ROUTINES
const NAMES = Object.keys(FAKE_ROUTINES) as FakeRoutine[]

/** What a routine of a test gives back. */
export type Answer =
  | number
  | bigint
  | void
  | { suspend: true }
  | { throw: number }
  | { dead: true }
  | { value?: number | bigint; outs: (number | bigint | undefined)[] }

export type Handler = (args: CallArgs, kernel: FakeKernel) => Answer
export type Script = Generator<Partial<Command> & { op: Command['op'] }, void, Readonly<Report>>

const ACCESS_VIOLATION = 0xc000_0005

export class FakeKernel implements KernelPort {
  readonly memory: Memory
  readonly functions = new Map<Ptr, FunctionInfo>()
  readonly faults: { index: Ptr; kind: string; at: SourcePlace | null }[] = []
  readonly raised: { code: number; at: SourcePlace | null }[] = []
  readonly failures: { kind: RunnerFailure; message: string; at: SourcePlace | null }[] = []
  readonly calls: { name: string; location: number }[] = []
  readonly reports: Report[] = []
  handlers: Partial<Record<FakeRoutine, Handler>> = {}
  /** What a call through a foreign pointer does; a fault by default. */
  foreign: ((address: Ptr, args: CallArgs, count: number) => Answer) | null = null
  /** Whether a fault raises an exception or stops the machine. */
  onFault: 'throw' | 'dead' = 'throw'
  userMode = false
  /** Set when the run is over. */
  over = false

  private nextPool = REGIONS.nonpagedPool.start + 0x1000
  private nextUser = 0
  private nextCode = REGIONS.driverImages.start + 0x1000
  private nextText = REGIONS.driverImages.start + 0x10_0000
  private nextFrame = 1
  private script: Script | null = null
  private started = false

  readonly stackBase: Ptr
  readonly stackLimit: Ptr

  constructor(backing: Backing) {
    this.memory = new Memory(backing)
    this.memory.commit(REGIONS.nonpagedPool.start, 256, PTE.read | PTE.write)
    this.memory.commit(REGIONS.driverImages.start, 16, PTE.read | PTE.execute)
    this.memory.commit(REGIONS.ntImage.start, 4, PTE.read | PTE.execute)
    this.memory.commit(REGIONS.driverImages.start + 0x10_0000, 16, PTE.read | PTE.write)
    this.memory.createSlice()
    this.memory.switchSlice(0)
    this.nextUser = this.memory.sliceStart(0) + 0x1_0000
    this.memory.commit(this.memory.sliceStart(0) + 0x1_0000, 16, PTE.read | PTE.write | PTE.user)
    this.stackLimit = REGIONS.stacks.start + PAGE_SIZE
    this.stackBase = this.stackLimit + 6 * PAGE_SIZE
    this.memory.commit(this.stackLimit, 6, PTE.read | PTE.write)
  }

  /** What is to run; `yield` gives a command and receives the report on it. */
  play(script: (kernel: this) => Script): this {
    this.script = script(this)
    this.started = false
    return this
  }

  /** Nonpaged memory, zeroed. */
  allocate(bytes: number): Ptr {
    const at = this.nextPool
    this.nextPool += (bytes + 15) & ~15
    return at
  }

  allocateUser(bytes: number): Ptr {
    const at = this.nextUser
    this.nextUser += (bytes + 15) & ~15
    return at
  }

  frame(): number {
    return this.nextFrame++
  }

  load(unit: number, image = 1): Partial<Command> & { op: 'load' } {
    return { op: 'load', fn: unit, args: [image] }
  }

  start(
    address: Ptr,
    routine: RoutineName,
    args: number[] = [],
    frame = this.frame(),
  ): Partial<Command> & { op: 'start' } {
    const info = this.functions.get(address)
    if (!info) throw new Error(`no function at ${address}`)
    return { op: 'start', fn: info.fn, routine: ROUTINE_NAMES.indexOf(routine), args, frame }
  }

  resume(
    frame: number,
    value: number | bigint = 0,
    outs: CallResult['outs'] = [],
  ): Partial<Command> & { op: 'resume' } {
    return { op: 'resume', frame, result: this.done(value, outs) }
  }

  // --- port ----------------------------------------------------------------------------------

  next(report: Report): Command {
    this.reports.push({ ...report })
    let step: Partial<Command> & { op: Command['op'] } = { op: 'end' }
    if (!this.over && this.script) {
      const result = this.started
        ? this.script.next({ ...report })
        : this.script.next(undefined as never)
      this.started = true
      if (!result.done) step = result.value
    }
    return {
      frame: 0,
      fn: 0,
      routine: 0,
      args: [],
      result: this.done(0, []),
      code: 0,
      stack: report.stack || this.stackBase,
      stackLimit: this.stackLimit,
      ...step,
    }
  }

  ddi(index: number, location: number, args: CallArgs): CallResult {
    const name = NAMES[index]
    if (name === undefined) throw new RangeError(`there is no routine ${index}`)
    this.calls.push({ name, location })
    const handler = this.handlers[name]
    return this.answer(handler ? handler(args, this) : undefined)
  }

  callAddress(address: number, _location: number, args: CallArgs, count: number): CallResult {
    if (this.foreign) return this.answer(this.foreign(address, args, count))
    this.faults.push({ index: address, kind: 'execute', at: null })
    return this.answer(this.onFault === 'throw' ? { throw: ACCESS_VIOLATION } : { dead: true })
  }

  raise(code: number, at: SourcePlace | null): CallResult {
    this.raised.push({ code, at })
    return this.answer({ throw: code })
  }

  slowAccess(access: SlowAccess): void {
    try {
      this.memory.slowAccess(access, this.userMode)
    } catch (error) {
      if (!(error instanceof MemoryFault)) throw error
      this.faults.push({ index: error.index, kind: error.access, at: access.at })
      access.state = this.onFault
      if (this.onFault === 'dead') this.over = true
      access.code = ACCESS_VIOLATION
    }
  }

  registerFunction(info: FunctionInfo): number {
    const address = this.nextCode
    this.nextCode += 16
    this.functions.set(address, { ...info })
    return address
  }

  private readonly strings = new Map<string, Ptr>()

  intern(image: number, text: string, wide: boolean): number {
    const key = `${image}:${wide}:${text}`
    let at = this.strings.get(key)
    if (at === undefined) {
      at = this.nextText
      this.nextText += ((text.length + 1) * 2 + 15) & ~15
      for (let i = 0; i < text.length; i++)
        if (wide) this.memory.setU16(at + i * 2, text.charCodeAt(i))
        else this.memory.setU8(at + i, text.charCodeAt(i))
      this.strings.set(key, at)
    }
    return at
  }

  internUnicodeString(image: number, text: string): number {
    const buffer = this.intern(image, text, true)
    const at = this.nextText
    this.nextText += 16
    this.memory.setU16(at, text.length * 2)
    this.memory.setU16(at + 2, text.length * 2 + 2)
    this.memory.setPtr(at + 8, buffer)
    return at
  }

  routineAddress(index: number): number {
    return REGIONS.ntImage.start + 0x1000 + index * 16
  }

  indexOf(lo: number, hi: number): number {
    return this.memory.fromHalves(lo, hi)
  }

  addressOf(index: number): bigint {
    return this.memory.address(index)
  }

  runnerFailed(kind: RunnerFailure, message: string, at: SourcePlace | null): void {
    this.failures.push({ kind, message, at })
    this.over = true
  }

  // --- answers -------------------------------------------------------------------------------

  private done(value: number | bigint, outs: CallResult['outs']): CallResult {
    return typeof value === 'bigint'
      ? { state: 'done', value: 0, wide: value, outs, code: 0 }
      : { state: 'done', value: value | 0, wide: 0n, outs, code: 0 }
  }

  private dead(): CallResult {
    this.over = true
    return { state: 'dead', value: 0, wide: 0n, outs: [], code: 0 }
  }

  private answer(answer: Answer): CallResult {
    if (answer === undefined) return this.done(0, [])
    if (typeof answer !== 'object') return this.done(answer, [])
    if ('suspend' in answer) return { state: 'suspended', value: 0, wide: 0n, outs: [], code: 0 }
    if ('throw' in answer)
      return { state: 'throw', value: 0, wide: 0n, outs: [], code: answer.throw }
    if ('dead' in answer) return this.dead()
    return this.done(answer.value ?? 0, answer.outs)
  }
}
