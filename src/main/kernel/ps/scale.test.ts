/** Ten thousand processes, a hundred thousand objects: they exist and are found. bench/scale says at what cost. */
import { describe, expect, test } from 'vitest'
import { EPROCESS } from '../../../shared/nt/generated/offsets'
import { TestMachine } from '../testing/machine'

describe('many', () => {
  test('ten thousand processes live at once, each found by its id and in the list', () => {
    const { k } = new TestMachine({ trace: 'off' })
    const ids: number[] = []
    for (let i = 0; i < 10_000; i++) ids.push(k.processes.create(`p${i}.exe`).id)
    expect(ids.filter((id) => k.processes.byId(id)?.id !== id)).toEqual([])
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
    const handles: number[] = []
    for (let i = 0; i < 100_000; i++) {
      const object = k.ob.createSystem('Event', 0x18, { name: `\\BaseNamedObjects\\e${i}` })
      handles.push(k.ob.openHandle(object, 1))
    }
    const lost = handles.filter((handle, i) => {
      const named = k.ob.find(`\\BaseNamedObjects\\E${i}`)
      return named === undefined || k.ob.handleEntry(handle, 0)?.object !== named
    })
    expect(lost).toEqual([])
  })
})
