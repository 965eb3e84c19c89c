import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LAYOUTS } from '../../../shared/nt/layout'
import { PTE, REGIONS } from '../../kernel/mm/layout'
import type { FakeKernel } from './testing/fake-kernel'
import { runDriver, type RunRequest } from './testing/run'

const ACCESS_VIOLATION = 0xc000_0005

/** Run with one block of zeroed memory as the first argument. */
async function withBlock(body: string, request: RunRequest = {}) {
  let block = 0
  const result = await runDriver(body, {
    ...request,
    args: (kernel) => [(block = kernel.allocate(0x400)), 0, 0],
  })
  expect(result.kernel.failures).toEqual([])
  return { ...result, block }
}

describe('fields', () => {
  test('each width reads back what was written, wrapped as in C', async () => {
    const { printed, kernel, block } = await withBlock(`
      const T = $lang.struct('T', {
        a: $type('UCHAR'), b: $type('CHAR'), c: $type('USHORT'), d: $type('SHORT'), e: $type('ULONG'),
        f: $type('LONG'), g: $type('ULONGLONG'), h: $type('LONGLONG'), i: $type('HANDLE'), j: $type('BOOLEAN'),
      })
      const t = $lang.cast(T, a)
      t.a = 0x1FF; t.b = 0x80; t.c = 0x12345; t.d = 0xFFFF; t.e = -1; t.f = 0x80000000
      t.g = -1n; t.h = 0xFFFFFFFFFFFFFFFFn; t.i = -4; t.j = true
      print('%', t.a, t.b, t.c, t.d, t.e, t.f, t.g, t.h, t.i, t.j)
      t.g = 5; t.h = -5; t.j = 7
      print('%', t.g, t.h, t.j, $lang.sizeof(T), $lang.sizeof(t), $lang.offsetof(T, 'h'))`)
    expect(printed).toEqual([
      // 64-bit values travel to DbgPrint as their bits.
      '% 255 -128 9029 -1 4294967295 -2147483648 -1 -1 -4 1',
      '% 5 -5 1 48 48 24',
    ])
    expect(kernel.memory.u64(block + 16)).toBe(5n)
    expect(kernel.memory.i32(block + 12)).toBe(-2147483648)
  })

  test('64-bit reads are unsigned or signed bigints', async () => {
    const { printed } = await withBlock(`
      a.u64.$s(0, -1n)
      print(a.u64.$g(0) === 0xFFFFFFFFFFFFFFFFn ? 'unsigned' : 'signed')
      const l = $lang.cast($type('LARGE_INTEGER'), a)
      print(l.QuadPart === -1n ? 'signed' : 'unsigned')
      l.QuadPart = 0x100000002
      print('%', l.LowPart, l.HighPart)`)
    expect(printed).toEqual(['unsigned', 'signed', '% 2 1'])
  })

  test('structures of the kernel lie where Windows has them', async () => {
    const { kernel, block } = await withBlock(
      `
      const irp = $lang.cast($type('IRP'), a)
      irp.IoStatus.Status = 0xC0000010
      irp.IoStatus$Information = 12n
      irp.Cancel = true
      irp.Tail.Overlay.DriverContext.$s(2, a)
      irp.Tail$Overlay$ListEntry$Flink = irp.Tail.Overlay.ListEntry
      irp.CancelRoutine = $f(2, function* cancel() {})`,
      { names: ['DriverEntry', 'cancel'] },
    )
    const { memory } = kernel
    expect(memory.u32(block + 0x30)).toBe(0xc0000010)
    expect(memory.u64(block + 0x38)).toBe(12n)
    expect(memory.u8(block + 0x44)).toBe(1)
    expect(memory.ptr(block + 0x78 + 16)).toBe(block)
    expect(memory.ptr(block + 0xa8)).toBe(block + 0xa8)
    expect(kernel.functions.get(memory.ptr(block + 0x68))?.name).toBe('cancel')
  })

  test('every field of every structure can be read by both of its names', async () => {
    const paths = Object.values(LAYOUTS).flatMap(({ name, size, fields }) =>
      size > 0x400 ? [] : fields.map((field) => [name, field.path, field.count ?? 0] as const),
    )
    expect(paths.length).toBeGreaterThan(400)
    const lines = paths.map(([name, path, count]) => {
      const cast = `$lang.cast($type('${name}'), a)`
      const index = count > 0 ? '.$g(0)' : ''
      const joined = path.replaceAll('.', '$')
      return `same('${name}.${path}', ${cast}.${path}${index}, ${cast}.${joined}${index})`
    })
    const { printed } = await withBlock(`
      let n = 0
      function same(name, x, y) {
        n++
        if (x === undefined || !$eq(x, y)) print('differs: ' + name)
      }
      ${lines.join('\n')}
      print('%', n)`)
    expect(printed).toEqual([`% ${paths.length}`])
  })

  test('bit fields share their storage unit', async () => {
    const { printed, kernel, block } = await withBlock(`
      const h = $lang.cast($type('POOL_HEADER'), a)
      h.PreviousSize = 0x1FF; h.PoolIndex = 2; h.BlockSize = 3; h.PoolType = 0x104
      print('%', h.PreviousSize, h.PoolIndex, h.BlockSize, h.PoolType)
      h.PoolIndex = 0
      print('%', h.PreviousSize, h.PoolIndex)`)
    expect(printed).toEqual(['% 255 2 3 4', '% 255 0'])
    expect(kernel.memory.u32(block)).toBe(0x0403_00ff)
  })

  test('embedded structures are copied by assignment, LARGE_INTEGER also takes numbers', async () => {
    const { kernel, block } = await withBlock(`
      const irp = $lang.cast($type('IRP'), a)
      const other = $local($type('IO_STATUS_BLOCK'), undefined)
      other.Status = 5; other.Information = 6
      irp.IoStatus = other
      irp.Overlay.AllocationSize = -3`)
    expect(kernel.memory.u32(block + 0x30)).toBe(5)
    expect(kernel.memory.u64(block + 0x38)).toBe(6n)
    expect(kernel.memory.i64(block + 0x58)).toBe(-3n)
  })
})

describe('own structures', () => {
  test('have the layout of C', async () => {
    const { printed, kernel, block } = await withBlock(`
      const Inner = $lang.struct('Inner', { x: $type('UCHAR'), y: $type('USHORT') })
      const S = $lang.struct('S', {
        Tag: $type('UCHAR'), Inner: Inner, Bytes: $lang.array($type('UCHAR'), 5), Lock: $type('KSPIN_LOCK'),
        Event: $type('KEVENT'), Next: $type('PVOID'), Self: $lang.pointer(Inner), Words: $lang.array($type('PVOID'), 2),
      })
      print('%', $lang.sizeof(S), $lang.offsetof(S, 'Inner.y'), $lang.offsetof(S, 'Bytes[3]'), $lang.offsetof(S, 'Lock'),
        $lang.offsetof(S, 'Event.Header.WaitListHead'), $lang.offsetof(S, 'Words[1]'))
      const s = $lang.cast(S, a)
      s.Inner.y = 7
      s.Bytes.$s(4, 9)
      s.Next = s; s.Self = s.Inner; s.Words.$s(1, s.Event)
      print('%', s.Inner.y, s.Bytes.$g(4), s.Bytes.length, $lang.sizeof(s.Bytes), $eq(s.Next, a), $eq(s.Words.$g(1), s.Event), s.Self.y)
      print('%', $eq($lang.CONTAINING_RECORD(s.Inner, S, 'Inner'), a), $eq($addr(s, 'Inner.y'), a.add(4)))`)
    expect(printed).toEqual(['% 80 4 9 16 32 72', '% 7 9 5 5 1 1 7', '% 1 1'])
    expect(kernel.memory.u16(block + 4)).toBe(7)
  })

  test('a wrong declaration is an error of the script', async () => {
    const { kernel } = await runDriver(`$lang.struct('S', { x: 5 })`)
    expect(kernel.failures).toMatchObject([
      { kind: 'script', message: 'S.x: a field needs a type of known size' },
    ])
  })
})

describe('faults', () => {
  test('NULL faults at the offset of the field, at its line, and can be caught', async () => {
    const { kernel, printed } = await withBlock(`
      const p = null
      try {
        (p ?? $null('IRP')).IoStatus$Status
      } catch (e) {
        $catch(e)
        print('%', $code(e) === ${ACCESS_VIOLATION})
      }
      try {
        (p ?? $null('IO_STACK_LOCATION')).Parameters$DeviceIoControl$IoControlCode = 1
      } catch (e) {
        $catch(e)
        print('%', $code(e) === ${ACCESS_VIOLATION})
      }
      try { (p ?? $null('')).u32.$g(2) } catch (e) { $catch(e) }
      try { (p ?? $null('*2')).$s(3, 1) } catch (e) { $catch(e) }`)
    expect(printed).toEqual(['% 1', '% 1'])
    expect(kernel.faults).toMatchObject([
      { index: 0x30, kind: 'read', at: { file: 'driver.ts', line: 4 } },
      { index: 0x18, kind: 'write', at: { file: 'driver.ts', line: 10 } },
      { index: 8, kind: 'read' },
      { index: 6, kind: 'write' },
    ])
  })

  test("NULL of a structure of one's own faults at its offset, too", async () => {
    const { kernel } = await withBlock(`
      const S = $lang.struct('S', { a: $type('ULONG'), b: $type('UCHAR') })
      try { (null ?? $null('S')).b = 1 } catch (e) { $catch(e) }`)
    expect(kernel.faults).toMatchObject([{ index: 4, kind: 'write' }])
  })

  test('an uncaught fault leaves the frame', async () => {
    const { report } = await withBlock(`(null ?? $null('IRP')).Flags`)
    expect(report).toMatchObject({ what: 'threw', code: ACCESS_VIOLATION })
  })

  test('a fault that stops the machine passes every catch and finally', async () => {
    const { printed, outcome, kernel, report } = await withBlock(
      `try { (null ?? $null('IRP')).Flags } catch (e) { print('caught') } finally { print('finally') }`,
      { prepare: (k) => (k.onFault = 'dead') },
    )
    expect(outcome).toBe('end')
    expect(printed).toEqual([])
    expect(report).toBeNull()
    expect(kernel.reports.at(-1)?.what).toBe('died')
  })

  test('wild pointers keep their address', async () => {
    const { kernel, printed } = await withBlock(`
      a.u64.$s(0, 0x4141414141414141n)
      const p = $lang.cast($lang.struct('P', { p: $type('PVOID') }), a).p
      print($lang.cast($type('ULONG_PTR'), p) === 0x4141414141414141n ? 'same' : 'other')
      print($lang.cast($type('ULONG_PTR'), p.add(0x10)) === 0x4141414141414151n ? 'same' : 'other')
      print($eq($lang.cast($type('PVOID'), 0x4141414141414141n), p) ? 'equal' : 'not')
      a.u64.$s(1, 0n)
      $lang.cast($lang.struct('P', { p: $type('PVOID'), q: $type('PVOID') }), a).q = p.add(1)
      print(a.u64.$g(1) === 0x4141414141414142n ? 'written' : 'not')
      try { p.u8.$g(2) } catch (e) { $catch(e) }`)
    expect(printed).toEqual(['same', 'same', 'equal', 'written'])
    expect(kernel.memory.address(kernel.faults[0]!.index)).toBe(0x4141414141414143n)
  })

  test('unaligned and page-crossing accesses work where the pages allow them', async () => {
    const page = REGIONS.nonpagedPool.start + 0x3000
    const { printed, kernel } = await runDriver(
      `const p = a.add(-3)
      p.u32.$s(0, 0xA1B2C3D4)
      print('%', p.u32.$g(0) === 0xA1B2C3D4, p.u8.$g(3), p.u16.$g(1))
      const q = a.add(1)
      q.u64.$s(0, 0x1122334455667788n)
      print('%', q.u64.$g(0) === 0x1122334455667788n)
      const P = $lang.struct('P', { p: $type('PVOID') })
      const at = $lang.cast(P, q)
      at.p = a
      print('%', $eq(at.p, a))`,
      { args: () => [page, 0, 0] },
    )
    expect(printed).toEqual(['% 1 161 41394', '% 1', '% 1'])
    expect(kernel.faults).toEqual([])
  })

  test('a write across the end of what is mapped changes nothing', async () => {
    const end = REGIONS.nonpagedPool.start + (256 << 12)
    const { kernel } = await runDriver(`try { a.add(-2).u32.$s(0, -1) } catch (e) { $catch(e) }`, {
      args: () => [end, 0, 0],
    })
    expect(kernel.faults).toMatchObject([{ index: end, kind: 'write' }])
    expect(kernel.memory.u16(end - 2)).toBe(0)
  })

  test('pages that may only be read cannot be written', async () => {
    const { kernel, printed } = await withBlock(
      `
      print('%', a.u8.$g(0))
      try { a.u8.$s(0, 1) } catch (e) { $catch(e); print('refused') }`,
      {
        prepare: (k) => k.memory.protect(REGIONS.nonpagedPool.start + 0x1000, 1, PTE.read),
      },
    )
    expect(printed).toEqual(['% 0', 'refused'])
    expect(kernel.faults).toMatchObject([{ kind: 'write' }])
  })

  test('user code sees only user pages', async () => {
    let kernelBlock = 0
    let userBlock = 0
    let last: unknown
    const { kernel, printed } = await runDriver(
      `a.u8.$s(0, 1)
      print('%', a.u8.$g(0))
      const P = $lang.struct('P', { pad: $type('PVOID'), secret: $type('PVOID') })
      try { $lang.cast(P, a).secret.u32.$g(0) } catch (e) { $catch(e); print('refused') }
      $lang.cast(P, a).secret.u32.$s(0, 1)`,
      {
        kind: 'client',
        names: ['main'],
        prepare: (k) => {
          k.userMode = true
          kernelBlock = k.allocate(16)
          userBlock = k.allocateUser(16)
          k.memory.setPtr(userBlock + 8, kernelBlock)
        },
        *script(k, entry) {
          last = yield k.start(entry, 'THREAD_START_ROUTINE', [userBlock])
        },
      },
    )
    expect(printed).toEqual(['% 1', 'refused'])
    expect(kernel.faults).toMatchObject([
      { index: kernelBlock, kind: 'read', at: { file: 'client.ts', line: 4 } },
      { index: kernelBlock, kind: 'write', at: { file: 'client.ts', line: 5 } },
    ])
    expect(last).toMatchObject({ what: 'threw', code: ACCESS_VIOLATION })
  })
})

describe('pointers', () => {
  test('equality compares addresses, NULL and undefined are one', async () => {
    const { printed } = await withBlock(`
      const f = $f(1, function* () {})
      print('%', $eq(a, a.add(0)), $eq(a, a.add(1)), $eq(null, undefined), $eq(a, null), $eq(1, 1n), $eq(1, true),
        $eq('1', 1), $eq(a.u8, a), $eq(f, f), $eq(f, null))`)
    expect(printed).toEqual(['% 1 0 1 0 1 1 0 1 1 0'])
  })

  test('a pointer is no number', async () => {
    for (const code of ['a + 1', '`${a}`', '"" + a', 'a * 2', 'a < 5', '-a']) {
      const { kernel } = await runDriver(code, { args: (k) => [k.allocate(16), 0, 0] })
      expect(kernel.failures).toMatchObject([{ kind: 'script' }])
    }
  })

  test('casts between integers and pointers', async () => {
    const { printed, kernel, block } = await withBlock(`
      const address = $lang.cast($type('ULONG_PTR'), a)
      print('%', address)
      print('%', $eq($lang.cast($type('PVOID'), address), a), $lang.cast($type('PVOID'), 0n) === null, $lang.cast($type('PIRP'), null) === null)
      print('%', $lang.cast($type('UCHAR'), 0x1FF), $lang.cast($type('LONG'), 0xFFFFFFFF), $lang.cast($type('ULONG'), -1n), $lang.cast($type('LONGLONG'), 2n ** 63n))
      print('%', $lang.cast($type('ULONG'), a), $lang.cast($type('BOOLEAN'), 5), $lang.cast($type('HANDLE'), 0xFFFFFFFFFFFFFFFCn))
      const bytes = $lang.cast($type('PUCHAR'), a)
      bytes.$s(0, 3)
      print('%', bytes.$g(0), $lang.cast($lang.array($type('UCHAR'), 4), a).length)`)
    const address = kernel.memory.address(block)
    expect(printed).toEqual([
      `% ${BigInt.asIntN(64, address)}`,
      '% 1 1 1',
      '% 255 -1 4294967295 -9223372036854775808',
      `% ${block} 1 -4`,
      '% 3 4',
    ])
  })

  test('function pointers come back as the functions they are', async () => {
    const { printed, kernel, block } = await withBlock(
      `const f = $f(2, function* worker(x) { return x + 1 })
      const driver = $lang.cast($type('DRIVER_OBJECT'), a)
      driver.MajorFunction.$s(14, f)
      driver.DriverUnload = f
      print('%', driver.MajorFunction.$g(14) === f, $eq(driver.DriverUnload, f), driver.MajorFunction.$g(0) === null)
      print('%', yield* $call(1, driver.MajorFunction.$g(14), [41]))
      const P = $lang.struct('P', { p: $type('PVOID') })
      const raw = $lang.cast(P, driver.MajorFunction).p
      print('%', raw === null, $eq($lang.cast($type('PDRIVER_DISPATCH'), $lang.cast(P, $addr(driver, 'DriverUnload')).p), f))`,
      { names: ['DriverEntry', 'worker'] },
    )
    expect(printed).toEqual(['% 1 1 1', '% 42', '% 1 1'])
    expect(kernel.functions.size).toBe(2)
    expect(kernel.memory.ptr(block + 0x70 + 14 * 8)).toBe(kernel.memory.ptr(block + 0x68))
  })

  test('a call through NULL or data is an execute fault', async () => {
    const { kernel, report } = await withBlock(`
      const driver = $lang.cast($type('DRIVER_OBJECT'), a)
      try { yield* $call(1, driver.DriverUnload, []) } catch (e) { $catch(e) }
      driver.DriverUnload = a
      yield* $call(2, driver.DriverUnload, [1])`)
    expect(kernel.faults).toMatchObject([
      { index: 0, kind: 'execute' },
      { index: expect.any(Number), kind: 'execute' },
    ])
    expect(report).toMatchObject({ what: 'threw', code: ACCESS_VIOLATION })
  })

  test('a function of an unloaded image is not executed', async () => {
    const { kernel, printed } = await withBlock(
      `const f = $f(2, function* gone() { print('ran') })
      const driver = $lang.cast($type('DRIVER_OBJECT'), a)
      driver.DriverUnload = f
      $ddi('KeBugCheck')(1, 0)
      try { yield* $call(1, driver.DriverUnload, []) } catch (e) { $catch(e); print('fault') }`,
      {
        names: ['DriverEntry', 'gone'],
        prepare: (k) => {
          k.handlers.KeBugCheck = (_args, kernel: FakeKernel) =>
            kernel.memory.protect(REGIONS.driverImages.start, 16, 0)
        },
      },
    )
    expect(printed).toEqual(['fault'])
    expect(kernel.faults).toMatchObject([{ kind: 'execute' }])
  })

  test('strings become constant text of the image, once', async () => {
    const { kernel, block, printed } = await withBlock(`
      const u = $lang.cast($type('UNICODE_STRING'), a)
      u.Buffer = 'wide'
      const P = $lang.struct('P', { p: $type('PVOID'), q: $type('PVOID') })
      const p = $lang.cast(P, a.add(16))
      p.p = 'ansi'; p.q = 'ansi'
      print('%', $eq(p.p, p.q))
      const n = $lang.RTL_CONSTANT_STRING('\\\\Device\\\\X')
      print('%', n.Length, n.MaximumLength, n.Buffer.$g(0), $eq(n, $lang.RTL_CONSTANT_STRING('\\\\Device\\\\X')))`)
    const { memory } = kernel
    expect(memory.wsz(memory.ptr(block + 8))).toBe('wide')
    expect(memory.sz(memory.ptr(block + 16))).toBe('ansi')
    expect(printed).toEqual(['% 1', '% 18 20 92 1'])
  })
})

describe('elements', () => {
  test('of unknown things take integers only', async () => {
    const { printed } = await withBlock(`
      print('%', $set(a.u8, 3, 9), $get(a.u8, 3), $get([1, 2, 3], 1), $get('abc', 1), $set([1], 0, 5))`)
    expect(printed).toEqual(['% 9 9 2 b 5'])
    for (const code of [
      `$get([1], 'length')`,
      `$get([1], 0.5)`,
      `$get(a, 0)`,
      `$get(null, 0)`,
      `$set([], '__proto__', 1)`,
    ]) {
      const { kernel } = await runDriver(code, { args: (k) => [k.allocate(16), 0, 0] })
      expect(kernel.failures).toMatchObject([{ kind: 'script' }])
    }
  })

  test('far and negative indexes go by address', async () => {
    const { kernel, printed } = await withBlock(`
      a.u8.$s(0x300, 5)
      print('%', a.add(0x400).u8.$g(-0x100))
      try { a.u8.$g(0x10000000) } catch (e) { $catch(e); print('far') }`)
    expect(printed).toEqual(['% 5', 'far'])
    const start = kernel.memory.address(REGIONS.nonpagedPool.start + 0x1000)
    expect(kernel.memory.address(kernel.faults[0]!.index)).toBe(start + 0x10000000n)
  })
})

describe('the stack', () => {
  test('local memory is zeroed and freed when the function ends', async () => {
    const { printed } = await withBlock(`
      const E = $type('KEVENT')
      function* inner() {
        const sp = $enter()
        try {
          const e = $local(E, undefined)
          const bytes = $local($lang.array($type('UCHAR'), 16), undefined)
          const n = $local($type('ULONG'), undefined)
          bytes.$s(3, 7); n.$s(0, 1); e.Header.SignalState = 5
          return $lang.cast($type('ULONG_PTR'), e)
        } finally { $leave(sp) }
      }
      const before = $enter()
      const first = yield* inner()
      const second = yield* inner()
      print('%', first === second, $enter() === before)
      const again = $local(E, undefined)
      print('%', again.Header.SignalState, $lang.sizeof(again))
      let slot
      const places = []
      for (let i = 0; i < 3; i++) { slot = $local(E, slot); slot.Header.SignalState = i; places.push(slot) }
      print('%', $eq(places[0], places[2]), slot.Header.SignalState)`)
    expect(printed).toEqual(['% 1 1', '% 0 24', '% 1 2'])
  })

  test('too much of it is the kernel stack running out', async () => {
    const { kernel } = await runDriver(
      `function* f(n) { const sp = $enter(); try { $local($lang.array($type('UCHAR'), 1024), undefined); yield* f(n + 1) } finally { $leave(sp) } }
       yield* f(0)`,
    )
    expect(kernel.failures).toMatchObject([{ kind: 'stack', at: { file: 'driver.ts', line: 1 } }])
  })

  test('in user mode it is an exception', async () => {
    const { report, kernel } = await runDriver(
      `$local($lang.array($type('UCHAR'), 1 << 20), undefined)`,
      {
        kind: 'client',
        names: ['main'],
      },
    )
    expect(kernel.failures).toEqual([])
    expect(report).toMatchObject({ what: 'threw', code: 0xc00000fd })
  })
})

describe('arithmetic', () => {
  test('divides as C does', async () => {
    const { printed } = await withBlock(`
      print('%', $div(-7, 2), $mod(-7, 2), $div(-7n, 2n), $mod(-7n, 2n), $div(0xFFFFFFFF, 2))
      for (const f of [$div, $mod]) for (const zero of [0, 0n])
        try { f(typeof zero === 'bigint' ? 1n : 1, zero) } catch (e) { $catch(e); print('%', $code(e) === 0xC0000094) }
      print('%', $shr(0x80000000, 31), $shr(-8, 1), $shr(-8n, 1n))
      print('%', $bit('&', -1, 0xF0000000), $bit('|', 1, 2), $bit('^', 5, 1), $bit('~', 0), $bit('<<', 1, 31), $bit('<<', 1n, 40n), $bit('~', 0n))
      print('%', $num(5n), $num(true), $big(5), $big(false), $i64(2n ** 63n), $imul(3, 4))`)
    expect(printed).toEqual([
      '% -3 -1 -3 -1 2147483647',
      '% 1',
      '% 1',
      '% 1',
      '% 1',
      '% 1 -4 -4',
      '% 4026531840 3 4 4294967295 2147483648 1099511627776 -1',
      '% 5 1 5 0 -9223372036854775808 12',
    ])
  })

  test('agrees with 64-bit integers for any operands', async () => {
    const pairs = fc.sample(
      fc.tuple(
        fc.integer(),
        fc.integer().filter((n) => n !== 0),
      ),
      200,
    )
    const { printed } = await withBlock(
      `const list = ${JSON.stringify(pairs)}
      let wrong = 0
      for (const [x, y] of list) {
        if ($div(x, y) !== Number(BigInt(x) / BigInt(y))) wrong++
        if ($mod(x, y) !== Number(BigInt(x) % BigInt(y))) wrong++
        if ($bit('&', x, y) !== Number((BigInt(x) & BigInt(y)) & 0xFFFFFFFFn)) wrong++
      }
      print('%', wrong)`,
    )
    expect(printed).toEqual(['% 0'])
  })
})

describe('64-bit conversions', () => {
  test('wrap as BigInt.asIntN and asUintN should', async () => {
    const values = [
      0n,
      1n,
      -1n,
      -5n,
      2n ** 63n,
      -(2n ** 63n),
      2n ** 64n,
      2n ** 64n + 5n,
      -(2n ** 64n) - 7n,
      2n ** 127n + 3n,
    ]
    const { printed } = await withBlock(
      values
        .map(
          (value) =>
            `print('%', $u64(${value}n) === ${BigInt.asUintN(64, value)}n, $i64(${value}n) === ${BigInt.asIntN(64, value)}n,
              $lang.cast($type('ULONGLONG'), ${value}n) === ${BigInt.asUintN(64, value)}n, $lang.cast($type('ULONG'), ${value}n) === ${BigInt.asUintN(32, value)})`,
        )
        .join('\n'),
    )
    expect(printed).toEqual(values.map(() => '% 1 1 1 1'))
  })
})
