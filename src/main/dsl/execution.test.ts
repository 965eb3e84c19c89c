import { describe, expect, test } from 'vitest'
import { compiled, execute } from './testing/compile-driver'
import { Fault, FakeRuntime, NtError, type Routine } from './testing/fake-runtime'

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

/** Runs the code with routines that answer at once and with routines that suspend: both must agree. */
function both(code: string): { value: unknown; log: string[] } {
  const [direct, suspended] = [false, true].map((suspend) => {
    const { log, routines } = tracing(suspend)
    return { value: execute(code, routines).value, log }
  })
  expect(suspended).toEqual(direct)
  return { value: direct?.value, log: direct?.log ?? [] }
}

describe('order of evaluation', () => {
  test('arguments, operands and conditions from left to right', () => {
    const { value, log } = both(`
      function f(a: number, b: number, c: number): number { DbgPrint('f'); return a * 100 + b * 10 + c }
      export function run() {
        return f(DbgPrint('a', 1), DbgPrint('b', 2), DbgPrint('c', 3)) + DbgPrint('d', 4) * DbgPrint('e', 5)
      }`)
    expect(value).toBe(143)
    expect(log).toEqual(['a', 'b', 'c', 'f', 'd', 'e'])
  })

  test('short circuits stop where they should', () => {
    const { value, log } = both(`
      export function run() {
        const r: number[] = []
        if (DbgPrint('a', 0) && DbgPrint('b', 1)) r.push(1)
        if (DbgPrint('c', 1) || DbgPrint('d', 1)) r.push(2)
        r.push(DbgPrint('e', 1) ? DbgPrint('f', 3) : DbgPrint('g', 4))
        const none: string = null
        r.push(none ?? 'x' ? 5 : 6)
        while (DbgPrint('h', 0)) r.push(7)
        return r.join()
      }`)
    expect(value).toBe('2,3,5')
    expect(log).toEqual(['a', 'c', 'e', 'f', 'h'])
  })

  test('a compound assignment reads its target before the right side runs', () => {
    const { value } = both(`
      let x = 1
      function change(): number { DbgPrint('change'); x = 50; return 2 }
      export function run() { x += change(); return x }`)
    expect(value).toBe(3)
  })

  test('object and index of an element are evaluated once', () => {
    const { value, log } = both(`
      const BUFFER = struct('BUFFER', { Bytes: array(UCHAR, 4), Words: array(ULONG, 2) })
      let next = 0
      function which(): number { DbgPrint('which'); return next++ }
      export function run() {
        const b = local(BUFFER)
        b.Bytes[which()] += DbgPrint('value', 300)
        b.Bytes[which()]--
        b.Words[which() - 2] |= 0x80000000
        const old = b.Bytes[0]++
        const fresh = ++b.Bytes[0]
        return [b.Bytes[0], b.Bytes[1], b.Words[0], old, fresh].join()
      }`)
    expect(value).toBe('46,255,2147483648,44,46')
    expect(log).toEqual(['which', 'value', 'which', 'which'])
  })

  test('statements without semicolons stay apart', () => {
    const { value } = both(`
      const EXT = struct('EXT', { A: ULONG })
      export function run() {
        const e = local(EXT)
        let n = 1
        e.A = n
        DbgPrint('x')
        e.A += 1
        n = e.A
        ;[n, e.A] satisfies unknown
        if (n) DbgPrint('y')
        else DbgPrint('z')
        for (const each of [1]) e.A += each
        do e.A++
        while (e.A < 10)
        return e.A
      }`)
    expect(value).toBe(10)
  })
})

describe('functions', () => {
  test('functions as values, in variables, objects and arrays', () => {
    const { value } = both(`
      type F = (n: number) => number
      function twice(n: number) { DbgPrint('t'); return n * 2 }
      const thrice: F = (n) => n * 3
      const table: F[] = [twice, thrice, n => n + 1]
      const ops = { minus: (n: number) => { DbgPrint('m'); return n - 1 }, half(n: number) { return n / 2 } }
      function apply(f: F, n: number) { return f(n) }
      export function run() {
        let sum = apply(twice, 1) + apply(n => { return n * 10 }, 1)
        for (const f of table) sum += f(10)
        return sum * 1000 + ops.minus(5) * 100 + ops.half(9)
      }`)
    expect(value).toBe(73404)
  })

  test('closures in loops see their own variable', () => {
    const { value } = both(`
      export function run() {
        const list: (() => number)[] = []
        for (let i = 0; i < 3; i++) list.push(() => DbgPrint('c', i))
        let text = ''
        for (const f of list) text += f()
        return text
      }`)
    expect(value).toBe('012')
  })

  test('default, optional and rest parameters', () => {
    const { value } = both(`
      function f(a: number, b = 5, c?: number, ...rest: number[]) { DbgPrint('f'); return a + b + (c ?? 100) + rest.length * 1000 }
      export function run() { return [f(1), f(1, 2), f(1, 2, 3), f(1, 2, 3, 4, 5), f(...[1, 2, 3])].join() }`)
    expect(value).toBe('106,103,6,2006,6')
  })

  test('nested functions and recursion', () => {
    const { value } = both(`
      export function run() {
        return outer(5)
        function outer(n: number): number {
          function inner(m: number): number { return m <= 1 ? DbgPrint('leaf', 1) : m * inner(m - 1) }
          return inner(n)
        }
      }`)
    expect(value).toBe(120)
  })

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

  test('arguments and results wrap to the declared types', () => {
    const { value } = both(`
      function low(n: UCHAR): USHORT { DbgPrint('l'); return n * 1000 }
      function sign(n: CHAR): LONG { return n }
      export function run() { return [low(0x1FF), sign(200)].join() }`)
    expect(value).toBe(`${(255 * 1000) & 0xffff},-56`)
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
  test('catch sees what routines raise, at once or after a wait', () => {
    const { value, log } = both(`
      function risky(): number { ExRaiseStatus(STATUS_ACCESS_VIOLATION); return 1 }
      export function run() {
        let code: NTSTATUS = 0
        try { DbgPrint('try'); risky(); DbgPrint('never') }
        catch (e) { code = GetExceptionCode(); DbgPrint('catch') }
        finally { DbgPrint('finally') }
        return code
      }`)
    expect(value).toBe(0xc0000005)
    expect(log).toEqual(['try', 'catch', 'finally'])
  })

  test('nested handlers keep their own exception', () => {
    const { value } = both(
      `
      export function run() {
        const seen: NTSTATUS[] = []
        try {
          try { ExRaiseStatus(STATUS_INVALID_PARAMETER) }
          catch {
            try { ExRaiseStatus(STATUS_ACCESS_DENIED) } catch { seen.push(GetExceptionCode()) }
            seen.push(GetExceptionCode())
            ExRaiseStatus(STATUS_DATA_ERROR)
          }
          finally { seen.push(1) }
        } catch { seen.push(GetExceptionCode()) }
        return seen.map
      }`.replace('seen.map', 'seen.join()'),
    )
    expect(value).toBe([0xc0000022, 0xc000000d, 1, 0xc000003e].join())
  })

  test('return, break and continue leave through finally', () => {
    const { value, log } = both(`
      function f(n: number): number {
        outer: for (let i = 0; i < 5; i++) {
          try {
            if (i === 0) continue
            if (i === n) return i
            for (;;) { try { if (i === 2) break outer; break } finally { DbgPrint('inner') } }
          } finally { DbgPrint('out') }
        }
        return -1
      }
      export function run() { return f(1) * 10 + f(3) }`)
    expect(value).toBe(9)
    expect(log).toEqual(['out', 'out', 'out', 'inner', 'out', 'inner', 'out'])
  })

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

  test('division by zero is an exception', () => {
    const { value } = both(`
      export function run() {
        let zero = 0
        let wide = 0n
        const seen: NTSTATUS[] = []
        try { seen.push(5 / zero) } catch { seen.push(GetExceptionCode()) }
        try { seen.push(5 % zero) } catch { seen.push(GetExceptionCode()) }
        try { wide = 5n / wide } catch { seen.push(GetExceptionCode()) }
        return seen.join()
      }`)
    expect(value).toBe(Array(3).fill(0xc0000094).join())
  })

  test('stack memory is given back however the function ends', () => {
    const { value } = both(`
      const BIG = struct('BIG', { Bytes: array(UCHAR, 256) })
      let first: ULONG_PTR = 0n
      function use(fail: boolean): number {
        const b = local(BIG)
        if (first === 0n) first = cast(ULONG_PTR, b)
        if (fail) ExRaiseStatus(STATUS_UNSUCCESSFUL)
        return cast(ULONG_PTR, b) === first ? 1 : 0
      }
      export function run() {
        let same = 0
        for (let i = 0; i < 3; i++) { try { same += use(i === 1) } catch { same += 10 } }
        return same
      }`)
    expect(value).toBe(12)
  })

  test('local in a loop uses one place and zeroes it each time', () => {
    const { value } = both(`
      export function run() {
        const seen: string[] = []
        let before: ULONG_PTR = 0n
        for (let i = 0; i < 3; i++) {
          const n = local(ULONG)
          seen.push(\`\${n[0]}\`)
          n[0] = 7
          if (i > 0 && before !== cast(ULONG_PTR, n)) seen.push('moved')
          before = cast(ULONG_PTR, n)
        }
        return seen.join()
      }`)
    expect(value).toBe('0,0,0')
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
  }, 20_000)

  test('equality compares addresses', () => {
    const { value } = both(`
      const NODE = struct('NODE', { Entry: LIST_ENTRY, Next: PVOID })
      export function run() {
        const a = local(NODE), b = local(NODE)
        a.Next = b
        let none: PVOID
        let anything: any = a.Next
        return [a.Next === b, a.Next !== b, a.Next == a, b.Next === null, none == null,
          anything === b, a.Entry === cast(PVOID, a), addressof(a.Next) === a.add(16), !a.Next].join()
      }`)
    expect(value).toBe('true,false,false,true,true,true,true,true,false')
  })

  test('embedded members are read with and without a view in between', () => {
    const { value } = both(`
      export function run() {
        const irp = local(IRP)
        irp.IoStatus.Status = STATUS_PENDING
        const block = irp.IoStatus
        block.Information = 7
        const spread = irp
          .Tail.Overlay
          .ListEntry
        irp.Tail.Overlay.ListEntry.Flink = spread
        return [block.Status, irp.IoStatus.Information, irp.Tail.Overlay.ListEntry.Flink === spread,
          cast(ULONG_PTR, spread) - cast(ULONG_PTR, irp),
          addressof(irp.Tail.Overlay.Thread) === irp.add(0x98),
          CONTAINING_RECORD(spread, IRP, 'Tail.Overlay.ListEntry') === irp, sizeof(irp), offsetof(IRP, 'IoStatus.Information')].join()
      }`)
    expect(value).toBe('259,7,true,168,true,true,208,56')
  })

  test('functions are stored in memory and called from there', () => {
    const { value, log } = both(`
      function create(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS { DbgPrint('create'); return 5 }
      export function run() {
        const driver = local(DRIVER_OBJECT)
        driver.MajorFunction[IRP_MJ_CREATE] = create
        driver.MajorFunction[IRP_MJ_CLOSE] = driver.MajorFunction[0]
        if (driver.MajorFunction[IRP_MJ_CLOSE] !== create) return 0
        return driver.MajorFunction[IRP_MJ_CLOSE](null, null)
      }`)
    expect([value, log]).toEqual([5, ['create']])
  })

  test('variables of unknown type', () => {
    const { value } = both(`
      const NODE = struct('NODE', { Bytes: array(UCHAR, 8), Count: ULONG })
      export function run() {
        let x: any = local(NODE)
        let list: any = [1, 2]
        let f: any = (n) => n + 1
        x.Count = 5
        x.Count += 2
        x.Bytes[1] = 255
        x.Bytes[1]++
        x.Bytes[2] += 260
        list[0] += 5
        list.push(f(list[1]))
        let mask: any = 0xF0000000
        let small: USHORT = mask
        return [x.Count, x.Bytes[1], x.Bytes[2], list.join('-'), mask & 0xFF000000, small, f(1)].join()
      }`)
    expect(value).toBe(`7,0,4,6-2-3,${0xf0000000},0,2`)
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
