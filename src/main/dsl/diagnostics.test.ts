import { describe, expect, test } from 'vitest'
import { compile } from './compile'
import { diagnose, driver } from './testing/compile-driver'

/** Code whose mistake may stand between « and », the expected code and a part of the hint. */
type Row = [code: string, diagnostic: string, hint?: string | RegExp]

/** The body of a function. */
const inside = (body: string): string =>
  `export function run(irp: IRP, n: ULONG, p: PVOID) {\n${body}\n}`

function check(code: string, expected: string, hint: string | RegExp | undefined): void {
  const text = driver(code)
  const clean = text.replace(/[«»]/g, '')
  const found = diagnose({ 'driver.ts': clean })
  const shown = found.map((each) => `${each.code} ${each.message} | ${each.hint}`).join('\n')
  const diagnostic = found.find((each) => each.code === expected)
  if (!diagnostic) throw new Error(`expected ${expected}, found:\n${shown}`)
  const lines = clean.split('\n')
  const offset = (line: number, column: number): number =>
    lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1
  const { line, column, endLine, endColumn } = diagnostic
  if (text.includes('«'))
    expect(clean.slice(offset(line, column), offset(endLine, endColumn))).toBe(
      clean.slice(text.indexOf('«'), text.indexOf('»') - 1),
    )
  if (hint instanceof RegExp) expect(diagnostic.hint).toMatch(hint)
  else expect(diagnostic.hint).toContain(hint ?? '')
  expect(diagnostic.hint).not.toBe('')
}

describe('what is not part of the language', () => {
  const bodies: Row[] = [
    ['const C = «class {}»', 'DSL001'],
    ['const f = «async» () => 1', 'DSL002'],
    ['«for await (const x of [1]) {}»', 'DSL002'],
    ['return «this»', 'DSL004'],
    ['return «arguments»[0]', 'DSL004', 'parameter'],
    ['return «new f()»', 'DSL005', 'ExAllocatePool2'],
    ['const o = { a: 1 }; «delete o.a»', 'DSL006'],
    ["return «'a' in irp»", 'DSL006'],
    ['return «p instanceof f»', 'DSL006'],
    ["return «typeof n» === 'number'", 'DSL006'],
    ['return «/abc/g»', 'DSL007', 'RtlEqualUnicodeString'],
    ["return «import»('x')", 'DSL008'],
    ['return «import.meta»', 'DSL008'],
    ["return «require»('fs')", 'DSL009', 'import { ... }'],
    ['return «Date».now()', 'DSL009', 'KeQuerySystemTime'],
    ['return new «Date»()', 'DSL009'],
    ["return «eval»('1')", 'DSL009'],
    ["return «Function»('return 1')", 'DSL009'],
    ['return «globalThis»', 'DSL009'],
    ['«console».log(1)', 'DSL009', 'DbgPrint'],
    ['«setTimeout»(f, 1)', 'DSL009', 'KeSetTimer'],
    ['return new «Proxy»({}, {})', 'DSL009'],
    ['return «Reflect»', 'DSL009'],
    ['return «Symbol».iterator', 'DSL009'],
    ['return «Promise».resolve(1)', 'DSL009'],
    ['return «JSON».stringify(1)', 'DSL009'],
    ['return «Array»(5)', 'DSL009'],
    ['return «Object».keys({})', 'DSL009'],
    ['return new «Uint8Array»(5)', 'DSL009', 'p.u8[i]'],
    ['return Math.random()', 'TS2339'],
    ['return irp.«constructor»', 'DSL010'],
    ['return (n as any).«constructor»()', 'DSL010'],
    ['return run.«prototype»', 'DSL010'],
    ['return ({}).«__proto__»', 'DSL010'],
    ['return { «__proto__»: irp }', 'DSL010'],
    ['const { «constructor»: c } = { constructor: 1 }', 'DSL010'],
    ['run.«call»(null)', 'DSL010'],
    ["return irp[«'Flags'»]", 'DSL011', 'object.name'],
    ['const o = { a: 1 }; return «o[n]»', 'DSL011'],
    ['return { «[n]»: 1 }', 'DSL011'],
    ['return { «get a() { return 1 }» }', 'DSL012'],
    ['return { «set a(v) {}» }', 'DSL012'],
    ['return «0.5»', 'DSL013', 'integers'],
    ['return «0x8000000000000000»', 'DSL043', 'n at its end'],
    ['«var» x = 1', 'DSL044', 'let'],
    ['return `${«run»}`', 'DSL033'],
    ['const list = [irp]; return «list.includes(irp)»', 'DSL033', 'for (const each of list)'],
    ['«throw 5»', 'DSL014', 'ExRaiseStatus'],
    ['«debugger»', 'DSL015'],
    ['return «GetExceptionCode()»', 'DSL026', 'try'],
    ['try { } catch { const f = () => «GetExceptionCode()» }', 'DSL026'],
    ['return addressof(«n»)', 'DSL027', 'local(TYPE)'],
    ['return addressof(«(irp.Flags)»)', 'DSL027'],
    ['const size = «sizeof»', 'DSL028'],
    ['const a = [1]; return «a.push»', 'DSL028'],
    ['return [«Number»]', 'DSL028'],
    ['return irp«?.»Flags', 'DSL029', 'p !== null'],
    ['return [1]«?.»[0]', 'DSL029'],
    ['const «{ Flags }» = irp', 'DSL030', 'Irp.IoStatus.Status'],
    ['[irp.Flags, n] = [1, 2]', 'DSL030'],
    ['try { } catch («{ a }») { }', 'DSL030', 'GetExceptionCode'],
    ['const «$S» = 1', 'DSL032'],
    ['return (irp as any).«$a»', 'DSL032'],
    ['return «p < irp»', 'DSL033', 'cast(ULONG_PTR, p)'],
    ["return «'at ' + p»", 'DSL033', '%p'],
    ['return `at ${«p»}`', 'DSL033'],
    ['switch («p») { }', 'DSL033'],
    ['return n «**» 2', 'DSL034'],
    ['n «||=» 5', 'DSL034'],
    ['return «tag`x`»', 'DSL036'],
    ["const X = «struct('X', { A: ULONG })»", 'DSL037'],
    ["return offsetof(IRP, «'Tail.Nothing'»)", 'DSL038', 'dots'],
    ["return CONTAINING_RECORD(p, IRP, «'Nothing'»)", 'DSL038'],
    ['«for (const k in { a: 1 }) {}»', 'DSL039'],
    ["return ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, «'Tag12'»)", 'DSL041', "'tseT'"],
    ['«(n)» = 5', 'DSL042'],
    ['(n as any)++', 'DSL042'],
  ]
  test.each(bodies)('%s', (...[code, expected, hint]) => check(inside(code), expected, hint))

  const files: Row[] = [
    ['«class Device {}»', 'DSL001', 'struct('],
    ['export «async» function f() {}', 'DSL002', 'KeWaitForSingleObject'],
    ['export async function f() { await f() }', 'DSL002'],
    ['function«*» f() {}', 'DSL003'],
    ['function* f() { yield 1 }', 'DSL003'],
    ['function f(«this: any») {}', 'DSL004'],
    ['«namespace N { export const a = 1 }»', 'DSL016'],
    ['«declare» const x: number', 'DSL016'],
    ['export «default» function f() {}', 'DSL017'],
    ["«export * from './driver'»", 'DSL017'],
    ["import «* as wdm» from 'wdm'", 'DSL017', 'import { A, B }'],
    ["import x = require('wdm')", 'DSL017'],
    ['let x = 1\n«x = 2»', 'DSL023', 'DriverEntry'],
    ['«if (1) {}»', 'DSL023'],
    ['«for (;;) {}»', 'DSL023'],
    ["«DbgPrint»('x')", 'DSL024', 'DriverEntry'],
    ['const irql = «KeGetCurrentIrql»()', 'DSL024'],
    ['function f() { return 1 }\nconst x = «f»()', 'DSL024'],
    ['const event = «local(KEVENT)»', 'DSL025', 'device extension'],
    ['function f(«{ a }»: any) {}', 'DSL030'],
    ["function f(a = «DbgPrint('x')») {}", 'DSL031'],
    ['function f(a: number, b = «a++») {}', 'DSL031'],
    ["enum Names { «First = 'a'» }", 'DSL035'],
    ['enum State { Idle }\nconst table = [«State»]', 'DSL035'],
    ["const name = 'X'\nconst X = struct(«name», { A: ULONG })", 'DSL037'],
    ["const X = struct(«'IRP'», { A: ULONG })", 'DSL037', 'another name'],
    ["const A = struct('A', { A: ULONG })\nconst B = struct(«'A'», { A: ULONG })", 'DSL037'],
    ["const X = struct('X', { A: LIST_ENTRY })\nconst at = offsetof(X, «'A.Nothing'»)", 'DSL038'],
  ]
  test.each(files)('%s', (...[code, expected, hint]) => check(code, expected, hint))
})

describe('errors of the type checker', () => {
  const bodies: Row[] = [
    ['«IoCompletRequest»(irp, 0)', 'TS2304', /IoCompleteRequest/],
    ["const «a»: ULONG = 'text'", 'TS2322'],
    ['irp.IoStatus.Informaton = 1', 'TS2551', 'Information'],
    ['return p.Flags', 'TS2339', 'cast(TYPE, pointer)'],
    ['return irp.IoStatus.Information + n', 'TS2365', '64 bits'],
    ['const n2: ULONG = irp.IoStatus.Information', 'TS2322', 'cast(ULONG, value)'],
    ['const wide: ULONGLONG = n', 'TS2322', 'BigInt(value)'],
    ['const other: DEVICE_OBJECT = p', 'TS2740', 'cast(DEVICE_OBJECT, pointer)'],
    ['const other: DEVICE_OBJECT = irp', 'TS2740', 'cast(DEVICE_OBJECT, pointer)'],
    ['return p + 4', 'TS2365', 'p.add'],
    ['return p - p', 'TS2362', 'cast(ULONG_PTR, p)'],
    ['IoCompleteRequest(irp)', 'TS2554', 'VOID IoCompleteRequest(PIRP Irp'],
    ['[1, 2].forEach((x) => x)', 'TS2339', 'loop'],
    ['for (const b of irp.Tail.Overlay.DriverContext) {}', 'TS2488', 'count'],
    ['const k = 1\nk = 2', 'TS2588', 'let'],
    ['if (n === irp) return 1', 'TS2367'],
    ['irp.Tail.Overlay.DriverContext = null', 'TS2540', 'RtlCopyMemory'],
  ]
  test.each(bodies)('%s', (...[code, expected, hint]) => check(inside(code), expected, hint))

  const files: Row[] = [
    ['function f(x: ULONG): NTSTATUS { if (x) return 0 }', 'TS7030', 'return'],
    ['export function f( { return 1 }', 'TS1005'],
    [
      'function Work(d: DEVICE_OBJECT, irp: IRP): NTSTATUS { return 0 }\nfunction f(o: DRIVER_OBJECT) { o.DriverUnload = Work }',
      'TS2322',
      'parameters',
    ],
  ]
  test.each(files)('%s', (...[code, expected, hint]) => check(code, expected, hint))

  test('a 64-bit field of an own structure takes numbers, as C does', () => {
    expect(
      diagnose(`
      const X = struct('X', { Total: ULONGLONG, Id: HANDLE, All: array(ULONGLONG, 2) })
      export function run(x: Ptr<typeof X>, irp: IRP, n: ULONG) {
        x.Total = n
        x.Total = sizeof(X)
        x.All[0] = 5
        irp.IoStatus.Information = n
        x.u64[1] = n + 4
      }`),
    ).toEqual([])
  })
})

describe('modules', () => {
  const codes = (files: Record<string, string>, ...kinds: ('driver' | 'client')[]): string[] => {
    const entries = kinds.map((kind) => ({
      entry: kind === 'driver' ? 'driver.ts' : 'client.ts',
      kind,
    }))
    return compile(files, entries).diagnostics.map(
      ({ code, file, line, message, hint }) => `${file}:${line} ${code} ${message} ${hint}`,
    )
  }
  const driverFile = (more: string): string =>
    `import type { DRIVER_OBJECT, UNICODE_STRING, NTSTATUS } from 'wdm'\nexport function DriverEntry(d: DRIVER_OBJECT, r: UNICODE_STRING): NTSTATUS { return 0 }\n${more}`
  const clientFile = (more: string): string =>
    `export function main(): number { return 0 }\n${more}`

  test('a missing entry', () => {
    expect(codes({ 'driver.ts': 'export const a = 1' }, 'driver')[0]).toMatch(
      /^driver\.ts:1 DSL021 driver\.ts exports no function DriverEntry\. Write export function DriverEntry/,
    )
    expect(codes({ 'driver.ts': 'function DriverEntry() { return 0 }' }, 'driver')[0]).toMatch(
      /DSL021 .* Write export in front of function DriverEntry/,
    )
    expect(codes({ 'client.ts': 'export const main = 5' }, 'client')[0]).toMatch(/DSL021/)
    expect(codes({}, 'driver')[0]).toMatch(/DSL022 There is no file driver\.ts/)
  })

  test('an entry of another form', () => {
    expect(
      codes({ 'driver.ts': "export function DriverEntry(n: number) { return 'x' }" }, 'driver')[0],
    ).toMatch(/DSL022/)
    expect(
      codes({ 'client.ts': 'export function main(): string { return "" }' }, 'client')[0],
    ).toMatch(/DSL022/)
    expect(codes({ 'client.ts': 'export const main = () => 0' }, 'client')).toEqual([])
  })

  test('imports that lead nowhere', () => {
    expect(
      codes({ 'driver.ts': driverFile("import { x } from './utils'"), 'util.ts': '' }, 'driver')[0],
    ).toMatch(/driver\.ts:3 DSL018 There is no module '\.\/utils' here\. Did you mean '\.\/util'\?/)
    expect(codes({ 'driver.ts': driverFile("import { x } from 'fs'") }, 'driver')[0]).toMatch(
      /DSL018/,
    )
    expect(codes({ 'driver.ts': driverFile("import { x } from '../x'") }, 'driver')[0]).toMatch(
      /DSL018/,
    )
    expect(
      codes({ 'driver.ts': driverFile("import { readFileSync } from 'node:fs'") }, 'driver')[0],
    ).toMatch(/DSL018/)
  })

  test('wdm is for drivers, win32 for programs', () => {
    expect(
      codes({ 'driver.ts': driverFile("import { ULONG } from 'win32'") }, 'driver')[0],
    ).toMatch(/:3 DSL019/)
    expect(codes({ 'client.ts': clientFile("import { ULONG } from 'wdm'") }, 'client')[0]).toMatch(
      /:2 DSL019 'wdm' is for drivers\. A client program imports from 'win32'/,
    )
  })

  test('a file of both may use what is in both', () => {
    const files = {
      'driver.ts': driverFile("import { IOCTL } from './shared'\nexport const a = IOCTL"),
      'client.ts': clientFile("import { IOCTL } from './shared'\nexport const a = IOCTL"),
      'shared.ts':
        "import { CTL_CODE, METHOD_BUFFERED, FILE_ANY_ACCESS } from 'wdm'\nexport const IOCTL = CTL_CODE(0x22, 0x800, METHOD_BUFFERED, FILE_ANY_ACCESS)",
    }
    expect(codes(files, 'driver', 'client')).toEqual([])
    const wrong = {
      ...files,
      'shared.ts': `${files['shared.ts']}\nimport { IoDeleteDevice } from 'wdm'`,
    }
    expect(codes(wrong, 'driver', 'client')[0]).toMatch(
      /shared\.ts:3 DSL019 IoDeleteDevice is not in 'win32'/,
    )
    expect(codes(wrong, 'driver')).toEqual([])
  })

  test('programs that share no file may have structures of the same name', () => {
    const node = "const NODE = struct('NODE', { A: ULONG })"
    const imports = "import { struct, ULONG } from 'wdm'\n"
    const two = (more: string): string[] =>
      compile(
        {
          'a.ts': driverFile(`${imports}${more}`),
          'b.ts': driverFile(`${imports}${more}`),
          'node.ts': `${imports}export ${node}`,
        },
        [
          { entry: 'a.ts', kind: 'driver' },
          { entry: 'b.ts', kind: 'driver' },
        ],
      ).diagnostics.map(({ code, file }) => `${file} ${code}`)
    expect(two(node)).toEqual([])
    expect(two("import { NODE } from './node'\nexport const size = NODE")).toEqual([])
    expect(
      two(`import { NODE as OTHER } from './node'\n${node}\nexport const size = OTHER`),
    ).toEqual(['a.ts DSL037', 'b.ts DSL037'])
  })

  test('routines that are not there name themselves and the nearest one', () => {
    // Those of the reference are DSL020: check/imports.test.ts.
    const source = driverFile("import { KeQueryActiveGroupCount } from 'wdm'")
    expect(codes({ 'driver.ts': source }, 'driver')).toEqual([
      expect.stringMatching(
        /:3 TS2305 .*KeQueryActiveGroupCount.* Did you mean KeQueryActiveProcessorCount\?/,
      ) as string,
    ])
    expect(
      codes({ 'driver.ts': driverFile("import { IoCompletRequest } from 'wdm'") }, 'driver')[0],
    ).toMatch(/TS2724.*IoCompleteRequest/)
  })

  test('a forgotten import says where the name is', () => {
    expect(
      codes(
        { 'driver.ts': driverFile('export const f = () => IoDeleteDevice(null)') },
        'driver',
      )[0],
    ).toMatch(/TS2304 .* Add IoDeleteDevice to the import from 'wdm'\./)
  })
})

test('code that is nested without end is a diagnostic', () => {
  const deep = `export const x = ${'('.repeat(30_000)}1${')'.repeat(30_000)}`
  expect(diagnose({ 'driver.ts': deep }).map(({ code }) => code)).toContain('DSL040')
})
