/**
 * Costs of the border between driver code and kernel, each as a loop inside one run: nanoseconds for
 * each pass, less the empty loop. Ratios within one run mean more than the figures themselves.
 */
import { createSandbox, type Sandbox } from '../src/main/dsl/sandbox/engine'
import { FAKE_ROUTINES, FakeKernel } from '../src/main/dsl/sandbox/testing/fake-kernel'
import { NAMES, unitOf } from '../src/main/dsl/sandbox/testing/units'
import type { CallArgs, CallResult, Command, KernelPort, Report } from '../src/main/kernel/port'
import { ROUTINE_NAMES } from '../src/main/kernel/ddi/types'

/** Passes of a loop, and how often it is run: the quickest counts, as others share the machine. */
const PASSES = 10_000
const BLOCKS = 60

interface Case {
  name: string
  setup?: string
  pass: string
}

const CASES: Case[] = [
  { name: 'empty loop', pass: '' },
  { name: 'field read, u32', pass: '(Irp ?? $null("IRP")).Flags' },
  { name: 'field read, joined name', pass: '(Irp ?? $null("IRP")).IoStatus$Status' },
  { name: 'field read, nested', pass: '(Irp ?? $null("IRP")).IoStatus.Status' },
  { name: 'field read, pointer', pass: '(Irp ?? $null("IRP")).AssociatedIrp$SystemBuffer' },
  { name: 'field write, u32', pass: '(Irp ?? $null("IRP")).Flags = i' },
  { name: 'field write, u64', pass: '(Irp ?? $null("IRP")).IoStatus$Information = 12' },
  { name: 'byte read, p.u8[i]', setup: 'const p = Irp', pass: 'p.u8.$g(i & 63)' },
  { name: 'byte write, p.u8[i]', setup: 'const p = Irp', pass: 'p.u8.$s(i & 63, 7)' },
  {
    name: 'routine, two arguments',
    setup: 'const f = $ddi("IoCompleteRequest")',
    pass: 'f(1, Irp, 0)',
  },
  {
    name: 'routine, pointer result',
    setup: 'const f = $ddi("IoGetCurrentIrpStackLocation")',
    pass: 'f(1, Irp)',
  },
  { name: 'plain call', setup: 'function f(a) { return a }', pass: 'f(i)' },
  { name: 'driver function call', setup: 'function* f(a) { return a }', pass: 'yield* f(i)' },
  {
    name: 'local(KEVENT)',
    setup: 'const E = $type("KEVENT"); const at = $enter()',
    pass: '$local(E); $leave(at)',
  },
]

function body({ setup = '', pass }: Case): string {
  return `${NAMES}
  $x.DriverEntry = $f(1, function* (DriverObject, Irp) {
    ${setup}
    for (let i = 0; i < ${PASSES}; i++) { ${pass} }
    return 0
  })`
}

/** A port that does as little as can be done. */
class LeanKernel implements KernelPort {
  private readonly result: CallResult = { state: 'done', value: 0, wide: 0n, outs: [], code: 0 }
  private readonly inner: FakeKernel
  readonly irp: number
  readonly stack: number
  private readonly command: Command
  loading = true
  /** Starts that are timed together; the quickest block counts. */
  block = 1
  least = Infinity
  private starts = 0
  private since = 0

  constructor(sandbox: Sandbox) {
    this.inner = new FakeKernel(sandbox.backing)
    this.irp = this.inner.allocate(0xd0)
    this.stack = this.inner.allocate(0x48)
    const buffer = this.inner.allocate(64)
    this.inner.memory.setPtr(this.irp + 0x18, buffer)
    this.command = {
      op: 'load',
      frame: 1,
      fn: 0,
      routine: 0,
      args: [1],
      result: this.result,
      code: 0,
      stack: this.inner.stackBase,
      stackLimit: this.inner.stackLimit,
    }
  }

  next(report: Report): Command {
    const { command } = this
    if (command.op === 'load') {
      if (this.loading) {
        this.loading = false
        return command
      }
      command.op = 'start'
      command.fn = this.inner.functions.get(report.value)!.fn
      command.routine = ROUTINE_NAMES.indexOf('DRIVER_DISPATCH')
      command.args = [this.irp, this.irp]
      this.since = performance.now()
      return command
    }
    if (report.what !== 'returned') throw new Error(`the frame ${report.what}`)
    if (++this.starts % this.block === 0) {
      const now = performance.now()
      this.least = Math.min(this.least, now - this.since)
      this.since = now
      if (this.starts === this.block * BLOCKS) command.op = 'end'
    }
    return command
  }

  ddi(index: number, _location: number, args: CallArgs): CallResult {
    this.result.value = index === 1 ? this.stack : args.int(0) & 0
    return this.result
  }
  callAddress = (): CallResult => this.result
  slowAccess = (): void => {
    throw new Error('an access went the slow way')
  }
  raise = (code: number): CallResult => {
    throw new Error(`the code raised ${code}`)
  }
  registerFunction = (info: Parameters<KernelPort['registerFunction']>[0]): number =>
    this.inner.registerFunction(info)
  intern = (image: number, text: string, wide: boolean): number =>
    this.inner.intern(image, text, wide)
  internUnicodeString = (image: number, text: string): number =>
    this.inner.internUnicodeString(image, text)
  routineAddress = (index: number): number => this.inner.routineAddress(index)
  indexOf = (lo: number, hi: number): number => this.inner.indexOf(lo, hi)
  addressOf = (index: number): bigint => this.inner.addressOf(index)
  runnerFailed = (kind: string, message: string): void => {
    throw new Error(`${kind}: ${message}`)
  }
}

/** Nanoseconds for each pass of the quickest block: `passes` in one start, or in a block of so many starts. */
async function time(
  code: string,
  {
    passes,
    block = 1,
    publicCalls = false,
  }: { passes: number; block?: number; publicCalls?: boolean },
): Promise<number> {
  const sandbox = await createSandbox({ routines: FAKE_ROUTINES, publicCalls })
  const kernel = new LeanKernel(sandbox)
  sandbox.load(unitOf(code))
  kernel.block = block
  sandbox.run(kernel)
  sandbox.dispose()
  return (kernel.least * 1e6) / (passes * block)
}

interface Figure {
  name: string
  ns: number
  /** As a multiple of a u32 field read. */
  ratio: number
}

async function measure(): Promise<Figure[]> {
  const figures: Figure[] = []
  // The first code of a process runs before the engine's own is optimised.
  await time(body(CASES[1]!), { passes: PASSES })
  let empty = 0
  for (const each of CASES) {
    const ns = await time(body(each), { passes: PASSES })
    if (each.name === 'empty loop') empty = ns
    figures.push({ name: each.name, ns: each.name === 'empty loop' ? ns : ns - empty, ratio: 0 })
  }
  const start = `${NAMES}
    $x.DriverEntry = $f(1, function* (DeviceObject, Irp) { return 0 })`
  figures.push({
    name: 'dispatch: start and return',
    ns: await time(start, { passes: 1, block: 2000 }),
    ratio: 0,
  })
  const echo = `${NAMES}
    const IoGetCurrentIrpStackLocation = $ddi("IoGetCurrentIrpStackLocation"), IoCompleteRequest = $ddi("IoCompleteRequest")
    const $n1 = $null('IO_STACK_LOCATION'), $n2 = $null('IRP'), $n3 = $null('')
    $x.DriverEntry = $f(1, function* (DeviceObject, Irp) {
      let $t
      const stack = ($t = IoGetCurrentIrpStackLocation(1, Irp)) === $S ? yield : $t
      const length = (stack ?? $n1).Parameters$DeviceIoControl$InputBufferLength
      const buffer = (Irp ?? $n2).AssociatedIrp$SystemBuffer;
      (buffer ?? $n3).u8.$s(0, 7);
      (Irp ?? $n2).IoStatus$Status = 0;
      (Irp ?? $n2).IoStatus$Information = length;
      ($t = IoCompleteRequest(2, Irp, 0)) === $S ? yield : $t
      return 0
    })`
  figures.push({
    name: 'echo dispatch routine',
    ns: await time(echo, { passes: 1, block: 2000 }),
    ratio: 0,
  })
  const ddi = body({ name: '', setup: 'const f = $ddi("IoCompleteRequest")', pass: 'f(1, Irp, 0)' })
  figures.push({
    name: 'routine by the public host call',
    ns: (await time(ddi, { passes: PASSES, publicCalls: true })) - empty,
    ratio: 0,
  })
  const unit = figures.find(({ name }) => name === 'field read, u32')!.ns
  for (const figure of figures) figure.ratio = figure.ns / unit
  let ready = Infinity
  for (let i = 0; i < 5; i++) {
    const before = performance.now()
    const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
    ready = Math.min(ready, performance.now() - before)
    sandbox.dispose()
  }
  figures.push({ name: 'sandbox ready', ns: ready * 1e6, ratio: (ready * 1e6) / unit })
  return figures
}

void measure().then((figures) => {
  if (process.argv.includes('--json')) console.log(JSON.stringify(figures, null, 2))
  else
    for (const { name, ns, ratio } of figures)
      console.log(
        `${name.padEnd(36)} ${ns.toFixed(0).padStart(12)} ns ${ratio.toFixed(1).padStart(10)} x`,
      )
})
