import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTable } from '../../../scripts/generate-nt.mjs'
import * as offsets from './generated/offsets'
import { STRUCT_FACTS } from './generated/struct-facts'
import {
  fieldTree,
  LAYOUTS,
  layoutOf,
  offsetOf,
  pointeeOf,
  resolvePath,
  STRUCT_ALIASES,
  structNameOf,
  type FieldNode,
  type StructName,
} from './layout'

interface StructRow {
  name: StructName
  aliases: string[]
  size: number
  align: number
  complete: boolean
  description: string
  fields: {
    path: string
    offset: number
    size: number
    type: string
    kind: string
    count?: number
    elementSize?: number
    bitOffset?: number
    bitWidth?: number
    unionAt?: string
  }[]
}

type StructTable = { structs: Record<string, StructRow> }
const structs = {
  ...(readTable('structs.x64') as StructTable).structs,
  ...(readTable('extra-structs') as StructTable).structs,
}
const rows = Object.values(structs)
const names = Object.keys(LAYOUTS) as StructName[]

describe('layouts', () => {
  it('has every structure of the table and no other', () => {
    expect(names).toEqual(Object.keys(structs))
    expect(names.length).toBeGreaterThanOrEqual(93)
  })

  it.each(rows.map((row) => [row.name, row] as const))('%s agrees with the table', (name, row) => {
    const layout = LAYOUTS[name]
    expect({ ...layout, fields: [] }).toEqual({
      name,
      size: row.size,
      align: row.align,
      complete: row.complete,
      fields: [],
    })
    expect(
      layout.fields.map((field) => ({
        path: field.path,
        offset: field.offset,
        size: field.size,
        type: field.type,
        kind:
          field.kind === 'struct'
            ? `struct:${field.struct}`
            : field.kind === 'enum'
              ? `enum:${field.type}`
              : field.kind,
        count: field.count,
        bits: [field.bitOffset, field.bitWidth],
        unionAt: field.unionAt,
      })),
    ).toEqual(
      row.fields.map((field) => ({
        path: field.path,
        offset: field.offset,
        size: field.size,
        type: field.type,
        kind: field.kind,
        count: field.count,
        bits: [field.bitOffset, field.bitWidth],
        unionAt: field.unionAt === undefined ? undefined : Number(field.unionAt),
      })),
    )
    expect(STRUCT_FACTS[name].description).toBe(row.description)
  })

  it('keeps each field inside its structure and each embedded structure at its size', () => {
    for (const { name, size, fields } of Object.values(LAYOUTS)) {
      for (const field of fields) {
        expect(field.offset + field.size, `${name}.${field.path}`).toBeLessThanOrEqual(size)
        if (field.struct) expect(field.size).toBe(LAYOUTS[field.struct].size * (field.count ?? 1))
        if (field.kind === 'ptr') expect(field.size).toBe(8 * (field.count ?? 1))
      }
    }
  })

  it('knows what pointers point at', () => {
    const target = (name: StructName, path: string) => resolvePath(name, path)?.field?.target
    expect(target('IRP', 'MdlAddress')).toBe('MDL')
    expect(target('IRP', 'Tail.Overlay.CurrentStackLocation')).toBe('IO_STACK_LOCATION')
    expect(target('DEVICE_OBJECT', 'DriverObject')).toBe('DRIVER_OBJECT')
    expect(target('LIST_ENTRY', 'Flink')).toBe('LIST_ENTRY')
    expect(target('IRP', 'UserBuffer')).toBeUndefined()
    expect(pointeeOf('PMDL')).toBe('MDL')
    expect(pointeeOf('struct _DEVICE_OBJECT *')).toBe('DEVICE_OBJECT')
    expect(pointeeOf('PKMUTEX')).toBe('KMUTANT')
    expect(pointeeOf('IRP*')).toBe('IRP')
    expect(pointeeOf('PVOID')).toBeUndefined()
    for (const { fields } of Object.values(LAYOUTS)) {
      for (const field of fields) {
        if (field.kind === 'ptr') expect(field.target).toBe(pointeeOf(field.type))
      }
    }
  })

  it('resolves aliases', () => {
    expect(STRUCT_ALIASES).toEqual(
      Object.fromEntries(rows.flatMap((row) => row.aliases.map((alias) => [alias, row.name]))),
    )
    expect(layoutOf('KMUTEX')?.name).toBe('KMUTANT')
    expect(structNameOf('_IRP')).toBe('IRP')
    expect(layoutOf('NO_SUCH_STRUCT')).toBeUndefined()
    expect(layoutOf('toString')).toBeUndefined()
  })
})

describe('offset constants', () => {
  const tables = offsets as unknown as Record<string, Record<string, number>>

  it.each(rows.map((row) => [row.name, row] as const))('%s agrees with the table', (name, row) => {
    expect(tables[name]?.['SIZE']).toBe(row.size)
    for (const field of row.fields)
      expect(tables[name]?.[field.path], field.path).toBe(field.offset)
    for (const alias of row.aliases) expect(tables[alias]).toBe(tables[name])
  })

  it('agrees with offsetOf on every path, groups and embedded fields included', () => {
    for (const name of names) {
      for (const [path, offset] of Object.entries(tables[name] ?? {})) {
        if (path !== 'SIZE') expect(offsetOf(name, path), `${name}.${path}`).toBe(offset)
      }
    }
  })

  it('has the values that every driver debugger knows', () => {
    expect(offsets.IRP['Tail.Overlay.CurrentStackLocation']).toBe(0xb8)
    expect(offsets.IRP['IoStatus.Information']).toBe(0x38)
    expect(offsets.IO_STACK_LOCATION['Parameters.DeviceIoControl.IoControlCode']).toBe(0x18)
    expect(offsets.DRIVER_OBJECT.MajorFunction).toBe(0x70)
    expect(offsets.KEVENT['Header.SignalState']).toBe(4)
    expect(offsets.DEVICE_OBJECT.SIZE).toBe(0x150)
  })
})

describe('offsetOf', () => {
  it('counts array elements and walks into their structures', () => {
    expect(offsetOf('DRIVER_OBJECT', 'MajorFunction[14]')).toBe(0x70 + 14 * 8)
    expect(resolvePath('DRIVER_OBJECT', 'MajorFunction[14]')?.size).toBe(8)
    expect(resolvePath('DRIVER_OBJECT', 'MajorFunction')?.size).toBe(28 * 8)
    expect(offsetOf('KTHREAD', 'WaitBlock[1].WaitListEntry.Blink')).toBe(0x140 + 0x30 + 8)
  })

  it('finds groups', () => {
    expect(resolvePath('IRP', 'Tail.Overlay')).toEqual({ offset: 0x78, size: 0xd0 - 0x78 })
  })

  it('refuses what is not there', () => {
    expect(() => offsetOf('IRP', 'Nothing')).toThrow(RangeError)
    expect(() => offsetOf('DRIVER_OBJECT', 'MajorFunction[28]')).toThrow(RangeError)
    expect(() => offsetOf('IRP', 'Type[0]')).toThrow(RangeError)
    expect(() => offsetOf('IRP', 'Type.Low')).toThrow(RangeError)
    expect(() => offsetOf('IRP', '')).toThrow(RangeError)
  })
})

describe('fieldTree', () => {
  const leaves = (nodes: readonly FieldNode[]): { path: string; offset: number }[] =>
    nodes.flatMap((node) => (node.children ? leaves(node.children) : [node]))

  it('holds each field once, under its groups', () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), (name) => {
        const found = leaves(fieldTree(name)).map(({ path, offset }) => [path, offset])
        const wanted = LAYOUTS[name].fields.map(({ path, offset }) => [path, offset])
        expect(found.sort()).toEqual(wanted.sort())
      }),
    )
  })

  it('spans exactly the members of a group', () => {
    const check = (nodes: readonly FieldNode[]): void => {
      for (const node of nodes) {
        if (!node.children) continue
        expect(node.offset).toBe(Math.min(...node.children.map((child) => child.offset)))
        const end = Math.max(...node.children.map((child) => child.offset + child.size))
        expect(node.offset + node.size).toBe(end)
        check(node.children)
      }
    }
    for (const name of names) check(fieldTree(name))
  })

  it('nests by the dots of the path', () => {
    const tail = fieldTree('IRP').find((node) => node.name === 'Tail')
    const overlay = tail?.children?.find((node) => node.name === 'Overlay')
    const pointer = overlay?.children?.find((node) => node.name === 'CurrentStackLocation')
    expect(pointer).toMatchObject({ offset: 0xb8, kind: 'ptr', target: 'IO_STACK_LOCATION' })
    const major = fieldTree('DRIVER_OBJECT').find((node) => node.name === 'MajorFunction')
    expect(major).toMatchObject({ offset: 0x70, count: 28, kind: 'ptr' })
  })
})
