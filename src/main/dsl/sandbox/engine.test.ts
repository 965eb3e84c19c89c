import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SimulatorBug } from '../../kernel/stop'
import type { Report } from '../../kernel/port'
import { CodeTooLarge, createSandbox } from './engine'
import { LOOP_QUANTUM } from './tables'
import { FAKE_ROUTINES, FakeKernel, type Script } from './testing/fake-kernel'
import { runDriver } from './testing/run'
import { NAMES, unitOf } from './testing/units'

const ACCESS_VIOLATION = 0xc000_0005

/** A dispatch routine with names for what the cases below call. */
const names = (list: string): string =>
  `${NAMES}const ${list
    .split(' ')
    .map((name) => `${name} = $ddi('${name}')`)
    .join(', ')};let $t;`

/** Out parameters where only one is written. */
const outAt = (index: number, value: number): (number | undefined)[] => [
  ...new Array<undefined>(index).fill(undefined),
  value,
]

describe('a routine call', () => {
  test.each([{ publicCalls: false }, { publicCalls: true }])(
    'passes every kind of argument ($publicCalls)',
    async ({ publicCalls }) => {
      const seen: unknown[] = []
      const { sandbox, kernel, report } = await runDriver(
        `const IoCreateDevice = $ddi('IoCreateDevice'), KeDelayExecutionThread = $ddi('KeDelayExecutionThread'),
            RtlInitUnicodeString = $ddi('RtlInitUnicodeString'), ExAllocatePoolWithTag = $ddi('ExAllocatePoolWithTag')
          const device = $out(null)
          const status = IoCreateDevice(7, a, 0x1FFFFFFFF, null, 0x22, -1, true, device)
          KeDelayExecutionThread(8, 0, false, null)
          KeDelayExecutionThread(8, 1, true, 0)
          KeDelayExecutionThread(8, 1, true, -10000000000n)
          const large = $local($type('LARGE_INTEGER'), undefined)
          large.QuadPart = -5
          KeDelayExecutionThread(8, 1, true, large)
          RtlInitUnicodeString(9, a, 'h\\u00e9llo\\ud83d')
          RtlInitUnicodeString(9, a, null)
          RtlInitUnicodeString(9, a, a)
          ExAllocatePoolWithTag(10, 0, -1, 0x31676154)
          ExAllocatePoolWithTag(10, 0, 0x1000000000n, 0)
          print('%', 1, -1n, 'text', a, null, true, 4294967295, 2.75)
          return (status === 0xC0000035 && $eq(device.value, a)) ? 1 : 0`,
        {
          publicCalls,
          args: (k) => [k.allocate(64), 0, 0],
          prepare: (k) => {
            k.handlers.IoCreateDevice = (args) => {
              seen.push([
                args.int(0),
                args.int(1),
                args.int(2),
                args.int(4),
                args.int(5),
                args.out(6),
              ])
              return { value: 0xc0000035, outs: outAt(6, args.int(0)) }
            }
            k.handlers.KeDelayExecutionThread = (args) => void seen.push(args.large(2))
            k.handlers.RtlInitUnicodeString = (args) => void seen.push([args.text(1), args.int(1)])
            k.handlers.ExAllocatePoolWithTag = (args) => void seen.push([args.int(1), args.int(2)])
            k.handlers.DbgPrint = (args) => void seen.push(args.varargs(1))
          },
        },
      )
      expect(kernel.failures).toEqual([])
      expect(sandbox.quick).toBe(!publicCalls)
      const block = (seen[0] as number[])[0]!
      expect(seen).toEqual([
        [block, -1, 0, -1, 1, -1],
        null,
        0n,
        -10000000000n,
        -5n,
        ['h\u00e9llo\ud83d', -1],
        [null, 0],
        [null, block],
        [0x7fff_ffff, 0x31676154],
        [0x7fff_ffff, 0],
        [
          { k: 'int', v: 1n },
          { k: 'int', v: -1n },
          { k: 'str', v: 'text' },
          { k: 'ptr', v: block },
          { k: 'ptr', v: 0 },
          { k: 'int', v: 1n },
          { k: 'int', v: 4294967295n },
          { k: 'int', v: 2n },
        ],
      ])
      expect(report).toMatchObject({ what: 'returned', value: 1 })
      expect(kernel.calls.map(({ location }) => location)).toEqual([
        7, 8, 8, 8, 8, 9, 9, 9, 10, 10, 1,
      ])
    },
  )

  test('gives results of every kind', async () => {
    const { printed } = await runDriver(
      `const count = $out(0n)
      $ddi('KeQueryTickCount')(1, count)
      print('%', count.value === -3n)
      $ddi('KeQueryTickCount')(1, null)
      const p = $ddi('ExAllocatePoolWithTag')(1, 0, 16, 0)
      print('%', p === null)
      print('%', $eq($ddi('IoGetCurrentIrpStackLocation')(1, a), a))
      print('%', $ddi('PsGetCurrentProcessId')(1), $ddi('KeQueryPerformanceCounter')(1) === 0xFFFFFFFFFFFFFFFFn)
      print('%', $ddi('IoCompleteRequest')(1, a, 0) === undefined)
      // Memory as the place of a result is the kernel's to write.
      $ddi('KeQueryTickCount')(1, a)`,
      {
        args: (k) => [k.allocate(64), 0, 0],
        prepare: (k) => {
          const given: number[] = []
          k.handlers.KeQueryTickCount = (args) => {
            given.push(args.out(0))
            return { outs: args.out(0) === -1 ? [-3n] : [] }
          }
          k.handlers.ExAllocatePoolWithTag = () => 0
          k.handlers.IoGetCurrentIrpStackLocation = (args) => args.int(0)
          k.handlers.PsGetCurrentProcessId = () => -4
          k.handlers.KeQueryPerformanceCounter = () => 2n ** 64n - 1n
        },
      },
    )
    expect(printed).toEqual(['% 1', '% 1', '% 1', '% -4 1', '% 1'])
  })

  test('many strings: each arrives whole', async () => {
    const seen: string[] = []
    const { kernel } = await runDriver(
      `const f = $ddi('RtlInitUnicodeString')
      for (let round = 0; round < 2; round++)
        for (let i = 0; i < 3000; i++) f(1, null, 'text ' + i)
      let long = 'x'
      for (let i = 0; i < 15; i++) long += long
      f(1, null, long); f(1, null, long + 'y'); f(1, null, ''); f(1, null, long + long + long)`,
      {
        prepare: (k) =>
          void (k.handlers.RtlInitUnicodeString = (args) => void seen.push(args.text(1)!)),
      },
    )
    expect(kernel.failures).toEqual([])
    expect(seen.slice(0, 6000)).toEqual(
      [0, 1].flatMap(() => Array.from({ length: 3000 }, (_, i) => `text ${i}`)),
    )
    expect(seen.slice(6000).map((text) => text.length)).toEqual([32768, 32769, 0, 65536])
    expect(seen[6001]!.endsWith('xy')).toBe(true)
  })

  test('with a pointer where none can be is an error of the script', async () => {
    for (const code of [
      `$ddi('IoCompleteRequest')(1, 5, 0)`,
      `$ddi('IoCompleteRequest')(1, null, a)`,
      `$ddi('KeInitializeDpc')(1, null, () => 1, null)`,
      `$ddi('KeQueryTickCount')(1, 5)`,
      `$ddi('NoSuchRoutine')`,
      `$type('NoSuchType')`,
    ]) {
      const { kernel } = await runDriver(code, { args: (k) => [k.allocate(16), 0, 0] })
      expect(kernel.failures).toMatchObject([
        { kind: 'script', at: { file: 'driver.ts', line: 1 } },
      ])
    }
  })
})

describe('frames', () => {
  test('a suspended routine gives its result and its out parameters when it is resumed', async () => {
    const reports: Report[] = []
    const { kernel } = await runDriver(
      `${names('IoCreateDevice DbgPrint')}
      $x.DriverEntry = $f(1, function* (driver) {
        const device = $out(null)
        const status = ($t = IoCreateDevice(1, driver, 0, null, 0, 0, false, device)) === $S ? yield : $t
        DbgPrint(2, '%', status === 0x80000005, $eq(device.value, driver))
        return status
      })`,
      {
        raw: true,
        prepare: (k) => {
          k.handlers.IoCreateDevice = () => ({ suspend: true })
        },
        *script(k, entry): Script {
          const block = k.allocate(64)
          reports.push(yield k.start(entry, 'DRIVER_DISPATCH', [block, 0], 5))
          reports.push(yield k.resume(5, 0x80000005, outAt(6, block)))
        },
      },
    )
    expect(kernel.failures).toEqual([])
    expect(reports).toMatchObject([
      { what: 'suspended', frame: 5, loop: 0 },
      { what: 'returned', frame: 5, value: 0x80000005 | 0 },
    ])
  })

  test('an exception can be raised in a suspended frame', async () => {
    const reports: Report[] = []
    await runDriver(
      `${names('KeDelayExecutionThread')}
      $x.DriverEntry = $f(1, function* () {
        try {
          ($t = KeDelayExecutionThread(1, 0, false, null)) === $S ? yield : $t
        } catch (e) {
          $catch(e)
          return $code(e)
        }
        return 1
      })`,
      {
        raw: true,
        prepare: (k) => void (k.handlers.KeDelayExecutionThread = () => ({ suspend: true })),
        *script(k, entry): Script {
          yield k.start(entry, 'DRIVER_DISPATCH', [0, 0], 1)
          reports.push(yield { op: 'throw', frame: 1, code: 0xc0000022 })
        },
      },
    )
    expect(reports).toMatchObject([{ what: 'returned', value: 0xc0000022 | 0 }])
  })

  test('any order of resumption gives every frame its own results', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { minLength: 50, maxLength: 50 }), async (order) => {
        const FRAMES = 40
        const results = new Map<number, number>()
        await runDriver(
          `${names('KeDelayExecutionThread')}
          function* inner(n) { return n + (($t = KeDelayExecutionThread(1, 0, false, null)) === $S ? yield : $t) }
          $x.DriverEntry = $f(1, function* (irp) {
            let sum = 0
            for (let i = 0; i < 3; i++) sum += yield* inner(i)
            return sum
          })`,
          {
            raw: true,
            prepare: (k) => void (k.handlers.KeDelayExecutionThread = () => ({ suspend: true })),
            *script(k, entry): Script {
              const waiting: { frame: number; turn: number }[] = []
              for (let frame = 1; frame <= FRAMES; frame++) {
                yield k.start(entry, 'DRIVER_DISPATCH', [0, 0], frame)
                waiting.push({ frame, turn: 0 })
              }
              for (let step = 0; waiting.length > 0; step++) {
                const at = order[step % order.length]! % waiting.length
                const { frame, turn } = waiting[at]!
                const report = yield k.resume(frame, frame * 100 + turn)
                expect(report.frame).toBe(frame)
                if (report.what === 'returned') {
                  results.set(frame, report.value)
                  waiting.splice(at, 1)
                } else waiting[at]!.turn++
              }
            },
          },
        )
        for (let frame = 1; frame <= FRAMES; frame++)
          expect(results.get(frame)).toBe(frame * 300 + 3 + 3)
      }),
      { numRuns: 5 },
    )
  })

  test('a dropped frame runs no further, not even its finally', async () => {
    const { kernel, printed } = await runDriver(
      `${names('KeDelayExecutionThread DbgPrint')}
      $x.DriverEntry = $f(1, function* () {
        try { ($t = KeDelayExecutionThread(1, 0, false, null)) === $S ? yield : $t } finally { DbgPrint(1, 'finally') }
      })`,
      {
        raw: true,
        prepare: (k) => void (k.handlers.KeDelayExecutionThread = () => ({ suspend: true })),
        *script(k, entry): Script {
          yield k.start(entry, 'DRIVER_DISPATCH', [0, 0], 3)
          yield { op: 'discard', frame: 3 }
        },
      },
    )
    expect(printed).toEqual([])
    expect(kernel.failures).toEqual([])
  })

  test('loops yield when their quantum is spent', async () => {
    const reports: Report[] = []
    const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
    const kernel = new FakeKernel(sandbox.backing)
    const unit = sandbox.load({
      ...unitOf(`${NAMES}
      $x.DriverEntry = $f(1, function* () {
        let q = $Q, n = 0
        for (let i = 0; i < 5000; i++) { n += i; if (--q <= 0) { q = $Q; yield 12 } }
        return n
      })`),
      locationBase: 1000,
    })
    kernel.play(function* (k) {
      const { value } = yield k.load(unit)
      reports.push(yield k.start(value, 'DRIVER_DISPATCH', [0, 0], 1))
      reports.push(yield k.resume(1))
      reports.push(yield k.resume(1))
    })
    sandbox.run(kernel)
    const yielded = { what: 'suspended', loop: 1012, backEdges: LOOP_QUANTUM }
    expect(reports).toMatchObject([
      yielded,
      yielded,
      { what: 'returned', value: 12_497_500, backEdges: 0 },
    ])
  })

  test('results take the form that the callback has', async () => {
    const values: number[] = []
    await runDriver(
      `${NAMES}
      let turn = 0
      $x.DriverEntry = $f(1, function* (a, b) {
        switch (turn++) {
          case 0: return 0xC0000001
          case 1: return undefined
          case 2: return true
          case 3: return b
          case 4: return null
        }
      })`,
      {
        raw: true,
        *script(k, entry): Script {
          values.push((yield k.start(entry, 'DRIVER_DISPATCH', [0, 0])).value)
          values.push((yield k.start(entry, 'DRIVER_UNLOAD', [0])).value)
          values.push((yield k.start(entry, 'DRIVER_DISPATCH', [0, 0])).value)
          values.push((yield k.start(entry, 'CSQ_PEEK_NEXT_IRP', [0, 77, 0])).value)
          values.push((yield k.start(entry, 'CSQ_PEEK_NEXT_IRP', [0, 77, 0])).value)
        },
      },
    )
    expect(values).toEqual([0xc0000001 | 0, 0, 1, 77, 0])
  })

  test('a call through a pointer of the kernel goes to the kernel', async () => {
    const { printed } = await runDriver(
      `const driver = $lang.cast($type('DRIVER_OBJECT'), a)
      const hook = driver.MajorFunction.$g(3)
      print('%', (yield* $call(5, hook, [a, 7n, 'x'])) === 0xC0000010)
      print('%', yield* $call(5, hook, []))
      print('%', $eq(hook, driver.MajorFunction.$g(3)), hook === driver.MajorFunction.$g(3))
      driver.MajorFunction.$s(4, hook)
      driver.MajorFunction.$s(5, $ddi('IoCompleteRequest'))
      print('%', $eq(driver.MajorFunction.$g(4), hook), $eq(driver.MajorFunction.$g(5), $ddi('IoCompleteRequest')))`,
      {
        args: (k) => {
          const block = k.allocate(0x150)
          k.memory.setPtr(block + 0x70 + 3 * 8, k.routineAddress(100))
          return [block, 0, 0]
        },
        prepare: (k) => {
          k.foreign = (address, args, count) => {
            expect(address).toBe(k.routineAddress(100))
            if (count === 0) return 5
            expect(args.varargs(0)).toMatchObject([
              { k: 'ptr' },
              { k: 'int', v: 7n },
              { k: 'str', v: 'x' },
            ])
            return 0xc0000010
          }
        },
      },
    )
    expect(printed).toEqual(['% 1', '% 5', '% 1 1', '% 1 1'])
  })
})

describe('exceptions', () => {
  test('raised by a routine reach catch and finally as __try does', async () => {
    const { printed, report } = await runDriver(
      `const raise = $ddi('ExRaiseStatus')
      try {
        try { raise(1, 0xC0000005) } finally { print('finally') }
      } catch (e) { $catch(e); print('%', $code(e) === 0xC0000005, $alive()) }
      raise(2, 0xC0000094)`,
      {
        prepare: (k) => void (k.handlers.ExRaiseStatus = (args) => ({ throw: args.int(0) >>> 0 })),
      },
    )
    expect(printed).toEqual(['finally', '% 1 1'])
    expect(report).toMatchObject({ what: 'threw', code: 0xc0000094 })
  })

  test('a division by zero tells the kernel where it is', async () => {
    const { printed, report, kernel } = await runDriver(
      `const f = (a, b) => $mod(a, b)
      try { $div(1n, 0n) } catch (e) { $catch(e); print('%', $code(e) === 0xC0000094) }

      f(1, 0)`,
    )
    expect(printed).toEqual(['% 1'])
    expect(report).toMatchObject({ what: 'threw', code: 0xc0000094 })
    expect(kernel.raised.map(({ code, at }) => [code, at?.line])).toEqual([
      [0xc0000094, 2],
      [0xc0000094, 1],
    ])
  })

  test('errors of the script are not for driver code to handle', async () => {
    const { printed, kernel } = await runDriver(
      `try { a.b.c } catch (e) { $catch(e); print('handled') } finally { if ($alive()) print('finally') }`,
    )
    expect(printed).toEqual([])
    expect(kernel.failures).toMatchObject([
      {
        kind: 'script',
        message: expect.stringContaining('cannot read property'),
        at: { file: 'driver.ts', line: 1 },
      },
    ])
  })

  test('a bug check passes every catch and finally', async () => {
    const { printed, kernel, outcome } = await runDriver(
      `function* f() {
        try { $ddi('KeBugCheck')(1, 0xE2) } catch { print('caught') } finally { print('finally') }
      }
      for (;;) try { yield* f() } catch { print('caught') } finally { print('finally'); continue }`,
      { prepare: (k) => void (k.handlers.KeBugCheck = () => ({ dead: true })) },
    )
    expect(outcome).toBe('end')
    expect(printed).toEqual([])
    expect(kernel.reports.at(-1)?.what).toBe('died')
  })
})

describe('limits', () => {
  test.each([
    ['generators', 'function* f(n) { return 1 + (yield* f(n + 1)) }; yield* f(0)'],
    ['functions', 'function f(n) { return 1 + f(n + 1) }; f(0)'],
    ['getters', 'const o = { get x() { return o.x } }; o.x'],
    ['conversions', 'const o = { toString() { return `${o}` } }; `${o}`'],
    ['spread', 'function f(...x) { return f(...x, 1) }; f()'],
  ])('too deep calls of %s are reported with their place', async (_name, code) => {
    const { kernel, printed, outcome } = await runDriver(
      `\n try { ${code} } catch (e) { $catch(e); print('handled') } finally { if ($alive()) print('finally') }`,
    )
    expect(outcome).toBe('end')
    expect(kernel.failures).toMatchObject([{ kind: 'stack', at: { file: 'driver.ts', line: 2 } }])
    expect(printed).toEqual([])
  })

  test('they are an exception in user mode', async () => {
    const { report, kernel } = await runDriver('function* f() { yield* f() }; yield* f()', {
      kind: 'client',
      names: ['main'],
    })
    expect(kernel.failures).toEqual([])
    expect(report).toMatchObject({ what: 'threw', code: 0xc00000fd })
  })

  test('there is room for the kernel on top of the deepest calls', async () => {
    let deepest = 0
    const { kernel } = await runDriver(
      `const tick = $ddi('KeQueryTickCount')
      function* f(n) { tick(1, null); return 1 + (yield* f(n + 1)) }
      yield* f(0)`,
      {
        prepare: (k) => {
          k.handlers.KeQueryTickCount = () => {
            deepest++
            // As deep as the kernel's own calls ever go, and more.
            const recurse = (n: number): number => (n === 0 ? 0 : 1 + recurse(n - 1))
            recurse(500)
          }
        },
      },
    )
    expect(deepest).toBeGreaterThan(200)
    expect(kernel.failures).toMatchObject([{ kind: 'stack' }])
  })

  test.each([
    ['array', 'const all = []; for (;;) all.push(0)'],
    ['objects', 'let all = null; for (;;) all = { all }'],
    ['text', "let s = 'x'; for (;;) s += s"],
    ['bigint', 'const all = []; for (let n = 1n; ; n <<= 1000n) all.push(n)'],
    ['closures', 'const all = []; for (;;) all.push($f(1, function* () {}))'],
    ['spread', 'let all = [0]; for (;;) all = [...all, ...all]'],
  ])('memory: %s', async (_name, code) => {
    const { kernel, printed, outcome } = await runDriver(
      `try { ${code} } catch (e) { $catch(e); print('handled') } finally { if ($alive()) print('finally') }`,
      { heapBytes: 8 << 20 },
    )
    expect(outcome).toBe('end')
    expect(kernel.failures).toMatchObject([{ kind: 'memory' }])
    expect(printed).toEqual([])
  })

  test.each([
    ['loop', 'for (;;);'],
    ['loop around try', 'for (;;) try { continue } finally { continue }'],
    ['recursion in a tree', 'function f(n) { return n > 60 ? 0 : f(n + 1) + f(n + 1) }; f(0)'],
    ['catch of everything', 'for (;;) try { for (;;); } catch { }'],
  ])('code that never yields: %s', async (_name, code) => {
    const { kernel, outcome } = await runDriver(`\n\n${code}`, { interruptsMax: 50 })
    expect(outcome).toBe('end')
    // The engine knows the line of calls only, so that of a bare loop is where its function starts.
    expect(kernel.failures).toMatchObject([{ kind: 'endless', at: { file: 'driver.ts' } }])
  })

  test('the place where it is stopped does not depend on time', async () => {
    const end = async (): Promise<bigint> => {
      const { kernel } = await runDriver(`const p = a.u64; for (let i = 0; ; i++) p.$s(0, i)`, {
        interruptsMax: 20,
        args: (k) => [k.allocate(16), 0, 0],
      })
      return kernel.memory.u64(kernel.allocate(16) - 16)
    }
    const first = await end()
    expect(first).toBeGreaterThan(1000n)
    expect(await end()).toBe(first)
  })

  test('code that is nested too deeply is refused', async () => {
    const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    expect(() => sandbox.load(unitOf(`return ${deep}`))).toThrow(CodeTooLarge)
  })
})

describe('loading', () => {
  test('modules see the exports of those they import, also changing ones', async () => {
    const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
    const kernel = new FakeKernel(sandbox.backing)
    const unit = sandbox.load({
      program: { functions: [null, { name: 'DriverEntry', file: 'driver.ts', location: 1 }] },
      entry: {
        entry: 'driver.ts',
        kind: 'driver',
        main: 'DriverEntry',
        modules: [
          {
            file: 'lib/count.ts',
            imports: ['driver.ts'],
            code: `(function($rt,$m,$x){'use strict';let n = 1;$rt.$live($x, 'n', () => n);$x.bump = () => { n++ };$x.other = () => $m[0].value})`,
          },
          {
            file: 'driver.ts',
            imports: ['lib/count.ts'],
            code: `(function($rt,$m,$x){'use strict';const [count] = $m;$x.value = 40;
              $x.DriverEntry = $rt.$f(1, function* () { count.bump(); return count.n + count.other() })})`,
          },
        ],
      },
    })
    let first = 0
    let second = 0
    kernel.play(function* (k) {
      const one = yield k.load(unit, 1)
      yield k.start(one.value, 'DRIVER_DISPATCH', [0, 0])
      first = (yield k.start(one.value, 'DRIVER_DISPATCH', [0, 0])).value
      // A second load has state of its own.
      const two = yield k.load(unit, 2)
      second = (yield k.start(two.value, 'DRIVER_DISPATCH', [0, 0])).value
    })
    sandbox.run(kernel)
    expect(kernel.failures).toEqual([])
    expect([first, second]).toEqual([43, 42])
    expect([...kernel.functions.values()].map(({ image, name }) => [image, name])).toEqual([
      [1, 'DriverEntry'],
      [2, 'DriverEntry'],
    ])
  })

  test('a unit without its entry function loads as address 0', async () => {
    const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
    const kernel = new FakeKernel(sandbox.backing)
    const unit = sandbox.load(unitOf('$x.other = 1'))
    let value = -1
    kernel.play(function* (k) {
      value = (yield k.load(unit)).value
    })
    sandbox.run(kernel)
    expect(value).toBe(0)
  })

  test('an exception while modules are evaluated is one of the load', async () => {
    const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
    const kernel = new FakeKernel(sandbox.backing)
    const unit = sandbox.load(unitOf(`$rt.$null('IRP').Flags`))
    let report: Report | null = null
    kernel.play(function* (k) {
      report = yield k.load(unit)
    })
    sandbox.run(kernel)
    expect(report).toMatchObject({ what: 'threw', code: ACCESS_VIOLATION })
  })

  test('a function of another image runs as code of that image', async () => {
    const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
    const kernel = new FakeKernel(sandbox.backing)
    const lower = sandbox.load({
      ...unitOf(
        `${NAMES}const init = $ddi('KeInitializeDpc'), mark = $ddi('KeQueryTickCount');let $t
        $x.DriverEntry = $f(1, function* (driver) {
          driver.MajorFunction.$s(0, $f(2, function* Lower(device, irp) {
            mark(10, null)
            init(11, null, $f(3, function* LowerDpc() {}), null)
            yield 12
            const t = (($t = mark(13, null)) === $S ? yield : $t)
            return 77
          }))
          return 0
        })`,
        ['DriverEntry', 'Lower', 'LowerDpc'],
      ),
      locationBase: 100,
    })
    const upper = sandbox.load({
      ...unitOf(
        `${NAMES}const init = $ddi('KeInitializeDpc'), mark = $ddi('KeQueryTickCount')
        $x.DriverEntry = $f(1, function* (driver) {
          const value = yield* $call(20, driver.MajorFunction.$g(0), [null, null])
          mark(21, null)
          init(22, null, $f(2, function* UpperDpc() {}), null)
          return value
        })`,
        ['DriverEntry', 'UpperDpc'],
      ),
      locationBase: 200,
    })
    const reports: Report[] = []
    kernel.handlers.KeQueryTickCount = () =>
      kernel.calls.filter(({ name }) => name === 'KeQueryTickCount').length === 2
        ? { suspend: true }
        : undefined
    kernel.play(function* (k) {
      const driver = k.allocate(0x150)
      const a = yield k.load(lower, 1)
      yield k.start(a.value, 'DRIVER_INITIALIZE', [driver, 0])
      const b = yield k.load(upper, 2)
      reports.push(yield k.start(b.value, 'DRIVER_INITIALIZE', [driver, 0], 9))
      reports.push(yield k.resume(9))
      reports.push(yield k.resume(9))
    })
    sandbox.run(kernel)
    expect(kernel.failures).toEqual([])
    expect(reports).toMatchObject([
      { what: 'suspended', loop: 112 },
      { what: 'suspended', loop: 0 },
      { what: 'returned', value: 77 },
    ])
    expect(kernel.calls.map(({ location }) => location)).toEqual([110, 111, 113, 221, 222])
    expect([...kernel.functions.values()].map(({ image, name }) => `${image} ${name}`)).toEqual([
      '1 DriverEntry',
      '1 Lower',
      '2 DriverEntry',
      '1 LowerDpc',
      '2 UpperDpc',
    ])
  })
})

describe('the host', () => {
  test('can leave the loop and enter it again', async () => {
    const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
    const kernel = new FakeKernel(sandbox.backing)
    const unit = sandbox.load(
      unitOf(
        `$x.DriverEntry = $rt.$f(1, function* () { let n = 0; while (n < 5) { n++; yield 1 }; return n })`,
      ),
    )
    let value = 0
    kernel.play(function* (k) {
      const loaded = yield k.load(unit)
      yield { op: 'pause' }
      let report = yield k.start(loaded.value, 'DRIVER_DISPATCH', [0, 0], 1)
      while (report.what === 'suspended') report = yield k.resume(1)
      value = report.value
    })
    let slices = 0
    let asked = 0
    while (sandbox.run(kernel, { pause: () => asked++ % 3 === 2 }) === 'pause') slices++
    expect(value).toBe(5)
    expect(slices).toBeGreaterThan(3)
    // A report is delivered once, however often the loop is left.
    expect(kernel.reports.filter(({ what }) => what === 'returned')).toHaveLength(2)
    expect(() => sandbox.run(kernel)).toThrow(SimulatorBug)
  })

  test('gets what the kernel throws, and the sandbox is dead', async () => {
    for (const where of ['ddi', 'next'] as const) {
      const sandbox = await createSandbox({ routines: FAKE_ROUTINES, label: 'seed 7' })
      const kernel = new FakeKernel(sandbox.backing)
      const unit = sandbox.load(
        unitOf(`$x.DriverEntry = $rt.$f(1, function* () {
          for (;;) try { $rt.$ddi('IoCompleteRequest')(1, null, 0) } catch {} finally { continue }
        })`),
      )
      const cause = new Error('the sky fell')
      kernel.handlers.IoCompleteRequest = () => {
        if (where === 'ddi') throw cause
        return { suspend: true }
      }
      kernel.play(function* (k) {
        const loaded = yield k.load(unit)
        if (where === 'next') throw cause
        yield k.start(loaded.value, 'DRIVER_DISPATCH', [0, 0])
      })
      let thrown: unknown
      try {
        sandbox.run(kernel)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(SimulatorBug)
      expect(thrown).toMatchObject({ message: 'simulator fault (seed 7): the sky fell', cause })
      expect(() => sandbox.run(kernel)).toThrow('the sandbox is dead')
      expect(() => sandbox.load(unitOf(''))).toThrow('the sandbox is dead')
    }
  })

  test('an instance shares nothing with the next', async () => {
    const first = await runDriver('', {})
    const second = await runDriver('', {})
    expect(first.sandbox.backing.physical.buffer).not.toBe(second.sandbox.backing.physical.buffer)
    first.kernel.memory.setU32(first.kernel.allocate(4), 0x1234)
    expect(second.kernel.memory.u32(second.kernel.allocate(4))).toBe(0)
  })

  test('150 runs leave nothing behind', async () => {
    const megabytes = (): number => process.memoryUsage().rss / 2 ** 20
    const code = unitOf(`$x.DriverEntry = $rt.$f(1, function* (a) {
      for (let i = 0; i < 100; i++) a.u8.$s(i, i)
    })`)
    const once = async (): Promise<void> => {
      const sandbox = await createSandbox({ routines: FAKE_ROUTINES })
      const kernel = new FakeKernel(sandbox.backing)
      const unit = sandbox.load(code)
      kernel.play(function* (k) {
        const { value } = yield k.load(unit)
        yield k.start(value, 'DRIVER_DISPATCH', [k.allocate(256), 0])
      })
      sandbox.run(kernel)
      sandbox.dispose()
    }
    for (let i = 0; i < 50; i++) await once()
    const before = megabytes()
    let most = 0
    for (let i = 0; i < 150; i++) {
      await once()
      most = Math.max(most, megabytes())
    }
    // A run touches some 5 MiB of its sandbox: kept, 150 of them would be 750 MiB.
    expect(most - before).toBeLessThan(400)
  })
})
