/** Why the machine stopped, in the order in which a person asks: what, first cause, where, how to mend it. */
import { bugcheckInfo, bugcheckSubcode } from '../../shared/nt/bugchecks'
import { hex32, pointer } from '../../shared/nt/format'
import { STATUS_ACCESS_VIOLATION, statusName } from '../../shared/nt/ntstatus'
import { verifierRule } from '../../shared/nt/verifier-facts'
import type { StopReport } from '../../shared/contract/model'
import type { SourcePlace, TraceEvent } from '../../shared/trace/event'
import type { Kernel } from '../kernel/kernel'
import { Recent } from '../kernel/recent'
import type { BugCheck } from '../kernel/stop'

/** Packets and blocks whose completion, allocation and freeing are remembered. */
const REMEMBERED = 4096

/** What to change, for the stops that drivers meet most. Others take the verifier rule's advice. */
const FIXES: Readonly<Record<number, string>> = {
  0x0a: 'Keep what the routine works on in nonpaged memory that is still there, and call it at an IRQL that it allows.',
  0x18: 'Balance every ObReferenceObject with one ObDereferenceObject.',
  0x19: 'Find the write that goes past the block: check every length against the size that was allocated.',
  0x1e: 'Check the pointer before using it; an exception in a DPC cannot be handled by anybody.',
  0x35: "Allocate the IRP with the target device's StackSize, or reuse it with IoReuseIrp.",
  0x3b: 'Check pointers before using them; touch user addresses only between __try and __except, after a probe.',
  0x44: 'Complete an IRP once; afterwards return the status that was saved before.',
  0x48: 'Clear the cancel routine with IoSetCancelRoutine(Irp, NULL) before completing the IRP.',
  0x4a: 'Lower the IRQL, or release the spin lock, on every way out of the routine.',
  0x50: 'Do not use memory after freeing it, nor an IRP after completing it; set the pointer to NULL at the free.',
  0x7e: 'Check the pointer before using it: allocation and look-up can give NULL.',
  0x7f: 'Make the recursion a loop, and put large buffers into pool instead of on the stack.',
  0xbe: 'Write only to memory that is yours; constants and code are read-only.',
  0xc2: 'Free each block once, with the pointer and the tag of its allocation, at an IRQL that its pool allows.',
  0xc7: 'Cancel the timer with KeCancelTimer and call KeFlushQueuedDpcs before the memory or the driver goes.',
  0xce: 'Cancel, remove or wait for everything that calls into the driver before DriverUnload returns.',
  0xd1: 'Use nonpaged memory at DISPATCH_LEVEL and above, or do the work at PASSIVE_LEVEL.',
  0xd5: 'Do not touch the block after ExFreePool.',
  0xd6: 'Stay inside the block: check the length against the size that was allocated.',
  0x133: 'Release the lock, and do not wait or loop at DISPATCH_LEVEL; never acquire a lock twice.',
  0x139: 'Remove an entry from its list once; initialise list heads before use.',
  0xe2: 'The driver asked for this stop with KeBugCheck; the parameters are its own.',
}

/**
 * Remembers the events that a first cause can be, while the run goes on. Bounded: a run of a million
 * events keeps the newest of each.
 */
export class CauseFinder {
  private readonly completed = new Recent<TraceEvent>(REMEMBERED)
  private readonly freed = new Recent<TraceEvent, string>(REMEMBERED)
  private readonly allocated = new Recent<TraceEvent, string>(REMEMBERED)
  private irqlRaised: TraceEvent | null = null
  private lastException: TraceEvent | null = null
  private lastRoutine: TraceEvent | null = null

  see(event: TraceEvent): void {
    switch (event.t) {
      case 'irp.completed':
        if (!this.completed.has(event.irp)) this.completed.add(event.irp, event)
        break
      case 'pool.freed':
        this.freed.add(event.block, event)
        break
      case 'pool.allocated':
        this.allocated.add(event.block, event)
        this.freed.delete(event.block)
        break
      case 'irql.changed':
        if (event.to >= 2 && event.from < 2) this.irqlRaised = event
        break
      case 'exception.raised':
        this.lastException = event
        break
      case 'routine.called':
        this.lastRoutine = event
        break
      default:
        break
    }
  }

  /** The event with which it began, and a sentence about it. */
  find(k: Kernel, stop: BugCheck): { text: string; seq: number | null } {
    const irp = /IRP (\d+)/.exec(stop.what ?? '')
    if (stop.code === 0x44 && irp) {
      const event = this.completed.get(Number(irp[1]))
      if (event)
        return said(
          event,
          `IRP ${irp[1]} was completed here the first time. After IoCompleteRequest returns, the packet belongs to the I/O manager.`,
        )
    }
    if (stop.code === 0xd1 || stop.code === 0x0a || stop.code === 0x133)
      if (this.irqlRaised && k.irql.level >= 2)
        return said(
          this.irqlRaised,
          `The IRQL was raised to ${this.irqlRaised.t === 'irql.changed' ? this.irqlRaised.to : 2} here and not lowered since.`,
        )
    const block = this.blockOf(k, stop)
    if (block) {
      const freed = this.freed.get(block)
      if (freed && stop.code !== 0x19) return said(freed, 'The pool block was freed here.')
      const allocated = this.allocated.get(block)
      if (allocated) return said(allocated, 'The pool block was allocated here.')
    }
    if (this.lastException)
      return said(this.lastException, 'The exception was raised here and nothing handled it.')
    if (this.lastRoutine)
      return said(
        this.lastRoutine,
        `It began with the call of ${this.lastRoutine.t === 'routine.called' ? this.lastRoutine.name : 'the routine'}.`,
      )
    return { text: 'The stop has no earlier cause in the trace.', seq: null }
  }

  /** The pool block that one of the parameters lies in, as the trace writes it. */
  private blockOf(k: Kernel, stop: BugCheck): string | null {
    for (const parameter of stop.parameters) {
      if (parameter < 0xffff_8000_0000_0000n) continue
      const block = k.pool.find(k.memory.index(parameter))
      if (block?.owner) return k.memory.format(block.address)
    }
    return null
  }
}

function said(event: TraceEvent, text: string): { text: string; seq: number } {
  const at = event.at ? ` (${event.at.file}:${event.at.line})` : ''
  return { text: `#${event.seq}${at}. ${text}`, seq: event.seq }
}

/** The report of a bug check or a verifier stop. */
export function explainStop(
  k: Kernel,
  stop: BugCheck,
  place: { seq: number; at: SourcePlace | null },
  causes: CauseFinder,
): StopReport {
  const info = bugcheckInfo(stop.code)
  const sub = bugcheckSubcode(stop.code, stop.parameters[0])
  const meanings = [0, 1, 2, 3].map((i) =>
    i === 0 && sub ? sub.meaning : (sub?.parameters?.[i - 1] ?? info?.parameters[i] ?? ''),
  )
  const rule = stop.rule ? verifierRule(stop.rule) : undefined
  return {
    code: hex32(stop.code),
    name: info?.name ?? 'UNKNOWN_BUGCHECK',
    parameters: stop.parameters.map(pointer),
    parameterMeanings: meanings,
    what: stop.what ?? info?.cause ?? '',
    firstCause: causes.find(k, stop),
    at: place.at,
    seq: place.seq,
    stack: k.stopStack,
    verifier: verifierWords(stop),
    fix: rule?.fix ?? fixOf(stop),
  }
}

/** Rules that would have stopped earlier, for stops that Windows makes late or by luck. */
const FOUND_BY: Readonly<Record<number, string>> = {
  0x19: 'VR-POOL-OVERRUN-SP',
  0x4a: 'VR-IRQL-RETURN-DISPATCH',
  0x50: 'VR-POOL-UAF-SP',
  0xd1: 'VR-IRQL-PAGEABLE',
}

function verifierWords(stop: BugCheck): string | null {
  if (stop.rule) {
    const rule = verifierRule(stop.rule)
    if (!rule) return null
    const without = rule.withoutVerifier ? ` Without it: ${rule.withoutVerifier}.` : ''
    return `${rule.id} (${rule.option}): ${rule.title}.${without}`
  }
  const rule = verifierRule(FOUND_BY[stop.code] ?? '')
  if (!rule) return null
  return `Driver Verifier's option "${rule.option}" finds this as well (${rule.id}): ${rule.title}.`
}

const STATUS_INTEGER_DIVIDE_BY_ZERO = 0xc0000094
/** Bug checks whose first parameter is the code of an exception. */
const EXCEPTION_STOPS = [0x1e, 0x3b, 0x7e]

const BAD_POOL_CALLER = 0xc2
/** Subcodes of BAD_POOL_CALLER that are no double free. */
const POOL_FIXES: Readonly<Record<number, string>> = {
  0x00: 'Ask for at least one byte.',
  0x08: 'Allocate from nonpaged pool above APC_LEVEL, and nothing above DISPATCH_LEVEL.',
  0x09: 'Free paged pool at APC_LEVEL or below, nonpaged pool at DISPATCH_LEVEL or below.',
  0x0a: 'Free the block with the tag of its allocation.',
  0x40: 'Free only what a pool routine returned; this is an address of user mode.',
  0x46: 'Free the pointer that the allocation returned, not one into or beside the block.',
}

function fixOf(stop: BugCheck): string {
  if (stop.code === BAD_POOL_CALLER) {
    const fix = POOL_FIXES[Number(stop.parameters[0])]
    if (fix) return fix
  }
  if (EXCEPTION_STOPS.includes(stop.code)) {
    const exception = Number(BigInt.asUintN(32, stop.parameters[0]))
    if (exception === STATUS_INTEGER_DIVIDE_BY_ZERO) return 'Check the divisor before dividing.'
    if (exception !== STATUS_ACCESS_VIOLATION)
      return `Handle the exception (${statusName(exception)}) with __try/__except, or check what raises it.`
  }
  return FIXES[stop.code] ?? bugcheckInfo(stop.code)?.cause ?? ''
}
