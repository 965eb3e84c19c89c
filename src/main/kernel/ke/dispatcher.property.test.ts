/** Waits under any sequence of calls, with one thread against a model and with several against invariants. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { STATUS_SUCCESS, STATUS_TIMEOUT } from '../../../shared/nt/generated/ntstatus'
import type { Ptr } from '../mm/memory'
import { scratch, toyDriver } from '../testing/toy-driver'
import type { Code, DriverApi, TestMachine } from '../testing/machine'

const WAIT_ALL = 0
const WAIT_ANY = 1

// --- one thread against a model --------------------------------------------------------------------

type Kind = 'notification' | 'synchronization' | 'semaphore' | 'mutex'
const KINDS: readonly Kind[] = ['notification', 'synchronization', 'semaphore', 'mutex']
const LIMIT = 3

/** What a wait by the one thread that there is sees: the state alone decides. */
class Model {
  readonly state: Record<Kind, number> = {
    notification: 0,
    synchronization: 0,
    semaphore: 0,
    mutex: 1,
  }

  /** The thread owns the mutex whenever it is not free. */
  signaled(kind: Kind): boolean {
    return kind === 'mutex' || this.state[kind] > 0
  }

  take(kind: Kind): void {
    if (kind === 'synchronization') this.state[kind] = 0
    if (kind === 'semaphore' || kind === 'mutex') this.state[kind]--
  }

  wait(kinds: readonly Kind[], all: boolean): number {
    if (all) {
      if (!kinds.every((kind) => this.signaled(kind))) return STATUS_TIMEOUT
      kinds.forEach((kind) => this.take(kind))
      return STATUS_SUCCESS
    }
    const index = kinds.findIndex((kind) => this.signaled(kind))
    if (index < 0) return STATUS_TIMEOUT
    this.take(kinds[index]!)
    return index
  }
}

type Step =
  | { op: 'wait'; kinds: Kind[]; all: boolean; timeout: number }
  | { op: 'set'; kind: 'notification' | 'synchronization' }
  | { op: 'reset'; kind: 'notification' | 'synchronization' }
  | { op: 'release'; by: number }
  | { op: 'unlock' }

const event = fc.constantFrom<'notification' | 'synchronization'>('notification', 'synchronization')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    op: fc.constant('wait' as const),
    kinds: fc.shuffledSubarray([...KINDS], { minLength: 1, maxLength: 3 }),
    all: fc.boolean(),
    timeout: fc.constantFrom(0, 1, 500),
  }),
  fc.record({ op: fc.constant('set' as const), kind: event }),
  fc.record({ op: fc.constant('reset' as const), kind: event }),
  fc.record({ op: fc.constant('release' as const), by: fc.integer({ min: 1, max: 2 }) }),
  fc.record({ op: fc.constant('unlock' as const) }),
)

function* create(d: DriverApi): Code<Record<Kind, Ptr>> {
  const at = {
    notification: scratch(d, 24),
    synchronization: scratch(d, 24),
    semaphore: scratch(d, 32),
    mutex: scratch(d, 56),
  }
  yield* d.ddi('KeInitializeEvent', at.notification, 0, false)
  yield* d.ddi('KeInitializeEvent', at.synchronization, 1, false)
  yield* d.ddi('KeInitializeSemaphore', at.semaphore, 0, LIMIT)
  yield* d.ddi('KeInitializeMutex', at.mutex, 0)
  return at
}

function* runStep(
  d: DriverApi,
  at: Record<Kind, Ptr>,
  array: Ptr,
  it: Step,
  model: Model,
): Code<void> {
  const { state } = model
  switch (it.op) {
    case 'wait': {
      it.kinds.forEach((kind, i) => d.k.memory.setPtr(array + i * 8, at[kind]))
      const status = yield* d.ddi(
        'KeWaitForMultipleObjects',
        it.kinds.length,
        array,
        it.all ? WAIT_ALL : WAIT_ANY,
        0,
        0,
        false,
        BigInt(-it.timeout),
        null,
      )
      expect(status).toBe(model.wait(it.kinds, it.all))
      break
    }
    case 'set':
      expect(yield* d.ddi('KeSetEvent', at[it.kind], 0, false)).toBe(state[it.kind])
      state[it.kind] = 1
      break
    case 'reset':
      expect(yield* d.ddi('KeResetEvent', at[it.kind])).toBe(state[it.kind])
      state[it.kind] = 0
      break
    case 'release':
      if (state.semaphore + it.by > LIMIT) break
      expect(yield* d.ddi('KeReleaseSemaphore', at.semaphore, 0, it.by, false)).toBe(
        state.semaphore,
      )
      state.semaphore += it.by
      break
    case 'unlock':
      if (state.mutex > 0) break
      expect((yield* d.ddi('KeReleaseMutex', at.mutex, false)) | 0).toBe(state.mutex)
      state.mutex++
  }
}

describe('one thread', () => {
  it('sees every object as the model does, after any sequence of calls', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const machine = toyDriver(function* (d) {
          const at = yield* create(d)
          const array = scratch(d, 8 * KINDS.length)
          const model = new Model()
          for (const each of steps) {
            yield* runStep(d, at, array, each, model)
            for (const kind of KINDS) {
              expect(d.k.dispatcher.state(at[kind]), kind).toBe(model.state[kind])
              expect(d.k.memory.ptr(at[kind] + 8), 'nobody waits').toBe(at[kind] + 8)
            }
          }
          while (model.state.mutex < 1) yield* runStep(d, at, array, { op: 'unlock' }, model)
        })
        expect(machine.k.ended).toBe('done')
      }),
      { numRuns: 40 },
    )
  })
})

// --- several threads against invariants --------------------------------------------------------------

/** What a thread of the crowd does in a turn. */
interface Turn {
  op: 'critical' | 'produce' | 'consume' | 'signal' | 'await' | 'sleep' | 'both'
  /** In units of 100 ns. */
  time: number
}

const turn: fc.Arbitrary<Turn> = fc.record({
  op: fc.constantFrom('critical', 'produce', 'consume', 'signal', 'await', 'sleep', 'both'),
  time: fc.constantFrom(1, 7, 40, 300),
})
const THREADS = 4
const crowd = fc.tuple(
  fc.nat(),
  fc.array(fc.array(turn, { maxLength: 12 }), { minLength: THREADS, maxLength: THREADS }),
)

interface Tally {
  produced: number
  consumed: number
  signals: number
  awaited: number
  done: number
}

function runCrowd(seed: number, plans: readonly Turn[][]): { machine: TestMachine; tally: Tally } {
  const tally: Tally = { produced: 0, consumed: 0, signals: 0, awaited: 0, done: 0 }
  let at: Record<Kind, Ptr> | null = null
  let inside = 0

  function* wait(d: DriverApi, object: Ptr, time: number): Code<number> {
    return yield* d.ddi('KeWaitForSingleObject', object, 0, 0, false, BigInt(-time))
  }
  function* critical(d: DriverApi, time: number): Code<void> {
    expect(++inside, 'mutual exclusion').toBe(1)
    yield* d.ddi('KeDelayExecutionThread', 0, false, BigInt(-time))
    inside--
    yield* d.ddi('KeReleaseMutex', at!.mutex, false)
  }
  function* take(d: DriverApi, { op, time }: Turn): Code<void> {
    const { mutex, semaphore, synchronization } = at!
    switch (op) {
      case 'critical':
        if ((yield* wait(d, mutex, time * 5)) === STATUS_SUCCESS) yield* critical(d, time)
        break
      case 'produce':
        yield* d.ddi('KeReleaseSemaphore', semaphore, 0, 1, false)
        tally.produced++
        break
      case 'consume':
        if ((yield* wait(d, semaphore, time)) === STATUS_SUCCESS) tally.consumed++
        break
      case 'signal':
        if ((yield* d.ddi('KeSetEvent', synchronization, 0, false)) === 0) tally.signals++
        break
      case 'await':
        if ((yield* wait(d, synchronization, time)) === STATUS_SUCCESS) tally.awaited++
        break
      case 'sleep':
        yield* d.ddi('KeDelayExecutionThread', 0, false, BigInt(-time))
        break
      case 'both': {
        const array = scratch(d, 16)
        d.k.memory.setPtr(array, mutex)
        d.k.memory.setPtr(array + 8, semaphore)
        const status = yield* d.ddi(
          'KeWaitForMultipleObjects',
          2,
          array,
          WAIT_ALL,
          0,
          0,
          false,
          BigInt(-time),
          null,
        )
        if (status === STATUS_SUCCESS) {
          tally.consumed++
          yield* critical(d, time)
        }
      }
    }
  }

  const machine = toyDriver(
    function* (d) {
      at = yield* create(d)
      yield* d.ddi('KeInitializeSemaphore', at.semaphore, 0, 1000)
      for (let i = 0; i < plans.length; i++)
        yield* d.ddi('PsCreateSystemThread', d.out(), 0, null, 0, null, d.fn('Thread'), i)
      yield* d.ddi('KeDelayExecutionThread', 0, false, -10_000_000n)
      expect(tally.done).toBe(plans.length)
      for (const object of Object.values(at))
        expect(d.k.memory.ptr(object + 8), 'nobody waits any more').toBe(object + 8)
      expect(d.k.dispatcher.state(at.mutex), 'the mutex is free').toBe(1)
      expect(d.k.dispatcher.state(at.semaphore)).toBe(tally.produced - tally.consumed)
      expect(d.k.dispatcher.state(at.synchronization)).toBe(tally.signals - tally.awaited)
      expect(d.k.timers.nextTimer, 'no time-out is left').toBe(Infinity)
    },
    {
      *Thread(d, i = 0) {
        for (const each of plans[i]!) yield* take(d, each)
        tally.done++
      },
    },
    { seed },
  )
  return { machine, tally }
}

describe('several threads', () => {
  it('keep every count and exclude each other, whatever they do', () => {
    fc.assert(
      fc.property(crowd, ([seed, plans]) => {
        expect(runCrowd(seed, plans).machine.k.ended).toBe('done')
      }),
      { numRuns: 40 },
    )
  })

  it('do the same again with the same seed, to the byte', () => {
    fc.assert(
      fc.property(crowd, ([seed, plans]) => {
        const [first, second] = [runCrowd(seed, plans).machine, runCrowd(seed, plans).machine]
        expect(second.k.memory.digest()).toBe(first.k.memory.digest())
        expect(JSON.stringify(second.events)).toBe(JSON.stringify(first.events))
      }),
      { numRuns: 8 },
    )
  })
})
