// structs.x64.json and extra-structs.json -> layouts.ts, offsets.ts, struct-facts.ts

import { fail, key, literal, quote } from './emit.mjs'

/** The structures of both files as one table. */
export function mergeStructs(table, extra) {
  const structs = { ...table.structs }
  for (const [name, struct] of Object.entries(extra.structs)) {
    if (structs[name]) fail(`${name} is a structure of both files`)
    structs[name] = struct
  }
  return { structs }
}

/** Structure names by every name that C code uses for them. */
function structNames(table) {
  const names = new Map()
  for (const struct of Object.values(table.structs)) {
    for (const name of [struct.name, ...struct.aliases]) names.set(name, struct.name)
  }
  return names
}

/** The structure that a C pointer type points at: PMDL -> MDL, struct _IRP * -> IRP. */
export function pointee(type, names) {
  const declared = /^(?:struct _)?(\w+) ?\*$/.exec(type)
  if (declared) return names.get(declared[1])
  return type.startsWith('P') ? names.get(type.slice(1)) : undefined
}

function fieldLiteral(field, names) {
  const [kind, nested] = field.kind.split(':')
  return literal({
    path: field.path,
    offset: field.offset,
    size: field.size,
    kind,
    type: field.type,
    count: field.count,
    bitOffset: field.bitOffset,
    bitWidth: field.bitWidth,
    unionAt: field.unionAt === undefined ? undefined : Number(field.unionAt),
    struct: kind === 'struct' ? nested : undefined,
    target: kind === 'ptr' ? pointee(field.type, names) : undefined,
  })
}

const layoutTypes = `/** How a field is stored. A pointer has 8 bytes, an enumeration 4; a structure says its name in \`struct\`. */
export type FieldKind =
  | 'u8'
  | 'u16'
  | 'u32'
  | 'u64'
  | 'i8'
  | 'i16'
  | 'i32'
  | 'i64'
  | 'ptr'
  | 'struct'
  | 'enum'

/** One field of a structure at its x64 offset. */
export interface FieldLayout {
  /** Dotted member path inside the structure, for example \`Tail.Overlay.Thread\`. */
  readonly path: string
  /** Bytes from the start of the structure. */
  readonly offset: number
  /** Bytes; the whole array when \`count\` is given. */
  readonly size: number
  readonly kind: FieldKind
  /** C type name; of one element when \`count\` is given. */
  readonly type: string
  /** Length of an array field. */
  readonly count?: number
  /** Bit position inside the storage unit that \`kind\` and \`offset\` name. */
  readonly bitOffset?: number
  readonly bitWidth?: number
  /** Offset of the union that the field belongs to; fields with the same value may overlap. */
  readonly unionAt?: number
  /** Layout of an embedded structure. */
  readonly struct?: StructName
  /** Layout of what a pointer points at, where it is known. */
  readonly target?: StructName
}

/** Size, alignment and fields of a structure. */
export interface StructLayout {
  readonly name: StructName
  readonly size: number
  readonly align: number
  /** False when only selected fields are listed; the bytes in between exist but have no name. */
  readonly complete: boolean
  readonly fields: readonly FieldLayout[]
}
`

/** layouts.ts: the tables that compile-time types, views and the explorer are made from. */
export function renderLayouts(base, extra) {
  const table = mergeStructs(base, extra)
  const names = structNames(table)
  const structs = Object.values(table.structs)
  const union = structs.map((struct) => `  | ${quote(struct.name)}\n`).join('')
  const aliases = [...names].filter(([alias, name]) => alias !== name)
  const bodies = structs.map((struct) => {
    const fields = struct.fields.map((field) => `      ${fieldLiteral(field, names)},\n`).join('')
    const { name, size, align, complete } = struct
    const head = literal({ name, size, align, complete }).slice(2, -2)
    return `  ${key(name)}: {\n    ${head},\n    fields: [\n${fields}    ],\n  },\n`
  })
  return (
    `/** Structures whose layout is known. */\nexport type StructName =\n${union}\n${layoutTypes}\n` +
    `/** Other names of the same structures. */\n` +
    `export const STRUCT_ALIASES: Readonly<Record<string, StructName>> = {\n` +
    `${aliases.map(([alias, name]) => `  ${key(alias)}: ${quote(name)},\n`).join('')}}\n\n` +
    `/** x64 layouts by structure name. */\n` +
    `export const LAYOUTS: Readonly<Record<StructName, StructLayout>> = {\n${bodies.join('')}}\n`
  )
}

/** Every path of a structure with its offset: groups, fields and the fields of embedded structures. */
function pathOffsets(table, struct, base = 0, prefix = '', into = new Map()) {
  for (const field of struct.fields) {
    const parts = field.path.split('.')
    for (let depth = 1; depth < parts.length; depth++) {
      const group = prefix + parts.slice(0, depth).join('.')
      into.set(group, Math.min(into.get(group) ?? Infinity, base + field.offset))
    }
    into.set(prefix + field.path, base + field.offset)
    const [kind, nested] = field.kind.split(':')
    if (kind !== 'struct' || field.count !== undefined) continue
    const inner = table.structs[nested] ?? fail(`${struct.name}.${field.path}: no layout ${nested}`)
    pathOffsets(table, inner, base + field.offset, `${prefix}${field.path}.`, into)
  }
  return into
}

/** offsets.ts: a constant object per structure, so that kernel code names offsets and the compiler checks them. */
export function renderOffsets(base, extra) {
  const table = mergeStructs(base, extra)
  const hex = (value) => (value < 10 ? `${value}` : `0x${value.toString(16)}`)
  const bodies = Object.values(table.structs).map((struct) => {
    const offsets = pathOffsets(table, struct)
    if (offsets.has('SIZE')) fail(`${struct.name} has a field named SIZE`)
    const lines = [...offsets].map(([path, offset]) => `  ${key(path)}: ${hex(offset)},\n`)
    const title = `/** Offsets in ${struct.name}${struct.complete ? '' : ' (selected fields)'}; SIZE is its size in bytes. */`
    return `${title}\nexport const ${struct.name} = {\n  SIZE: ${hex(struct.size)},\n${lines.join('')}} as const\n`
  })
  const aliases = Object.values(table.structs)
    .flatMap((struct) => struct.aliases.map((alias) => `  ${struct.name} as ${alias},\n`))
    .join('')
  return `${bodies.join('\n')}\nexport {\n${aliases}}\n`
}

/** struct-facts.ts: what the explorer and the editor say about a structure and its fields. */
export function renderStructFacts(base, extra) {
  const table = mergeStructs(base, extra)
  const lines = Object.values(table.structs).map((struct) => {
    const notes = struct.fields.filter((field) => field.note)
    const facts = {
      description: struct.description,
      confidence: struct.confidence,
      notes: struct.notes,
      fieldNotes: notes.length
        ? Object.fromEntries(notes.map((field) => [field.path, field.note]))
        : undefined,
    }
    return `  ${struct.name}: ${literal(facts)},\n`
  })
  return `import type { StructName } from './layouts'

/** Prose about a structure. */
export interface StructFacts {
  readonly description: string
  /** How sure the offsets are: high when compiled headers or symbols agree. */
  readonly confidence: 'high' | 'medium'
  readonly notes?: readonly string[]
  /** Remarks by field path. */
  readonly fieldNotes?: Readonly<Record<string, string>>
}

/** Descriptions by structure name. */
export const STRUCT_FACTS: Readonly<Record<StructName, StructFacts>> = {
${lines.join('')}}
`
}
