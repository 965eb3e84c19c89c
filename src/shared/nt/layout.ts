/**
 * Structure layouts by name: offsets of dotted paths, and the fields as a tree for views and the explorer. The tables are in
 * generated/layouts.ts; kernel code that knows its field at compile time uses the constants of generated/offsets.ts.
 */

import {
  LAYOUTS,
  STRUCT_ALIASES,
  type FieldLayout,
  type StructLayout,
  type StructName,
} from './generated/layouts'

export {
  LAYOUTS,
  STRUCT_ALIASES,
  type FieldKind,
  type FieldLayout,
  type StructLayout,
  type StructName,
} from './generated/layouts'

/** A field with its own name in place of the path. */
export interface FieldLeaf extends Omit<FieldLayout, 'path'> {
  /** Last part of the path. */
  readonly name: string
  /** Whole path from the structure. */
  readonly path: string
  readonly children?: undefined
}

/** Anonymous structure or union inside a structure, such as `Tail.Overlay`; it has no type name of its own. */
export interface FieldGroup {
  readonly name: string
  readonly path: string
  /** Offset of its first member, from the start of the whole structure. */
  readonly offset: number
  /** Up to the end of its last member. */
  readonly size: number
  readonly children: readonly FieldNode[]
}

/** Node of the tree; offsets count from the start of the whole structure. Members of unions overlap. */
export type FieldNode = FieldLeaf | FieldGroup

/** The structure that a C name stands for: its own name, an alias (`KMUTEX`), `_IRP`; undefined when unknown. */
export function structNameOf(name: string): StructName | undefined {
  const plain = name.startsWith('_') ? name.slice(1) : name
  if (Object.hasOwn(LAYOUTS, plain)) return plain as StructName
  return Object.hasOwn(STRUCT_ALIASES, plain) ? STRUCT_ALIASES[plain] : undefined
}

/** The structure that a C pointer type points at: `PMDL`, `struct _IRP *`, `DEVICE_OBJECT*`; undefined when unknown. */
export function pointeeOf(type: string): StructName | undefined {
  const declared = /^(?:struct )?(\w+) ?\*$/.exec(type)
  if (declared?.[1] !== undefined) return structNameOf(declared[1])
  return type.startsWith('P') ? structNameOf(type.slice(1)) : undefined
}

/** Layout by name or alias; undefined when unknown. */
export function layoutOf(name: string): StructLayout | undefined {
  const known = structNameOf(name)
  return known && LAYOUTS[known]
}

interface OpenGroup {
  name: string
  path: string
  offset: number
  size: number
  children: OpenNode[]
}

type OpenNode = FieldLeaf | OpenGroup

/** The fields of a structure as a tree, in table order. Embedded structures stay leaves: look them up by `struct`. */
export function fieldTree(name: StructName): readonly FieldNode[] {
  const roots: OpenNode[] = []
  for (const field of LAYOUTS[name].fields) {
    const parts = field.path.split('.')
    const end = field.offset + field.size
    let level = roots
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('.')
      let group = level.find((node): node is OpenGroup => node.path === path && 'children' in node)
      if (!group) {
        group = { name: parts[depth - 1] ?? '', path, offset: field.offset, size: 0, children: [] }
        level.push(group)
      }
      const groupEnd = Math.max(group.offset + group.size, end)
      group.offset = Math.min(group.offset, field.offset)
      group.size = groupEnd - group.offset
      level = group.children
    }
    level.push({ ...field, name: parts.at(-1) ?? '' })
  }
  return roots
}

/** A place inside a structure. */
export interface ResolvedPath {
  /** Bytes from the start of the outermost structure. */
  readonly offset: number
  /** The field that the path ends in; absent when it ends in a group. */
  readonly field?: FieldLayout
  /** Size of one element when the path names an element of an array. */
  readonly size: number
}

/**
 * Find a field by its dotted path. Embedded structures are walked into and array elements are chosen with brackets:
 * `IoStatus.Information`, `MajorFunction[14]`, `WaitBlock[1].WaitListEntry.Flink`. Groups resolve too: `Tail.Overlay`.
 * @returns undefined when there is no such path or the index lies outside the array
 */
export function resolvePath(name: StructName, path: string): ResolvedPath | undefined {
  const parts = path.split('.')
  // The longest run of parts that is a field wins; what is left belongs to the structure embedded there.
  for (let length = parts.length; length > 0; length--) {
    const step = /^([\w.]+)(?:\[(\d+)\])?$/.exec(parts.slice(0, length).join('.'))
    if (!step) continue
    const field = LAYOUTS[name].fields.find((candidate) => candidate.path === step[1])
    if (!field) continue
    const index = step[2] === undefined ? undefined : Number(step[2])
    if (index !== undefined && index >= (field.count ?? 0)) return undefined
    const elementSize = field.size / (field.count ?? 1)
    const offset = field.offset + (index ?? 0) * elementSize
    const size = index === undefined ? field.size : elementSize
    if (length === parts.length) return { offset, field, size }
    if (field.struct === undefined) return undefined
    const inner = resolvePath(field.struct, parts.slice(length).join('.'))
    return inner && { ...inner, offset: offset + inner.offset }
  }
  const inside = LAYOUTS[name].fields.filter((field) => field.path.startsWith(`${path}.`))
  if (inside.length === 0) return undefined
  const offset = Math.min(...inside.map((field) => field.offset))
  return { offset, size: Math.max(...inside.map((field) => field.offset + field.size)) - offset }
}

/**
 * Offset of a dotted path, as resolvePath finds it.
 * @throws RangeError when the structure has no such path
 */
export function offsetOf(name: StructName, path: string): number {
  const place = resolvePath(name, path)
  if (!place) throw new RangeError(`${name} has no field ${path}`)
  return place.offset
}
