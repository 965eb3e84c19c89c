import { describe, expect, test } from 'vitest'
import { KLDR_DATA_TABLE_ENTRY, PS_CREATE_NOTIFY_INFO } from '../../../shared/nt/generated/offsets'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from '../testing/machine'
import { inDriver } from '../testing/in-driver'

const STATUS_SUCCESS = 0
const STATUS_INVALID_PARAMETER = 0xc000000d
const STATUS_ACCESS_DENIED = 0xc0000022
const STATUS_PROCEDURE_NOT_FOUND = 0xc000007a
const STATUS_INSUFFICIENT_RESOURCES = 0xc000009a

interface Watched {
  m: TestMachine
  exitCode: number | null
}

/** Load a driver that sets its routines in DriverEntry, run a program, unload the driver. */
function watch(
  functions: Record<string, DriverFunction>,
  entry: (d: DriverApi) => Code,
  options: { unload?: (d: DriverApi) => Code; verifier?: string[] } = {},
): Watched {
  const m = new TestMachine({ verifier: options.verifier ?? [] })
  m.driver('toy', {
    *DriverEntry(d, object) {
      d.k.memory.setPtr(object! + 0x68, d.fn('Unload'))
      yield* entry(d)
      return 0
    },
    *Unload(d) {
      if (options.unload) yield* options.unload(d)
    },
    ...functions,
  })
  const program = m.program('client', {
    *main() {
      return 7
    },
  })
  const result: Watched = { m, exitCode: null }
  m.main(function* (k) {
    yield* k.loader.load('toy')
    const process = yield* k.programs.start('client.exe', program)
    result.exitCode = yield* k.programs.exited(process)
    yield* k.loader.unload('toy')
  })
  m.run()
  return result
}

describe('K087: registration of notify routines', () => {
  test('K087: an image routine registered twice is called twice, removed twice and not a third time', () => {
    const calls: string[] = []
    const removed: number[] = []
    const { m } = watch(
      {
        *OnImage(d, name, process) {
          calls.push(
            `${d.k.memory.text16(d.k.memory.ptr(name! + 8), d.k.memory.u16(name!))} ${process! > 0}`,
          )
        },
      },
      function* (d) {
        for (let i = 0; i < 2; i++)
          expect(yield* d.ddi('PsSetLoadImageNotifyRoutine', d.fn('OnImage'))).toBe(STATUS_SUCCESS)
      },
      {
        *unload(d) {
          for (let i = 0; i < 3; i++)
            removed.push(yield* d.ddi('PsRemoveLoadImageNotifyRoutine', d.fn('OnImage')))
        },
      },
    )
    expect(m.bugCheck).toBeNull()
    expect(calls).toEqual(Array(2).fill('\\??\\C:\\Lab\\client.exe true'))
    expect(removed).toEqual([STATUS_SUCCESS, STATUS_SUCCESS, STATUS_PROCEDURE_NOT_FOUND])
  })

  test('K087: removing a process routine that was never set fails', () => {
    const results: number[] = []
    inDriver(function* (d) {
      const routine = d.k.images.registerNative('Nobody', function* () {})
      results.push(yield* d.ddi('PsSetCreateProcessNotifyRoutine', routine, true))
      results.push(yield* d.ddi('PsRemoveCreateThreadNotifyRoutine', routine))
      return 0
    })
    expect(results).toEqual([STATUS_PROCEDURE_NOT_FOUND, STATUS_PROCEDURE_NOT_FOUND])
  })

  test('64 routines of a kind fit, the next is refused; a process routine is there once only', () => {
    const results: Record<string, number> = {}
    inDriver(function* (d) {
      const fn = (i: number) => d.k.images.registerNative(`Routine${i}`, function* () {})
      for (let i = 0; i < 64; i++) {
        yield* d.ddi('PsSetCreateThreadNotifyRoutine', fn(i))
        if (i < 63) yield* d.ddi('PsSetCreateProcessNotifyRoutine', fn(i), false)
      }
      results['again'] = yield* d.ddi('PsSetCreateProcessNotifyRoutine', fn(0), false)
      results['last'] = yield* d.ddi('PsSetCreateProcessNotifyRoutine', fn(63), false)
      results['process'] = yield* d.ddi('PsSetCreateProcessNotifyRoutine', fn(64), false)
      results['thread'] = yield* d.ddi('PsSetCreateThreadNotifyRoutine', fn(64))
      return 0
    })
    expect(results).toEqual({
      again: STATUS_INVALID_PARAMETER,
      last: STATUS_SUCCESS,
      process: STATUS_INVALID_PARAMETER,
      thread: STATUS_INSUFFICIENT_RESOURCES,
    })
  })

  test('the Ex form wants an image linked with /INTEGRITYCHECK', () => {
    const statuses: number[] = []
    const { m } = watch({ *Routine() {} }, function* (d) {
      const set = () => d.ddi('PsSetCreateProcessNotifyRoutineEx', d.fn('Routine'), false)
      // Clear the flag in the image's entry of PsLoadedModuleList, then set it as a driver might.
      const entry = d.k.memory.ptr(d.k.memory.ptr(d.k.ob.data.find('PsLoadedModuleList')))
      d.k.memory.setU32(entry + KLDR_DATA_TABLE_ENTRY.Flags, 0)
      statuses.push(yield* set())
      d.k.memory.setU32(entry + KLDR_DATA_TABLE_ENTRY.Flags, 0x20)
      statuses.push(yield* set())
    })
    expect(m.bugCheck).toBeNull()
    expect(statuses).toEqual([STATUS_ACCESS_DENIED, STATUS_SUCCESS])
  })
})

describe('what routines are told', () => {
  test('a process and its thread, from birth to end, inside a critical region', () => {
    const told: string[] = []
    const { m, exitCode } = watch(
      {
        *OnProcess(d, parent, id, create) {
          told.push(`process ${create ? 'begins' : 'ends'}, parent ${parent}`)
          expect(id).toBeGreaterThan(4)
          expect(yield* d.ddi('KeAreApcsDisabled')).toBe(1)
        },
        *OnThread(_d, process, thread, create) {
          told.push(`thread ${create ? 'begins' : 'ends'}`)
          expect(process).toBeGreaterThan(4)
          expect(thread).toBeGreaterThan(4)
        },
      },
      function* (d) {
        yield* d.ddi('PsSetCreateProcessNotifyRoutine', d.fn('OnProcess'), false)
        yield* d.ddi('PsSetCreateThreadNotifyRoutine', d.fn('OnThread'))
      },
      {
        *unload(d) {
          yield* d.ddi('PsSetCreateProcessNotifyRoutine', d.fn('OnProcess'), true)
          yield* d.ddi('PsRemoveCreateThreadNotifyRoutine', d.fn('OnThread'))
        },
      },
    )
    expect(m.bugCheck).toBeNull()
    expect(exitCode).toBe(7)
    expect(told).toEqual([
      'process begins, parent 4',
      'thread begins',
      'thread ends',
      'process ends, parent 4',
    ])
    expect(m.of('callback.registered').map((event) => event.kind)).toEqual(['process', 'thread'])
    expect(m.of('callback.removed')).toHaveLength(2)
  })

  test('CreationStatus forbids a process before it runs', () => {
    const names: string[] = []
    const { m, exitCode } = watch(
      {
        *OnProcess(d, _process, _id, info) {
          if (!info) return
          const { memory } = d.k
          const name = memory.ptr(info + PS_CREATE_NOTIFY_INFO.ImageFileName)
          names.push(memory.text16(memory.ptr(name + 8), memory.u16(name)))
          expect(memory.size(info)).toBe(0x48)
          memory.setU32(info + PS_CREATE_NOTIFY_INFO.CreationStatus, STATUS_ACCESS_DENIED)
        },
      },
      function* (d) {
        yield* d.ddi('PsSetCreateProcessNotifyRoutineEx', d.fn('OnProcess'), false)
      },
      {
        *unload(d) {
          yield* d.ddi('PsSetCreateProcessNotifyRoutineEx', d.fn('OnProcess'), true)
        },
      },
    )
    expect(m.bugCheck).toBeNull()
    expect(names).toEqual(['\\??\\C:\\Lab\\client.exe'])
    expect((exitCode ?? 0) >>> 0).toBe(STATUS_ACCESS_DENIED)
    expect(m.of('routine.called').some((event) => event.kind === 'main')).toBe(false)
  })

  test('a routine whose entry was cleared in memory is not called', () => {
    let called = 0
    watch(
      {
        *OnProcess() {
          called++
        },
      },
      function* (d) {
        yield* d.ddi('PsSetCreateProcessNotifyRoutine', d.fn('OnProcess'), false)
        d.k.memory.setU64(d.k.ob.data.find('PspCreateProcessNotifyRoutine'), 0n)
      },
    )
    expect(called).toBe(0)
  })
})

describe('a routine that is left behind', () => {
  const leave = (verifier: string[]): TestMachine =>
    watch(
      { *OnProcess() {} },
      function* (d) {
        yield* d.ddi('PsSetCreateProcessNotifyRoutine', d.fn('OnProcess'), false)
      },
      { verifier },
    ).m

  test('stops the machine at the unload with the verifier', () => {
    const m = leave(['all'])
    expect(m.bugCheck?.code).toBe(0xce)
    expect(m.bugCheck?.what).toContain('process callback toy!OnProcess')
  })

  test('is warned of without it, and stops the machine at the next event', () => {
    const m = new TestMachine()
    m.driver('toy', {
      *DriverEntry(d, object) {
        d.k.memory.setPtr(object! + 0x68, d.fn('Unload'))
        yield* d.ddi('PsSetCreateProcessNotifyRoutine', d.fn('OnProcess'), false)
        return 0
      },
      *Unload() {},
      *OnProcess() {},
    })
    const program = m.program('client', { *main() {} })
    m.main(function* (k) {
      yield* k.loader.load('toy')
      yield* k.loader.unload('toy')
      yield* k.programs.start('late.exe', program)
    })
    m.run()
    expect(m.of('verifier.warned').map((event) => event.rule)).toEqual(['VR-UNLOAD-CALLBACK'])
    expect(m.bugCheck?.code).toBe(0xce)
  })
})
