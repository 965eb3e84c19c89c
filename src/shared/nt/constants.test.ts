import { describe, expect, it } from 'vitest'
import { readTable } from '../../../scripts/generate-nt.mjs'
import * as exported from './constants'
import {
  CONSTANT_GROUPS,
  CONSTANTS,
  constantValue,
  enumName,
  flagNames,
  WIN32_ERRORS,
} from './constants'

interface Group {
  scope?: string
  source: string
  values: Record<string, number | string>
}

const table = readTable('constants') as { groups: Record<string, Group> }
const extra = readTable('extra-constants') as {
  groups: Record<string, Group>
  scopes: Record<string, string>
  renames: Record<string, Record<string, string>>
}
const all: Record<string, unknown> = exported

const parse = (value: number | string) =>
  typeof value === 'string' ? BigInt(value.replace('n', '')) : value

describe('constants', () => {
  it.each(Object.keys(table.groups))('exports group %s of the reference table', (group) => {
    for (const [name, value] of Object.entries(table.groups[group]?.values ?? {})) {
      const own = extra.renames[group]?.[name] ?? name
      expect(all[own], own).toBe(value)
      expect(constantValue(own)).toBe(value)
      expect(groupNames(group)).toContain(own)
    }
  })

  it.each(Object.keys(extra.groups))('exports added group %s', (group) => {
    for (const [name, value] of Object.entries(extra.groups[group]?.values ?? {})) {
      expect(all[name], name).toBe(parse(value))
      if (group !== 'WIN32_ERROR') expect(groupNames(group)).toContain(name)
    }
  })

  it('adds nothing that the reference table already has', () => {
    const known = new Set(
      Object.entries(table.groups).flatMap(([group, { values }]) =>
        Object.keys(values).map((name) => extra.renames[group]?.[name] ?? name),
      ),
    )
    const again = Object.values(extra.groups).flatMap(({ values }) =>
      Object.keys(values).filter((name) => known.has(name)),
    )
    expect(again).toEqual([])
  })

  it('renames only where one name stands for two values', () => {
    expect(exported.NotificationTimer).toBe(0)
    expect(exported.TimerNotificationObject).toBe(8)
    expect(exported.SynchronizationTimer).toBe(1)
    expect(exported.TimerSynchronizationObject).toBe(9)
  })

  it('lists each constant in a group and each group member in the table', () => {
    const members = new Set(Object.values(CONSTANT_GROUPS).flatMap(({ names }) => [...names]))
    expect([...members].sort()).toEqual(Object.keys(CONSTANTS).sort())
  })

  it('says who sees a group', () => {
    expect(CONSTANT_GROUPS.IOCTL.scope).toBe('both')
    expect(CONSTANT_GROUPS.POOL_TYPE.scope).toBe('kernel')
    expect(CONSTANT_GROUPS.CREATION_DISPOSITION.scope).toBe('user')
    for (const group of Object.keys(extra.scopes)) expect(table.groups).toHaveProperty([group])
  })

  it('has what clients and drivers cannot do without', () => {
    expect(exported.GENERIC_READ).toBe(0x80000000)
    expect(exported.OPEN_EXISTING).toBe(3)
    expect(exported.INFINITE).toBe(0xffffffff)
    expect(exported.INVALID_HANDLE_VALUE).toBe(0xffff_ffff_ffff_ffffn)
    expect(exported.MM_SYSTEM_RANGE_START).toBe(0xffff_8000_0000_0000n)
    expect(exported.EXCEPTION_CONTINUE_EXECUTION).toBe(-1)
    expect(exported.POOL_FLAG_NON_PAGED).toBe(0x40)
    expect(exported.FILE_FLAG_OVERLAPPED).toBe(0x40000000)
    expect(exported.TRUE).toBe(1)
    expect(exported.DPFLTR_IHVDRIVER_ID).toBe(77)
    expect(exported.KEY_READ).toBe(0x20019)
    expect(exported.SERVICE_KERNEL_DRIVER).toBe(1)
    expect(WIN32_ERRORS.ERROR_SERVICE_EXISTS).toBe(1073)
  })

  it('finds names for values', () => {
    expect(enumName('POOL_TYPE', 512)).toBe('NonPagedPoolNx')
    expect(enumName('POOL_TYPE', 77)).toBe('77')
    expect(flagNames('DEVICE_OBJECT.Flags', 0x44)).toBe('DO_BUFFERED_IO | DO_DEVICE_HAS_NAME')
    expect(flagNames('DEVICE_OBJECT.Flags', 0x80000004)).toBe('DO_BUFFERED_IO | 0x80000000')
    expect(flagNames('DEVICE_OBJECT.Flags', 0)).toBe('0x0')
    expect(constantValue('toString')).toBeUndefined()
  })
})

function groupNames(group: string): readonly string[] {
  return (CONSTANT_GROUPS as Record<string, { names: readonly string[] }>)[group]?.names ?? []
}
