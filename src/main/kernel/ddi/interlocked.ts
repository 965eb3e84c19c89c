/** Interlocked operations: indivisible because no other code runs between two steps of the kernel. */
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { ddi, t, type DdiEntry } from './types'

const LONG = { k: 'ptr', c: 'LONG volatile *', target: 'LONG' } as const
const LONG64 = { k: 'ptr', c: 'LONG64 volatile *', target: 'LONG64' } as const
const POINTER = { k: 'ptr', c: 'PVOID volatile *', target: null } as const
const DOCS = 'https://learn.microsoft.com/windows/win32/sync/interlocked-variable-access'
const ANY = [0, 15] as [number, number]

/** Replace the value at `at` by `next(old)`; returns both. */
function change(k: Kernel, at: Ptr, next: (old: number) => number): { old: number; now: number } {
  const old = k.memory.i32(at)
  const now = next(old) | 0
  k.memory.setU32(at, now)
  return { old, now }
}

function change64(k: Kernel, at: Ptr, next: (old: bigint) => bigint): { old: bigint; now: bigint } {
  const old = k.memory.i64(at)
  const now = BigInt.asIntN(64, next(old))
  k.memory.setU64(at, BigInt.asUintN(64, now))
  return { old, now }
}

const common = { irql: ANY, traced: false, docs: DOCS }

/** An operation with one operand that returns the old or the new value. */
function operation(
  target: string,
  summary: string,
  returns: 'old' | 'now',
  next: (old: number, value: number) => number,
): DdiEntry {
  return ddi({
    ...common,
    params: { [target]: LONG, Value: t.long },
    returns: t.long,
    summary,
    run: (k, a) => change(k, a[target]!, (old) => next(old, a.Value))[returns],
  })
}

function operation64(
  target: string,
  summary: string,
  returns: 'old' | 'now',
  next: (old: bigint, value: bigint) => bigint,
): DdiEntry {
  return ddi({
    ...common,
    params: { [target]: LONG64, Value: t.longlong },
    returns: t.longlong,
    summary,
    run: (k, a) => change64(k, a[target] as number, (old) => next(old, a.Value as bigint))[returns],
  })
}

export const INTERLOCKED_DDIS = {
  InterlockedIncrement: ddi({
    ...common,
    params: { Addend: LONG },
    returns: t.long,
    summary: 'Adds 1 and returns the new value.',
    run: (k, a) => change(k, a.Addend, (old) => old + 1).now,
  }),
  InterlockedDecrement: ddi({
    ...common,
    params: { Addend: LONG },
    returns: t.long,
    summary: 'Subtracts 1 and returns the new value.',
    run: (k, a) => change(k, a.Addend, (old) => old - 1).now,
  }),
  InterlockedAdd: operation('Addend', 'Adds a value and returns the sum.', 'now', (x, y) => x + y),
  InterlockedExchangeAdd: operation(
    'Addend',
    'Adds a value and returns the old one.',
    'old',
    (x, y) => x + y,
  ),
  InterlockedExchange: operation(
    'Target',
    'Stores a value and returns the old one.',
    'old',
    (_, y) => y,
  ),
  InterlockedAnd: operation(
    'Destination',
    'Combines with AND and returns the old value.',
    'old',
    (x, y) => x & y,
  ),
  InterlockedOr: operation(
    'Destination',
    'Combines with OR and returns the old value.',
    'old',
    (x, y) => x | y,
  ),
  InterlockedXor: operation(
    'Destination',
    'Combines with XOR and returns the old value.',
    'old',
    (x, y) => x ^ y,
  ),
  InterlockedCompareExchange: ddi({
    ...common,
    params: { Destination: LONG, ExChange: t.long, Comperand: t.long },
    returns: t.long,
    summary: 'Stores a value if the old one equals the comparand; returns the old one.',
    run: (k, a) => change(k, a.Destination, (old) => (old === a.Comperand ? a.ExChange : old)).old,
  }),
  InterlockedBitTestAndSet: ddi({
    ...common,
    params: { Base: LONG, Bit: t.long },
    returns: t.boolean,
    summary: 'Sets a bit and returns what it was.',
    run: (k, a) => ((change(k, a.Base, (x) => x | (1 << a.Bit)).old >>> (a.Bit & 31)) & 1) === 1,
  }),
  InterlockedBitTestAndReset: ddi({
    ...common,
    params: { Base: LONG, Bit: t.long },
    returns: t.boolean,
    summary: 'Clears a bit and returns what it was.',
    run: (k, a) => ((change(k, a.Base, (x) => x & ~(1 << a.Bit)).old >>> (a.Bit & 31)) & 1) === 1,
  }),

  InterlockedIncrement64: ddi({
    ...common,
    params: { Addend: LONG64 },
    returns: t.longlong,
    summary: 'Adds 1 and returns the new value.',
    run: (k, a) => change64(k, a.Addend, (old) => old + 1n).now,
  }),
  InterlockedDecrement64: ddi({
    ...common,
    params: { Addend: LONG64 },
    returns: t.longlong,
    summary: 'Subtracts 1 and returns the new value.',
    run: (k, a) => change64(k, a.Addend, (old) => old - 1n).now,
  }),
  InterlockedAdd64: operation64(
    'Addend',
    'Adds a value and returns the sum.',
    'now',
    (x, y) => x + y,
  ),
  InterlockedExchangeAdd64: operation64(
    'Addend',
    'Adds a value and returns the old one.',
    'old',
    (x, y) => x + y,
  ),
  InterlockedExchange64: operation64(
    'Target',
    'Stores a value and returns the old one.',
    'old',
    (_, y) => y,
  ),
  InterlockedAnd64: operation64(
    'Destination',
    'Combines with AND and returns the old value.',
    'old',
    (x, y) => x & y,
  ),
  InterlockedOr64: operation64(
    'Destination',
    'Combines with OR and returns the old value.',
    'old',
    (x, y) => x | y,
  ),
  InterlockedXor64: operation64(
    'Destination',
    'Combines with XOR and returns the old value.',
    'old',
    (x, y) => x ^ y,
  ),
  InterlockedCompareExchange64: ddi({
    ...common,
    params: { Destination: LONG64, ExChange: t.longlong, Comperand: t.longlong },
    returns: t.longlong,
    summary: 'Stores a value if the old one equals the comparand; returns the old one.',
    run: (k, a) =>
      change64(k, a.Destination, (old) => (old === a.Comperand ? a.ExChange : old)).old,
  }),

  InterlockedExchangePointer: ddi({
    ...common,
    params: { Target: POINTER, Value: t.optional(t.pvoid) },
    returns: t.pvoid,
    summary: 'Stores a pointer and returns the old one.',
    run(k, a) {
      const old = k.memory.ptr(a.Target)
      k.memory.setPtr(a.Target, a.Value)
      return old
    },
  }),
  InterlockedCompareExchangePointer: ddi({
    ...common,
    params: {
      Destination: POINTER,
      Exchange: t.optional(t.pvoid),
      Comperand: t.optional(t.pvoid),
    },
    returns: t.pvoid,
    summary: 'Stores a pointer if the old one equals the comparand; returns the old one.',
    run(k, a) {
      const old = k.memory.ptr(a.Destination)
      // One address may have two indexes when it lies outside the map.
      const equal = k.memory.address(old) === k.memory.address(a.Comperand)
      k.memory.setPtr(a.Destination, equal ? a.Exchange : old)
      return old
    },
  }),
}
