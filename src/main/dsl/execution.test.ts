import { describe, expect, test } from 'vitest'
import { compiled, execute } from './testing/compile-driver'
import { Fault, FakeRuntime, NtError, type Routine } from './testing/fake-runtime'
import { SNIPPETS } from './testing/snippets'

/** DbgPrint(text, value) notes the text and gives the value back, at once or after a suspension. */
function tracing(suspend: boolean): { log: string[]; routines: Record<string, Routine> } {
  const log: string[] = []
  return {
    log,
    routines: {
      DbgPrint(text, value) {
        log.push(String(text))
        return { value: value ?? 0, suspend }
      },
      ExRaiseStatus: (code) => ({ raise: Number(code), suspend }),
    },
  }
}

describe('snippets', () => {
  // Whether a routine answers at once or after a wait makes no difference.
  describe.each([
    ['at once', false],
    ['after a wait', true],
  ])('with routines that answer %s', (_, suspend) => {
    test.each(SNIPPETS)('$name', ({ code, value, log: expected }) => {
      const { log, routines } = tracing(suspend)
      expect(String(execute(code, routines).value)).toBe(value)
      if (expected) expect(log).toEqual(expected)
    })
  })
})

describe('functions', () => {
  test('helpers that cannot suspend stay plain, also when they call each other', () => {
    const program = compiled(`
      const add = (a: number, b: number) => a + b
      function align(n: number) { return add(n, 7) & ~7 }
      function loops(n: number) { while (n > 0) n--; return n }
      function value(n: number) { return n }
      const kept = value
      export function run() { return align(9) + loops(3) + kept(1) }`)
    const code = program.entries[0]?.modules[0]?.code ?? ''
    expect(code).toContain('function align(')
    expect(code).toContain('function* loops(')
    expect(code).toContain('function* value(')
    expect(code).toMatch(/const add = \(a\s+, b\s+\) => a \+ b/)
    const runtime = new FakeRuntime()
    expect(runtime.run(runtime.load(program)['run'])).toBe(17)
  })

  test('a routine of Windows as a value', () => {
    const { log, routines } = tracing(true)
    const { value } = execute(
      `const print = DbgPrint
       export function run() { return print('p', 7) }`,
      routines,
    )
    expect([value, log]).toEqual([7, ['p']])
  })
})

describe('exceptions', () => {
  test('an error of the script passes catch and finally by', () => {
    const { log, routines } = tracing(false)
    const run = (): unknown =>
      execute(
        `export function run() {
           let broken: any = 5
           try { DbgPrint('try'); broken.missing() }
           catch { DbgPrint('catch') }
           finally { DbgPrint('finally') }
         }`,
        routines,
      )
    expect(run).toThrow(TypeError)
    expect(log).toEqual(['try'])
  })

  test('an error of the script inside of catch passes finally by', () => {
    const { log, routines } = tracing(false)
    const run = (): unknown =>
      execute(
        `export function run() {
           let broken: any = 5
           try { ExRaiseStatus(STATUS_UNSUCCESSFUL) }
           catch { broken.missing() }
           finally { DbgPrint('finally') }
         }`,
        routines,
      )
    expect(run).toThrow(TypeError)
    expect(log).toEqual([])
  })
})

describe('loops', () => {
  test('every kind of loop gives way after a quantum', () => {
    const program = compiled(`
      export function run() {
        let n = 0
        for (let i = 0; i < 10; i++) n++
        while (n < 20) n++
        do n++; while (n < 30)
        for (const each of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]) n += each
        for (; n < 95; n++);
        return n
      }`)
    const runtime = new FakeRuntime()
    runtime.quantum = 4
    expect(runtime.run(runtime.load(program)['run'])).toBe(95)
    const lines = runtime.loops.map((id) => program.locations[id]?.line)
    expect([...new Set(lines)]).toEqual([5, 6, 7, 8, 9])
    expect(lines.length).toBe(10)
  })
})

describe('pointers', () => {
  test('NULL followed faults at the offset of the field', () => {
    const address = (code: string): number => {
      try {
        execute(code)
      } catch (error) {
        if (error instanceof Fault) return error.address
        throw error
      }
      throw new Error('no fault')
    }
    const at = (body: string): number =>
      address(`${OWN} export function run(irp: IRP, own: PNODE, bytes: PUCHAR) { ${body} }`)
    const OWN = `const NODE = struct('NODE', { A: ULONG, B: ULONG, Next: PVOID })
      type PNODE = Ptr<typeof NODE>
      `
    expect(at('irp = null; irp.IoStatus.Information = 1n')).toBe(0x38)
    expect(at('irp = null; return irp.Tail.Overlay.Thread')).toBe(0x98)
    expect(at('irp = null; irp.Flags |= 1')).toBe(0x10)
    expect(at('own = null; own.B++')).toBe(4)
    expect(at('own = null; own.B *= 3')).toBe(4)
    expect(at('bytes = null; return bytes[5]')).toBe(5)
    expect(at('bytes = null; bytes[6] = 1')).toBe(6)
    expect(at('own = null; return own.u8[3]')).toBe(3)
    expect(at('const next = cast(NODE, irp.MdlAddress); return next.Next')).toBe(8)
  })
})

describe('modules', () => {
  const project = {
    'driver.ts': `import { STATUS_SUCCESS, DbgPrint } from 'wdm'
import type { DRIVER_OBJECT, UNICODE_STRING, NTSTATUS } from 'wdm'
import { LIMIT, count, bump as increase, State, list } from './state.ts'
import { outer } from './lib/util'
export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS { return STATUS_SUCCESS }
export function run() {
  increase()
  increase()
  list.push(outer(State.Busy))
  const all = { LIMIT, count }
  return [all.LIMIT, count, State.Idle, list.join('-')].join()
}
export function ping(n: number): number { return n }
`,
    'state.ts': `import { DbgPrint } from 'wdm'
export const LIMIT = 10
export const list: number[] = []
export let count = 0
export enum State { Idle, Busy = LIMIT + 1 }
function bump() { count++; DbgPrint('bump') }
export { bump }
`,
    'lib/util.ts': `import { count } from '../state'
import { ping } from '../driver'
export const outer = (n: number) => ping(n) + count
`,
  }

  test('imports see live values, constants and enumerations', () => {
    const { routines } = tracing(true)
    expect(execute(project, routines).value).toBe('10,2,0,13')
  })

  test('modules come after those they import', () => {
    const files = compiled(project).entries[0]?.modules.map(({ file }) => file)
    expect(files).toEqual(['state.ts', 'lib/util.ts', 'driver.ts'])
  })
})

describe('places', () => {
  test('locations of calls, loops and functions', () => {
    const program = compiled(`
export function run(n: number) {
  DbgPrint('a')
  while (n > 0) n--
  const f = () => DbgPrint('b')
  return f()
}`)
    const runtime = new FakeRuntime({ DbgPrint: () => 1 })
    runtime.run(runtime.load(program)['run'], 3)
    expect(runtime.calls.map(({ location }) => program.locations[location])).toEqual([
      { file: 'driver.ts', line: 4, column: 3 },
      { file: 'driver.ts', line: 6, column: 19 },
    ])
    expect(program.functions.map((each) => each?.name)).toEqual([
      undefined,
      'run',
      'f',
      'DriverEntry',
    ])
  })

  test('an NT exception is not swallowed', () => {
    const { routines } = tracing(true)
    expect(() =>
      execute(`export function run() { ExRaiseStatus(STATUS_UNSUCCESSFUL) }`, routines),
    ).toThrow(expect.any(NtError) as Error)
  })
})
