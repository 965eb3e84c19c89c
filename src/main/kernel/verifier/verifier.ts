/**
 * Driver Verifier: which rules are on, and what a broken one does.
 *
 * A component asks at the place where a rule could be broken: `verifier.check('VR-...', broken, ...)`,
 * or calls the function in `rules/` that looks at more than one condition. Rules of the option `always`
 * belong to every run; the others are switched on by option or one by one. What is only a warning, and
 * what Windows has no bug check for (option `lab`), is reported by `warn` and stops nothing.
 */
import { bugcheckName } from '../../../shared/nt/bugchecks'
import { VERIFIER_RULES, verifierRule } from '../../../shared/nt/verifier-facts'
import type { RoutineKind, SourcePlace } from '../../../shared/trace/event'
import type { Kernel } from '../kernel'
import type { CodeFrame } from '../ke/thread'
import { BugCheck, type FirstCause } from '../stop'
import { BUILT_IN_RULES, CHECKED_RULES } from './implemented'
import { USER_MEMORY_RULES } from './rules/user-memory'

/** Everything that finds mistakes by watching; the options that inject faults stay out. */
const WATCHING: readonly string[] = [
  'basic',
  'lab',
  'special pool',
  'force IRQL checking',
  'pool tracking',
  'I/O verification',
  'deadlock detection',
  'security checks',
  'miscellaneous checks',
  'DDI compliance checking',
]

/** The words of the command line and of the Run bar, and the settings of verifier-rules.json that they turn on. */
export const VERIFIER_PRESETS: Readonly<Record<string, readonly string[]>> = {
  'special-pool': ['special pool', 'basic'],
  'force-irql': ['force IRQL checking', 'basic'],
  'pool-tracking': ['pool tracking', 'basic'],
  io: ['I/O verification', 'basic'],
  deadlock: ['deadlock detection', 'basic'],
  'ddi-compliance': ['DDI compliance checking', 'basic'],
  security: ['security checks', 'miscellaneous checks', 'lab', 'basic'],
  'code-integrity': ['code integrity checks', 'basic'],
  'force-pending': ['force pending I/O', 'I/O verification', 'basic'],
  standard: WATCHING,
  'low-resources': ['low resources simulation', 'basic'],
  all: WATCHING,
}

/** Names come from outside: `constructor` is no preset. */
function presetOf(name: string): readonly string[] | undefined {
  return Object.hasOwn(VERIFIER_PRESETS, name) ? VERIFIER_PRESETS[name] : undefined
}

/** Routines with a rule of their own for an IRQL that is too high; that one is named when it is on. */
const MORE_EXACT: Readonly<Record<string, string>> = {
  IoCallDriver: 'VR-IRQL-FORWARD',
  IofCallDriver: 'VR-IRQL-FORWARD',
  IoCompleteRequest: 'VR-IRQL-COMPLETE',
  IofCompleteRequest: 'VR-IRQL-COMPLETE',
  ExAllocatePool: 'VR-POOL-NONPAGED-IRQL',
  ExAllocatePool2: 'VR-POOL-NONPAGED-IRQL',
  ExAllocatePoolWithTag: 'VR-POOL-NONPAGED-IRQL',
  ExAllocatePoolZero: 'VR-POOL-NONPAGED-IRQL',
  ExAllocatePoolWithQuotaTag: 'VR-POOL-NONPAGED-IRQL',
  ExFreePool: 'VR-POOL-FREE-NONPAGED-IRQL',
  ExFreePoolWithTag: 'VR-POOL-FREE-NONPAGED-IRQL',
}

const IMPLEMENTED = new Set([...CHECKED_RULES, ...BUILT_IN_RULES])

/** Names that the verifier option of a run may hold: presets, and ids of rules that are checked. */
export function isVerifierName(name: string): boolean {
  return presetOf(name) !== undefined || IMPLEMENTED.has(name)
}

/** A rule that was broken without a stop. */
export interface VerifierWarning {
  rule: string
  what: string
  at: SourcePlace | null
  seq: number
  /** With what it began, when the rule knows. */
  first: FirstCause | null
}

export class Verifier {
  private readonly active = new Set<string>()
  private readonly options = new Set<string>(['always'])
  private readonly isWatching: boolean
  private readonly warned = new Set<string>()
  /** What `warn` found, in order. */
  readonly warnings: VerifierWarning[] = []

  constructor(
    private readonly k: Kernel,
    names: readonly string[],
  ) {
    for (const name of names) for (const option of presetOf(name) ?? []) this.options.add(option)
    this.isWatching = names.length > 0
    for (const rule of VERIFIER_RULES)
      if (this.options.has(rule.option) || names.includes(rule.id)) this.active.add(rule.id)
    k.memory.watchesUser = USER_MEMORY_RULES.some((rule) => this.active.has(rule))
  }

  /** Whether an option of verifier-rules.json (`special pool`, `basic` ...) is on. */
  option(name: string): boolean {
    return this.options.has(name)
  }

  /** Whether anything beyond what every run has is on. */
  get watching(): boolean {
    return this.isWatching
  }

  isActive(rule: string): boolean {
    return this.active.has(rule)
  }

  /**
   * Stop the machine if `broken` and the rule is on.
   * @param parameters the bug check's four parameters, pointers as addresses
   * @param what       what the driver did, one sentence
   * @param first      the earlier event with which it began
   */
  check(
    rule: string,
    broken: boolean,
    parameters: readonly (bigint | number)[],
    what: string,
    first: FirstCause | null = null,
  ): void {
    if (!broken || !this.active.has(rule)) return
    const facts = verifierRule(rule)
    if (!facts?.bugCheck) return
    const [p1 = 0, p2 = 0, p3 = 0, p4 = 0] = parameters
    const always = facts.option === 'always'
    throw new BugCheck(
      facts.bugCheck.code,
      [BigInt(p1), BigInt(p2), BigInt(p3), BigInt(p4)],
      always ? null : rule,
      what,
      first,
      always ? rule : null,
    )
  }

  /** Say once for each place that a rule is broken, and go on. */
  warn(rule: string, broken: boolean, what: string, first: FirstCause | null = null): void {
    if (!broken || !this.active.has(rule)) return
    const { at } = this.k.thread
    const place = `${rule} ${at ? `${at.file}:${at.line}` : what}`
    if (this.warned.has(place)) return
    this.warned.add(place)
    const seq = this.k.emit({ t: 'verifier.warned', rule, what }, first?.seq ?? 0)
    this.warnings.push({ rule, what, at, seq, first })
  }

  /** A routine was called at an IRQL that its documentation excludes. */
  ddiIrql(name: string, max: number): void {
    const level = this.k.irql.level
    if (level > max) {
      const where = this.k.images.nearestCode(this.k.thread)
      const what = `${name} was called at IRQL ${level}; it may be called up to ${max}.`
      if (max === 0) this.check('VR-IRQL-DDI-PASSIVE', true, [0x2000a, where, level, 0], what)
      else if (max === 1) this.check('VR-IRQL-DDI-APC', true, [0x20009, where, level, 0], what)
      else if (!this.active.has(MORE_EXACT[name] ?? ''))
        this.check('VR-IRQL-DDI-DISPATCH', true, [0x20011, where, level, 0], what)
      // Routines for low IRQL are pageable code, and pageable memory is out of reach now.
      if (max < 2 && level >= 2) {
        const code = this.k.memory.address(this.k.images.exported(name))
        this.k.bugCheck(0x0a, code, level, 8, code, what)
      }
    }
  }

  /** A callback came back at another IRQL than it was called at. */
  irqlAfterCallback(kind: RoutineKind, frame: CodeFrame, level: number): void {
    const { memory, images } = this.k
    const routine = memory.address(images.addressOf(frame.image, frame.fn))
    const before = frame.irqlAtEntry
    const what = `${frame.name} was called at IRQL ${before} and returned at IRQL ${level}.`
    if (kind === 'dispatch') {
      this.check(
        'VR-IRQL-RETURN-DISPATCH',
        true,
        [0x05, memory.address(frame.args[0] ?? 0), before, level],
        what,
      )
      return
    }
    if (kind === 'completion')
      this.check('VR-IRQL-RETURN-COMPLETION', true, [0xfa, routine, before, level], what)
    if (kind === 'workitem' && level !== 0)
      this.check(
        'VR-IRQL-RETURN-WORKITEM',
        true,
        [routine, level, memory.address(frame.args[0] ?? 0), 0],
        what,
      )
    // A cancel routine is called with the cancel spin lock held and releases it, a thread ends as it likes.
    if (kind === 'cancel' || kind === 'thread') return
    // The lock callbacks of a cancel-safe queue are there to change it.
    if (frame.routine === 'CSQ_ACQUIRE_LOCK' || frame.routine === 'CSQ_RELEASE_LOCK') return
    this.check(
      'VR-IRQL-RETURN-CALLBACK',
      true,
      [(level << 16) | (before << 8) | 2, routine, memory.address(frame.args[0] ?? 0), 0],
      what,
    )
  }

  bugCheckName(code: number): string {
    return bugcheckName(code) ?? 'UNKNOWN_BUGCHECK'
  }
}
