/**
 * Random sequences of legal and illegal calls against a model of what Windows keeps: pool blocks,
 * handles and references, the IRQL, a spin lock, a device queue. The model says after each call what
 * must be so, and for an illegal one with which bug check the machine ends.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Ptr } from './mm/memory'
import type { Code, DriverApi } from './testing/machine'
import { scratch, toyDriver } from './testing/toy-driver'

const NON_PAGED = 0x40n
const PAGED = 0x100n
const TAG = 0x41414141
const OTHER_TAG = 0x42424242
const SUCCESS = 0
const EVENT_ALL_ACCESS = 0x1f0003

interface Block {
  address: Ptr
  bytes: number
  paged: boolean
  live: boolean
}

interface Object_ {
  pointer: Ptr
  handles: number[]
  references: number
}

type Step =
  | { op: 'allocate'; bytes: number; paged: boolean }
  | { op: 'free' | 'fill'; which: number }
  | { op: 'free with another tag'; which: number }
  | { op: 'raise' | 'lower' | 'lock' | 'unlock' | 'insert' | 'remove' | 'create event' }
  | { op: 'open again' | 'reference' | 'dereference' | 'close'; which: number }

const which = fc.nat({ max: 31 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      op: fc.constant('allocate' as const),
      bytes: fc.integer({ min: 1, max: 6000 }),
      paged: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ op: fc.constantFrom('free' as const, 'fill' as const), which }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('free with another tag' as const), which }) },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'raise' as const,
        'lower' as const,
        'lock' as const,
        'unlock' as const,
        'insert' as const,
        'remove' as const,
        'create event' as const,
      ),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constantFrom(
        'open again' as const,
        'reference' as const,
        'dereference' as const,
        'close' as const,
      ),
      which,
    }),
  },
)

/** What the machine should be like, and how it should end. */
class Model {
  irql = 0
  isLocked = false
  readonly blocks: Block[] = []
  readonly objects: Object_[] = []
  /** Entries in the device queue; the first inserted one only makes it busy. */
  queued = 0
  isBusy = false
  /** Bug checks with which an illegal call must end the machine; null while all was legal. */
  end: readonly number[] | null = null
}

/** Says what went wrong with the machine, as text; nothing when all is as the model says. */
class Play {
  readonly model = new Model()
  readonly problems: string[] = []
  private readonly lock: Ptr
  private readonly queue: Ptr
  private readonly entries: Ptr[] = []
  private readonly removed: Ptr[] = []

  constructor(private readonly d: DriverApi) {
    this.lock = scratch(d, 8)
    this.queue = scratch(d, 0x28)
  }

  *start(): Code<void> {
    yield* this.d.ddi('KeInitializeSpinLock', this.lock)
    yield* this.d.ddi('KeInitializeDeviceQueue', this.queue)
  }

  private expect(what: string, is: unknown, should: unknown): void {
    if (is !== should) this.problems.push(`${what}: ${String(is)}, not ${String(should)}`)
  }

  /** False when the machine must have stopped in this step. */
  *do(step: Step): Code<boolean> {
    const { model } = this
    switch (step.op) {
      case 'allocate':
        if (model.irql <= (step.paged ? 1 : 2)) yield* this.allocate(step.bytes, step.paged)
        return true
      case 'free':
      case 'free with another tag':
      case 'fill':
        return yield* this.useBlock(step.op, step.which)
      case 'raise':
        if (model.irql < 2) {
          yield* this.d.ddi('KeRaiseIrql', model.irql + 1, this.d.out())
          model.irql++
        }
        break
      case 'lower':
        if (model.irql > 0 && !model.isLocked) {
          yield* this.d.ddi('KeLowerIrql', model.irql - 1)
          model.irql--
        }
        break
      case 'lock': {
        const wasLocked = model.isLocked
        if (wasLocked) model.end = [0x133]
        const old = this.d.out()
        const before = model.irql
        model.isLocked = true
        model.irql = 2
        yield* this.d.ddi('KeAcquireSpinLock', this.lock, old)
        if (wasLocked) return false
        this.expect('old IRQL', old.value, before)
        yield* this.unlock(before)
        return true
      }
      case 'unlock':
        break
      case 'insert':
        yield* this.insert()
        break
      case 'remove':
        yield* this.remove()
        break
      case 'create event':
        if (model.irql === 0) yield* this.createEvent()
        break
      default:
        return yield* this.useObject(step.op, step.which)
    }
    this.expect('IRQL', (yield* this.d.ddi('KeGetCurrentIrql')) & 0xff, model.irql)
    return true
  }

  /** Now and then the lock stays held, so that the next step meets it. */
  private *unlock(irql: number): Code<void> {
    if (this.model.blocks.length % 5 === 4) return
    yield* this.d.ddi('KeReleaseSpinLock', this.lock, irql)
    this.model.isLocked = false
    this.model.irql = irql
  }

  private *allocate(bytes: number, paged: boolean): Code<void> {
    const address = yield* this.d.ddi('ExAllocatePool2', paged ? PAGED : NON_PAGED, bytes, TAG)
    this.expect('allocation', address !== 0, true)
    for (const other of this.model.blocks)
      if (other.live && address < other.address + other.bytes && other.address < address + bytes)
        this.problems.push('two live blocks overlap')
    this.model.blocks.push({ address, bytes, paged, live: true })
  }

  private *useBlock(op: 'free' | 'fill' | 'free with another tag', which: number): Code<boolean> {
    const { model } = this
    const block = model.blocks[which % Math.max(1, model.blocks.length)]
    if (!block) return true
    if (op === 'fill') {
      const isOut = block.paged && model.irql >= 2
      if (!block.live) model.end = [0x50, 0x0a, 0xd1]
      else if (isOut) model.end = [0x0a, 0xd1]
      yield* this.d.ddi('RtlFillMemory', block.address, block.bytes, 0x5a)
      return model.end === null
    }
    // Paged blocks are given back at APC_LEVEL or below.
    if (block.paged && model.irql >= 2) return true
    if (!block.live) model.end = [0xc2]
    else if (op !== 'free') model.end = [0xc2]
    yield* this.d.ddi('ExFreePoolWithTag', block.address, op === 'free' ? TAG : OTHER_TAG)
    block.live = false
    return model.end === null
  }

  private *insert(): Code<void> {
    if (this.model.irql > 2) return
    const entry = scratch(this.d, 0x18)
    const inserted = (yield* this.d.ddi('KeInsertDeviceQueue', this.queue, entry)) & 0xff
    this.expect('inserted', inserted === 1, this.model.isBusy)
    if (this.model.isBusy) this.entries.push(entry)
    this.model.isBusy = true
  }

  private *remove(): Code<void> {
    const entry = yield* this.d.ddi('KeRemoveDeviceQueue', this.queue)
    const first = this.entries.shift() ?? 0
    this.expect('removed entry', entry, first)
    if (first === 0) this.model.isBusy = false
    else this.removed.push(entry)
  }

  private *createEvent(): Code<void> {
    const handle = this.d.out()
    const status = yield* this.d.ddi('ZwCreateEvent', handle, EVENT_ALL_ACCESS, 0, 0, 0)
    this.expect('ZwCreateEvent', status, SUCCESS)
    const pointer = this.d.k.ob.handleEntry(Number(handle.value), 0)?.object.address ?? 0
    this.model.objects.push({ pointer, handles: [Number(handle.value)], references: 0 })
  }

  private *useObject(
    op: 'open again' | 'reference' | 'dereference' | 'close',
    which: number,
  ): Code<boolean> {
    const { model, d } = this
    if (model.irql > 0) return true
    const alive = model.objects.filter(({ handles, references }) => handles.length + references > 0)
    const it = alive[which % Math.max(1, alive.length)]
    if (!it) return true
    const [handle] = it.handles
    switch (op) {
      case 'open again': {
        const again = d.out()
        const status = yield* d.ddi(
          'ObOpenObjectByPointer',
          it.pointer,
          0,
          0,
          EVENT_ALL_ACCESS,
          0,
          0,
          again,
        )
        this.expect('ObOpenObjectByPointer', status, SUCCESS)
        it.handles.push(Number(again.value))
        break
      }
      case 'reference': {
        if (handle === undefined) break
        const object = d.out()
        yield* d.ddi('ObReferenceObjectByHandle', handle, EVENT_ALL_ACCESS, 0, 0, object, 0)
        this.expect('object', Number(object.value), it.pointer)
        it.references++
        break
      }
      case 'dereference':
        if (it.references === 0 && it.handles.length > 1) break
        // One reference too many: the handle's own goes, and with it the object.
        if (it.references === 0) model.end = [0x18]
        yield* d.ddi('ObDereferenceObject', it.pointer)
        if (it.references > 0) it.references--
        break
      case 'close':
        if (handle === undefined) break
        yield* d.ddi('ZwClose', handle)
        it.handles.shift()
        break
    }
    return model.end === null
  }

  /** The machine against the model, between two steps. */
  check(): void {
    const { k } = this.d
    for (const { address, bytes, live } of this.model.blocks) {
      const block = k.pool.block(address)
      if (live) this.expect('size of a live block', block?.bytes, bytes)
    }
    for (const { pointer, handles, references } of this.model.objects) {
      const exists = handles.length + references > 0
      this.expect('object exists', k.ob.lookup(pointer) !== undefined, exists)
      if (!exists) continue
      this.expect('handle count', k.ob.handleCount(pointer), handles.length)
      this.expect('pointer count', k.ob.pointerCount(pointer), handles.length + references)
    }
    this.expect('queue is busy', k.memory.u8(this.queue + 0x20) & 1, this.model.isBusy ? 1 : 0)
    this.expect('lock', k.spinLocks.isHeld(this.lock), this.model.isLocked)
  }
}

test('pool, objects, IRQL, lock and queue are what a model says, and mistakes end as they should', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 1000 }),
      (steps, seed) => {
        let play: Play | undefined
        const machine = toyDriver(
          function* (d) {
            play = new Play(d)
            yield* play.start()
            for (const each of steps) {
              const goesOn = yield* play.do(each)
              if (!goesOn) return
              play.check()
            }
            if (play.model.isLocked || play.model.irql > 0) yield* d.ddi('KeLowerIrql', 0)
          },
          {},
          { seed },
        )
        expect(play?.problems).toEqual([])
        const stop = machine.bugCheck?.code ?? null
        if (play?.model.end) expect(play.model.end).toContain(stop)
        else expect(stop).toBeNull()
      },
    ),
    { numRuns: 150 },
  )
})
