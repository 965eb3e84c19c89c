/** The stops of one system call: what each event on its way does to registers, stacks and place. */
import { hex, pointer } from '../nt/format'
import {
  IA32_FMASK_AT_BOOT,
  RFLAGS_AT_SYSCALL,
  SELECTORS,
  STUB,
  serviceEntry,
} from '../nt/system-call'
import type { EventOf, TraceEvent } from './event'
import { isKernels, type SystemCall } from './fold-rings'
import { RegisterFile } from './ring-registers'
import * as say from './ring-words'
import type { RingStop, StackCell, StopKind } from './rings'

/** Drivers on the way that are told one by one. */
const DRIVER_STOPS_MAX = 12
/** Arguments that x64 passes in registers. */
const REGISTER_ARGUMENTS = 4

interface Place {
  kind: StopKind
  ring: 0 | 3
  box: string
  module: string
  name: string
}

/** The stops of one call, made event by event. */
export class Story {
  private readonly stops: RingStop[] = []
  private readonly registers = new RegisterFile()
  private readonly user: StackCell[] = []
  private readonly kernel: StackCell[] = []
  private stack: 'user' | 'kernel' = 'user'
  /** The caller's arguments, as the service has them. */
  private readonly args: string[]
  /** Where IA32_LSTAR leads, when that is not KiSystemCall64. */
  movedEntry: EventOf<'hop'>['entry']
  private drivers = 0

  constructor(
    private readonly call: SystemCall,
    private readonly events: readonly TraceEvent[],
  ) {
    const service = events.find((event) => event.t === 'hop' && event.layer === 'Nt')
    this.args = service ? argumentsOf((service as EventOf<'hop'>).detail) : []
  }

  tell(): RingStop[] {
    const seen = new Set<string>()
    for (const event of this.events) {
      if (event.t === 'hop') {
        // A driver on the way may make calls of its own.
        if (event.layer !== 'return' && seen.has(event.layer)) continue
        if (event.layer === 'return' && event.seq !== this.call.last) continue
        seen.add(event.layer)
        this.hop(event)
      } else if (event.t === 'ddi.called' && event.seq === this.call.asked) this.asked(event)
      else if (event.t === 'ddi.returned' && event.seq === this.call.last) this.zwBack(event)
      else if (event.t === 'routine.called') this.routine(event)
      else if (event.t === 'code.diverted') this.diverted(event)
    }
    return this.stops
  }

  // --- stops in ring 3 -------------------------------------------------------------------------------

  private asked(event: EventOf<'ddi.called'>): void {
    const { call } = this
    if (call.from === 'kernel') {
      this.zwAsked(event)
      return
    }
    const from = event.at ? `${event.at.file}:${event.at.line}` : 'main'
    this.registers.set('user', {
      RIP: [`${bare(call.program)}!${from}`],
      RSP: this.userStack(),
      GS: [`TEB of thread ${call.thread}`],
    })
    this.user.push({ kind: 'frame', text: `${call.program} ${from}` })
    const place = box('program', 3, call.program, from)
    this.stop(event, { ...place, box: 'program' }, say.program(from, event.name))
  }

  private win32(event: EventOf<'hop'>): void {
    const [dll = 'KERNEL32', name = event.name] = event.name.split('!')
    this.registers.set('user', {
      RIP: [event.name],
      RSP: this.userStack(),
      GS: [`TEB of thread ${this.call.thread}`],
    })
    this.user.push({ kind: 'frame', text: event.name })
    const words = say.win32(name, this.call.service)
    this.stop(event, box('win32', 3, `${dll}.dll`, name), words)
  }

  private stub(event: EventOf<'hop'>): void {
    const { call, args } = this
    this.registers.set('user', {
      RIP: [event.name],
      RAX: [hex(Math.max(0, call.number)), 'the number of the service'],
      RCX: [args[0] ?? null, 'argument 1'],
      RDX: [args[1] ?? null, 'argument 2'],
      R8: [args[2] ?? null, 'argument 3'],
      R9: [args[3] ?? null, 'argument 4'],
      R10: [args[0] ?? null, 'a copy of RCX'],
      RSP: this.userStack(),
      GS: [`TEB of thread ${call.thread}`],
    })
    const more = args.slice(REGISTER_ARGUMENTS)
    if (more.length > 0)
      this.user.push({ kind: 'argument', text: `arguments from the fifth: ${more.join(', ')}` })
    this.user.push({ kind: 'frame', text: event.name })
    this.stop(event, box('stub', 3, 'ntdll.dll', call.service), say.stub(call.number))
  }

  private syscall(event: EventOf<'hop'>): void {
    const { call } = this
    this.movedEntry = event.entry
    const target = event.entry?.symbol ?? 'nt!KiSystemCall64'
    const hooked = event.entry ? say.leadsInto(event.entry.symbol) : null
    this.registers.set('kernel', {
      RIP: [target, 'from IA32_LSTAR'],
      RCX: [`ntdll!${call.service}+${hex(STUB.ret)}`, 'where to go back to'],
      R11: [hex(RFLAGS_AT_SYSCALL), 'the flags of the program'],
      RFLAGS: [hex(RFLAGS_AT_SYSCALL & ~IA32_FMASK_AT_BOOT), 'IF is clear: no interrupts'],
    })
    const sentence = say.syscall(hooked)
    this.stop(event, { ...box('syscall', 3, 'processor', 'syscall'), ring: 0 }, sentence, hooked)
  }

  // --- stops in ring 0 -------------------------------------------------------------------------------

  private entered(event: EventOf<'hop'>): void {
    const { call, args } = this
    const top = /0x[0-9A-F]{16}/i.exec(event.detail)?.[0]
    this.stack = 'kernel'
    this.registers.set('kernel', {
      RIP: [event.name],
      RCX: [args[0] ?? null, 'argument 1 again, out of R10'],
      RSP: [top ? `below ${top}` : null, `kernel stack of thread ${call.thread}`],
      RFLAGS: [hex(RFLAGS_AT_SYSCALL), 'IF is set again'],
      GS: [`KPCR of processor ${event.cpu}`, 'by swapgs'],
      PreviousMode: ['UserMode', 'in KTHREAD; the trap frame has CS 0x33'],
    })
    const { cs, ss } = SELECTORS.user
    for (const text of [
      `SS ${hex(ss)}`,
      `RSP ${call.userStack ? `below ${call.userStack}` : 'of the program'}`,
      `RFLAGS ${hex(RFLAGS_AT_SYSCALL)}`,
      `CS ${hex(cs)}`,
      `RIP ntdll!${call.service}+${hex(STUB.ret)}`,
    ])
      this.kernel.push({ kind: 'trap', text })
    this.stop(event, box('entry', 0, 'ntoskrnl.exe', 'KiSystemCall64'), say.entered())
  }

  private table(event: EventOf<'hop'>): void {
    if (this.call.from === 'kernel') this.internal(event)
    const raw = Number(/^0x[0-9A-F]+/i.exec(event.detail)?.[0] ?? 0)
    const symbol = / leads to (.*)$/s.exec(event.detail)?.[1] ?? ''
    const { target, offset, stackArguments } = serviceEntry(raw)
    const hooked = isKernels(symbol) ? null : say.leadsInto(symbol)
    const distance = BigInt.asUintN(64, BigInt(offset))
    this.registers.set('kernel', {
      RIP: ['nt!KiSystemServiceRepeat'],
      R10: [pointer(target), symbol],
      R11: [pointer(distance), 'the entry, shifted right by four'],
      RAX: [pointer(BigInt.asUintN(64, BigInt(raw | 0))), 'the entry as it lies in the table'],
    })
    const place = box('table', 0, 'ntoskrnl.exe', event.name)
    this.stop(
      event,
      place,
      say.table(this.call.number, raw, symbol, stackArguments, hooked),
      hooked,
    )
    if (this.call.from === 'user' && stackArguments > 0)
      this.kernel.push({
        kind: 'argument',
        text: `${stackArguments} argument${stackArguments === 1 ? '' : 's'} from the user stack`,
      })
  }

  private service(event: EventOf<'hop'>): void {
    const { args, call } = this
    const hooked = isKernels(event.name) ? null : say.leadsInto(event.name)
    this.registers.set('kernel', {
      RIP: [event.name],
      RCX: [args[0] ?? null, 'argument 1'],
      RDX: [args[1] ?? null, 'argument 2'],
      R8: [args[2] ?? null, 'argument 3'],
      R9: [args[3] ?? null, 'argument 4'],
    })
    this.kernel.push({ kind: 'frame', text: 'back to nt!KiSystemServiceCopyEnd' })
    const place = box('service', 0, say.moduleOf(event.name), bare(event.name, true))
    this.stop(event, place, say.service(call, event.name, hooked), hooked)
  }

  /** Code of a driver that runs because of the call. */
  private routine(event: EventOf<'routine.called'>): void {
    const { driver } = event
    if (driver === undefined || this.drivers >= DRIVER_STOPS_MAX) return
    const before = this.stops.at(-1)
    const isGate = before?.kind === 'syscall' && this.movedEntry !== undefined
    // A hooked entry has led here already.
    if (before?.kind === 'service' && before.name === event.name) return
    if (before?.kind === 'diverted' && before.name === event.name) return
    this.drivers++
    const values = Object.values(event.args).map((value) => `${value}`)
    this.registers.set('kernel', {
      RIP: [`${driver}!${event.name}`],
      RCX: [values[0] ?? null, Object.keys(event.args)[0]],
      RDX: [values[1] ?? null, Object.keys(event.args)[1]],
      R8: [values[2] ?? null, Object.keys(event.args)[2]],
      R9: [values[3] ?? null, Object.keys(event.args)[3]],
      RAX: [null],
      R10: [null],
      R11: [null],
    })
    if (!isGate) this.kernel.push({ kind: 'frame', text: `${driver}!${event.name}` })
    const place = box(isGate ? 'gate' : 'driver', 0, `${driver}.sys`, event.name)
    const hooked = isGate ? say.leadsInto(`${driver}!${event.name}`) : null
    this.stop(event, place, say.driver(event, driver, isGate), hooked)
    if (!isGate) this.kernel.pop()
  }

  /** Changed bytes led elsewhere, or a copy of a routine's beginning led back to it. */
  private diverted(event: EventOf<'code.diverted'>): void {
    if (event.to === null || this.stops.at(-1)?.ring !== 0) return
    const hooked = isKernels(event.to) ? null : say.leadsInto(event.to)
    // The service does not get to its work: what was said of it was too early.
    const last = this.stops.length - 1
    const before = this.stops[last]
    if (hooked && before?.kind === 'service' && before.hooked === null)
      this.stops[last] = { ...before, sentence: say.leftAtOnce(this.call.service) }
    this.registers.set('kernel', { RIP: [event.to] })
    const place = box('diverted', 0, say.moduleOf(event.to), bare(event.to, true))
    this.stop(event, place, say.diverted(event, hooked), hooked)
  }

  // --- from the kernel itself ------------------------------------------------------------------------

  private zwAsked(event: EventOf<'ddi.called'>): void {
    const { call } = this
    const from = event.at ? `${event.at.file}:${event.at.line}` : event.name
    this.stack = 'kernel'
    this.registers.set('kernel', {
      RIP: [`${bare(call.caller)}!${from}`],
      RSP: [null, `kernel stack of thread ${call.thread}`],
      GS: [`KPCR of processor ${event.cpu}`],
      PreviousMode: [null, 'whoever called the kernel before'],
    })
    this.kernel.push({ kind: 'frame', text: `${call.caller} ${from}` })
    this.stop(event, box('zw', 0, call.caller, from), say.zwAsked(call.caller, event.name))
  }

  private internal(event: EventOf<'hop'>): void {
    const { args, call } = this
    this.stack = 'kernel'
    const zw = call.service.replace(/^Nt/, 'Zw')
    this.registers.set('kernel', {
      RIP: ['nt!KiServiceInternal'],
      RAX: [hex(Math.max(0, call.number)), 'the number of the service'],
      RCX: [args[0] ?? null, 'argument 1'],
      RDX: [args[1] ?? null, 'argument 2'],
      R8: [args[2] ?? null, 'argument 3'],
      R9: [args[3] ?? null, 'argument 4'],
      RSP: [null, `kernel stack of thread ${call.thread}`],
      GS: [`KPCR of processor ${event.cpu}`],
      PreviousMode: ['KernelMode', 'the call comes from CS 0x10'],
    })
    this.kernel.push({ kind: 'frame', text: `nt!${zw}` })
    this.kernel.push({ kind: 'trap', text: `CS ${hex(SELECTORS.kernel.cs)}` })
    this.stop(event, box('internal', 0, 'ntoskrnl.exe', 'KiServiceInternal'), say.internal(zw))
  }

  private zwBack(event: EventOf<'ddi.returned'>): void {
    const { call } = this
    this.registers.set('kernel', {
      RIP: [`${bare(call.caller)}`],
      RAX: [call.status, 'the status'],
      RCX: [null],
      RDX: [null],
      R8: [null],
      R9: [null],
      R10: [null],
      R11: [null],
      PreviousMode: [null, 'as it was before'],
    })
    this.kernel.length = 1
    const caller = this.stops.find(({ kind }) => kind === 'zw')
    const place = box('back', 0, call.caller, caller?.name ?? event.name)
    this.stop(event, { ...place, box: caller?.box ?? place.box }, say.zwBack(call.caller))
  }

  private back(event: EventOf<'hop'>): void {
    const { call } = this
    this.stack = 'user'
    this.kernel.length = 0
    this.registers.set('user', {
      RIP: [`ntdll!${call.service}+${hex(STUB.ret)}`, 'out of RCX'],
      RAX: [call.status, 'the status'],
      RCX: [`ntdll!${call.service}+${hex(STUB.ret)}`],
      RDX: [null],
      R8: [null],
      R9: [null],
      R10: [null],
      R11: [hex(RFLAGS_AT_SYSCALL)],
      RSP: this.userStack(),
      RFLAGS: [hex(RFLAGS_AT_SYSCALL), 'out of R11'],
      GS: [`TEB of thread ${call.thread}`, 'by swapgs'],
      PreviousMode: [null],
    })
    const stub = this.stops.find(({ kind }) => kind === 'stub')
    const place = box('back', 3, 'ntdll.dll', call.service)
    this.stop(event, { ...place, box: stub?.box ?? place.box }, say.back(call))
  }

  // --- parts -----------------------------------------------------------------------------------------

  private hop(event: EventOf<'hop'>): void {
    switch (event.layer) {
      case 'win32':
        this.win32(event)
        break
      case 'ntdll':
        this.stub(event)
        break
      case 'syscall':
        this.syscall(event)
        break
      case 'KiSystemCall64':
        this.entered(event)
        break
      case 'SSDT':
        this.table(event)
        break
      case 'Nt':
        this.service(event)
        break
      case 'return':
        this.back(event)
        break
    }
  }

  private userStack(): [string | null, string] {
    const { userStack, thread } = this.call
    return [userStack ? `below ${userStack}` : null, `user stack of thread ${thread}`]
  }

  private stop(
    event: TraceEvent,
    place: Place,
    sentence: string,
    hooked: string | null = null,
  ): void {
    this.stops.push({
      ...place,
      index: this.stops.length,
      seq: event.seq,
      sentence,
      hooked,
      registers: this.registers.take(),
      stacks: { current: this.stack, user: [...this.user], kernel: [...this.kernel] },
      ...(event.at ? { at: event.at } : {}),
    })
  }
}

function box(kind: StopKind, ring: 0 | 3, module: string, name: string): Place {
  return { kind, ring, box: `${ring} ${module} ${name}`, module, name }
}

/** `NtOpenProcess(0x.., 0x2)`: what is between the parentheses. */
function argumentsOf(detail: string): string[] {
  const inside = /\((.*)\)/s.exec(detail)?.[1] ?? ''
  return inside === '' ? [] : inside.split(', ')
}

/** A name without its file's ending, or without its module. */
function bare(name: string, isSymbol = false): string {
  return isSymbol ? name.replace(/^.*!/, '') : name.replace(/\.(exe|sys)$/i, '')
}
