import { describe, expect, test } from 'vitest'
import { EPROCESS, ETHREAD } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INVALID_CID,
  STATUS_INVALID_PARAMETER,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import type { Kernel } from '../kernel'
import type { Ptr } from '../mm/memory'
import { inDriver, scratch } from '../testing/in-driver'
import { TestMachine } from '../testing/machine'
import type { Process } from './process'

function create(k: Kernel, name: string): Process {
  const process = k.processes.create(name)
  if (typeof process === 'number') throw new Error(name)
  return process
}

/** Image names in PsActiveProcessHead, as a driver walks it. */
function walk(k: Kernel): string[] {
  const head = k.ob.data.find('PsActiveProcessHead')
  const names: string[] = []
  for (let at: Ptr = k.memory.ptr(head); at !== head; at = k.memory.ptr(at))
    names.push(k.memory.sz(at - EPROCESS.ActiveProcessLinks + EPROCESS.ImageFileName, 15))
  return names
}

describe('EPROCESS', () => {
  test('System: id 4, protected, with a token, at PsInitialSystemProcess', () => {
    const { k } = new TestMachine()
    const at = k.processes.system.address
    expect(k.memory.u64(at + EPROCESS.UniqueProcessId)).toBe(4n)
    expect(k.memory.sz(at + EPROCESS.ImageFileName)).toBe('System')
    expect(k.memory.u8(at + EPROCESS.Protection)).toBe(0x72)
    expect(k.memory.ptr(k.ob.data.find('PsInitialSystemProcess'))).toBe(at)
    expect(k.ob.typeOf(k.se.tokens.addressOf(at))?.name).toBe('Token')
    expect(k.ob.typeOf(at)?.name).toBe('Process')
  })

  test('a process shows up in the list, with a name of at most 14 characters, and leaves it', () => {
    const machine = new TestMachine()
    const { k } = machine
    const client = create(k, 'averylongclientname.exe')
    expect(walk(k)).toEqual(['System', 'averylongclien'])
    machine.main(function* () {
      const object = k.ob.createSystem('Event', 0x18)
      client.handles.open(object, 1)
      k.ob.release(object.address)
      k.ob.reference(client.address)
      yield* k.processes.exit(client, 3)
      expect(k.ob.lookup(object.address)).toBeUndefined()
      expect(k.memory.u32(client.address + EPROCESS.ExitStatus)).toBe(3)
      expect(k.memory.i32(client.address + 4)).toBe(1)
      yield* k.ob.dereference(client.address)
    })
    machine.run()
    expect(walk(k)).toEqual(['System'])
    expect(k.processes.byId(client.id)).toBeUndefined()
    expect(machine.of('process.exited')).toHaveLength(1)
    expect(k.ob.lookup(client.address)).toBeUndefined()
  })

  test('a process that a driver unlinked is out of the walk, and of no list twice', () => {
    const machine = new TestMachine()
    const { k } = machine
    const client = create(k, 'hidden.exe')
    const links = client.address + EPROCESS.ActiveProcessLinks
    const [next, last] = [k.memory.ptr(links), k.memory.ptr(links + 8)]
    k.memory.setPtr(last, next)
    k.memory.setPtr(next + 8, last)
    expect(walk(k)).toEqual(['System'])
    expect(k.processes.byId(client.id)).toBe(client)
    // Its own links still name neighbours that no longer know it: the exit finds that.
    machine.main(function* () {
      yield* k.processes.exit(client, 0)
    })
    machine.run()
    expect(machine.bugCheck?.code).toBe(0x139)
  })

  test('user space is the process’s own', () => {
    const { k } = new TestMachine()
    const [a, b] = [create(k, 'a.exe'), create(k, 'b.exe')]
    k.memory.switchSlice(a.slice)
    const block = k.processes.allocateUser(a, 5000)
    k.memory.setU32(block + 4996, 7)
    const stack = k.processes.allocateUserStack(a)!
    k.memory.setU32(stack.base - 4, 1)
    expect(() => k.memory.setU32(stack.limit - 4, 1)).toThrow()
    k.memory.switchSlice(b.slice)
    expect(() => k.memory.u32(block)).toThrow()
    const other = k.processes.allocateUser(b, 10)
    expect(k.memory.u32(other)).toBe(0)
    expect(other).not.toBe(block)
  })

  test('a thread is in its process’s list from creation to exit', () => {
    const machine = new TestMachine()
    const { k } = machine
    const head = k.processes.system.address + EPROCESS.ThreadListHead
    const count = (): number => {
      let n = 0
      for (let at = k.memory.ptr(head); at !== head; at = k.memory.ptr(at)) n++
      return n
    }
    machine.main(function* () {
      expect(count()).toBe(1)
      const thread = k.scheduler.createThread({
        process: k.processes.system,
        name: 'second',
        priority: 9,
      })
      expect(k.memory.u64(thread.address + ETHREAD['Cid.UniqueThread'])).toBe(BigInt(thread.id))
      expect(count()).toBe(2)
      k.ob.reference(thread.address)
      k.scheduler.start(thread, (function* () {})(), 'test')
      for (let i = 0; i < 5; i++) yield { op: 'yield' }
      expect(count()).toBe(1)
      expect(k.memory.u32(thread.address + ETHREAD.CrossThreadFlags) & 1).toBe(1)
      expect(k.ob.release(thread.address)).toBe(0)
    })
    machine.run()
    expect(machine.bugCheck).toBeNull()
  })
})

describe('routines', () => {
  test('current process, ids, look-ups', () => {
    const machine = inDriver(function* (d) {
      const { k } = d
      const client = create(k, 'client.exe')
      const system = yield* d.ddi('PsGetCurrentProcess')
      expect(system).toBe(k.processes.system.address)
      expect(yield* d.ddi('IoGetCurrentProcess')).toBe(system)
      expect(yield* d.ddi('PsGetCurrentProcessId')).toBe(4)
      const found = d.out()
      expect(yield* d.ddi('PsLookupProcessByProcessId', client.id, found)).toBe(STATUS_SUCCESS)
      expect(found.value).toBe(client.address)
      expect(k.ob.pointerCount(client.address)).toBe(2)
      expect(yield* d.ddi('PsGetProcessId', client.address)).toBe(client.id)
      const name = yield* d.ddi('PsGetProcessImageFileName', client.address)
      expect(k.memory.sz(name)).toBe('client.exe')
      expect(yield* d.ddi('PsIsProtectedProcess', client.address)).toBe(0)
      expect(yield* d.ddi('PsIsProtectedProcess', system)).toBe(1)
      yield* d.ddi64('ObDereferenceObject', client.address)
      expect(yield* d.ddi('PsLookupProcessByProcessId', 0x7ffc, found)).toBe(STATUS_INVALID_CID)
      return 0
    })
    expect(machine.bugCheck).toBeNull()
  })

  test('a token taken from another process is what PsReferencePrimaryToken gives', () => {
    inDriver(function* (d) {
      const { k } = d
      const client = create(k, 'client.exe')
      const token = (process: Ptr): bigint => k.memory.u64(process + EPROCESS['Token.Value'])
      expect(token(client.address)).not.toBe(token(k.processes.system.address))
      k.memory.setU64(client.address + EPROCESS['Token.Value'], token(k.processes.system.address))
      const own = yield* d.ddi('PsReferencePrimaryToken', k.processes.system.address)
      expect(yield* d.ddi('PsReferencePrimaryToken', client.address)).toBe(own)
      expect(k.ob.pointerCount(own)).toBe(3)
      yield* d.ddi('PsDereferencePrimaryToken', own)
      yield* d.ddi('PsDereferencePrimaryToken', own)
      return 0
    })
  })

  test('ZwOpenProcess by id', () => {
    inDriver(function* (d) {
      const client = create(d.k, 'client.exe')
      const at = scratch(d, 0x40)
      yield* d.ddi('InitializeObjectAttributes', at, null, 0x200, 0, null)
      const id = at + 0x30
      d.k.memory.setU64(id, BigInt(client.id))
      const handle = d.out()
      expect(yield* d.ddi('ZwOpenProcess', handle, 0x1fffff, at, id)).toBe(STATUS_SUCCESS)
      expect(d.k.ob.resolveHandle(Number(handle.value), 0, null, 0).object?.address).toBe(
        client.address,
      )
      yield* d.ddi('ZwClose', Number(handle.value))
      d.k.memory.setU64(id, 0x7ffcn)
      expect(yield* d.ddi('ZwOpenProcess', handle, 0x1fffff, at, id)).toBe(STATUS_INVALID_PARAMETER)
      return 0
    })
  })
})

test('a handle of a user process used as a kernel’s is VR-OBJ-USERHANDLE', () => {
  const machine = inDriver(
    function* (d) {
      const client = create(d.k, 'client.exe')
      const object = d.k.ob.createSystem('Event', 0x18)
      const handle = client.handles.open(object, 1)
      d.k.thread.attached = client
      yield* d.ddi('ObReferenceObjectByHandle', handle, 1, 0, 0, d.out(), null)
      return 0
    },
    { verifier: ['VR-OBJ-USERHANDLE'] },
  )
  expect(machine.bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-OBJ-USERHANDLE' })
  expect(machine.bugCheck?.parameters.slice(0, 2)).toEqual([0xf6n, 4n])
})
