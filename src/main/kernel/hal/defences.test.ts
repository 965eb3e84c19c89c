/** What a machine defends itself by when a scenario asks for it. */
import { describe, expect, test } from 'vitest'
import { pointer } from '../../../shared/nt/format'
import { DRIVER_OBJECT, EPROCESS } from '../../../shared/nt/generated/offsets'
import { initializeListHead, removeEntry } from '../ke/list'
import { inDriver, scratch } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { toyDriver } from '../testing/toy-driver'

const ZERO = pointer(0n)
const SECOND = 10_000_000
const WP = 1n << 16n
const NT_DELAY_EXECUTION = 0x34

/** Put a function in the place of a service, with CR0.WP out of the way. */
function* hookDelay(d: DriverApi): Code<void> {
  const { memory, syscalls } = d.k
  const cr0 = yield* d.ddi64('__readcr0')
  yield* d.ddi('__writecr0', cr0 & ~WP)
  const entry = scratch(d, 4)
  memory.setU32(entry, (d.fn('Delay') - syscalls.table) << 4)
  yield* d.ddi('RtlCopyMemory', syscalls.table + NT_DELAY_EXECUTION * 4, entry, 4)
  yield* d.ddi('__writecr0', cr0)
}

/** A machine that is left alone for some seconds after a driver has been at it. */
function afterwards(
  defences: ('patchguard' | 'hvci')[],
  seconds: number,
  entry: (d: DriverApi) => Code<void>,
  seed = 1,
): TestMachine {
  const m = new TestMachine({ defences, seed })
  m.driver('toy', {
    *DriverEntry(d) {
      yield* entry(d)
      return 0
    },
    *Delay() {
      return 0
    },
  })
  m.main(function* (k) {
    yield* k.loader.load('toy')
    yield* k.dispatcher.delay(BigInt(-seconds * SECOND))
  })
  m.run()
  return m
}

const stopOf = (m: TestMachine) => m.of('bugcheck')[0] ?? null

describe('patchguard', () => {
  test('finds an entry of KiServiceTable within seconds: type 0xA, with its place', () => {
    const m = afterwards(['patchguard'], 20, hookDelay)
    const entry = m.k.memory.address(m.k.syscalls.table + NT_DELAY_EXECUTION * 4)
    expect(stopOf(m)).toMatchObject({
      code: '0x00000109',
      parameters: [ZERO, ZERO, pointer(entry), pointer(0xan)],
    })
    expect(m.k.tick).toBeGreaterThanOrEqual(2 * SECOND)
  })

  test('is not there when nobody asked for it', () => {
    expect(stopOf(afterwards([], 20, hookDelay))).toBeNull()
  })

  test('finds a process that is off its list', () => {
    const m = afterwards(['patchguard'], 20, function* ({ k }) {
      const links = k.processes.create('hidden.exe').address + EPROCESS.ActiveProcessLinks
      removeEntry(k, links)
      initializeListHead(k.memory, links)
    })
    expect(stopOf(m)).toMatchObject({
      code: '0x00000109',
      parameters: [ZERO, ZERO, expect.any(String), pointer(4n)],
    })
  })

  test('looks when the seed says', () => {
    const ticks = [1, 2, 3].map((seed) => afterwards(['patchguard'], 20, hookDelay, seed).k.tick)
    expect(new Set(ticks).size).toBeGreaterThan(1)
  })

  test('says when it will have looked at everything once more', () => {
    const m = afterwards(['patchguard'], 20, function* () {})
    expect(stopOf(m)).toBeNull()
    expect(m.k.hal.patchGuard.untilLook).toBeGreaterThan(0)
    expect(new TestMachine().k.hal.patchGuard.untilLook).toBe(0)
  })
})

describe('hvci', () => {
  test('without CR0.WP, KiServiceTable is read-only still: 0xBE', () => {
    const m = afterwards(['hvci'], 1, hookDelay)
    expect(stopOf(m)?.code).toBe('0x000000BE')
    expect(m.k.syscalls.target(NT_DELAY_EXECUTION)).toBe(
      m.k.images.registerNative('NtDelayExecution', () => ({}) as never),
    )
  })

  test('a second mapping of the table cannot be written either', () => {
    const write = (defences: 'hvci'[]): TestMachine =>
      inDriver(
        function* (d) {
          const at = yield* d.ddi64('MmGetPhysicalAddress', d.k.syscalls.table)
          const mapped = yield* d.ddi('MmMapIoSpace', at, 4, 1)
          yield* d.ddi('RtlZeroMemory', mapped, 4)
          return 0
        },
        { defences },
      )
    expect(stopOf(write(['hvci']))?.code).toBe('0x000000BE')
    expect(stopOf(write([]))).toBeNull()
  })

  test('the entry of system calls stays where it is, other registers can be written', () => {
    const m = inDriver(
      function* (d) {
        yield* d.ddi('__writemsr', 0xc000_0103, 1n)
        yield* d.ddi('__writemsr', 0xc000_0082, d.k.memory.address(scratch(d, 16)))
        return 0
      },
      { defences: ['hvci'] },
    )
    expect(m.bugCheck).not.toBeNull()
    expect(m.of('register.written').map(({ register }) => register)).toEqual(['IA32_TSC_AUX'])
    expect(m.k.hal.registers.isEntryMoved).toBe(false)
  })

  test('code of a driver is sealed while it is loaded, and its frames are free afterwards', () => {
    const m = new TestMachine({ defences: ['hvci'] })
    m.driver('toy', {
      *DriverEntry(d, driverObject) {
        d.k.memory.setPtr(driverObject! + DRIVER_OBJECT.DriverUnload, d.fn('Unload'))
        return 0
      },
      *Unload() {},
    })
    m.main(function* (k) {
      for (let i = 0; i < 2; i++) {
        yield* k.loader.load('toy')
        yield* k.loader.unload('toy', true)
      }
      // Every frame that is free can be written.
      const free = k.memory.frames.available
      expect(k.memory.commit(0x500_0000, free, 3)).toBe(true)
      k.memory.fill(0x500_0000, free * 4096, 1)
    })
    m.run()
    expect(stopOf(m)).toBeNull()
    expect(m.of('driver.loaded')).toHaveLength(2)
  })

  test('data can be written as before', () => {
    const m = toyDriver(function* (d) {
      const data = scratch(d, 8)
      yield* d.ddi('RtlZeroMemory', data, 8)
    })
    expect(stopOf(m)).toBeNull()
  })
})

test('the code of KiSystemCall64 shows where the table of services is', () => {
  const { k } = new TestMachine()
  const { memory, syscalls } = k
  const at = syscalls.entryPoint + 3
  expect([...memory.read(at, 3)]).toEqual([0x4c, 0x8d, 0x15])
  expect(at + 7 + memory.i32(at + 3)).toBe(syscalls.descriptor)
})
