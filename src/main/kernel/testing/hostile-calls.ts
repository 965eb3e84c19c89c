/**
 * Any routine with any arguments, in any order: what a hostile or confused driver may do. The machine
 * may end as it likes, with a bug check for instance; a defect of the simulator is thrown.
 */
import { DDI_NAMES, DDIS } from '../ddi/index'
import { isOfModule, type ParamType } from '../ddi/types'
import { Random } from '../random'
import { NtException } from '../stop'
import type { Argument, Code, DriverApi } from './machine'
import { OutBox, TestMachine } from './machine'

/** Routines that a driver can call. */
export const ROUTINES_TO_CALL = DDI_NAMES.filter((name) => isOfModule(DDIS[name]!, 'wdm'))

const NUMBERS = [
  0, 1, 2, 3, 4, 7, 8, 16, 0x40, 0x100, 0x1000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
]
const WIDE = [0n, 1n, 8n, 0x1000n, -1n, -10_000n, 0x7fff_ffff_ffff_ffffn, 0xffff_8000_0000_0000n]
const TEXTS = [
  '',
  'a',
  '\\Device\\A',
  '\\??\\A',
  '%s %p %Z %wZ %n',
  '\\Registry\\Machine\\X',
  '*'.repeat(400),
]

/** Pointers of every kind that a driver can come to have. */
class Pointers {
  readonly known: number[] = [0]

  constructor(
    private readonly d: DriverApi,
    private readonly random: Random,
    driverObject: number,
    registryPath: number,
  ) {
    this.known.push(driverObject, registryPath, d.fn('Routine'), d.string('\\Device\\Hostile'))
  }

  pick(): number {
    const { random, known } = this
    switch (random.below(12)) {
      case 0:
        return 0
      case 1:
        return random.below(0x1000)
      case 2:
        return 0x0800_0000 + random.below(0x0700_0000)
      case 3:
        return (random.below(0x7fff_ffff) | 0) >>> 0
      case 4:
        return known[random.below(known.length)]! + random.below(64)
      default:
        return known[random.below(known.length)]!
    }
  }

  /** Memory of a good size, so that structures can be built in it. */
  *block(): Code<void> {
    const address = yield* this.d.ddi('ExAllocatePool2', 0x40n, 0x400, 0x41414141)
    if (address !== 0) this.known.push(address)
  }

  learn(value: number | bigint): void {
    const number = Number(BigInt.asUintN(32, BigInt(value)))
    if (number > 0xffff && this.known.length < 64) this.known.push(number)
  }
}

function argumentFor(type: ParamType, pointers: Pointers, random: Random): Argument {
  const chosen = <T>(list: readonly T[]): T => list[random.below(list.length)]!
  switch (type.k) {
    case 'u64':
    case 'i64':
      return random.below(3) === 0 ? BigInt(pointers.pick()) : chosen(WIDE)
    case 'large':
      return type.optional && random.below(2) === 0 ? null : chosen(WIDE)
    case 'ptr':
      return pointers.pick()
    case 'fn':
      return random.below(4) === 0 ? pointers.pick() : pointers.known[3]!
    case 'out':
      return random.below(3) === 0 ? pointers.pick() : new OutBox()
    case 'wstr':
    case 'astr':
      return random.below(2) === 0 ? pointers.pick() : chosen(TEXTS)
    case 'varargs':
      return chosen(TEXTS)
    case 'bool':
      return random.below(2) === 1
    case 'handle':
      return chosen([0, 4, 8, -1, -2, 0x1234, 0x80000004 | 0])
    default:
      return random.below(4) === 0 ? pointers.pick() : chosen(NUMBERS)
  }
}

/** One run: a driver that calls `count` routines, the first of them `first`. */
export function hostileRun(seed: number, count: number, first?: string): TestMachine {
  const random = new Random(seed)
  const called: string[] = []
  const machine = new TestMachine({
    seed,
    limits: { ddiCalls: 4000, events: 60_000, idleTicks: 10_000_000 },
    ...(random.below(3) === 0 ? { verifier: ['all'] } : {}),
  })
  machine.driver('toy', {
    *DriverEntry(d, driverObject, registryPath) {
      const pointers = new Pointers(d, random, driverObject!, registryPath!)
      yield* pointers.block()
      yield* pointers.block()
      for (let i = 0; i < count; i++) {
        const name =
          i === 0 && first !== undefined
            ? first
            : ROUTINES_TO_CALL[random.below(ROUTINES_TO_CALL.length)]!
        const entry = DDIS[name]!
        const args = Object.values(entry.params).map((type) => argumentFor(type, pointers, random))
        called.push(name)
        try {
          const wide = entry.returns.k === 'u64' || entry.returns.k === 'i64'
          const value = wide ? yield* d.ddi64(name, ...args) : yield* d.ddi(name, ...args)
          pointers.learn(value)
          for (const arg of args) if (arg instanceof OutBox) pointers.learn(arg.value)
        } catch (error) {
          if (!(error instanceof NtException)) throw error
        }
      }
      return 0
    },
    // Whatever it is called as, it calls something itself.
    *Routine(d) {
      if (random.below(2) === 0) yield* d.ddi('KeGetCurrentIrql')
      return random.below(3)
    },
  })
  machine.main(function* (k) {
    yield* k.loader.load('toy')
  })
  try {
    return machine.run()
  } catch (error) {
    throw new Error(`seed ${seed}: ${called.join(', ')}`, { cause: error })
  }
}
