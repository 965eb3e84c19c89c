/**
 * What hostile code can reach when the compiler's checks are bypassed: scripts are evaluated here as
 * they are. Each attempt collects whatever it got hold of; nothing may lead out of the sandbox, and
 * the host must live on.
 */
import { existsSync, readdirSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { CONTROL } from '../../kernel/mm/layout'
import { Memory, plainBacking } from '../../kernel/mm/memory'
import { SimulatorBug } from '../../kernel/stop'
import { HostCalls } from './host-calls'
import { CALL, MAILBOX_WORDS, WORD } from './mailbox'
import { FAKE_ROUTINES, FakeKernel } from './testing/fake-kernel'
import { runDriver, type RunRequest } from './testing/run'

/** While `on`, the prelude is built with a hole: driver code sees the host call as `h`. */
const hole = vi.hoisted(() => ({ on: false }))
vi.mock('./prelude', async (original) => {
  const actual = await original<typeof import('./prelude')>()
  const open = actual.PRELUDE.replace('Math: integerMath,', 'Math: integerMath, h: kit.h,')
  return {
    ...actual,
    get PRELUDE() {
      return hole.on ? open : actual.PRELUDE
    },
  }
})

/** Names that exist in Node, Electron or browsers and must not exist in the sandbox. */
const HOST_NAMES = [
  'process',
  'require',
  'module',
  'exports',
  'Buffer',
  'global',
  'console',
  '__dirname',
  '__filename',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'fetch',
  'XMLHttpRequest',
  'WebSocket',
  'WebAssembly',
  'navigator',
  'window',
  'self',
  'document',
  'performance',
  'crypto',
  'Worker',
  'SharedArrayBuffer',
  'Atomics',
  'structuredClone',
  'TextDecoder',
  'URL',
  'electron',
  'std',
  'os',
  'bjson',
  'print',
  'load',
  'loadScript',
  'scriptArgs',
  'gc',
  'h',
  'Date',
  'Promise',
  'Proxy',
  'Reflect',
  'RegExp',
  'Function',
  'eval',
  'Intl',
  'WeakRef',
  'FinalizationRegistry',
  'Symbol',
  'Object',
  'Array',
  'String',
  'JSON',
  'Map',
  'Set',
  'Error',
  'ArrayBuffer',
  'Uint8Array',
  'DataView',
  'Iterator',
  'AsyncFunction',
  'InternalError',
  'parseInt',
  'escape',
  'encodeURI',
]

/** Set by an escape that worked. */
const flag = globalThis as { pwned?: unknown }

afterEach(() => {
  expect(flag.pwned).toBeUndefined()
  expect(existsSync('/tmp/pwned')).toBe(false)
})

/** Run hostile code as the body of DriverEntry; `leak(x)` prints what it found. */
async function attempt(code: string, request: RunRequest = {}): Promise<string[]> {
  const { printed, outcome } = await runDriver(
    `const leak = (x) => { print(x === undefined ? 'undefined' : x === null ? 'null' : typeof x === 'function' ? 'function' : typeof x === 'object' ? 'object' : '' + x) }
     ${code}`,
    { interruptsMax: 30, heapBytes: 8 << 20, ...request },
  )
  expect(outcome).toBe('end')
  return printed
}

describe('globals', () => {
  test('nothing of the host is there, under any name', async () => {
    const printed = await attempt(
      HOST_NAMES.filter((name) => name !== 'print' && name !== 'h')
        .map((name) => `if (typeof ${name} !== 'undefined') print('${name}')`)
        .join('\n') + `\nif (typeof h !== 'undefined') $ddi('DbgPrint')(1, 'h')`,
    )
    expect(printed).toEqual([])
  })

  test('the global object holds what the language declares and cannot be changed', async () => {
    const printed = await attempt(`
      let g
      try { g = globalThis } catch { }
      leak(g)
      // The global object is the \`this\` of sloppy functions; there are none.
      leak((function () { return this })())
      leak((0, function () { return this })())
      for (const name of ['Math', 'Number', 'BigInt']) leak({ Math, Number, BigInt }[name])
      try { Math.random_ = 1; leak('changed') } catch { leak('frozen') }
      try { Math = 1; leak('changed') } catch { leak('frozen') }
      try { undefinedName = 1; leak('changed') } catch { leak('frozen') }
      leak(Math.random); leak(Math.constructor); leak(Number.prototype); leak(Number.constructor); leak(BigInt.asUintN)`)
    expect(printed).toEqual([
      'undefined',
      'undefined',
      'undefined',
      'object',
      'function',
      'function',
      'frozen',
      'frozen',
      'frozen',
      'undefined',
      'undefined',
      'undefined',
      'undefined',
      'undefined',
    ])
  })
})

describe('constructors and prototypes', () => {
  const VALUES = [
    '{}',
    '[]',
    "''",
    '1',
    '1n',
    'true',
    '(() => 1)',
    '(function () {})',
    '(function* () {})',
    '(function* () {})()',
    '$rt',
    '$lang',
    '$type("IRP")',
    '$null("IRP")',
    '$out(1)',
    '$S',
    '$ddi("IoCompleteRequest")',
    '$call',
    'Math',
    'Number',
    '$null("IRP").u8',
    '$type("ULONG")',
    '$f(1, function* () {})',
    'a',
    'error()',
    'nt()',
    'template`x`',
    '(class {})',
    '[].push',
    "''.slice",
    '[].slice',
    '(1).toString',
    '$local($type("KEVENT"))',
    '$lang.struct("S", { x: $type("ULONG") })',
    '$lang.RTL_CONSTANT_STRING("x")',
  ]

  test.each(VALUES)('%s leads to no constructor of functions', async (value) => {
    const printed = await attempt(`
      function error() { try { null.x } catch (e) { return e } }
      function nt() { try { $null('IRP').Flags } catch (e) { return e } }
      function template(strings) { return strings }
      let v
      try { v = ${value} } catch (e) { v = e }
      const tried = ['constructor', '__proto__', 'prototype', 'caller', 'callee', 'arguments', 'call', 'apply', 'bind',
        '__defineGetter__', '__defineSetter__', '__lookupGetter__', 'hasOwnProperty', 'buffer']
      for (let depth = 0; depth < 3; depth++)
        for (const name of tried) {
          let x
          try { x = v[name] } catch { continue }
          if (x === undefined || x === null) continue
          // The own prototype of a function leads to Object.prototype at most.
          if (name === 'prototype' || name === 'apply') {
            for (const again of tried) {
              let y
              try { y = x[again] } catch { continue }
              if (typeof y === 'function' && again !== 'constructor') leak(name + '.' + again)
              if (typeof y === 'function' && again === 'constructor' && y !== v) leak(name + '.' + again)
            }
            continue
          }
          leak(name)
          try { x('return 1')() ; leak('called ' + name) } catch { }
        }`)
    expect(printed).toEqual([])
  })

  test('no prototype can be polluted', async () => {
    const printed = await attempt(`
      const targets = [() => { ({}).__proto__.polluted = 1 }, () => { ({}).toString.polluted = 1 }, () => { [].push.polluted = 1 },
        () => { (function* () {}).prototype.__proto__.polluted = 1 }, () => { ({ __proto__: null }).__proto__.polluted = 1 },
        () => { [].slice = 1 }, () => { ''.slice = 1 }, () => { (1).toString = 1 }, () => { $rt.$call = 1 }, () => { $lang.cast = 1 },
        () => { $type('IRP').mk = 1 }, () => { $type('ULONG').get = 1 }, () => { $S.x = 1 }, () => { delete [].push }]
      for (const f of targets) { try { f(); leak('no error') } catch { } }
      leak(({}).polluted); leak([].polluted); leak((() => 1).polluted)`)
    // Writing to what is read as undefined fails; nothing is changed by what does not.
    expect(printed.slice(-3)).toEqual(['undefined', 'undefined', 'undefined'])
    expect(printed.slice(0, -3)).toEqual(['no error'].slice(0, printed.length - 3))
  })

  test('classes, getters and setters stay inside', async () => {
    const printed = await attempt(`
      class C { constructor() { this.x = new.target } get y() { return this } static { leak(typeof this.constructor) } }
      class D extends C { m() { return super.constructor } }
      const d = new D()
      leak(typeof d.m()); leak(d.y === d); leak(typeof d.x)
      try { d.constructor('return 1') } catch { leak('refused') }
      leak(D.constructor)
      const o = { get value() { leak('got'); return 5 }, set value(x) { leak('set ' + x) }, get $a() { leak('asked'); return 0x30 } }
      $ddi('KeQueryTickCount')(1, o)
      leak('end')`)
    expect(printed).toEqual([
      'undefined',
      'function',
      'true',
      'function',
      'refused',
      'undefined',
      'asked',
      'end',
    ])
  })
})

describe('code from text', () => {
  test.each([
    ['direct eval', 'eval("1")'],
    ['indirect eval', '(0, eval)("1")'],
    ['Function', 'Function("return 1")()'],
    ['new Function', 'new Function("return 1")()'],
    ['constructor of a function', '(() => {}).constructor("return 1")()'],
    ['constructor of a generator', '(function* () {}).constructor("return 1")()'],
    ['constructor of an async function', '(async () => {}).constructor("return 1")()'],
    ['constructor of an async generator', '(async function* () {}).constructor("return 1")()'],
    ['through an array', '[].constructor.constructor("return 1")()'],
    ['through an error', 'try { null.x } catch (e) { e.constructor.constructor("return 1")() }'],
    ['import of a module', 'import("node:fs")'],
    ['import of a path', 'import("/etc/passwd")'],
    ['import of data', 'import("data:text/javascript,1")'],
    ['setTimeout with text', 'setTimeout("1", 0)'],
    ['a regular expression', '/x/'],
    ['async', '(async () => { leak("ran") })()'],
    ['await', '(async () => { await 1; leak("ran") })()'],
  ])('%s does not run', async (_name, code) => {
    const { printed, kernel } = await runDriver(`${code}; print('ran')`).catch((error: unknown) => {
      // A regular expression is refused when it is compiled.
      expect(error).toBeInstanceOf(SimulatorBug)
      return { printed: [] as string[], kernel: null }
    })
    expect(printed).toEqual([])
    if (kernel) expect(kernel.failures).toMatchObject([{ kind: 'script' }])
  })

  test.each(['import "fs"', 'export const x = 1', 'import.meta', 'await 1'])(
    'module syntax is refused: %s',
    async (code) => {
      await expect(runDriver(code, { raw: true })).rejects.toThrow(SimulatorBug)
    },
  )
})

describe('errors', () => {
  test('tell nothing but the sandbox: no path, no line of the host', async () => {
    const printed = await attempt(`
      function show(f) { try { f() } catch (e) { print('' + e.stack + e.message + e.fileName + e.lineNumber) } }
      show(() => null.x); show(() => $ddi('nothing')); show(() => a.b.c); show(() => $lang.cast(5, 5)); show(() => { throw { stack: 1 } })
      show(() => { function f() { f() } f() })
      show(() => $method(1, null, 'x', []).next()); show(() => $ddi('KeQueryTickCount')(1, {}))`)
    expect(printed.length).toBe(8)
    for (const text of printed) {
      expect(text).not.toMatch(/node:|\/home|\/usr|file:\/\/|at Object\.|engine\.ts|host-calls/)
      expect(text).not.toContain(process.cwd())
    }
  })

  test.each([
    'throw { get message() { for (;;); } }',
    'throw { get message() { throw 1 } }',
    'throw { message: { toString() { for (;;); } }, get stack() { throw { get message() { throw 2 } } } }',
    'throw 1',
    'throw null',
    'throw undefined',
    'throw $S',
    'throw $ddi("IoCompleteRequest")',
    'try { null.x } catch (e) { e.message = { toString() { throw e } }; throw e }',
    'function f() { f() } try { f() } catch (e) { e.message = { toString() { f() } }; throw e }',
    'throw { get message() { $ddi("KeBugCheck")(1, 0); return "late" } }',
  ])('that are made to hurt whoever reads them end the run: %s', async (code) => {
    const { outcome, kernel } = await runDriver(code, { interruptsMax: 30 })
    expect(outcome).toBe('end')
    expect(kernel.failures).toHaveLength(1)
  })

  test('no error hook of the engine is reachable', async () => {
    const printed = await attempt(`
      try { null.x } catch (e) {
        for (const name of ['prepareStackTrace', 'captureStackTrace', 'stackTraceLimit', 'constructor', 'cause']) leak(e[name])
      }
      leak((function f() { return f.caller })())`)
    expect(printed).toEqual([
      'undefined',
      'undefined',
      'undefined',
      'undefined',
      'undefined',
      'undefined',
    ])
  })

  test('functions do not show their text', async () => {
    const printed = await attempt(`
      for (const f of [$ddi('IoCompleteRequest'), $call, $lang.cast, [].push, () => 'secret'])
        { let text = ''; try { text = '' + f } catch { text = 'refused' }; if (text !== 'refused' && text !== '[object Function]') leak(text) }`)
    expect(printed).toEqual([])
  })
})

describe('exhaustion', () => {
  test.each([
    ['a long array', 'const x = []; x.length = 4294967295; x.fill(1)'],
    ['joining a long array', 'const x = []; x.length = 4294967295; x.join("")'],
    ['searching a long array', 'const x = []; x.length = 4294967295; x.indexOf(1)'],
    ['reversing a long array', 'const x = []; x.length = 4294967295; x.reverse()'],
    ['splicing a long array', 'const x = []; x.length = 4294967295; x.splice(0, 1)'],
    ['shifting a long array', 'const x = []; x.length = 4294967295; x.shift()'],
    ['copying a long array', 'const x = []; x.length = 4294967295; x.slice()'],
    ['spreading a long array', 'const x = []; x.length = 4294967295; [...x]'],
    ['spreading into a call', 'const x = []; x.length = 4294967295; print(...x)'],
    ['padding', '"x".padStart(1 << 30)'],
    [
      'text that doubles',
      'let s = "ab"; for (let i = 0; i < 40; i++) s += s; s.indexOf("b".padStart(1000, "a"))',
    ],
    [
      'searching in long text',
      'let s = "a".padStart(1 << 16, "a"); for (let i = 0; i < 1e6; i++) s.indexOf(s)',
    ],
    ['a deep object', 'let o = null; for (;;) o = { o }'],
    ['deep destructuring', 'function f([x]) { f([[x]]) }; f([])'],
    ['recursion through toString', 'const o = { toString() { return "" + o } }; "" + o'],
    [
      'recursion through a getter of an out parameter',
      'const o = { get $a() { return $ddi("KeQueryTickCount")(1, o) } }; $ddi("KeQueryTickCount")(1, o)',
    ],
    ['recursion of generators through yield*', 'function* f() { yield* f() }; yield* f()'],
    [
      'a generator that resumes itself',
      'let g; function* f() { g.next(); yield 1 }; g = f(); g.next()',
    ],
    [
      'wide structures',
      'const s = {}; for (let i = 0; i < 100000; i++) s["f" + i] = $type("ULONG"); $lang.struct("S", s)',
    ],
    ['nested arrays', 'let t = $type("UCHAR"); for (;;) t = $lang.array(t, 1)'],
    ['a huge local', '$local($lang.array($type("UCHAR"), 0x10000000))'],
    [
      'many functions as pointers',
      'const d = $null("DRIVER_OBJECT"); for (;;) { try { d.DriverUnload = $f(1, function* () {}) } catch (e) { } }',
    ],
    ['a loop over everything', 'for (;;) try { for (;;) { } } catch { } finally { }'],
    ['labels and finally', 'outer: for (;;) { try { break outer } finally { continue outer } }'],
    [
      'generators that swallow',
      'function* f() { for (;;) try { yield 1 } finally { continue } } const g = f(); for (;;) { g.next(); g.return(1) }',
    ],
  ])('%s ends the run and not the host', async (_name, code) => {
    const before = performance.now()
    const { outcome, kernel, report } = await runDriver(code, {
      interruptsMax: 30,
      heapBytes: 8 << 20,
    })
    expect(outcome).toBe('end')
    // Either the sandbox gave up, or the code came to an end by itself.
    expect(kernel.failures.length === 1 || report !== null).toBe(true)
    expect(performance.now() - before).toBeLessThan(60_000)
  })

  test('a deep prototype chain, whose every link takes longer, ends with the memory', async () => {
    const { outcome, kernel } = await runDriver('let o = null; for (;;) o = { __proto__: o }', {
      heapBytes: 2 << 20,
    })
    expect(outcome).toBe('end')
    expect(kernel.failures).toMatchObject([{ kind: 'memory' }])
  })

  test('a cheap trick repeated: each native is bounded', async () => {
    const { outcome } = await runDriver(
      `const s = 'ab'.padEnd(1 << 16, 'ab')
      for (let i = 0; i < 500; i++) { s.toUpperCase(); s.slice(1); s.trim(); s.lastIndexOf('zz'); s.includes('ba'); s.startsWith('b') }`,
      { interruptsMax: 30 },
    )
    expect(outcome).toBe('end')
  })
})

describe('the host call', () => {
  /** Code that has the host call itself, as if a leak of the prelude had been found. */
  async function withCall(code: string, publicCalls = false): ReturnType<typeof runDriver> {
    hole.on = true
    try {
      return await runDriver(code, { interruptsMax: 50, publicCalls })
    } finally {
      hole.on = false
    }
  }

  test.each([false, true])(
    'survives any operation with any arguments (public call: %s)',
    async (publicCalls) => {
      const values = [
        '0',
        '1',
        '-1',
        '2147483647',
        '-2147483648',
        '4294967296',
        '1.5',
        '1e300',
        'NaN',
        '{}',
        '"x"',
        'null',
        'undefined',
        '[]',
        '10n',
        '() => 1',
        'h',
      ]
      for (let op = -2; op < 16; op++) {
        if (op === CALL.fail) continue
        const code = values
          .map((value) => `try { h(${op}, ${value}, ${value}, ${value}) } catch { }`)
          .join('\n')
        const { outcome } = await withCall(
          `${code}\n try { h() } catch { } try { h(${op}) } catch { }`,
          publicCalls,
        )
        expect(outcome).toBe('end')
      }
    },
  )

  test('has no properties that lead anywhere', async () => {
    const { printed } = await withCall(`
      for (const name of ['constructor', 'caller', 'arguments', 'call', 'apply', 'bind', 'prototype', '__proto__'])
        if (h[name] !== undefined) print(name)
      try { new h(1); print('constructed') } catch { }
      print('%', h(5, 1, 2) === undefined)`)
    expect(printed).toEqual(['% 1'])
  })

  test('what it is given is checked: any words, any mailbox', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.integer({ min: -2, max: 13 }), fc.integer(), fc.integer(), fc.integer()),
          { maxLength: 20 },
        ),
        fc.array(fc.integer(), { minLength: 64, maxLength: 64 }),
        (operations, words) => {
          const backing = plainBackingOnce
          const kernel = new FakeKernel(backing)
          kernel.play(function* (k) {
            yield k.load(0)
            for (;;) yield { op: 'discard', frame: 1 }
          })
          const calls = new HostCalls(
            backing.control,
            Object.keys(FAKE_ROUTINES).length,
            () => null,
          )
          calls.kernel = kernel
          calls.units.push({ functions: ['', 'DriverEntry'], locationBase: 0 })
          const mailbox = new Int32Array(backing.control.buffer, CONTROL.mailbox, MAILBOX_WORDS)
          for (const [op, a, b, c] of operations) {
            words.forEach((word, i) => (mailbox[i] = word))
            mailbox[WORD.count] = a
            calls.handle(op, a, b, c)
            // A defect of the kernel would be one of the simulator; a wild number is not.
            expect(calls.bug).toBeNull()
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  test('nothing happens after the end', async () => {
    const { kernel } = await runDriver(
      `try { $ddi('KeBugCheck')(1, 0) } catch { } finally { $ddi('KeQueryTickCount')(1, null) }`,
      { prepare: (k) => void (k.handlers.KeBugCheck = () => ({ dead: true })) },
    )
    expect(kernel.calls.map(({ name }) => name)).toEqual(['KeBugCheck'])
  })
})

describe('memory', () => {
  test('no view reaches beyond simulated memory', async () => {
    const { outcome, kernel } = await runDriver(
      `const views = [a, $null('IRP'), $null('')]
      const far = [0x7FFFFFFF, -0x80000000, 0xFFFFFFFF, 0x10000000, 0x0FFFFFFF, 0x40000000, 2 ** 53, -(2 ** 53), 0.5, 1e300, NaN]
      for (const v of views) for (const n of far) for (const size of ['u8', 'u16', 'u32', 'u64'])
        { try { v[size].$g(n) } catch { } try { v[size].$s(n, 1) } catch { } try { v.add(n) } catch { } }
      for (const x of [-1, 1.5, 2 ** 31, 2 ** 32, NaN, 'x', {}, null, undefined, () => 1, 10n]) {
        const forged = { __proto__: null, $a: x }
        try { $lang.cast($type('IRP'), forged).Flags } catch { }
        try { $lang.cast($type('IRP'), forged).Flags = 1 } catch { }
        try { $lang.cast($type('ULONG_PTR'), forged) } catch { }
        try { $ddi('IoCompleteRequest')(1, forged, 0) } catch { }
        try { a.u8.$a = x; a.u8.$g(0) } catch { }
      }`,
      { args: (k) => [k.allocate(64), 0, 0] },
    )
    expect(outcome).toBe('end')
    // Whatever was touched, the kernel saw it as an index it can name.
    for (const { index } of kernel.faults)
      expect(() => kernel.memory.address(index >>> 0)).not.toThrow()
  })

  test('the page tables and the mailbox are at no simulated address', async () => {
    const { sandbox, kernel } = await runDriver('')
    const { control, physical } = sandbox.backing
    const apart =
      control.byteOffset + control.byteLength <= physical.byteOffset ||
      physical.byteOffset + physical.byteLength <= control.byteOffset
    expect(apart).toBe(true)
    expect(kernel.memory).toBeInstanceOf(Memory)
  })

  test('array buffers behind the views cannot be had', async () => {
    const printed = await attempt(
      `for (const v of [a, a.u8, $null('IRP')]) for (const name of ['buffer', 'byteOffset', 'set', 'subarray', 'fill', '$e', '$t'])
        { const x = v[name]; if (x !== undefined && name[0] !== '$') leak(name) ; if (x && x.buffer) leak('buffer') }`,
      { args: (k) => [k.allocate(64), 0, 0] },
    )
    expect(printed).toEqual([])
  })
})

test('the host is as it was', () => {
  expect(flag.pwned).toBeUndefined()
  expect(typeof process.exit).toBe('function')
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(readdirSync('.').length).toBeGreaterThan(0)
})

const plainBackingOnce = plainBacking()
