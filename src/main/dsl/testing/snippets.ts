/**
 * Pieces of driver code with what their function `run` gives, as text, and what they print on the
 * way. They run in plain Node and in the real sandbox.
 *
 * `DbgPrint(text, value)` notes the text and gives the value back, here.
 */
export interface Snippet {
  name: string
  code: string
  value: string
  log?: readonly string[]
}

export const SNIPPETS: readonly Snippet[] = [
  {
    name: 'order of evaluation: arguments, operands and conditions from left to right',
    code: `
      function f(a: number, b: number, c: number): number { DbgPrint('f'); return a * 100 + b * 10 + c }
      export function run() {
        return f(DbgPrint('a', 1), DbgPrint('b', 2), DbgPrint('c', 3)) + DbgPrint('d', 4) * DbgPrint('e', 5)
      }`,
    value: '143',
    log: ['a', 'b', 'c', 'f', 'd', 'e'],
  },
  {
    name: 'order of evaluation: short circuits stop where they should',
    code: `
      export function run() {
        const r: number[] = []
        if (DbgPrint('a', 0) && DbgPrint('b', 1)) r.push(1)
        if (DbgPrint('c', 1) || DbgPrint('d', 1)) r.push(2)
        r.push(DbgPrint('e', 1) ? DbgPrint('f', 3) : DbgPrint('g', 4))
        const none: string = null
        r.push(none ?? 'x' ? 5 : 6)
        while (DbgPrint('h', 0)) r.push(7)
        return r.join()
      }`,
    value: '2,3,5',
    log: ['a', 'c', 'e', 'f', 'h'],
  },
  {
    name: 'order of evaluation: a compound assignment reads its target before the right side runs',
    code: `
      let x = 1
      function change(): number { DbgPrint('change'); x = 50; return 2 }
      export function run() { x += change(); return x }`,
    value: '3',
  },
  {
    name: 'order of evaluation: object and index of an element are evaluated once',
    code: `
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
      }`,
    value: '46,255,2147483648,44,46',
    log: ['which', 'value', 'which', 'which'],
  },
  {
    name: 'order of evaluation: statements without semicolons stay apart',
    code: `
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
      }`,
    value: '10',
  },
  {
    name: 'functions: functions as values, in variables, objects and arrays',
    code: `
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
      }`,
    value: '73404',
  },
  {
    name: 'functions: closures in loops see their own variable',
    code: `
      export function run() {
        const list: (() => number)[] = []
        for (let i = 0; i < 3; i++) list.push(() => DbgPrint('c', i))
        let text = ''
        for (const f of list) text += f()
        return text
      }`,
    value: '012',
  },
  {
    name: 'functions: default, optional and rest parameters',
    code: `
      function f(a: number, b = 5, c?: number, ...rest: number[]) { DbgPrint('f'); return a + b + (c ?? 100) + rest.length * 1000 }
      export function run() { return [f(1), f(1, 2), f(1, 2, 3), f(1, 2, 3, 4, 5), f(...[1, 2, 3])].join() }`,
    value: '106,103,6,2006,6',
  },
  {
    name: 'functions: nested functions and recursion',
    code: `
      export function run() {
        return outer(5)
        function outer(n: number): number {
          function inner(m: number): number { return m <= 1 ? DbgPrint('leaf', 1) : m * inner(m - 1) }
          return inner(n)
        }
      }`,
    value: '120',
  },
  {
    name: 'functions: arguments and results wrap to the declared types',
    code: `
      function low(n: UCHAR): USHORT { DbgPrint('l'); return n * 1000 }
      function sign(n: CHAR): LONG { return n }
      export function run() { return [low(0x1FF), sign(200)].join() }`,
    value: `${(255 * 1000) & 0xffff},-56`,
  },
  {
    name: 'exceptions: catch sees what routines raise, at once or after a wait',
    code: `
      function risky(): number { ExRaiseStatus(STATUS_ACCESS_VIOLATION); return 1 }
      export function run() {
        let code: NTSTATUS = 0
        try { DbgPrint('try'); risky(); DbgPrint('never') }
        catch (e) { code = GetExceptionCode(); DbgPrint('catch') }
        finally { DbgPrint('finally') }
        return code
      }`,
    value: '3221225477',
    log: ['try', 'catch', 'finally'],
  },
  {
    name: 'exceptions: return, break and continue leave through finally',
    code: `
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
      export function run() { return f(1) * 10 + f(3) }`,
    value: '9',
    log: ['out', 'out', 'out', 'inner', 'out', 'inner', 'out'],
  },
  {
    name: 'exceptions: division by zero is an exception',
    code: `
      export function run() {
        let zero = 0
        let wide = 0n
        const seen: NTSTATUS[] = []
        try { seen.push(5 / zero) } catch { seen.push(GetExceptionCode()) }
        try { seen.push(5 % zero) } catch { seen.push(GetExceptionCode()) }
        try { wide = 5n / wide } catch { seen.push(GetExceptionCode()) }
        return seen.join()
      }`,
    value: Array(3).fill(0xc0000094).join(),
  },
  {
    name: 'exceptions: stack memory is given back however the function ends',
    code: `
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
      }`,
    value: '12',
  },
  {
    name: 'exceptions: local in a loop uses one place and zeroes it each time',
    code: `
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
      }`,
    value: '0,0,0',
  },
  {
    name: 'pointers: equality compares addresses',
    code: `
      const NODE = struct('NODE', { Entry: LIST_ENTRY, Next: PVOID })
      export function run() {
        const a = local(NODE), b = local(NODE)
        a.Next = b
        let none: PVOID
        let anything: any = a.Next
        return [a.Next === b, a.Next !== b, a.Next == a, b.Next === null, none == null,
          anything === b, a.Entry === cast(PVOID, a), addressof(a.Next) === a.add(16), !a.Next].join()
      }`,
    value: 'true,false,false,true,true,true,true,true,false',
  },
  {
    name: 'pointers: embedded members are read with and without a view in between',
    code: `
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
      }`,
    value: '259,7,true,168,true,true,208,56',
  },
  {
    name: 'pointers: functions are stored in memory and called from there',
    code: `
      function create(DeviceObject: DEVICE_OBJECT, Irp: IRP): NTSTATUS { DbgPrint('create'); return 5 }
      export function run() {
        const driver = local(DRIVER_OBJECT)
        driver.MajorFunction[IRP_MJ_CREATE] = create
        driver.MajorFunction[IRP_MJ_CLOSE] = driver.MajorFunction[0]
        if (driver.MajorFunction[IRP_MJ_CLOSE] !== create) return 0
        return driver.MajorFunction[IRP_MJ_CLOSE](null, null)
      }`,
    value: '5',
    log: ['create'],
  },
  {
    name: 'pointers: variables of unknown type',
    code: `
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
      }`,
    value: `7,0,4,6-2-3,${0xf0000000},0,2`,
  },
  {
    name: 'exceptions: nested handlers keep their own',
    code: `
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
        return seen.join()
      }`,
    value: [0xc0000022, 0xc000000d, 1, 0xc000003e].join(),
  },
  {
    name: 'BOOLEAN is a number that takes booleans',
    code: `
      const FLAGS = struct('FLAGS', { Flag: BOOLEAN, All: array(BOOLEAN, 2) })
      function negate(b: BOOLEAN): BOOLEAN { return !b }
      export function run() {
        const f = local(FLAGS)
        let b: BOOLEAN = false
        const seen: boolean[] = [b === false, b === FALSE, b == true]
        b = f.Flag === 0
        seen.push(b === true, b === TRUE, !b)
        f.Flag = true
        f.All[1] = b
        seen.push(f.Flag === true, f.Flag === TRUE, f.All[1] === true, f.All[0] === f.Flag, negate(b) === false)
        return \`\${seen.join()} \${b} \${f.Flag} \${negate(f.Flag)}\`
      }`,
    value: 'true,true,false,true,true,false,true,true,true,false,true 1 1 0',
  },
  {
    name: 'macros of the headers',
    code: `
      export function run() {
        const n = 1
        PAGED_CODE()
        return [n - NtCurrentProcess(), -ZwCurrentProcess(), NtCurrentThread(), ZwCurrentThread(
        )].join()
      }`,
    value: '2,1,-2,-2',
  },
  {
    name: 'members of constants',
    code: `
      enum State { Idle, Busy = 17 }
      export function run() {
        const irp: IRP = null
        return [FILE_DEVICE_UNKNOWN.toString(16), State.Busy.toString(16), (-State.Busy).toString(), sizeof(irp)].join()
      }`,
    value: '22,11,-17,208',
  },
]
