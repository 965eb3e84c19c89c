import { describe, expect, test } from 'vitest'
import { compile } from './compile'
import { createSandbox } from './sandbox/engine'
import { FAKE_ROUTINES, FakeKernel, type Answer } from './sandbox/testing/fake-kernel'
import { driver } from './testing/compile-driver'
import { SNIPPETS } from './testing/snippets'

// What the compiler writes, in the sandbox that it is written for.

interface Outcome {
  log: string[]
  kernel: FakeKernel
  status: number | undefined
}

/** Compile and run `DriverEntry`; DbgPrint(text, value) notes the text and gives the value back. */
async function run(
  files: string | Record<string, string>,
  suspend = false,
  points = false,
): Promise<Outcome> {
  const project = typeof files === 'string' ? { 'driver.ts': driver(files) } : files
  const { program, diagnostics } = compile(project, [{ entry: 'driver.ts', kind: 'driver' }], {
    points,
  })
  if (!program) throw new Error(JSON.stringify(diagnostics, null, 1))
  const entry = program.entries[0]
  if (!entry) throw new Error('no entry')
  const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
  try {
    const kernel = new FakeKernel(sandbox.backing)
    const log: string[] = []
    let later: { value: number } | { code: number } = { value: 0 }
    const answer = (result: { value: number } | { code: number }): Answer => {
      later = result
      if (suspend) return { suspend: true }
      return 'code' in result ? { throw: result.code } : result.value
    }
    kernel.handlers.DbgPrint = (call) => {
      const [value] = call.varargs(1)
      log.push(value?.k === 'str' ? `${call.text(0)}${value.v}` : (call.text(0) ?? ''))
      return answer({ value: value?.k === 'int' ? Number(value.v) : 0 })
    }
    kernel.handlers.ExRaiseStatus = (call) => answer({ code: call.int(0) >>> 0 })
    const unit = sandbox.load({ program, entry })
    let status: number | undefined
    kernel.play(function* (k) {
      let report = yield k.load(unit)
      if (report.what !== 'returned') return
      report = yield k.start(report.value, 'DRIVER_INITIALIZE', [k.allocate(0x150), k.allocate(16)])
      while (report.what === 'suspended') {
        const { frame, loop } = report
        if (loop === 0 && 'code' in later) report = yield { op: 'throw', frame, code: later.code }
        else report = yield k.resume(frame, loop === 0 && 'value' in later ? later.value : 0)
      }
      if (report.what === 'returned') status = report.value >>> 0
    })
    sandbox.run(kernel)
    return { log, kernel, status }
  } finally {
    sandbox.dispose()
  }
}

/** A driver that prints what `run` gives. */
const printing = (code: string): string => `${code}
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  DbgPrint('=', \`\${run()}\`)
  return STATUS_SUCCESS
}`

describe('snippets in the sandbox', () => {
  describe.each([
    ['routines that answer at once', false, false],
    ['routines that answer after a wait', true, false],
    ['another processor in between at every point', true, true],
  ])('with %s', (_, suspend, points) => {
    test.each(SNIPPETS)('$name', async ({ code, value, log: expected }) => {
      const { log, kernel, status } = await run(printing(code), suspend, points)
      expect(kernel.failures).toEqual([])
      expect(log.at(-1)).toBe(`=${value}`)
      if (expected) expect(log.slice(0, -1)).toEqual(expected)
      expect(status).toBe(0)
    })
  })
})

describe('faults', () => {
  const at = async (body: string): Promise<unknown> => {
    const { kernel } = await run(`
const NODE = struct('NODE', { A: ULONG, B: ULONG, Next: PVOID })
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  let irp: IRP, node: Ptr<typeof NODE>, bytes: PUCHAR, routine: PDRIVER_DISPATCH
  ${body}
  return STATUS_SUCCESS
}`)
    const [fault] = kernel.faults
    return fault && [fault.index, fault.kind, fault.at?.line]
  }

  test('have the address of the field and the line of the source', async () => {
    expect(await at('irp.IoStatus.Information = 1n')).toEqual([0x38, 'write', 5 + 1])
    expect(await at('const t = irp\n.Tail.Overlay.Thread')).toEqual([0x98, 'read', 7])
    expect(await at('\nnode.B++')).toEqual([4, 'read', 7])
    expect(await at('return bytes[5]')).toEqual([5, 'read', 6])
    expect(await at('node = null; node.u16[3] = 1')).toEqual([6, 'write', 6])
    expect(await at('return routine(null, null)')).toEqual([0, 'execute', 6])
  })
})

test('modules, live exports and structures of other files', async () => {
  const { log, status } = await run({
    'driver.ts': `import { DbgPrint, cast, local, STATUS_SUCCESS, type DRIVER_OBJECT, type UNICODE_STRING, type NTSTATUS } from 'wdm'
import { NODE, count, touch, Kind } from './node'
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS {
  const node = local(NODE)
  touch(node)
  touch(node)
  DbgPrint('=', \`\${count} \${node.Count} \${node.Inner.Flink === node.Inner} \${Kind.Last}\`)
  return STATUS_SUCCESS
}`,
    'node.ts': `import { struct, ULONG, LIST_ENTRY, type Ptr } from 'wdm'
export const NODE = struct('NODE', { Count: ULONG, Inner: LIST_ENTRY })
export let count = 0
export enum Kind { First, Last }
export function touch(node: Ptr<typeof NODE>) {
  count++
  node.Count += 2
  node.Inner.Flink = node.Inner
}`,
  })
  expect(log).toEqual(['=2 4 true 1'])
  expect(status).toBe(0)
})
