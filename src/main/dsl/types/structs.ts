/** Declarations of structures: fields with the types that driver code reads and writes. */
import {
  LAYOUTS,
  STRUCT_ALIASES,
  type FieldNode,
  type StructName,
  fieldTree,
} from '../../../shared/nt/layout'
import { STRUCT_FACTS } from '../../../shared/nt/generated/struct-facts'
import { ROUTINES } from '../../kernel/ddi/types'
import { fieldAccess, OPAQUE_STRUCTS, SCALARS, TYPE_VALUES, type FieldAccess } from './c-types'
import { writableScalar } from './language'
import { docComment } from './text'

/** Type of what a pointer to `target` is in driver code: a structure's name, `POINTER<UCHAR>`, `PVOID`. */
export function pointerType(target: string | null): string {
  if (target === null) return 'PVOID'
  return SCALARS.has(target) ? `POINTER<${target}>` : target
}

function readType(access: FieldAccess): string {
  switch (access.k) {
    case 'scalar':
      return SCALARS.has(access.type) ? access.type : plainScalar(access.access)
    case 'struct':
      return access.name
    case 'pointer':
      return pointerType(access.to)
    case 'function':
      return `P${access.routine}`
  }
}

/** A C name for a field whose own type name is not known. */
function plainScalar(access: string): string {
  const names: Record<string, string> = {
    u8: 'UCHAR',
    i8: 'CHAR',
    u16: 'USHORT',
    i16: 'SHORT',
    i32: 'LONG',
    u64: 'ULONGLONG',
    i64: 'LONGLONG',
    handle: 'HANDLE',
    bool: 'BOOLEAN',
  }
  return names[access] ?? 'ULONG'
}

function writeType(access: FieldAccess): string {
  const read = readType(access)
  if (access.k === 'scalar') return writableScalar(read)
  // A string becomes constant text in the image.
  if (
    access.k === 'pointer' &&
    (access.to === null || access.to === 'WCHAR' || access.to === 'CHAR')
  )
    return `${read} | string`
  return read
}

function fieldLines(
  nodes: readonly FieldNode[],
  indent: string,
  notes: Readonly<Record<string, string>>,
): string {
  let text = ''
  for (const node of nodes) {
    const offset = `+0x${node.offset.toString(16).toUpperCase()}`
    if (node.children) {
      text += docComment([offset], indent)
      text += `${indent}readonly ${node.name}: {\n${fieldLines(node.children, `${indent}  `, notes)}${indent}}\n`
      continue
    }
    const access = fieldAccess(node)
    const bits =
      node.bitWidth === undefined
        ? ''
        : `, ${node.bitWidth} bit${node.bitWidth === 1 ? '' : 's'} from ${node.bitOffset}`
    const note = notes[node.path]
    text += docComment(
      [`${offset}${bits} ${node.type}${note === undefined ? '' : `: ${note}`}`],
      indent,
    )
    const read = readType(access)
    const write = writeType(access)
    if (node.count !== undefined) text += `${indent}readonly ${node.name}: ARRAY<${read}>\n`
    else if (read === write) text += `${indent}${node.name}: ${read}\n`
    else
      text += `${indent}get ${node.name}(): ${read}\n${indent}set ${node.name}(value: ${write})\n`
  }
  return text
}

function structDeclaration(name: StructName): string {
  const { size } = LAYOUTS[name]
  const facts = STRUCT_FACTS[name]
  const doc = docComment(
    [facts.description, `${size} (0x${size.toString(16).toUpperCase()}) bytes.`],
    '  ',
  )
  return (
    `${doc}  export interface ${name} extends PVOID {\n    readonly [kind]?: '${name}'\n` +
    `${fieldLines(fieldTree(name), '    ', facts.fieldNotes ?? {})}  }\n` +
    `${doc}  export const ${name}: StructType<${name}, '${name}'>\n`
  )
}

/** All structures, opaque ones included, with aliases and `P` names. */
export function structDeclarations(): string {
  let text = ''
  for (const name of Object.keys(LAYOUTS) as StructName[]) text += structDeclaration(name)
  for (const [alias, name] of Object.entries(STRUCT_ALIASES))
    text += `  export type ${alias} = ${name}\n  export const ${alias}: StructType<${name}, '${name}'>\n`
  for (const name of OPAQUE_STRUCTS)
    text += `  /** Known to the kernel only. */\n  export interface ${name} extends PVOID {\n    readonly [kind]?: '${name}'\n  }\n`
  for (const [name, value] of TYPE_VALUES) {
    if (value.k !== 'pointer' || name === 'PVOID') continue
    const type = pointerType(value.to)
    text += `  export type ${name} = ${type}\n  export const ${name}: PointerType<${type}>\n`
  }
  return text
}

/** Types of callbacks, under both names: `DRIVER_DISPATCH` and `PDRIVER_DISPATCH`. */
export function routineDeclarations(): string {
  let text = ''
  for (const [name, { params, returns }] of Object.entries(ROUTINES)) {
    const list = Object.entries(params).map(
      ([param, type]) => `${param}: ${type.k === 'ptr' ? pointerType(type.target) : type.c}`,
    )
    const result =
      returns.k === 'void' ? 'void' : returns.k === 'ptr' ? pointerType(returns.target) : returns.c
    for (const each of [name, `P${name}`])
      text +=
        `  export type ${each} = (${list.join(', ')}) => ${result}\n` +
        `  export const ${each}: FunctionType<${each}>\n`
  }
  return text
}
