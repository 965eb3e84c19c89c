import { describe, expect, test } from 'vitest'
import { DRIVER_OBJECT, EPROCESS } from '../../../shared/nt/generated/offsets'
import { initializeListHead, removeEntry } from '../ke/list'
import type { Kernel } from '../kernel'
import { PTE } from '../mm/layout'
import { inDriver } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi } from '../testing/machine'
import { integrityFindings } from './integrity'

const linksOf = (k: Kernel, pid: number): number =>
  k.processes.byId(pid)!.address + EPROCESS.ActiveProcessLinks

/** Hide a process that was made for it, as a rootkit does: unlinked, its links to itself. */
function* hide({ k }: DriverApi): Code {
  const links = linksOf(k, k.processes.create('hidden.exe').id)
  removeEntry(k, links)
  initializeListHead(k.memory, links)
  return 0
}

/** Write to a read-only page, as through a second mapping. */
function overwrite(k: Kernel, at: number, value: number): void {
  const flags = k.memory.pte(at) & 0xfff
  k.memory.protect(at, 1, flags | PTE.write)
  k.memory.setU32(at, value)
  k.memory.protect(at, 1, flags)
}

describe('a kernel that is as it was made', () => {
  test('has nothing to say about, with processes and drivers that come and go', () => {
    const machine = new TestMachine()
    machine.driver('toy', {
      *DriverEntry(d, driverObject) {
        const unload = driverObject! + DRIVER_OBJECT.DriverUnload
        d.k.memory.setPtr(unload, d.fn('Unload'))
        return 0
      },
      *Unload() {},
    })
    machine.main(function* (k) {
      yield* k.processes.exit(k.processes.create('short.exe'), 0)
      k.processes.create('long.exe')
      yield* k.loader.load('toy')
      expect(integrityFindings(k)).toEqual([])
      yield* k.loader.unload('toy')
    })
    machine.run()
    expect(machine.bugCheck).toBeNull()
    expect(machine.of('driver.unloaded')).toHaveLength(1)
    expect(integrityFindings(machine.k)).toEqual([])
  })
})

describe('what was changed is told', () => {
  const changes: [string, (k: Kernel) => void, region: string, type: number, what: RegExp][] = [
    [
      'a process that is not on its list',
      (k) => removeEntry(k, linksOf(k, k.processes.create('a.exe').id)),
      'processList',
      4,
      /^a\.exe, process \d+, lives and is not in the list/,
    ],
    [
      'an image that is not on its list',
      (k) => removeEntry(k, k.memory.ptr(k.ob.data.find('PsLoadedModuleList'))),
      'moduleList',
      0x19,
      /^nt is loaded and is not in PsLoadedModuleList/,
    ],
    [
      'an entry of KiServiceTable',
      (k) => overwrite(k, k.syscalls.table + 0x0f * 4, 0x10),
      'serviceTable',
      0xa,
      /^Entry 0xF of KiServiceTable, NtClose, leads to 0x/,
    ],
    [
      'code of the kernel',
      (k) => overwrite(k, k.syscalls.entryPoint + 4, 0xcccc_cccc),
      'code',
      1,
      /^The bytes of nt!KiSystemCall64 are not those/,
    ],
    [
      'IA32_LSTAR',
      (k) => k.hal.registers.writeMsr(0xc000_0082, 0xffff_8000_0000_0000n),
      'msr',
      7,
      /^IA32_LSTAR leads to/,
    ],
    [
      'CR0.WP',
      (k) => k.hal.registers.writeCr0(k.hal.registers.readCr0() & ~0x1_0000n),
      'controlRegister',
      0x15,
      /protection/,
    ],
  ]
  test.each(changes)('%s', (_name, change, region, type, what) => {
    const { k } = new TestMachine()
    change(k)
    expect(integrityFindings(k)).toEqual([
      {
        region,
        type,
        what: expect.stringMatching(what) as string,
        at: expect.any(Number) as number,
      },
    ])
  })

  test('lists that lead nowhere or into themselves have an end', () => {
    const { k } = new TestMachine()
    const head = k.ob.data.find('PsActiveProcessHead')
    const [first, second] = [k.processes.system.address, k.processes.create('a.exe').address].map(
      (at) => at + EPROCESS.ActiveProcessLinks,
    ) as [number, number]
    k.memory.setPtr(second, first)
    expect(integrityFindings(k)).toEqual([])
    k.memory.setPtr(first, k.memory.index(0x4141_4141_4141_4141n))
    expect(integrityFindings(k).map(({ at }) => at)).toEqual([second])
    k.memory.setPtr(head, 0)
    expect(integrityFindings(k).map(({ at }) => at)).toEqual([first, second])
  })
})

describe('the verifier', () => {
  test('stops the driver that hid a process, when it returns', () => {
    const { bugCheck } = inDriver(hide, { verifier: ['io'] })
    expect(bugCheck).toMatchObject({ code: 0x109, about: 'VR-PATCH-DKOM' })
    expect(bugCheck!.parameters[3]).toBe(4n)
    expect(bugCheck!.what).toMatch(
      /^toy!DriverEntry has returned\. hidden\.exe, process \d+, lives/,
    )
  })

  test('stops one that hid itself', () => {
    const { bugCheck } = inDriver(
      function* ({ k }) {
        removeEntry(k, k.memory.ptr(k.ob.data.find('PsLoadedModuleList') + 8))
        return 0
      },
      { verifier: ['io'] },
    )
    expect(bugCheck).toMatchObject({ code: 0x109, about: 'VR-PATCH-DKOM' })
    expect(bugCheck!.parameters[3]).toBe(0x19n)
  })

  test('stops one that changed code of the kernel', () => {
    const { bugCheck } = inDriver(
      function* ({ k }) {
        overwrite(k, k.syscalls.entryPoint, 0xcccc_cccc)
        return 0
      },
      { verifier: ['io'] },
    )
    expect(bugCheck).toMatchObject({ code: 0x109, about: 'VR-PATCH-CODE' })
    expect(bugCheck!.parameters[3]).toBe(1n)
  })

  test('does not look when nobody asked for it', () => {
    expect(inDriver(hide).bugCheck).toBeNull()
  })
})
