import { describe, expect, test } from 'vitest'
import { OBJ_KERNEL_HANDLE } from '../../../shared/nt/generated/constants'
import { DRIVER_OBJECT } from '../../../shared/nt/generated/offsets'
import {
  STATUS_INFO_LENGTH_MISMATCH,
  STATUS_INVALID_HANDLE,
  STATUS_OBJECT_NAME_EXISTS,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
  STATUS_TIMEOUT,
} from '../../../shared/nt/generated/ntstatus'
import type { Ptr } from '../mm/memory'
import { inDriver, scratch } from '../testing/in-driver'
import type { Code, DriverApi, OutBox } from '../testing/machine'

/** Make a device and give its address. */
function* createDevice(d: DriverApi, driver: Ptr, name: string | null): Code<Ptr> {
  const out = d.out()
  const status = yield* d.ddi(
    'IoCreateDevice',
    driver,
    0,
    name === null ? null : d.string(name),
    0x22,
    0,
    false,
    out,
  )
  expect(status).toBe(STATUS_SUCCESS)
  return Number(out.value)
}

/** OBJECT_ATTRIBUTES in memory. */
function* attributes(d: DriverApi, name: string | null, flags = OBJ_KERNEL_HANDLE): Code<Ptr> {
  const at = scratch(d, 0x30)
  yield* d.ddi(
    'InitializeObjectAttributes',
    at,
    name === null ? null : d.string(name),
    flags,
    0,
    null,
  )
  return at
}

function* event(d: DriverApi, name: string | null, state: boolean): Code<number> {
  const handle = d.out()
  const at = yield* attributes(d, name)
  expect(yield* d.ddi('ZwCreateEvent', handle, 0x1f0003, at, 1, state)).toBe(STATUS_SUCCESS)
  return Number(handle.value)
}

const signed = (box: OutBox): number => Number(BigInt.asIntN(32, BigInt(box.value)))

describe('ObReferenceObjectByHandle', () => {
  test('NULL is no handle; another type is refused; two handles lead to one object', () => {
    const machine = inDriver(function* (d) {
      const { k } = d
      const object = d.out()
      const args = [0x1f0003, k.ob.types.Event.address, 0, object, null] as const
      expect(yield* d.ddi('ObReferenceObjectByHandle', 0, ...args)).toBe(STATUS_INVALID_HANDLE)

      const first = yield* event(d, '\\BaseNamedObjects\\Toy', false)
      const second = d.out()
      const at = yield* attributes(d, '\\BaseNamedObjects\\Toy')
      expect(yield* d.ddi('ZwOpenEvent', second, 0x1f0003, at)).toBe(STATUS_SUCCESS)
      expect(yield* d.ddi('ObReferenceObjectByHandle', first, ...args)).toBe(STATUS_SUCCESS)
      const pointer = object.value
      expect(yield* d.ddi('ObReferenceObjectByHandle', signed(second), ...args)).toBe(
        STATUS_SUCCESS,
      )
      expect(object.value).toBe(pointer)
      expect(k.ob.pointerCount(Number(pointer))).toBe(5)

      const wrong = [0, k.ob.types.File.address, 0, object, null] as const
      expect(yield* d.ddi('ObReferenceObjectByHandle', first, ...wrong)).toBe(
        STATUS_OBJECT_TYPE_MISMATCH,
      )
      expect(object.value).toBe(0)
      for (let i = 0; i < 2; i++) yield* d.ddi64('ObDereferenceObject', Number(pointer))
      expect(yield* d.ddi('ZwClose', first)).toBe(STATUS_SUCCESS)
      expect(yield* d.ddi('ZwClose', signed(second))).toBe(STATUS_SUCCESS)
      expect(k.ob.lookup(Number(pointer))).toBeUndefined()
      return 0
    })
    expect(machine.bugCheck).toBeNull()
  })

  test('the exported variable stands for the type it points at', () => {
    inDriver(function* (d) {
      const handle = yield* event(d, null, false)
      const object = d.out()
      const type = d.k.ob.data.find('ExEventObjectType')
      const information = scratch(d, 8)
      expect(
        yield* d.ddi('ObReferenceObjectByHandle', handle, 0, type, 0, object, information),
      ).toBe(STATUS_SUCCESS)
      expect(d.k.memory.u32(information + 4)).toBe(0x1f0003)
      yield* d.ddi64('ObDereferenceObject', Number(object.value))
      yield* d.ddi('ZwClose', handle)
      return 0
    })
  })

  test.each([
    ['VR-OBJ-BADHANDLE', 0x1234, 0, [0x3cn, 0x1234n]],
    ['VR-OBJ-BADHANDLE', 0, 0, [0xf5n, 0n]],
    ['VR-OBJ-KERNELHANDLE-USERMODE', -0x7ffffffc, 1, [0xf7n, 0xffff_ffff_8000_0004n]],
  ])('%s stops at handle %i', (rule, handle, mode, parameters) => {
    const machine = inDriver(
      function* (d) {
        yield* event(d, null, false)
        yield* d.ddi('ObReferenceObjectByHandle', handle, 0, 0, mode, d.out(), null)
        return 0
      },
      { verifier: [rule] },
    )
    expect(machine.bugCheck).toMatchObject({ code: 0xc4, rule })
    expect(machine.bugCheck?.parameters.slice(0, 2)).toEqual(parameters)
  })
})

describe('ObQueryNameString', () => {
  test('a device tells the length it needs; an unnamed object has an empty name', () => {
    inDriver(function* (d, driver) {
      const { memory } = d.k
      const device = yield* createDevice(d, driver, '\\Device\\Toy')
      const needed = d.out()
      const info = scratch(d, 256)
      expect(yield* d.ddi('ObQueryNameString', device, null, 0, needed)).toBe(
        STATUS_INFO_LENGTH_MISMATCH,
      )
      expect(needed.value).toBe(16 + '\\Device\\Toy'.length * 2 + 2)
      expect(yield* d.ddi('ObQueryNameString', device, info, needed.value, needed)).toBe(
        STATUS_SUCCESS,
      )
      expect([memory.u16(info), memory.u16(info + 2)]).toEqual([22, 24])
      expect(memory.wsz(memory.ptr(info + 8))).toBe('\\Device\\Toy')

      const plain = yield* createDevice(d, driver, null)
      expect(yield* d.ddi('ObQueryNameString', plain, info, 256, needed)).toBe(STATUS_SUCCESS)
      expect(needed.value).toBe(16)
      expect([memory.u16(info), memory.u16(info + 2), memory.ptr(info + 8)]).toEqual([0, 0, 0])
      yield* d.ddi('IoDeleteDevice', plain)
      yield* d.ddi('IoDeleteDevice', device)
      return 0
    })
  })
})

describe('handles', () => {
  test('VR-OBJ-CLOSE-INVALID: closing twice is INVALID_KERNEL_HANDLE', () => {
    const machine = inDriver(function* (d) {
      const handle = yield* event(d, null, false)
      yield* d.ddi('ZwClose', handle)
      yield* d.ddi('ZwClose', handle)
      return 0
    })
    expect(machine.bugCheck?.code).toBe(0x93)
    expect(machine.bugCheck?.parameters).toEqual([0xffff_ffff_8000_0004n, 1n, 0n, 0n])
  })

  test('closing NULL or the kernel bit alone only fails, pseudo handles close without effect', () => {
    const machine = inDriver(function* (d) {
      expect(yield* d.ddi('ZwClose', 0)).toBe(STATUS_INVALID_HANDLE)
      expect(yield* d.ddi('ZwClose', -0x8000_0000)).toBe(STATUS_INVALID_HANDLE)
      expect(yield* d.ddi('ZwClose', -1)).toBe(STATUS_SUCCESS)
      expect(yield* d.ddi('ObCloseHandle', 0x1234, 1)).toBe(STATUS_INVALID_HANDLE)
      return 0
    })
    expect(machine.bugCheck).toBeNull()
  })

  test('ObOpenObjectByPointer gives a handle to a process', () => {
    inDriver(function* (d) {
      const process = yield* d.ddi('PsGetCurrentProcess')
      const handle = d.out()
      const flags = OBJ_KERNEL_HANDLE
      const type = d.k.ob.types
      const args = [process, flags, null, 0x1fffff] as const
      expect(yield* d.ddi('ObOpenObjectByPointer', ...args, type.Thread.address, 0, handle)).toBe(
        STATUS_OBJECT_TYPE_MISMATCH,
      )
      expect(yield* d.ddi('ObOpenObjectByPointer', ...args, type.Process.address, 0, handle)).toBe(
        STATUS_SUCCESS,
      )
      expect(d.k.ob.handleEntry(signed(handle), 0)?.object.address).toBe(process)
      yield* d.ddi('ZwClose', signed(handle))
      return 0
    })
  })

  test('ZwOpenDirectoryObject opens directories and nothing else', () => {
    inDriver(function* (d) {
      const handle = d.out()
      const open = function* (name: string): Code<number> {
        return yield* d.ddi('ZwOpenDirectoryObject', handle, 3, yield* attributes(d, name))
      }
      expect(yield* open('\\Device')).toBe(STATUS_SUCCESS)
      yield* d.ddi('ZwClose', signed(handle))
      expect(yield* open('\\Nowhere')).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
      expect(yield* open('\\Driver\\toy')).toBe(STATUS_OBJECT_TYPE_MISMATCH)
      return 0
    })
  })
})

describe('names and pointers', () => {
  test('ObReferenceObjectByName finds a driver object', () => {
    inDriver(function* (d, driver) {
      const found = d.out()
      const types = d.k.ob.types
      const name = d.string('\\driver\\TOY')
      const before = d.k.ob.pointerCount(driver)
      const args = [0x40, null, 0] as const
      expect(
        yield* d.ddi(
          'ObReferenceObjectByName',
          name,
          ...args,
          types.Driver.address,
          0,
          null,
          found,
        ),
      ).toBe(STATUS_SUCCESS)
      expect(found.value).toBe(driver)
      expect(d.k.ob.pointerCount(driver)).toBe(before + 1)
      expect(
        yield* d.ddi(
          'ObReferenceObjectByName',
          name,
          ...args,
          types.Device.address,
          0,
          null,
          found,
        ),
      ).toBe(STATUS_OBJECT_TYPE_MISMATCH)
      yield* d.ddi64('ObDereferenceObject', driver)
      return 0
    })
  })

  test('ObReferenceObjectByPointer checks the type in the header', () => {
    inDriver(function* (d, driver) {
      const { Driver, Device } = d.k.ob.types
      expect(yield* d.ddi('ObReferenceObjectByPointer', driver, 0, Device.address, 0)).toBe(
        STATUS_OBJECT_TYPE_MISMATCH,
      )
      expect(yield* d.ddi('ObReferenceObjectByPointer', driver, 0, Driver.address, 0)).toBe(
        STATUS_SUCCESS,
      )
      expect(yield* d.ddi('ObGetObjectType', driver)).toBe(Driver.address)
      yield* d.ddi64('ObDereferenceObject', driver)
      return 0
    })
  })

  test('dereferencing an object that was not referenced ends in 0x18', () => {
    const machine = inDriver(function* (d) {
      const handle = yield* event(d, null, false)
      const object = d.out()
      yield* d.ddi('ObReferenceObjectByHandle', handle, 0, 0, 0, object, null)
      yield* d.ddi('ZwClose', handle)
      yield* d.ddi64('ObDereferenceObject', Number(object.value))
      yield* d.ddi64('ObDereferenceObject', Number(object.value))
      return 0
    })
    expect(machine.bugCheck?.code).toBe(0x18)
    expect(machine.bugCheck?.what).toMatch(/deleted event object/)
  })
})

describe('events', () => {
  test('IoCreateNotificationEvent: signalled when new, the same object when opened again', () => {
    inDriver(function* (d) {
      const [first, second] = [d.out(), d.out()]
      const name = d.string('\\BaseNamedObjects\\Shared')
      const event = yield* d.ddi('IoCreateNotificationEvent', name, first)
      expect(yield* d.ddi('KeReadStateEvent', event)).toBe(1)
      yield* d.ddi('KeClearEvent', event)
      expect(yield* d.ddi('IoCreateNotificationEvent', name, second)).toBe(event)
      expect(yield* d.ddi('KeReadStateEvent', event)).toBe(0)
      expect(d.k.ob.handleCount(event)).toBe(2)
      yield* d.ddi('ZwClose', signed(first))
      yield* d.ddi('ZwClose', signed(second))
      expect(d.k.ob.lookup(event)).toBeUndefined()
      return 0
    })
  })

  test('set, wait, clear by handle', () => {
    const machine = inDriver(function* (d) {
      const handle = yield* event(d, null, false)
      const wait = (): Code<number> => d.ddi('ZwWaitForSingleObject', handle, false, 0n)
      expect(yield* wait()).toBe(STATUS_TIMEOUT)
      const previous = d.out()
      yield* d.ddi('ZwSetEvent', handle, previous)
      expect(previous.value).toBe(0)
      expect(yield* wait()).toBe(STATUS_SUCCESS)
      // A synchronization event: the wait has taken the signal.
      expect(yield* wait()).toBe(STATUS_TIMEOUT)
      yield* d.ddi('ZwSetEvent', handle, null)
      yield* d.ddi('ZwClearEvent', handle)
      expect(yield* wait()).toBe(STATUS_TIMEOUT)
      yield* d.ddi('ZwClose', handle)
      return 0
    })
    expect(machine.bugCheck).toBeNull()
  })

  test('OBJ_OPENIF opens what exists', () => {
    inDriver(function* (d) {
      const first = yield* event(d, '\\BaseNamedObjects\\Once', false)
      const second = d.out()
      const at = yield* attributes(d, '\\BaseNamedObjects\\Once', OBJ_KERNEL_HANDLE | 0x80)
      expect(yield* d.ddi('ZwCreateEvent', second, 0x1f0003, at, 1, true)).toBe(
        STATUS_OBJECT_NAME_EXISTS,
      )
      expect(yield* d.ddi('ZwWaitForSingleObject', signed(second), false, 0n)).toBe(STATUS_TIMEOUT)
      yield* d.ddi('ZwClose', first)
      yield* d.ddi('ZwClose', signed(second))
      return 0
    })
  })
})

test('the driver object has the reference of its name and the loader', () => {
  inDriver(function* (d, driver) {
    expect(d.k.memory.u16(driver + DRIVER_OBJECT.Type)).toBe(4)
    expect(d.k.ob.typeOf(driver)?.name).toBe('Driver')
    expect(d.k.ob.pointerCount(driver)).toBeGreaterThanOrEqual(1)
    yield* d.ddi('PsGetCurrentProcess')
    return 0
  })
})
