/** Why the machine stopped, in the order in which a person asks: what, first cause, where, how to mend it. */
import { bugcheckInfo, bugcheckSubcode } from '../../shared/nt/bugchecks'
import { hex32, pointer } from '../../shared/nt/format'
import { STATUS_ACCESS_VIOLATION, statusName } from '../../shared/nt/ntstatus'
import { verifierRule } from '../../shared/nt/verifier-facts'
import { remedyOf } from '../../shared/nt/verifier-remedies'
import type { RunReport, StopReport } from '../../shared/contract/model'
import type { SourcePlace } from '../../shared/trace/event'
import { tagOf } from '../kernel/ex/pool'
import type { Kernel } from '../kernel/kernel'
import type { BugCheck } from '../kernel/stop'
import type { VerifierWarning } from '../kernel/verifier/verifier'
import { packetOf, type CauseFinder } from './causes'

type ReportWarning = NonNullable<RunReport['warnings']>[number]

/** What to change, for the stops that drivers meet most and no rule of the verifier describes. */
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
  0x109:
    'Leave the structures of the kernel as they are; what a driver may know or refuse, documented callbacks tell it.',
  0x133: 'Release the lock, and do not wait or loop at DISPATCH_LEVEL; never acquire a lock twice.',
  0x139: 'Remove an entry from its list once; initialise list heads before use.',
  0xe2: 'The driver asked for this stop with KeBugCheck; the parameters are its own.',
}

/** The one whose last parameter says what the others mean; of all others it is the first. */
const CRITICAL_STRUCTURE_CORRUPTION = 0x109

/** The report of a bug check or a verifier stop. */
export function explainStop(
  k: Kernel,
  stop: BugCheck,
  place: { seq: number; at: SourcePlace | null },
  causes: CauseFinder,
): StopReport {
  const info = bugcheckInfo(stop.code)
  const kind = stop.code === CRITICAL_STRUCTURE_CORRUPTION ? 3 : 0
  const sub = bugcheckSubcode(stop.code, stop.parameters[kind]!)
  const own = verifierRule(stop.rule ?? '')?.bugCheck?.parameters ?? []
  const meanings = [0, 1, 2, 3].map((i) => {
    if (i === kind && sub) return sub.meaning
    // Many rules share a code; what a rule says of its parameters is about it alone.
    const said = i === 0 || own[i] === '0' ? undefined : own[i]
    return said ?? sub?.parameters?.[i - 1] ?? info?.parameters[i] ?? ''
  })
  const rule = ruleOf(k, stop)
  return {
    code: hex32(stop.code),
    name: info?.name ?? 'UNKNOWN_BUGCHECK',
    parameters: stop.parameters.map(pointer),
    parameterMeanings: meanings,
    what: stop.what ?? info?.cause ?? '',
    firstCause: causes.find(k, stop),
    at: place.at,
    seq: place.seq,
    stack: k.stopRecord.stack,
    verifier: verifierWords(k, stop),
    fix: remedyOf(rule ?? '') ?? fixOf(k, stop),
  }
}

/** A rule that was broken without a stop, as the report tells it. */
export function explainWarning({ rule, what, at, seq, first }: VerifierWarning): ReportWarning {
  const fix = remedyOf(rule)
  return {
    rule,
    what,
    at,
    seq,
    ...(first ? { first: { text: first.text, at: first.at } } : {}),
    ...(fix === undefined ? {} : { fix }),
  }
}

/** Bug checks of the kernel itself that one rule describes. */
const SAID_BY: Readonly<Record<number, string>> = {
  0x44: 'VR-IRP-DOUBLE-COMPLETE',
  0x35: 'VR-IRP-NOLOCATION',
  0x93: 'VR-OBJ-CLOSE-INVALID',
  0xc7: 'VR-UNLOAD-TIMER',
  0xc8: 'VR-IRQL-RETURN-CALLBACK',
  0xcd: 'VR-POOL-OVERRUN-SP',
  0xd1: 'VR-IRQL-PAGEABLE',
  0xd5: 'VR-POOL-UAF-SP',
  0xd6: 'VR-POOL-OVERRUN-SP',
  0xe1: 'VR-IRQL-RETURN-WORKITEM',
  0x133: 'VR-MISC-DPC-TIME',
  0x139: 'VR-MISC-LIST',
}

/** Rules that would have stopped earlier, for stops that Windows makes late or by luck. */
const FOUND_BY: Readonly<Record<number, string>> = {
  0x19: 'VR-POOL-OVERRUN-SP',
  0x4a: 'VR-IRQL-RETURN-DISPATCH',
  0x50: 'VR-POOL-UAF-SP',
}

/** The rule that a stop without one is an example of, by what its parameters say. */
function ruleOf(k: Kernel, stop: BugCheck): string | undefined {
  if (stop.rule) return stop.rule
  const [first] = stop.parameters
  switch (stop.code) {
    case 0x7f:
      return first === 8n && !isEntryLost(k, stop) ? 'VR-MISC-STACK' : undefined
    case 0xc2:
      return first === 0x0an ? 'VR-POOL-TAG' : first === 0x40n ? 'VR-POOL-USER-ADDR' : undefined
    case 0x50:
      return packetOf(k, stop) ? 'VR-IRP-TOUCH-AFTER' : undefined
    case 0xce:
      return stop.about ?? undefined
    case 0x1e:
    case 0x3b:
    case 0x7e:
      return k.pool.failed ? 'VR-POOL-LOWRES' : undefined
    case 0xd1:
      return k.pool.failed ? 'VR-POOL-LOWRES' : (stop.about ?? SAID_BY[stop.code])
    case 0xcd:
    case 0xd6:
      return isRequestBuffer(k, stop) ? 'VR-SEC-LENGTH' : SAID_BY[stop.code]
    default:
      return stop.about ?? SAID_BY[stop.code]
  }
}

/** Whether the block that was overrun is the buffer of a request. */
function isRequestBuffer(k: Kernel, stop: BugCheck): boolean {
  return k.pool.find(k.memory.index(stop.parameters[0]))?.tag === tagOf('IoSB')
}

function verifierWords(k: Kernel, stop: BugCheck): string | null {
  const said = verifierRule(ruleOf(k, stop) ?? '')
  if (said) {
    const without = stop.rule && said.withoutVerifier ? ` Without it: ${said.withoutVerifier}.` : ''
    return `${said.id} (${said.option}): ${said.title}.${without}`
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

/** A double fault of a processor that went where IA32_LSTAR points, and found no code there. */
const isEntryLost = (k: Kernel, stop: BugCheck): boolean =>
  stop.code === 0x7f && k.hal.registers.isEntryMoved

function fixOf(k: Kernel, stop: BugCheck): string {
  if (isEntryLost(k, stop))
    return 'Let no program name the register that a driver writes; IA32_LSTAR belongs to Windows.'
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
