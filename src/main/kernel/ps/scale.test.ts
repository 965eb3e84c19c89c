/** Ten thousand processes, a hundred thousand objects: what one more costs does not depend on them. */
import { describe, expect, test } from 'vitest'
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import { TestMachine } from '../testing/machine'

/** Milliseconds that `work` takes, the best of three. */
function best(work: () => void): number {
  let least = Infinity
  for (let i = 0; i < 3; i++) {
    const start = performance.now()
    work()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

describe('many', () => {
  test('ten thousand processes live at once, each found by its id and in the list', () => {
    const { k } = new TestMachine({ trace: 'off' })
    const ids: number[] = []
    const look = (): void => {
      for (let i = 0; i < 20_000; i++) {
        const id = ids[(i * 7919) % ids.length]!
        if (k.processes.byId(id)?.id !== id) throw new Error('lost')
      }
    }
    const make = (count: number): void => {
      for (let i = 0; i < count; i++) ids.push(k.processes.create(`p${ids.length}.exe`).id)
    }
    make(100)
    const few = best(look)
    make(9_900)
    expect(best(look)).toBeLessThan(few * 10 + 20)
    const head = k.ob.data.find('PsActiveProcessHead')
    let count = 0
    for (let at = k.memory.ptr(head); at !== head; at = k.memory.ptr(at)) count++
    expect(count).toBe(10_001)
    const last = k.processes.byId(ids.at(-1)!)!
    expect(k.memory.size(last.address + EPROCESS.UniqueProcessId)).toBe(last.id)
  })

  test('programs one after the other leave nothing behind', () => {
    const m = new TestMachine({ trace: 'off', limits: { outputLines: 1_000_000 } })
    let first = 0
    let pages = 0
    m.main(function* (k) {
      for (let i = 0; i < 300; i++) {
        const process = yield* k.programs.startSteps(`p${i}.exe`, [])
        yield* k.programs.exited(process)
        if (i === 20) {
          first = [...k.ob.all()].length
          pages = k.memory.freePages
        }
      }
      expect([...k.ob.all()].length).toBe(first)
      expect(k.memory.freePages).toBeGreaterThan(pages - 16)
    })
    m.run()
    expect(m.k.bug).toBeNull()
  })

  test('a hundred thousand objects with names and handles', () => {
    const { k } = new TestMachine({ trace: 'off' })
    const make = (from: number, count: number): void => {
      for (let i = from; i < from + count; i++) {
        const object = k.ob.createSystem('Event', 0x18, { name: `\\BaseNamedObjects\\e${i}` })
        k.ob.openHandle(object, 1)
      }
    }
    make(0, 1_000)
    const few = best(() => {
      for (let i = 0; i < 10_000; i++) k.ob.find(`\\BaseNamedObjects\\E${i % 1_000}`)
    })
    make(1_000, 99_000)
    const many = best(() => {
      for (let i = 0; i < 10_000; i++) k.ob.find(`\\BaseNamedObjects\\E${(i * 97) % 100_000}`)
    })
    expect(many).toBeLessThan(few * 10 + 20)
    expect(k.processes.system.handles.size + k.processes.current.handles.size).toBeGreaterThan(0)
  })
})
