import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  STATUS_OBJECT_NAME_COLLISION,
  STATUS_OBJECT_NAME_INVALID,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_PATH_NOT_FOUND,
  STATUS_OBJECT_PATH_SYNTAX_BAD,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { TestMachine } from '../testing/machine'
import type { Kernel } from '../kernel'
import type { KObject } from './object'

const machine = (): Kernel => new TestMachine().k

function device(k: Kernel, name: string): KObject {
  const object = k.ob.create('Device', 0x150, { name })
  if (typeof object === 'number') throw new Error(name)
  return object
}

describe('creating names', () => {
  test('an existing name collides, whatever its case, and nothing is made', () => {
    const k = machine()
    device(k, '\\Device\\A')
    const before = [...k.ob.all()].length
    expect(k.ob.create('Device', 0x150, { name: '\\Device\\A' })).toBe(STATUS_OBJECT_NAME_COLLISION)
    expect(k.ob.create('Device', 0x150, { name: '\\dEVICE\\a' })).toBe(STATUS_OBJECT_NAME_COLLISION)
    expect([...k.ob.all()]).toHaveLength(before)
  })

  test('a missing directory is STATUS_OBJECT_PATH_NOT_FOUND', () => {
    expect(machine().ob.create('Device', 0x150, { name: '\\NoSuchDirectory\\A' })).toBe(
      STATUS_OBJECT_PATH_NOT_FOUND,
    )
  })

  test.each([
    ['A', STATUS_OBJECT_PATH_SYNTAX_BAD],
    ['', STATUS_OBJECT_PATH_SYNTAX_BAD],
    ['\\Device\\', STATUS_OBJECT_NAME_INVALID],
    ['\\Device\\\\A', STATUS_OBJECT_NAME_INVALID],
    ['\\', STATUS_OBJECT_NAME_INVALID],
    ['\\ObjectTypes\\Device\\A', STATUS_OBJECT_TYPE_MISMATCH],
  ])('"%s" is refused', (name, status) => {
    expect(machine().ob.create('Device', 0x150, { name })).toBe(status)
  })

  test('the memory before the header names object and directory', () => {
    const k = machine()
    const { address } = device(k, '\\Device\\Toy')
    const info = address - 0x30 - 0x20
    expect(k.memory.ptr(info)).toBe(k.ob.find('\\Device')?.address)
    expect(k.memory.text16(k.memory.ptr(info + 0x10), k.memory.u16(info + 8))).toBe('Toy')
  })
})

describe('looking up', () => {
  test('DosDevices and ?? lead to the global directory, and the rest of a path is left over', () => {
    const k = machine()
    const toy = device(k, '\\Device\\Toy')
    expect(k.ob.namespace.createSymbolicLink('\\DosDevices\\Link', '\\Device\\Toy')).toBe(0)
    for (const path of ['\\??\\Link', '\\DosDevices\\LINK', '\\GLOBAL??\\link', '\\Device\\toy'])
      expect(k.ob.namespace.lookup(path)).toEqual({ status: 0, object: toy, remainder: '' })
    expect(k.ob.namespace.lookup('\\??\\Link\\sub\\x').remainder).toBe('\\sub\\x')
    expect(k.ob.namespace.lookup('\\??\\GLOBALROOT\\Device\\Toy').object).toBe(toy)
    expect(toy.name).toBe('\\Device\\Toy')
  })

  test.each([
    ['\\Device\\None', STATUS_OBJECT_NAME_NOT_FOUND],
    ['\\None\\None', STATUS_OBJECT_PATH_NOT_FOUND],
    ['Device', STATUS_OBJECT_PATH_SYNTAX_BAD],
    ['\\Device\\', STATUS_OBJECT_NAME_INVALID],
  ])('%s is not found', (path, status) => {
    expect(machine().ob.namespace.lookup(path).status).toBe(status)
  })

  test('a path may start at a directory', () => {
    const k = machine()
    const toy = device(k, '\\Device\\Toy')
    const root = k.ob.find('\\Device') ?? null
    expect(k.ob.namespace.lookup('Toy', { root }).object).toBe(toy)
    expect(k.ob.namespace.lookup('\\Toy', { root }).status).toBe(STATUS_OBJECT_PATH_SYNTAX_BAD)
  })

  test('links in a circle end', () => {
    const k = machine()
    k.ob.namespace.createSymbolicLink('\\??\\A', '\\??\\B')
    k.ob.namespace.createSymbolicLink('\\??\\B', '\\??\\A')
    expect(k.ob.namespace.lookup('\\??\\A').status).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
  })

  test('every type is in \\ObjectTypes', () => {
    const k = machine()
    for (const type of Object.values(k.ob.types))
      expect(k.ob.find(`\\ObjectTypes\\${type.name}`)?.address).toBe(type.address)
  })
})

describe('symbolic links', () => {
  test('an existing link name collides; the target need not exist', () => {
    const k = machine()
    expect(k.ob.namespace.createSymbolicLink('\\??\\L', '\\Device\\None')).toBe(STATUS_SUCCESS)
    expect(k.ob.namespace.createSymbolicLink('\\DosDevices\\l', '\\Device\\X')).toBe(
      STATUS_OBJECT_NAME_COLLISION,
    )
    expect(k.ob.namespace.lookup('\\??\\L').status).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
  })

  test('an unknown link cannot be deleted; a deleted one is not found', () => {
    const k = machine()
    device(k, '\\Device\\Toy')
    expect(k.ob.namespace.deleteSymbolicLink('\\??\\L')).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
    k.ob.namespace.createSymbolicLink('\\??\\L', '\\Device\\Toy')
    expect(k.ob.namespace.deleteSymbolicLink('\\??\\L')).toBe(STATUS_SUCCESS)
    expect(k.ob.namespace.lookup('\\??\\L').status).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
    expect(k.ob.namespace.deleteSymbolicLink('\\Device\\Toy')).toBe(STATUS_OBJECT_TYPE_MISMATCH)
  })

  test('the target is what the memory says', () => {
    const k = machine()
    device(k, '\\Device\\Toy')
    k.ob.namespace.createSymbolicLink('\\??\\L', '\\Device\\Tox')
    const link = k.ob.find('\\??\\L', 'SymbolicLink')!
    expect(k.ob.namespace.lookup('\\??\\L').object).toBeNull()
    const text = k.memory.ptr(link.address + 0x10)
    k.memory.setU16(text + '\\Device\\To'.length * 2, 'y'.charCodeAt(0))
    expect(k.ob.namespace.lookup('\\??\\L').object?.name).toBe('\\Device\\Toy')
  })
})

test('a name goes with the last handle of a temporary object, and not of a permanent one', () => {
  const k = machine()
  const event = k.ob.createSystem('Event', 0x18, { name: '\\BaseNamedObjects\\E' })
  const handle = k.ob.openHandle(event, 0x1f0003)
  k.ob.release(event.address)
  expect(k.ob.find('\\BaseNamedObjects\\E')).toBe(event)
  expect(k.ob.closeHandle(handle, 0).next().value).toBe(STATUS_SUCCESS)
  expect(k.ob.find('\\BaseNamedObjects\\E')).toBeUndefined()
  expect(k.ob.lookup(event.address)).toBeUndefined()

  const toy = device(k, '\\Device\\Toy')
  const open = k.ob.openHandle(toy, 0)
  k.ob.closeHandle(open, 0).next()
  expect(k.ob.find('\\Device\\Toy')).toBe(toy)
  k.ob.makeTemporary(toy.address)
  expect(k.ob.find('\\Device\\Toy')).toBeUndefined()
  expect(k.ob.pointerCount(toy.address)).toBe(1)
})

test('any sequence of creations and deletions leaves what a plain map would', () => {
  const names = ['A', 'a', 'B', 'Foo', 'FOO', 'ß', 'Ü', 'ü']
  fc.assert(
    fc.property(
      fc.array(fc.record({ create: fc.boolean(), name: fc.constantFrom(...names) }), {
        maxLength: 40,
      }),
      (steps) => {
        const k = machine()
        const model = new Map<string, string>()
        const key = (name: string): string => (name === 'ß' ? name : name.toUpperCase())
        for (const { create, name } of steps) {
          const status = create
            ? k.ob.namespace.createSymbolicLink(`\\??\\${name}`, '\\Device')
            : k.ob.namespace.deleteSymbolicLink(`\\??\\${name}`)
          if (create) {
            expect(status).toBe(model.has(key(name)) ? STATUS_OBJECT_NAME_COLLISION : 0)
            if (status === 0) model.set(key(name), name)
          } else {
            expect(status).toBe(model.has(key(name)) ? 0 : STATUS_OBJECT_NAME_NOT_FOUND)
            model.delete(key(name))
          }
        }
        for (const name of names)
          expect(k.ob.find(`\\??\\${name}`, 'SymbolicLink')?.leaf).toBe(model.get(key(name)))
      },
    ),
    { numRuns: 40 },
  )
})
