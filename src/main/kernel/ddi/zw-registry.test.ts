import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OBJ_KERNEL_HANDLE, REG_DWORD, REG_SZ } from '../../../shared/nt/generated/constants'
import {
  STATUS_BUFFER_OVERFLOW,
  STATUS_BUFFER_TOO_SMALL,
  STATUS_CANNOT_DELETE,
  STATUS_CHILD_MUST_BE_VOLATILE,
  STATUS_INVALID_PARAMETER,
  STATUS_KEY_DELETED,
  STATUS_NO_MORE_ENTRIES,
  STATUS_OBJECT_NAME_NOT_FOUND,
  STATUS_OBJECT_PATH_SYNTAX_BAD,
  STATUS_OBJECT_TYPE_MISMATCH,
  STATUS_SUCCESS,
} from '../../../shared/nt/generated/ntstatus'
import { RTL_QUERY_REGISTRY_TABLE as TABLE } from '../../../shared/nt/generated/offsets'
import type { Ptr } from '../mm/memory'
import { inDriver, scratch } from '../testing/in-driver'
import { TestMachine, type Code, type DriverApi, type DriverFunction } from '../testing/machine'

const SERVICE = '\\Registry\\Machine\\System\\CurrentControlSet\\Services\\toy'

function* attributes(d: DriverApi, name: string, root = 0): Code<Ptr> {
  const at = scratch(d, 0x30)
  yield* d.ddi('InitializeObjectAttributes', at, d.string(name), OBJ_KERNEL_HANDLE, root, null)
  return at
}

/** Open a key, or give the status as a negative number. */
function* open(d: DriverApi, name: string, root = 0): Code<number> {
  const handle = d.out()
  const status = yield* d.ddi('ZwOpenKey', handle, 0xf003f, yield* attributes(d, name, root))
  return status === STATUS_SUCCESS ? Number(handle.value) : status
}

function* create(d: DriverApi, name: string, root = 0, options = 0): Code<[number, number]> {
  const [handle, disposition] = [d.out(), d.out()]
  const at = yield* attributes(d, name, root)
  const status = yield* d.ddi('ZwCreateKey', handle, 0xf003f, at, 0, null, options, disposition)
  return [status === STATUS_SUCCESS ? Number(handle.value) : status, Number(disposition.value)]
}

interface Queried {
  status: number
  needed: number
  at: Ptr
}

function* query(
  d: DriverApi,
  key: number,
  name: string,
  kind: number,
  length = 256,
): Code<Queried> {
  const at = scratch(d, 256)
  const needed = d.out()
  const status = yield* d.ddi('ZwQueryValueKey', key, d.string(name), kind, at, length, needed)
  return { status, needed: Number(needed.value), at }
}

describe('keys', () => {
  test('CurrentControlSet leads to ControlSet001, names are found without case', () => {
    inDriver(function* (d, _driver, registryPath) {
      const { k } = d
      const path = k.memory.text16(k.memory.ptr(registryPath + 8), k.memory.u16(registryPath))
      expect(path.toLowerCase()).toBe('\\registry\\machine\\system\\controlset001\\services\\toy')
      const [a, b] = [yield* open(d, SERVICE.toUpperCase()), yield* open(d, path)]
      expect(a).toBeLessThan(0)
      expect(b).toBeLessThan(0)
      const info = scratch(d, 256)
      yield* d.ddi('ZwQueryKey', a, 3, info, 256, d.out())
      expect(k.memory.text16(info + 4, k.memory.u32(info))).toBe(
        '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\toy',
      )
      yield* d.ddi('ZwClose', a)
      yield* d.ddi('ZwClose', b)
      return 0
    })
  })

  test('what cannot be opened', () => {
    inDriver(function* (d) {
      expect(yield* open(d, '\\Registry\\Machine\\None')).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
      expect(yield* open(d, '\\Registry\\Machine\\None\\Deeper')).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
      expect(yield* open(d, 'Registry\\Machine')).toBe(STATUS_OBJECT_PATH_SYNTAX_BAD)
      expect(yield* open(d, '\\Device')).toBe(STATUS_OBJECT_TYPE_MISMATCH)
      expect(yield* d.ddi('ZwOpenKey', d.out(), 0, null)).toBe(STATUS_INVALID_PARAMETER)
      return 0
    })
  })

  test('created, opened again, listed, deleted', () => {
    const machine = inDriver(function* (d) {
      const root = yield* open(d, SERVICE)
      const [zebra, made] = yield* create(d, 'Zebra', root)
      expect(made).toBe(1)
      const [again, opened] = yield* create(d, 'zebra', root)
      expect(opened).toBe(2)
      const [ant] = yield* create(d, 'Ant', root)
      expect((yield* create(d, 'No\\Such', root))[0]).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
      const info = scratch(d, 64)
      const needed = d.out()
      const names: string[] = []
      for (let i = 0; ; i++) {
        const status = yield* d.ddi('ZwEnumerateKey', root, i, 0, info, 64, needed)
        if (status === STATUS_NO_MORE_ENTRIES) break
        expect(status).toBe(STATUS_SUCCESS)
        names.push(d.k.memory.text16(info + 0x10, d.k.memory.u32(info + 0xc)))
      }
      expect(names).toEqual(['Ant', 'Parameters', 'Zebra'])
      expect(yield* d.ddi('ZwDeleteKey', root)).toBe(STATUS_CANNOT_DELETE)
      expect(yield* d.ddi('ZwDeleteKey', zebra)).toBe(STATUS_SUCCESS)
      expect(yield* d.ddi('ZwDeleteKey', again)).toBe(STATUS_KEY_DELETED)
      expect((yield* query(d, again, 'x', 2)).status).toBe(STATUS_KEY_DELETED)
      expect(yield* open(d, 'Zebra', root)).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
      for (const handle of [root, zebra, again, ant]) yield* d.ddi('ZwClose', handle)
      return 0
    })
    expect(machine.bugCheck).toBeNull()
    expect(machine.of('registry').map((event) => event.operation)).toContain('delete')
    expect(machine.of('registry').find((event) => event.operation === 'create')).toMatchObject({
      key: '\\REGISTRY\\MACHINE\\SYSTEM\\ControlSet001\\Services\\toy\\Zebra',
      status: '0x00000000',
    })
  })

  test('below a volatile key all keys are volatile', () => {
    inDriver(function* (d) {
      const root = yield* open(d, SERVICE)
      const [volatile] = yield* create(d, 'V', root, 1)
      expect((yield* create(d, 'Child', volatile))[0]).toBe(STATUS_CHILD_MUST_BE_VOLATILE)
      expect((yield* create(d, 'Child', volatile, 1))[1]).toBe(1)
      return 0
    })
  })
})

describe('values', () => {
  const parameters = { Count: 7, Name: 'toy' }

  test('ZwQueryValueKey in every information class', () => {
    inDriver(
      function* (d) {
        const { memory } = d.k
        const key = yield* open(d, SERVICE + '\\Parameters')
        const partial = yield* query(d, key, 'count', 2)
        expect([partial.status, partial.needed]).toEqual([STATUS_SUCCESS, 16])
        expect([1, 2, 3].map((i) => memory.u32(partial.at + 4 * i))).toEqual([REG_DWORD, 4, 7])

        const basic = yield* query(d, key, 'Name', 0)
        expect([basic.needed, memory.u32(basic.at + 4), memory.u32(basic.at + 8)]).toEqual([
          20,
          REG_SZ,
          8,
        ])
        expect(memory.text16(basic.at + 12, 8)).toBe('Name')

        const full = yield* query(d, key, 'Name', 1)
        const offset = memory.u32(full.at + 8)
        expect([offset, memory.u32(full.at + 12), memory.u32(full.at + 16)]).toEqual([28, 8, 8])
        expect(memory.text16(full.at + offset, 8)).toBe('toy\0')
        expect(full.needed).toBe(36)

        const aligned = yield* query(d, key, 'Count', 4)
        expect([0, 1, 2].map((i) => memory.u32(aligned.at + 4 * i))).toEqual([REG_DWORD, 4, 7])
        expect((yield* query(d, key, 'Count', 9)).status).toBe(STATUS_INVALID_PARAMETER)
        expect((yield* query(d, key, 'None', 2)).status).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
        return 0
      },
      { parameters },
    )
  })

  test('a short buffer: nothing below the fixed part, a part above it, the full length always', () => {
    inDriver(
      function* (d) {
        const { memory } = d.k
        const key = yield* open(d, SERVICE + '\\Parameters')
        const none = yield* query(d, key, 'Name', 2, 11)
        expect([none.status, none.needed]).toEqual([STATUS_BUFFER_TOO_SMALL, 20])
        expect(memory.u32(none.at + 8)).toBe(0)
        const part = yield* query(d, key, 'Name', 2, 14)
        expect([part.status, part.needed]).toEqual([STATUS_BUFFER_OVERFLOW, 20])
        expect([
          memory.u32(part.at + 8),
          memory.u16(part.at + 12),
          memory.u16(part.at + 14),
        ]).toEqual([8, 0x74, 0])
        const asked = yield* query(d, key, 'Name', 2, 0)
        expect([asked.status, asked.needed]).toEqual([STATUS_BUFFER_TOO_SMALL, 20])
        return 0
      },
      { parameters },
    )
  })

  test('set, overwrite, list, delete', () => {
    inDriver(function* (d) {
      const key = yield* open(d, SERVICE)
      const { memory } = d.k
      const data = scratch(d, 8)
      memory.setU32(data, 0xcafe)
      const name = d.string('New')
      const set = (type: number, size: number): Code<number> =>
        d.ddi('ZwSetValueKey', key, name, 0, type, data, size)
      expect(yield* set(REG_DWORD, 4)).toBe(STATUS_SUCCESS)
      expect(memory.u32((yield* query(d, key, 'new', 2)).at + 12)).toBe(0xcafe)
      expect(yield* set(3, 2)).toBe(STATUS_SUCCESS)
      const changed = yield* query(d, key, 'NEW', 2)
      expect([memory.u32(changed.at + 4), memory.u32(changed.at + 8)]).toEqual([3, 2])
      const names: string[] = []
      const info = scratch(d, 256)
      for (
        let i = 0;
        (yield* d.ddi('ZwEnumerateValueKey', key, i, 0, info, 256, d.out())) === 0;
        i++
      )
        names.push(memory.text16(info + 12, memory.u32(info + 8)))
      expect(names).toEqual(['Type', 'Start', 'ErrorControl', 'ImagePath', 'DisplayName', 'New'])
      expect(yield* d.ddi('ZwDeleteValueKey', key, name)).toBe(STATUS_SUCCESS)
      expect(yield* d.ddi('ZwDeleteValueKey', key, name)).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
      const full = scratch(d, 64)
      yield* d.ddi('ZwQueryKey', key, 2, full, 64, d.out())
      expect([memory.u32(full + 0x14), memory.u32(full + 0x20)]).toEqual([1, 5])
      return 0
    })
  })

  test('whatever is written is read again', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.string({ minLength: 1, maxLength: 30 }),
        fc.nat(11),
        (bytes, name, type) => {
          inDriver(function* (d) {
            const key = yield* open(d, SERVICE)
            const data = scratch(d, 200)
            d.k.memory.write(data, bytes)
            yield* d.ddi('ZwSetValueKey', key, d.string(name), 0, type, data, bytes.length)
            const { status, at, needed } = yield* query(d, key, name, 2)
            expect([status, needed]).toEqual([STATUS_SUCCESS, 12 + bytes.length])
            expect(d.k.memory.u32(at + 4)).toBe(type)
            expect(d.k.memory.read(at + 12, bytes.length)).toEqual(bytes)
            return 0
          })
        },
      ),
      { numRuns: 20 },
    )
  })
})

describe('RtlQueryRegistryValues', () => {
  interface Row {
    routine?: Ptr
    flags: number
    name?: string
    context?: Ptr
    defaultType?: number
    defaultData?: Ptr
    defaultLength?: number
  }

  /** A table in memory, with its ending row. */
  function table(d: DriverApi, rows: Row[]): Ptr {
    const { memory } = d.k
    const at = scratch(d, TABLE.SIZE * (rows.length + 1))
    rows.forEach((row, i) => {
      const base = at + i * TABLE.SIZE
      memory.setPtr(base + TABLE.QueryRoutine, row.routine ?? 0)
      memory.setU32(base + TABLE.Flags, row.flags)
      if (row.name !== undefined)
        memory.setPtr(base + TABLE.Name, memory.ptr(d.string(row.name) + 8))
      memory.setPtr(base + TABLE.EntryContext, row.context ?? 0)
      memory.setU32(base + TABLE.DefaultType, row.defaultType ?? 0)
      memory.setPtr(base + TABLE.DefaultData, row.defaultData ?? 0)
      memory.setU32(base + TABLE.DefaultLength, row.defaultLength ?? 0)
    })
    return at
  }

  const DIRECT = 0x20
  const CHECK = 0x100
  const REQUIRED = 4
  const SUBKEY = 1
  const path = (d: DriverApi): Ptr => d.k.memory.ptr(d.string('toy\\Parameters') + 8)
  const parameters = { Count: 7, Name: 'toy' }

  test('directly into a number and a string', () => {
    inDriver(
      function* (d) {
        const { memory } = d.k
        const [count, absent, text] = [scratch(d, 4), scratch(d, 4), scratch(d, 16)]
        memory.setU32(absent, 99)
        const rows = [
          { flags: DIRECT | CHECK, name: 'Count', context: count, defaultType: REG_DWORD << 24 },
          {
            flags: DIRECT | CHECK,
            name: 'Absent',
            context: absent,
            defaultType: (REG_DWORD << 24) | REG_DWORD,
            defaultData: count,
            defaultLength: 4,
          },
          { flags: DIRECT | CHECK, name: 'Name', context: text, defaultType: REG_SZ << 24 },
        ]
        const at = table(d, rows)
        expect(yield* d.ddi('RtlQueryRegistryValues', 1, path(d), at, 0, 0)).toBe(STATUS_SUCCESS)
        expect([memory.u32(count), memory.u32(absent)]).toEqual([7, 7])
        expect([memory.u16(text), memory.u16(text + 2)]).toEqual([6, 8])
        expect(memory.wsz(memory.ptr(text + 8))).toBe('toy')
        yield* d.ddi('RtlFreeUnicodeString', text)
        return 0
      },
      { parameters },
    )
  })

  test('another type, a missing value, a buffer too small', () => {
    inDriver(
      function* (d) {
        const value = scratch(d, 4)
        const ask = (row: Row): Code<number> =>
          d.ddi('RtlQueryRegistryValues', 1, path(d), table(d, [row]), 0, 0)
        const direct = { flags: DIRECT | CHECK, context: value }
        expect(yield* ask({ ...direct, name: 'Count', defaultType: REG_SZ << 24 })).toBe(
          STATUS_OBJECT_TYPE_MISMATCH,
        )
        expect(yield* ask({ ...direct, name: 'None', flags: DIRECT | CHECK | REQUIRED })).toBe(
          STATUS_OBJECT_NAME_NOT_FOUND,
        )
        expect(yield* ask({ ...direct, name: 'None' })).toBe(STATUS_SUCCESS)
        const text = scratch(d, 32)
        d.k.memory.setU16(text + 2, 6)
        d.k.memory.setPtr(text + 8, text + 16)
        expect(
          yield* ask({ ...direct, name: 'Name', context: text, defaultType: REG_SZ << 24 }),
        ).toBe(STATUS_BUFFER_TOO_SMALL)
        expect(yield* ask({ flags: DIRECT })).toBe(STATUS_INVALID_PARAMETER)
        const none = d.k.memory.ptr(d.string('none') + 8)
        expect(yield* d.ddi('RtlQueryRegistryValues', 1, none, table(d, []), 0, 0)).toBe(
          STATUS_OBJECT_NAME_NOT_FOUND,
        )
        return 0
      },
      { parameters },
    )
  })

  test('through a routine: by name, all of a key, in a subkey', () => {
    const seen: string[] = []
    const onValue: DriverFunction = function* (d, name, type, data, length, context, entry) {
      const text = name ? d.k.memory.wsz(name) : ''
      seen.push(`${text} ${type} ${length} ${d.k.memory.u32(data!)} ${context} ${entry}`)
      yield* d.ddi('DbgPrint', 'value')
      return 0
    }
    const machine = new TestMachine()
    machine.driver(
      'toy',
      {
        *DriverEntry(d) {
          const rows = [
            { routine: d.fn('OnValue'), flags: 0, name: 'Start', context: 5 },
            { flags: SUBKEY, name: 'Parameters' },
            { routine: d.fn('OnValue'), flags: 0, context: 6 },
          ]
          const toy = d.k.memory.ptr(d.string('toy') + 8)
          expect(yield* d.ddi('RtlQueryRegistryValues', 1, toy, table(d, rows), 0x77, 0)).toBe(0)
          return 0
        },
        OnValue: onValue,
      },
      { A: 1, B: 2 },
    )
    machine.main(function* (k) {
      yield* k.loader.load('toy')
    })
    machine.run()
    expect(seen).toEqual(['Start 4 4 3 119 5', 'A 4 4 1 119 6', 'B 4 4 2 119 6'])
    expect(machine.of('dbgprint')).toHaveLength(3)
  })

  test('directly and unchecked from a key that users write to is 0x139 with parameter 1 = 9', () => {
    const machine = inDriver(function* (d) {
      const { k } = d
      k.registry.set(k.registry.key('\\Registry\\User\\.Default')!, 'X', 1)
      const row = { flags: DIRECT, name: 'X', context: scratch(d, 4) }
      yield* d.ddi('RtlQueryRegistryValues', 5, 0, table(d, [row]), 0, 0)
      return 0
    })
    expect(machine.bugCheck?.code).toBe(0x139)
    expect(machine.bugCheck?.parameters[0]).toBe(9n)
  })
})

test('RtlWriteRegistryValue makes the key; RtlCheckRegistryKey, RtlDeleteRegistryValue', () => {
  inDriver(function* (d) {
    const { k } = d
    const path = k.memory.ptr(d.string('toy\\Deep\\Deeper') + 8)
    expect(yield* d.ddi('RtlCheckRegistryKey', 1, path)).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
    const data = scratch(d, 4)
    k.memory.setU32(data, 5)
    expect(yield* d.ddi('RtlWriteRegistryValue', 1, path, 'V', REG_DWORD, data, 4)).toBe(0)
    expect(yield* d.ddi('RtlCheckRegistryKey', 1, path)).toBe(STATUS_SUCCESS)
    expect(k.registry.key(SERVICE + '\\Deep\\Deeper')?.value('v')?.data).toEqual(
      new Uint8Array([5, 0, 0, 0]),
    )
    expect(yield* d.ddi('RtlDeleteRegistryValue', 1, path, 'V')).toBe(STATUS_SUCCESS)
    expect(yield* d.ddi('RtlDeleteRegistryValue', 1, path, 'V')).toBe(STATUS_OBJECT_NAME_NOT_FOUND)
    return 0
  })
})

test('IoOpenDriverRegistryKey opens Parameters', () => {
  inDriver(
    function* (d, driver) {
      const handle = d.out()
      expect(yield* d.ddi('IoOpenDriverRegistryKey', driver, 0, 0xf003f, 0, handle)).toBe(0)
      const value = yield* query(d, Number(handle.value), 'Count', 2)
      expect(d.k.memory.u32(value.at + 12)).toBe(7)
      yield* d.ddi('ZwClose', Number(handle.value))
      return 0
    },
    { parameters: { Count: 7 } },
  )
})

test('a malformed name with the security checks on is 0xC4/0xE4', () => {
  const machine = inDriver(
    function* (d) {
      const key = yield* open(d, SERVICE)
      const name = d.string('abc')
      d.k.memory.setU16(name, 5)
      yield* d.ddi('ZwDeleteValueKey', key, name)
      return 0
    },
    { verifier: ['VR-SEC-ZW-STRING'] },
  )
  expect(machine.bugCheck).toMatchObject({ code: 0xc4, rule: 'VR-SEC-ZW-STRING' })
  expect(machine.bugCheck?.parameters[0]).toBe(0xe4n)
})
