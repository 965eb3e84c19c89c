/**
 * Does an operation cost the same however many there are? Processes, objects and pool blocks are made
 * in steps; at each step the same operations are timed. The last column says how much slower than at
 * the first step.
 */
import { Kernel } from '../src/main/kernel/kernel'
import { assert } from '../src/main/kernel/stop'

interface Operation {
  name: string
  run(i: number): void
}

interface Growth {
  what: string
  steps: readonly number[]
  /** Make one more. */
  grow(): void
  operations: readonly Operation[]
}

/** Nanoseconds for one run; the quickest of some rounds, as others share the machine. */
function cost(operation: Operation): number {
  const rounds = 7
  const runs = 2000
  let best = Infinity
  for (let round = 0; round < rounds; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < runs; i++) operation.run(i)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / runs)
  }
  return best
}

function measure({ what, steps, grow, operations }: Growth): void {
  const rows = new Map<string, number[]>()
  let made = 0
  for (; made < steps[0]!; made++) grow()
  // Warm up: the first rows are not to pay for the compiler.
  for (const operation of operations) cost(operation)
  for (const step of steps) {
    for (; made < step; made++) grow()
    for (const operation of operations)
      rows.set(operation.name, [...(rows.get(operation.name) ?? []), cost(operation)])
  }
  console.log(
    `\n${what}\n${''.padEnd(34)}${steps.map((n) => n.toLocaleString('en-US').padStart(12)).join('')}`,
  )
  for (const [name, costs] of rows) {
    const last = costs.at(-1)! / costs[0]!
    const cells = costs.map((ns) => `${Math.round(ns).toLocaleString('en-US')} ns`.padStart(12))
    console.log(`${name.padEnd(34)}${cells.join('')}   ${last.toFixed(2)} : 1`)
  }
}

function pool(): Growth {
  const k = new Kernel({ seed: 1, trace: 'off' })
  const blocks: number[] = []
  return {
    what: 'Live pool blocks of 32 bytes',
    steps: [1_000, 10_000, 100_000, 1_000_000],
    grow: () => void blocks.push(k.pool.allocate(32, 'Many', {})),
    operations: [
      { name: 'allocate and free', run: () => k.pool.free(k.pool.allocate(32, 'Once', {})) },
      {
        name: 'find the block of an address',
        run: (i) => void k.pool.find(blocks[(i * 7919) % blocks.length]! + 5),
      },
    ],
  }
}

function objects(): Growth {
  const k = new Kernel({ seed: 1, trace: 'off' })
  const made: number[] = []
  const handles: number[] = []
  return {
    what: 'Objects with a handle each',
    steps: [1_000, 10_000, 100_000],
    grow() {
      const name = `\\BaseNamedObjects\\e${made.length}`
      const object = k.ob.createSystem('Event', 0x18, { name })
      made.push(object.address)
      handles.push(k.ob.openHandle(object, 1))
    },
    operations: [
      {
        name: 'look up by address',
        run: (i) => void k.ob.lookup(made[(i * 7919) % made.length]!),
      },
      {
        name: 'look up by name',
        run: (i) => void k.ob.find(`\\BaseNamedObjects\\E${(i * 7919) % made.length}`),
      },
      {
        name: 'reference and release',
        run(i) {
          const object = made[(i * 7919) % made.length]!
          k.ob.reference(object)
          k.ob.release(object)
        },
      },
      {
        name: 'look up by handle',
        run: (i) => void k.ob.handleEntry(handles[(i * 7919) % handles.length]!, 0),
      },
      {
        name: 'create and delete',
        run: () => void k.ob.release(k.ob.createSystem('Event', 0x18).address),
      },
    ],
  }
}

function processes(): Growth {
  const k = new Kernel({ seed: 1, trace: 'off' })
  const ids: number[] = []
  return {
    what: 'Processes',
    steps: [100, 1_000, 10_000],
    grow() {
      const process = k.processes.create('many.exe')
      assert(typeof process !== 'number', `process ${ids.length} was not created`)
      ids.push(process.id)
    },
    operations: [
      { name: 'look up by id', run: (i) => void k.processes.byId(ids[(i * 7919) % ids.length]!) },
    ],
  }
}

measure(pool())
measure(objects())
measure(processes())
