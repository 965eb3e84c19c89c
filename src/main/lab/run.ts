/** One run from sources to report: compile, boot, load, ask, unload, explain. */
import { majorName, minorName } from '../../shared/nt/irp-functions'
import { hex32 } from '../../shared/nt/format'
import { statusName } from '../../shared/nt/ntstatus'
import type { Diagnostic, RunReport, RunRequest } from '../../shared/contract/model'
import { WINDOWS_NAMES, type Verdict } from '../../shared/package/policy'
import type { SourcePlace, TraceEvent } from '../../shared/trace/event'
import { compile } from '../dsl/compile'
import type { CompiledEntry, CompiledProgram } from '../dsl/compiled'
import { isHandledAt } from '../dsl/handlers'
import { createSandbox, type Sandbox } from '../dsl/sandbox/engine'
import { Kernel } from '../kernel/kernel'
import type { Limits } from '../kernel/options'
import { BugCheck, RunLimit } from '../kernel/stop'
import { Alerts } from './alerts'
import { BOOTS_MAX, dumpOf, type Boot } from './boots'
import { CauseFinder } from './causes'
import { explainStop, explainWarning } from './explain'
import { withVerdicts } from './packages'
import { MemoryReadings } from './memory-readings'
import { planOf, type Plan } from './project'
import { startScript } from './script'
import { summaryOf } from './summary'

export interface RunOptions {
  /** Receives every event, in order. */
  onEvent?: (event: TraceEvent) => void
  /** Called about 20 times a second while the run goes on. */
  onProgress?: (phase: 'compiling' | 'running', events: number) => void
  /** Asked between slices: true ends the run. */
  shouldStop?: () => boolean
  limits?: Partial<Limits>
  /** Allocation of a driver that is to fail: 1 for the first; 0 for none. */
  failAllocation?: number
}

export interface RunResult {
  report: RunReport
  /** Digest of all simulated memory at the end; equal runs have equal digests. */
  digest: string
  /** The allocation that failed because the run was told so; null when it made fewer. */
  failedAllocation?: { at: SourcePlace | null } | null
}

/** Milliseconds of simulation between two looks at the event loop. */
const SLICE_MS = 40

/** A driver folder that was read and compiled: what runs with several seeds have in common. */
export interface Prepared {
  plan: Plan
  program: CompiledProgram
  diagnostics: Diagnostic[]
  processors: number
}

/** Read and compile a driver folder; what is wrong with it when that fails. */
export function prepare(request: RunRequest): Prepared | { problems: Diagnostic[] } {
  const planned = planOf(request.files, request.scenario, request.driver, request.defences)
  if ('diagnostics' in planned) return { problems: planned.diagnostics }
  const judged = withVerdicts(planned.plan)
  if ('problems' in judged) return judged
  const { plan } = judged
  const processors = request.processors ?? plan.scenario.processors ?? 1
  const { program, diagnostics } = compile(
    plan.files,
    plan.entries,
    processors > 1 ? { points: true } : {},
  )
  return program ? { plan, program, diagnostics, processors } : { problems: diagnostics }
}

/**
 * Run a driver folder. Whatever its code does is in the report; this throws for defects of the
 * simulator only.
 */
export async function runProject(
  request: RunRequest,
  options: RunOptions = {},
): Promise<RunResult> {
  options.onProgress?.('compiling', 0)
  const prepared = prepare(request)
  if ('problems' in prepared)
    return { report: compileError(request, prepared.problems), digest: '' }
  return runPrepared(prepared, request, options)
}

/** Run what `prepare` made of a request; of the request, seed, verifier and trace may be others. */
export async function runPrepared(
  prepared: Prepared,
  request: RunRequest,
  options: RunOptions = {},
): Promise<RunResult> {
  const seed = prepared.plan.scenario.seed ?? request.seed
  const seen = new Observer(prepared.plan)
  const first = await boot(request, seed, prepared, options, seen, null)
  let { kernel } = first
  const { report } = first
  const boots: Boot[] = []
  while (prepared.plan.scenario.reboot && kernel.ended instanceof BugCheck) {
    if (boots.length === BOOTS_MAX - 1) break
    const next = await boot(request, seed, prepared, options, seen, {
      kernel,
      boot: boots.length + 2,
    })
    kernel = next.kernel
    boots.push({
      boot: boots.length + 2,
      loaded: next.loaded,
      outcome: next.report.outcome,
      summary: summaryOf(next.report),
    })
  }
  if (boots.length > 0) report.boots = boots
  kernel.emit({ t: 'run.ended', outcome: report.outcome, summary: summaryOf(report) }, 0)
  kernel.flush()
  report.stats.events = kernel.events
  return { report, digest: kernel.memory.digest(), failedAllocation: kernel.pool.failed }
}

interface Booted {
  kernel: Kernel
  report: RunReport
  /** Services that were loaded, in their order. */
  loaded: Boot['loaded']
}

/** One boot of the machine to its end, in a sandbox of its own. */
async function boot(
  request: RunRequest,
  seed: number,
  { plan, program, diagnostics, processors }: Prepared,
  options: RunOptions,
  seen: Observer,
  before: { kernel: Kernel; boot: number } | null,
): Promise<Booted> {
  const causes = new CauseFinder()
  const loaded: Boot['loaded'] = []
  const sandbox = await createSandbox({ label: `seed ${seed}` })
  try {
    const kernel = new Kernel({
      seed,
      processors,
      ...(plan.scenario.hal ? { hal: plan.scenario.hal } : {}),
      ...(plan.scenario.paging ? { paging: plan.scenario.paging } : {}),
      ...(plan.scenario.defences ? { defences: plan.scenario.defences } : {}),
      ...(before
        ? { rebooted: { boot: before.boot, seq: before.kernel.events, tick: before.kernel.tick } }
        : {}),
      verifier: request.verifier,
      trace: request.trace,
      backing: sandbox.backing,
      place: (location) => program.locations[location] ?? null,
      handled: (at) => isHandledAt(program.handlers ?? [], at),
      limits: options.limits ?? {},
      failAllocation: options.failAllocation ?? 0,
      onEvent: (event) => {
        causes.see(event)
        seen.see(event)
        if (event.t === 'driver.loaded') loaded.push({ name: event.name, status: event.status })
        options.onEvent?.(event)
      },
    })
    const units = program.entries.map((entry) => ({
      unit: sandbox.load({ program, entry }),
      places: placesOf(program, entry),
    }))
    const readings = request.tables && !before ? new MemoryReadings() : null
    startScript(kernel, plan, units, before?.kernel, readings)
    await toTheEnd(kernel, sandbox, options)
    readings?.end(kernel)
    const report = reportOf(kernel, request, seed, diagnostics, causes, seen)
    if (readings) report.tables = { before: readings.before, after: readings.after }
    return { kernel, report, loaded }
  } finally {
    sandbox.dispose()
  }
}

async function toTheEnd(kernel: Kernel, sandbox: Sandbox, options: RunOptions): Promise<void> {
  let deadline = 0
  const pause = (): boolean => performance.now() > deadline
  for (;;) {
    deadline = performance.now() + SLICE_MS
    if (sandbox.run(kernel, { pause }) === 'end') break
    options.onProgress?.('running', kernel.events)
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (options.shouldStop?.())
      kernel.stop(new RunLimit('limit', 'stopped', 'The run was stopped by hand.'))
  }
  if (kernel.bug) throw kernel.bug
  kernel.flush()
}

/** Where the functions of an entry stand, by name. */
function placesOf(program: CompiledProgram, entry: CompiledEntry): Map<string, SourcePlace> {
  const files = new Set(entry.modules.map((module) => module.file))
  const places = new Map<string, SourcePlace>()
  for (const item of program.functions) {
    if (!item || !files.has(item.file)) continue
    const place = program.locations[item.location]
    if (place) places.set(item.name, place)
  }
  return places
}

/** Collects from the events what the report holds. */
class Observer {
  readonly dbgPrint: string[] = []
  readonly alerts: Alerts
  readonly programs = new Map<number, { name: string; exitCode: number | null; stdout: string[] }>()

  constructor({ defences }: Pick<Plan, 'defences'>) {
    this.alerts = new Alerts(defences)
  }

  see(event: TraceEvent): void {
    this.alerts.see(event)
    if (event.t === 'dbgprint') this.dbgPrint.push(event.text)
    else if (event.t === 'stdout') this.program(event.process).stdout.push(event.text)
    else if (event.t === 'process.exited') {
      const program = this.program(event.id)
      program.name = event.name
      program.exitCode = event.exitCode
    }
  }

  private program(id: number): { name: string; exitCode: number | null; stdout: string[] } {
    let program = this.programs.get(id)
    if (!program) this.programs.set(id, (program = { name: '', exitCode: null, stdout: [] }))
    return program
  }
}

function reportOf(
  k: Kernel,
  request: RunRequest,
  seed: number,
  diagnostics: Diagnostic[],
  causes: CauseFinder,
  seen: Observer,
): RunReport {
  const { ended, loader } = k
  const { failed } = loader
  // Of several drivers, the one that matters.
  const entryStatus = failed?.status ?? loader.firstStatus
  const report: RunReport = {
    schema: 'ring0-run/1',
    outcome: 'ok',
    driverEntry: entryStatus === null ? null : { status: hex32(entryStatus) },
    requests: k.io.requests.map((item) => ({
      api: item.api,
      major: majorName(item.major),
      ...(item.minor ? { minor: minorName(item.major, item.minor) } : {}),
      ...(item.ioctl === null ? {} : { ioctl: hex32(item.ioctl) }),
      status: hex32(item.status),
      information: item.information,
    })),
    leaks: loader.leaks.map(({ kind, count, tag, bytes, name, at }) => ({
      kind,
      ...(tag === undefined ? {} : { tag }),
      ...(name === undefined ? {} : { name }),
      ...(bytes === undefined ? {} : { bytes }),
      count,
      ...(at ? { at } : {}),
    })),
    dbgPrint: seen.dbgPrint,
    diagnostics,
    seed,
    ...(k.processors.length > 1 ? { processors: k.processors.length } : {}),
    verifier: request.verifier,
    stats: {
      events: k.events,
      ticks: k.tick,
      irps: k.irps.created,
      requests: k.io.requestCount,
      ddiCalls: k.ddiCalls,
      poolBytesMax: k.pool.driverBytesMax,
    },
  }
  const client =
    [...seen.programs.values()].find((program) => program.name === 'client.exe') ??
    [...seen.programs].find(([id, { stdout }]) => stdout.length > 0 && !seen.alerts.isOwn(id))?.[1]
  if (k.verifier.warnings.length) report.warnings = k.verifier.warnings.map(explainWarning)
  if (seen.alerts.found.length) report.alerts = seen.alerts.found
  if (loader.judged.length)
    report.verdicts = loader.judged.map(({ name, verdict }) => ({ driver: name, ...verdict }))
  if (client) report.client = { exitCode: client.exitCode, stdout: client.stdout.join('') }

  if (ended instanceof BugCheck) {
    const stop = explainStop(k, ended, k.stopRecord.place, causes)
    report.outcome = ended.rule ? 'verifier-stop' : 'bugcheck'
    report.bugcheck = { code: stop.code, name: stop.name, parameters: stop.parameters, at: stop.at }
    report.report = stop
    report.dump = dumpOf(k)
  } else if (ended instanceof RunLimit) {
    report.outcome = ended.outcome
    report.reason = ended.detail
  } else if (failed !== null) {
    report.outcome = 'load-failed'
    const refused = loader.judged.findLast(
      ({ name, verdict }) => name === failed.name && !verdict.accepted,
    )
    report.reason =
      `Loading ${failed.name} ended with ${statusWords(failed.status)}.` +
      (refused ? ` ${refusalWords(refused.verdict)}` : '')
  } else if (report.leaks.length > 0) report.outcome = 'leak'
  return report
}

function refusalWords({ windows, rule, because }: Verdict): string {
  return `${WINDOWS_NAMES[windows]} refused it by the rule "${rule}": ${because}`
}

function statusWords(status: number): string {
  const [value, name] = [hex32(status), statusName(status)]
  return name === value ? value : `${value} ${name}`
}

function compileError(request: RunRequest, diagnostics: Diagnostic[]): RunReport {
  return {
    schema: 'ring0-run/1',
    outcome: 'compile-error',
    driverEntry: null,
    requests: [],
    leaks: [],
    dbgPrint: [],
    diagnostics,
    seed: request.seed,
    verifier: request.verifier,
    stats: { events: 0, ticks: 0, irps: 0, requests: 0, ddiCalls: 0, poolBytesMax: 0 },
  }
}
