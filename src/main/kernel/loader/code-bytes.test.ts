/** What calls come to when the bytes of code were changed. */
import { describe, expect, test } from 'vitest'
import {
  STATUS_BREAKPOINT,
  STATUS_ILLEGAL_INSTRUCTION,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import { IMAGE_INFO } from '../../../shared/nt/generated/offsets'
import { PTE } from '../mm/layout'
import type { Ptr } from '../mm/memory'
import { NtQuerySystemInformation } from '../ps/system-information'
import { BugCheck, NtException, RunLimit } from '../stop'
import { TestMachine } from '../testing/machine'

const machine = (): Kernel => new TestMachine().k
const routine = (k: Kernel): Ptr => k.images.nativeAddress('NtQuerySystemInformation')
const other = (k: Kernel): Ptr => k.images.nativeAddress('NtClose')

/** Write to code as through a second mapping. */
function write(k: Kernel, at: Ptr, bytes: readonly number[]): void {
  const flags = k.memory.pte(at) & 0xfff
  k.memory.protect(at, 1, flags | PTE.write)
  k.memory.write(at, Uint8Array.from(bytes))
  k.memory.protect(at, 1, flags)
}

const bytesOf = (value: bigint, count: number): number[] =>
  Array.from({ length: count }, (_, i) => Number((value >> BigInt(i * 8)) & 0xffn))
const jump64 = (k: Kernel, to: Ptr): number[] => [
  0x48,
  0xb8,
  ...bytesOf(k.memory.address(to), 8),
  0xff,
  0xe0,
]
const jump32 = (from: Ptr, to: Ptr): number[] => [0xe9, ...bytesOf(BigInt(to - from - 5), 4)]
const through = (k: Kernel, to: Ptr): number[] => [
  0xff,
  0x25,
  0,
  0,
  0,
  0,
  ...bytesOf(k.memory.address(to), 8),
]

/** Memory with code of its own. */
function poolCode(k: Kernel, bytes: readonly number[], executable = true): Ptr {
  const at = k.pool.allocate(bytes.length, 'Code', { system: true, executable })
  k.memory.write(at, Uint8Array.from(bytes))
  return at
}

function thrown(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return null
}

test('nobody could write to code: it is not looked at', () => {
  const k = machine()
  expect(k.images.landing(routine(k))).toBe(k.images.function(routine(k)))
  expect(k.memory.codeOpened).toBe(false)
})

describe('code is open', () => {
  test('by a second mapping that can be written, and not by one that cannot', () => {
    const k = machine()
    const page = routine(k) & ~0xfff
    const view = poolCode(k, [0]) & ~0xfff
    k.memory.alias(view, [page], PTE.read)
    expect(k.memory.codeOpened).toBe(false)
    k.memory.alias(view, [page], PTE.read | PTE.write)
    expect(k.memory.codeOpened).toBe(true)
  })

  test('by a write while CR0.WP is clear', () => {
    const k = machine()
    expect(() => k.memory.setU8(routine(k), 0x90)).toThrow()
    expect(k.memory.codeOpened).toBe(false)
    k.memory.writeProtect = false
    k.memory.setU8(routine(k), 0x90)
    expect(k.memory.codeOpened).toBe(true)
  })
})

describe('a hook', () => {
  test.each<[string, (k: Kernel) => number[]]>([
    ['mov rax, imm64; jmp rax', (k) => jump64(k, other(k))],
    ['jmp rel32', (k) => jump32(routine(k), other(k))],
    ['jmp [rip]', (k) => through(k, other(k))],
    ['nop; jmp rel32', (k) => [0x90, ...jump32(routine(k) + 1, other(k))]],
  ])('%s leads to the other function', (_name, code) => {
    const k = machine()
    write(k, routine(k), code(k))
    expect(k.images.landing(routine(k))?.name).toBe('NtClose')
    expect(k.images.landing(other(k))?.name).toBe('NtClose')
  })

  test.each([5, 12])('of %d bytes has a trampoline that leads behind it', (stolen) => {
    const k = machine()
    const at = routine(k)
    const trampoline = poolCode(k, [...k.memory.read(at, stolen), ...jump64(k, at + stolen)])
    write(k, at, stolen === 5 ? jump32(at, other(k)) : jump64(k, other(k)))
    expect(k.images.landing(trampoline)?.name).toBe('NtQuerySystemInformation')
  })

  test('over a hook keeps the first one in its trampoline', () => {
    const k = machine()
    const at = routine(k)
    write(k, at, jump64(k, other(k)))
    const trampoline = poolCode(k, [...k.memory.read(at, 12), ...jump64(k, at + 12)])
    write(k, at, jump64(k, k.images.nativeAddress('NtCreateEvent')))
    expect(k.images.landing(at)?.name).toBe('NtCreateEvent')
    expect(k.images.landing(trampoline)?.name).toBe('NtClose')
  })

  test('that returns a value gives that value', () => {
    const k = machine()
    const value = (code: number[]): unknown => {
      write(k, routine(k), code)
      return k.images.landing(routine(k))!.native!(k, []).next(0).value
    }
    expect(value([0x33, 0xc0, 0xc3])).toBe(0)
    expect(value([0xb8, 0x22, 0, 0, 0xc0, 0xc3])).toBe(0xc000_0022)
  })

  test('is gone when the bytes are put back', () => {
    const k = machine()
    const at = routine(k)
    const before = [...k.memory.read(at, 16)]
    write(k, at, jump64(k, other(k)))
    write(k, at, before)
    expect(k.images.landing(at)).toBe(k.images.function(at))
  })
})

describe('bytes that do not run', () => {
  test.each<[string, number, (k: Kernel) => number[]]>([
    ['no instruction', STATUS_ILLEGAL_INSTRUCTION, () => [0x06]],
    ['a breakpoint', STATUS_BREAKPOINT, () => [0xcc]],
    [
      'a jump into the middle of a function',
      STATUS_ILLEGAL_INSTRUCTION,
      (k) => jump64(k, other(k) + 5),
    ],
  ])('%s', (_name, code, bytes) => {
    const k = machine()
    write(k, routine(k), bytes(k))
    expect(thrown(() => k.images.landing(routine(k)))).toMatchObject({ code })
    expect(thrown(() => k.images.landing(routine(k)))).toBeInstanceOf(NtException)
  })

  test('a jump to itself is a hang', () => {
    const k = machine()
    write(k, routine(k), [0xeb, 0xfe])
    expect(thrown(() => k.images.landing(routine(k)))).toBeInstanceOf(RunLimit)
  })

  test('memory for data is not run', () => {
    const k = machine()
    const data = poolCode(k, jump64(k, other(k)), false)
    expect(k.images.landing(data)).toBeUndefined()
    write(k, routine(k), jump64(k, data))
    const stop = thrown(() => k.images.landing(routine(k)))
    expect(stop).toBeInstanceOf(BugCheck)
    expect(stop).toMatchObject({ code: 0xfc })
  })

  test('executable pool is for data only under memory integrity', () => {
    const executable = (defences: ['hvci'] | []): boolean => {
      const m = new TestMachine({ defences })
      let entry = 0
      m.driver('toy', {
        *DriverEntry(d) {
          entry = d.k.memory.pte(yield* d.ddi('ExAllocatePool2', 0x80n, 16, 'Code'))
          return 0
        },
      })
      m.main(function* (k) {
        yield* k.loader.load('toy')
      })
      m.run()
      return (entry & PTE.execute) !== 0
    }
    expect(executable([])).toBe(true)
    expect(executable(['hvci'])).toBe(false)
  })
})

test('a system call of a program comes to the hook, and the trace says so', () => {
  const m = new TestMachine()
  const results: number[] = []
  m.driver('toy', {
    *DriverEntry(d) {
      write(d.k, routine(d.k), jump64(d.k, d.fn('Hook')))
      return 0
    },
    *Hook(_d, kind) {
      return kind === 5 ? 0xc000_0022 : 0
    },
  })
  m.main(function* (k) {
    yield* k.loader.load('toy')
    results.push(yield* k.syscalls.callFromKernel(NtQuerySystemInformation, [5, 0, 0, 0]))
  })
  m.run()
  expect(m.bugCheck).toBeNull()
  expect(results).toEqual([0xc000_0022])
  expect(m.of('code.diverted')).toMatchObject([
    { from: 'nt!NtQuerySystemInformation', to: 'toy!Hook' },
  ])
})

test('the bytes of a function of a program are that function wherever they may be run', () => {
  const { k } = new TestMachine()
  const process = k.processes.create('a.exe')
  k.memory.switchSlice(process.slice)
  const image = k.images.mapProgram('a', k.memory.sliceStart(process.slice) + 0x40_0000, 0)
  const own = k.images.registerFunction({ image: image.number, fn: 7, name: 'payload' })
  const other = k.processes.create('b.exe')
  const code = k.memory.read(own, 16)
  k.memory.switchSlice(other.slice)
  const [runs, data] = [0x20_0000, 0x30_0000].map(
    (at) => k.memory.sliceStart(other.slice) + at,
  ) as [number, number]
  k.memory.commit(runs, 1, PTE.read | PTE.write | PTE.execute | PTE.user)
  k.memory.commit(data, 1, PTE.read | PTE.write | PTE.user)
  for (const at of [runs, data]) k.memory.write(at, code)
  expect(k.images.landing(runs)).toMatchObject({ name: 'payload', fn: 7 })
  expect(k.images.landing(data)).toBeUndefined()
  k.memory.setU8(runs + 10, 0xff)
  expect(k.images.landing(runs)).toBeUndefined()
})

test('two programs may have different functions at one address', () => {
  const { k } = new TestMachine()
  const program = (name: string, fn: number): { slice: number; at: Ptr } => {
    const { slice } = k.processes.create(`${name}.exe`)
    k.memory.switchSlice(slice)
    const image = k.images.mapProgram(name, k.memory.sliceStart(slice) + 0x40_0000, 0)
    return { slice, at: k.images.registerFunction({ image: image.number, fn, name: 'main' }) }
  }
  const first = program('first', 1)
  for (let i = 0; i < 7; i++) k.processes.create(`${i}.exe`)
  const second = program('second', 2)
  expect(second.at).toBe(first.at)
  expect(k.images.landing(second.at)).toMatchObject({ fn: 2 })
  k.memory.switchSlice(first.slice)
  expect(k.images.landing(first.at)).toMatchObject({ fn: 1 })
})

describe('the entry point of a driver', () => {
  /** Load a driver whose entry point was written over when its image had been mapped. */
  const load = (bytes: readonly number[]): { m: TestMachine; status: number; entered: boolean } => {
    const m = new TestMachine()
    const result = { m, status: -1, entered: false }
    const notify = 'Notify'
    m.driver('watcher', {
      *DriverEntry(d) {
        return yield* d.ddi('PsSetLoadImageNotifyRoutine', d.fn(notify))
      },
      *Notify({ k }, _name, process, info) {
        const base = k.memory.ptr(info! + IMAGE_INFO.ImageBase)
        const entry = base + k.memory.u32(base + k.memory.u32(base + 0x3c) + 0x28)
        if (process === 0 && bytes.length > 0) write(k, entry, bytes)
      },
    })
    m.driver('victim', {
      *DriverEntry() {
        result.entered = true
        return 0
      },
    })
    m.main(function* (k) {
      yield* k.loader.load('watcher')
      result.status = yield* k.loader.load('victim')
    })
    m.run()
    return result
  }

  test('is DriverEntry, unless its bytes were changed', () => {
    expect(load([])).toMatchObject({ status: 0, entered: true })
    expect(load([0x33, 0xc0, 0xc3])).toMatchObject({ status: 0, entered: false })
    expect(load([0x90, 0x55])).toMatchObject({ status: -1, entered: false })
    expect(load([0x90, 0x55]).m.bugCheck).toMatchObject({ code: 0x7e })
  })

  test('refuses the driver when it returns a failure', () => {
    const { m, status, entered } = load([0xb8, 0x22, 0, 0, 0xc0, 0xc3])
    expect({ status, entered }).toEqual({ status: 0xc000_0022, entered: false })
    expect(m.of('image.unmapped')).toMatchObject([{ name: 'victim' }])
  })
})
