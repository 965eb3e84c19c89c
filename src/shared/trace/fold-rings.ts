/**
 * The system calls of a run: who made them, from which ring, how they ended, and whether they were led
 * astray. One look at each event; how a call went, hop by hop, is told by `rings.ts`.
 */
import type { EventOf, TraceEvent } from './event'

type Hop = EventOf<'hop'>

/** A place on the way that leads into other code than that of the kernel. */
export interface Hook {
  where: 'IA32_LSTAR' | 'KiServiceTable' | 'code'
  /** What is there: `toy!Hook`, or an address where no known code is. */
  symbol: string
}

/** One call of a system service. */
export interface SystemCall {
  /** Seq of its first hop; no other call has the same. */
  first: number
  /** Seq of its last event; null while it has not come back. */
  last: number | null
  /** Seq of the call that a program or driver wrote, null for those that nobody wrote. */
  asked: number | null
  /** Seq of the hop of the Win32 routine that it is part of. */
  win32: number | null
  /** `user` by the instruction syscall, `kernel` through a Zw routine. */
  from: 'user' | 'kernel'
  thread: number
  process: number
  /** `client.exe`. */
  program: string
  /** First byte above the thread's stack in user mode, where that is known. */
  userStack: string | null
  /** `NtOpenProcess`. */
  service: string
  /** Index in KiServiceTable. */
  number: number
  /** `KERNEL32!OpenProcess`, `toy.sys`, `client.exe`. */
  caller: string
  /** NTSTATUS, null when it did not come back. */
  status: string | null
  hooks: Hook[]
}

/** A page of the list of calls. */
export interface CallPage {
  /** Calls of the run. */
  total: number
  /** Index of the first one of `calls`. */
  from: number
  calls: SystemCall[]
  /** `first` of the one that a step is in or nearest to. */
  nearest: number | null
}

/** More are not kept; a run that makes so many makes them in a loop. */
const CALLS_MAX = 20_000
/** How far back a call is looked for that a step lies in. */
const LOOK_BACK = 400

/** Code of the kernel's own. */
export function isKernels(symbol: string): boolean {
  return symbol.startsWith('nt!')
}

/** Every system call of a run, in the order of their first hops. */
export class CallIndex {
  readonly calls: SystemCall[] = []
  /** Calls that have not come back, innermost last, by thread. */
  private readonly open = new Map<number, SystemCall[]>()
  /** The Win32 routine that a thread called last. */
  private readonly win32 = new Map<number, Hop>()
  /** Seq of the hop by which a thread came into the kernel, until its service is looked up. */
  private readonly entered = new Map<number, number>()
  /** The Zw routine that a driver called last, by thread. */
  private readonly zw = new Map<number, { seq: number; name: string }>()
  private readonly programs = new Map<number, string>([[4, 'System']])
  private readonly stacks = new Map<number, string>()

  push(event: TraceEvent): void {
    switch (event.t) {
      case 'hop':
        this.hop(event)
        break
      case 'ddi.called':
        if (event.name.startsWith('Zw'))
          this.zw.set(event.thread, { seq: event.seq, name: event.name })
        break
      case 'ddi.returned':
        if (event.name.startsWith('Zw')) this.returned(event)
        break
      case 'code.diverted':
        this.diverted(event)
        break
      case 'process.created':
        this.programs.set(event.id, event.name)
        break
      case 'thread.created':
        if (event.userStack !== undefined) this.stacks.set(event.id, event.userStack)
        break
      case 'thread.exited':
        this.open.delete(event.id)
        break
      case 'machine.rebooted':
        this.open.clear()
        break
    }
  }

  private hop(event: Hop): void {
    const top = this.open.get(event.thread)?.at(-1)
    switch (event.layer) {
      case 'win32':
        this.win32.set(event.thread, event)
        break
      case 'ntdll':
        this.begin(event, this.fromUser(event))
        break
      case 'syscall':
        if (top && event.entry) top.hooks.push({ where: 'IA32_LSTAR', symbol: event.entry.symbol })
        break
      case 'KiSystemCall64':
        this.entered.set(event.thread, event.seq)
        break
      case 'SSDT':
        if (this.entered.get(event.thread) === event.cause) this.entered.delete(event.thread)
        else this.begin(event, this.fromKernel(event))
        break
      case 'Nt':
        if (!top) break
        if (top.from === 'kernel') top.service = event.detail.replace(/\(.*/s, '')
        if (!isKernels(event.name)) top.hooks.push({ where: 'KiServiceTable', symbol: event.name })
        break
      case 'return':
        this.finish(event, 'user', /returned (0x[0-9A-F]{8})/i.exec(event.detail)?.[1] ?? null)
        break
    }
  }

  /** Changed bytes of code led elsewhere, on the way of the call that the thread is in. */
  private diverted({ thread, to }: EventOf<'code.diverted'>): void {
    const top = this.open.get(thread)?.at(-1)
    if (top && to !== null && !isKernels(to)) top.hooks.push({ where: 'code', symbol: to })
  }

  private base(event: Hop): Omit<SystemCall, 'from' | 'service' | 'number' | 'caller'> {
    const { seq, thread, process } = event
    return {
      first: seq,
      last: null,
      asked: null,
      win32: null,
      thread,
      process,
      program: this.programs.get(process) ?? `process ${process}`,
      userStack: this.stacks.get(thread) ?? null,
      status: null,
      hooks: [],
    }
  }

  private fromUser(event: Hop): SystemCall {
    const base = this.base(event)
    const win32 = this.win32.get(event.thread)
    const isOf = win32 !== undefined && win32.seq === event.cause
    return {
      ...base,
      from: 'user',
      win32: isOf ? win32.seq : null,
      asked: isOf ? (win32.cause ?? null) : null,
      caller: isOf ? win32.name : base.program,
      service: event.name.replace(/^.*!/, ''),
      number: numberIn(event.detail),
    }
  }

  private fromKernel(event: Hop): SystemCall {
    const zw = this.zw.get(event.thread)
    const isOf = zw !== undefined && zw.seq === event.cause
    const caller = event.driver === undefined ? 'ntoskrnl.exe' : `${event.driver}.sys`
    return {
      ...this.base(event),
      from: 'kernel',
      asked: isOf ? zw.seq : null,
      caller,
      service: '',
      number: numberIn(event.name),
    }
  }

  private begin(event: Hop, call: SystemCall): void {
    if (this.calls.length < CALLS_MAX) this.calls.push(call)
    let open = this.open.get(event.thread)
    if (!open) this.open.set(event.thread, (open = []))
    // A call that the kernel makes for itself leaves no event when it is over.
    while (open.at(-1)?.from === 'kernel' && open.at(-1)?.asked === null) open.pop()
    open.push(call)
  }

  private returned(event: EventOf<'ddi.returned'>): void {
    const top = this.open.get(event.thread)?.findLast((call) => call.asked === event.cause)
    if (top?.from !== 'kernel') return
    this.finish(event, 'kernel', typeof event.result === 'string' ? event.result : null)
  }

  /** The innermost open call of that kind is over, and with it whatever it had begun. */
  private finish(event: TraceEvent, from: SystemCall['from'], status: string | null): void {
    const open = this.open.get(event.thread)
    for (let call = open?.pop(); call; call = open?.pop()) {
      if (call.from !== from) continue
      call.last = event.seq
      call.status = status
      return
    }
  }

  // --- questions -------------------------------------------------------------------------------------

  /** The call whose first hop has this seq. */
  find(first: number): SystemCall | undefined {
    const call = this.calls[this.before(first) - 1]
    return call?.first === first ? call : undefined
  }

  /** The calls around a step. @param thread  the one whose event the step is */
  page(step: number, thread: number | null, limit: number): CallPage {
    const at = this.nearest(step, thread)
    const from = Math.max(0, Math.min(at - Math.floor(limit / 2), this.calls.length - limit))
    return {
      total: this.calls.length,
      from,
      calls: this.calls.slice(from, from + limit),
      nearest: this.calls[at]?.first ?? null,
    }
  }

  private nearest(step: number, thread: number | null): number {
    // Its first hop comes a little after the call that was written.
    const end = Math.min(this.before(step + 2), this.calls.length)
    let same = -1
    for (let i = end - 1; i >= Math.max(0, end - LOOK_BACK); i--) {
      const call = this.calls[i]!
      if (startOf(call) > step || call.thread !== thread) continue
      if (call.last === null || call.last >= step) return i
      if (same < 0) same = i
    }
    if (same >= 0) return same
    const before = this.calls[end - 1]
    return Math.max(0, before && startOf(before) > step ? end - 2 : end - 1)
  }

  /** How many calls have their first hop at or before a seq. */
  private before(seq: number): number {
    let low = 0
    let high = this.calls.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.calls[middle]!.first <= seq) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Seq of the first event that belongs to a call. */
export function startOf(call: Pick<SystemCall, 'first' | 'asked' | 'win32'>): number {
  return call.asked ?? call.win32 ?? call.first
}

/** The number of a service in `mov eax, 0x26` or `KiServiceTable[0x26]`. */
function numberIn(text: string): number {
  return Number(/0x[0-9a-f]+/i.exec(text)?.[0] ?? -1)
}
