/** Runs a piece of driver code against the fake kernel. */
import { createSandbox, type Sandbox, type SandboxOptions } from '../engine'
import { FAKE_ROUTINES, FakeKernel, type Script } from './fake-kernel'
import { NAMES, unitOf } from './units'
import type { Report } from '../../../kernel/port'

export interface RunResult {
  sandbox: Sandbox
  kernel: FakeKernel
  /** Last report of the entry function. */
  report: Readonly<Report> | null
  outcome: 'pause' | 'end'
  /** What driver code wrote by `DbgPrint(1, '%s', text)`. */
  printed: string[]
}

export interface RunRequest extends SandboxOptions {
  /** Names of the functions by `$f` id; DriverEntry alone by default. */
  names?: readonly string[]
  kind?: 'driver' | 'client'
  args?: (kernel: FakeKernel) => number[]
  prepare?: (kernel: FakeKernel) => void
  /** What runs after the load instead of the entry function alone. */
  script?: (kernel: FakeKernel, entry: number) => Script
  /** Module code as it is, without names and without an entry function around it. */
  raw?: boolean
}

/** `body` is the body of `DriverEntry(a, b, c)`, or a whole module with `raw`. */
export async function runDriver(body: string, request: RunRequest = {}): Promise<RunResult> {
  const { names, kind, args, prepare, script, raw, ...options } = request
  const sandbox = await createSandbox({ routines: FAKE_ROUTINES, ...options })
  const kernel = new FakeKernel(sandbox.backing)
  const printed: string[] = []
  kernel.handlers.DbgPrint = (call) => {
    const values = call.varargs(1)
    printed.push(
      [call.text(0) ?? '', ...values.map(({ v }) => String(v))].join(values.length ? ' ' : ''),
    )
    return 0
  }
  kernel.handlers.printf = kernel.handlers.DbgPrint
  prepare?.(kernel)
  const main = kind === 'client' ? 'main' : 'DriverEntry'
  const code = raw
    ? body
    : `${NAMES}const print = (...args) => $ddi('${kind === 'client' ? 'printf' : 'DbgPrint'}')(1, ...args);$x.${main} = $f(1, function* ${main}(a, b, c) {${body}\n})`
  const unit = sandbox.load(unitOf(code, names, kind))
  let report: Report | null = null
  kernel.play(function* (k) {
    const loaded = yield k.load(unit)
    if (loaded.what !== 'returned') {
      report = loaded
      return
    }
    if (script) yield* script(k, loaded.value)
    else
      report = yield k.start(
        loaded.value,
        kind === 'client' ? 'MAIN' : 'IO_COMPLETION_ROUTINE',
        args?.(k) ?? [],
      )
  })
  const outcome = sandbox.run(kernel)
  return { sandbox, kernel, report, outcome, printed }
}
