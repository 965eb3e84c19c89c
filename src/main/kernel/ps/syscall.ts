/**
 * The way from user mode into the kernel and back: ntdll stub, `syscall`, KiSystemCall64, the entry
 * in KiServiceTable, the service, `sysret`.
 *
 * The table lies in the kernel's image and is read at every call, so whoever changes an entry changes
 * where the call goes. It is read-only there: a driver that hooks a service has to map it a second
 * time (or make a bug check 0xBE), as on Windows.
 */
import { KSERVICE_TABLE_DESCRIPTOR, KTHREAD } from '../../../shared/nt/generated/offsets'
import { STATUS_NOT_IMPLEMENTED } from '../../../shared/nt/generated/ntstatus'
import { hex, hex32 } from '../../../shared/nt/format'
import { statusName } from '../../../shared/nt/ntstatus'
import type { KernelRoutine } from '../ddi/types'
import { enterByRegister } from '../hal/system-call-entry'
import { DISPATCH_LEVEL } from '../ke/irql'
import { unhandled } from '../ke/fault'
import type { KernelFrame, Thread } from '../ke/thread'
import type { Kernel } from '../kernel'
import { codeDiverted } from '../loader/code-bytes'
import { PTE, REGIONS } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { exitThread } from './exit'
import { REGISTER_ARGUMENTS, type Service } from './service'
import { SERVICES } from './services'
import type { UserThread } from './user'

/** Services of the build: NtWaitLowEventPair, the last, is 0x1D5. */
const SERVICE_COUNT = 0x1d6
/** In the first megabyte of the image, behind its code and constants. */
const TABLE = REGIONS.ntImage.start + 0xf_0000
/** KiArgumentTable: bytes of stack arguments by service, on the same page. */
const ARGUMENT_TABLE = TABLE + SERVICE_COUNT * 4

/** `swapgs`, then `lea r10, [KeServiceDescriptorTable]`: an instruction's distance counts from its end. */
function entryCode(entry: Ptr, descriptor: Ptr): number[] {
  const swapgs = [0x0f, 0x01, 0xf8]
  const lea = [0x4c, 0x8d, 0x15]
  const distance = descriptor - (entry + swapgs.length + lea.length + 4)
  return [...swapgs, ...lea, ...[0, 8, 16, 24].map((shift) => (distance >>> shift) & 0xff)]
}

/** A service that this kernel does not have. */
function* notImplemented(): KernelRoutine<number> {
  return STATUS_NOT_IMPLEMENTED
}

export class Syscalls {
  /** KiServiceTable. */
  readonly table: Ptr = TABLE
  /** Entries of it. */
  readonly serviceCount = SERVICE_COUNT
  /** KeServiceDescriptorTable, a KSERVICE_TABLE_DESCRIPTOR. */
  readonly descriptor: Ptr
  /** KiSystemCall64, what IA32_LSTAR points at. */
  readonly entryPoint: Ptr

  constructor(private readonly k: Kernel) {
    const { memory, images, ob } = k
    memory.commit(TABLE, 1, PTE.read | PTE.write)
    this.entryPoint = images.registerNative('KiSystemCall64', notImplemented)
    const absent = images.registerNative('NtNotImplemented', notImplemented)
    for (let number = 0; number < SERVICE_COUNT; number++) this.setEntry(number, absent, 0)
    for (const service of SERVICES) {
      const stack = Math.max(service.args.length - REGISTER_ARGUMENTS, 0)
      this.setEntry(service.number, images.registerNative(service.name, service.run), stack)
    }
    memory.protect(TABLE, 1, PTE.read)
    this.descriptor = ob.data.variable('KeServiceDescriptorTable', KSERVICE_TABLE_DESCRIPTOR.SIZE)
    // Where KiSystemCall64 finds the table is to be seen in its code, as drivers do that search for it.
    images.placeCode(this.entryPoint, entryCode(this.entryPoint, this.descriptor))
    if (k.defences.has('hvci')) memory.seal(TABLE, 1)
    memory.setPtr(this.descriptor + KSERVICE_TABLE_DESCRIPTOR.Base, TABLE)
    memory.setU32(this.descriptor + KSERVICE_TABLE_DESCRIPTOR.Limit, SERVICE_COUNT)
    memory.setPtr(this.descriptor + KSERVICE_TABLE_DESCRIPTOR.Number, ARGUMENT_TABLE)
  }

  private setEntry(number: number, routine: Ptr, stackArguments: number): void {
    const { memory } = this.k
    memory.setU32(TABLE + number * 4, ((routine - TABLE) << 4) | stackArguments)
    memory.setU8(ARGUMENT_TABLE + number, stackArguments * 8)
  }

  /** Where the table sends a service now: what lies in memory, whoever wrote it. */
  target(number: number): Ptr {
    const { memory } = this.k
    return memory.add(TABLE, memory.i32(TABLE + number * 4) >> 4)
  }

  // --- from user mode ------------------------------------------------------------------------------

  /**
   * Call a system service from user mode on the current thread. Whatever the service does with bad
   * arguments is a status; an exception that leaves it stops the machine.
   * @returns the service's NTSTATUS
   * @bugcheck 0x3B  an exception that nothing handled (in a dispatch routine, for instance)
   * @bugcheck 0x4A  the service returns with a raised IRQL
   * @bugcheck 0x01  it returns with APCs disabled, or attached to another process
   */
  *call(service: Service, args: number[]): KernelRoutine<number> {
    const { k } = this
    const { thread } = k
    const { user } = thread
    if (user && user.ending !== null) yield* exitThread(k, user.ending)
    const outerCause = thread.cause
    k.advance(1)
    const left = k.tracing ? this.traceLeave(service) : 0
    if (k.hal.registers.isEntryMoved) yield* enterByRegister(k, service.number)
    const target = this.target(service.number)
    if (k.tracing) this.traceEntry(service, args, target, left)
    const frame = topFrame(thread)
    const outerPath = frame?.path
    if (frame) frame.path = service.path
    thread.previousMode = k.memory.u8(thread.address + KTHREAD.PreviousMode) === 0 ? 0 : 1
    if (user) user.depth++
    let status: number
    try {
      status = (yield* this.run(target, args)) >>> 0
    } catch (error) {
      unhandled(k, k.toException(error))
    }
    if (user) user.depth--
    this.checkReturn(thread, target)
    if (frame) frame.path = outerPath ?? null
    if (user && user.ending !== null) yield* exitThread(k, user.ending)
    if (user) yield* this.enterUserMode(user)
    if (k.tracing)
      k.emit({
        t: 'hop',
        layer: 'return',
        name: 'sysret',
        detail: `${service.name} returned ${hex32(status)}${statusWord(status)}`,
        mode: 'user',
      })
    thread.cause = outerCause
    return status
  }

  /** What comes first when a thread is about to be in user mode: user APCs, and where it was sent. */
  private *enterUserMode(user: UserThread): KernelRoutine<void> {
    const { k } = this
    yield* k.apcs.deliverUser()
    const { redirect } = user
    if (!redirect) return
    user.redirect = null
    yield* k.call(redirect.start, 'USER_APC_ROUTINE', redirect.args)
  }

  private run(target: Ptr, args: number[]): KernelRoutine<number> {
    const { k } = this
    // A routine of the kernel runs in the frame of its caller; foreign code gets one of its own.
    const code = k.images.landing(target)
    if (!code?.native) return k.call(target, 'SYSTEM_SERVICE', args)
    if (k.tracing && code.address !== target) codeDiverted(k, target, code)
    return code.native(k, args) as KernelRoutine<number>
  }

  /** What must be as it was when a system call goes back to user mode. */
  private checkReturn(thread: Thread, target: Ptr): void {
    const { k } = this
    const { memory } = k
    const level = k.irql.level
    if (level > 0)
      k.bugCheck(
        0x4a,
        memory.address(target),
        level,
        0,
        0,
        `${k.images.symbol(target)} would return to user mode at IRQL ${level}${level === DISPATCH_LEVEL ? ': a spin lock is still held, or the level was not lowered' : ''}.`,
      )
    const disabled = memory.u32(thread.address + KTHREAD.CombinedApcDisable)
    const index = memory.u8(thread.address + KTHREAD.ApcStateIndex)
    if (disabled !== 0 || index !== 0)
      k.bugCheck(
        0x01,
        memory.address(target),
        index,
        disabled,
        0,
        index !== 0
          ? `${k.images.symbol(target)} would return to user mode while the thread is attached to another process.`
          : `${k.images.symbol(target)} would return to user mode with APCs disabled: a critical region was entered and not left.`,
      )
  }

  // --- from kernel mode ------------------------------------------------------------------------------

  /**
   * The Zw way: the same table, with KernelMode as previous mode. Exceptions go to the caller.
   */
  *callFromKernel(service: Service, args: number[]): KernelRoutine<number> {
    const { k } = this
    const { thread } = k
    const { memory } = k
    const at = thread.address + KTHREAD.PreviousMode
    const oldMode = memory.u8(at)
    const oldPreviousMode = thread.previousMode
    const outerCause = thread.cause
    const target = this.target(service.number)
    if (k.tracing) this.traceTable(service, args, target, thread.cause)
    const frame = topFrame(thread)
    const outerPath = frame?.path
    if (frame) frame.path = [`nt!${service.name}`, 'nt!KiSystemServiceCopyEnd']
    memory.setU8(at, 0)
    thread.previousMode = 0
    try {
      return (yield* this.run(target, args)) >>> 0
    } finally {
      memory.setU8(at, oldMode)
      thread.previousMode = oldPreviousMode
      thread.cause = outerCause
      if (frame) frame.path = outerPath ?? null
    }
  }

  // --- trace -----------------------------------------------------------------------------------------

  /** The stops in ring 3; the seq of the last one. */
  private traceLeave(service: Service): number {
    const { k } = this
    const { thread } = k
    thread.cause = k.emit({
      t: 'hop',
      layer: 'ntdll',
      name: service.words.stub,
      detail: service.words.number,
      mode: 'user',
    })
    thread.cause = k.emit({
      t: 'hop',
      layer: 'syscall',
      name: 'syscall',
      detail: service.words.call,
      mode: 'user',
      ...this.movedEntry(),
    })
    return thread.cause
  }

  /** Where IA32_LSTAR leads, when that is not KiSystemCall64. */
  private movedEntry(): { entry?: { address: string; symbol: string } } {
    const { hal, images, memory } = this.k
    if (!hal.registers.isEntryMoved) return {}
    const { entry } = hal.registers
    return { entry: { address: memory.format(entry), symbol: images.symbol(entry) } }
  }

  private traceEntry(service: Service, args: readonly number[], target: Ptr, cause: number): void {
    const { k } = this
    const { thread } = k
    const entered = k.emit(
      {
        t: 'hop',
        layer: 'KiSystemCall64',
        name: 'nt!KiSystemCall64',
        detail: `kernel stack of thread ${thread.id} up to ${k.memory.format(thread.stackBase)}`,
        mode: 'kernel',
      },
      cause,
    )
    this.traceTable(service, args, target, entered)
  }

  private traceTable(service: Service, args: readonly number[], target: Ptr, cause: number): void {
    const { k } = this
    const { images, memory, thread } = k
    const symbol = images.symbol(target)
    const found = k.emit(
      {
        t: 'hop',
        layer: 'SSDT',
        name: service.words.entry,
        detail: `${hex32(memory.u32(TABLE + service.number * 4))} leads to ${symbol}`,
        mode: 'kernel',
      },
      cause,
    )
    const shown = [...service.args].map((kind, i) => {
      const arg = args[i] ?? 0
      return kind === 'p' && arg !== 0 ? memory.format(arg) : hex(arg >>> 0)
    })
    thread.cause = k.emit(
      {
        t: 'hop',
        layer: 'Nt',
        name: symbol,
        detail: `${service.name}(${shown.join(', ')})`,
        mode: 'kernel',
      },
      found,
    )
  }
}

function topFrame(thread: Thread): KernelFrame | null {
  const frame = thread.frames.at(-1)
  return frame?.kind === 'kernel' ? frame : null
}

function statusWord(status: number): string {
  const name = statusName(status)
  return name.startsWith('STATUS_') ? ` ${name}` : ''
}
