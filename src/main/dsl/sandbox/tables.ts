/**
 * What the prelude knows of the kernel, as script text: numbers of the mailbox and the memory map,
 * layouts, type names, one stub per routine and one starter per callback signature.
 *
 * Stubs are written out instead of interpreted, because a routine call is what drivers do most.
 */
import { LAYOUTS } from '../../../shared/nt/layout'
import {
  ROUTINES,
  type DdiEntry,
  type OutType,
  type ParamType,
  type ReturnType,
  type RoutineSignature,
} from '../../kernel/ddi/types'
import { CONTROL, PAGE_SIZE, VIRTUAL_BYTES, VIRTUAL_PAGES } from '../../kernel/mm/layout'
import { fieldAccess, TYPE_VALUES, type FieldAccess, type TypeValue } from '../types/c-types'
import * as mailbox from './mailbox'
import { ARG_WORDS, STATE, WORD } from './mailbox'

/** Back edges of loops between two yields of driver code. */
export const LOOP_QUANTUM = 2000

/** Routines by name; the position of a name is the index that the kernel knows it by. */
export type RoutineTable = Readonly<Record<string, Pick<DdiEntry, 'params' | 'returns' | 'module'>>>

let text: string | undefined

/** Script text of what does not depend on the routines, an expression. */
export function tablesText(): string {
  return (text ??= build())
}

function build(): string {
  const numbers = {
    ...mailbox,
    CONTROL,
    PAGE_SIZE,
    VIRTUAL_BYTES,
    VIRTUAL_PAGES,
    SCRATCH_UNITS: (CONTROL.bytes - CONTROL.scratch) / 2,
    LOOP_QUANTUM,
  }
  const values = Object.fromEntries(
    [...TYPE_VALUES].map(([name, value]) => [name, typeSpec(value)]),
  )
  const structs = Object.fromEntries(
    Object.values(LAYOUTS).map(({ name, size, align, fields }) => [
      name,
      // Text within text: most structures are never looked at.
      JSON.stringify([
        size,
        align,
        fields.map((field) => [
          field.path,
          field.offset,
          fieldSpec(fieldAccess(field)),
          field.count ?? 0,
          ...(field.bitWidth === undefined ? [] : [field.bitOffset, field.bitWidth]),
        ]),
      ]),
    ]),
  )
  const constant = (value: unknown): string =>
    `JSON.parse(${JSON.stringify(JSON.stringify(value))})`
  return `({
N: ${JSON.stringify(numbers)},
values: ${constant(values)},
structs: ${constant(structs)},
routines(kit, types) {
  const { M } = kit
  const view = (target) => types.bySpec('P:' + target).protoOf()
  return [
${Object.values<RoutineSignature>(ROUTINES).map(starter).join(',\n')}
  ]
}
})`
}

/** Names that compiled code calls stubs by. */
export function routinesUsed(code: string): Set<string> {
  return new Set([...code.matchAll(/\$ddi\((["'])(\w+)\1\)/g)].map((match) => match[2] ?? ''))
}

/** Script text of the stubs of some routines, an expression. Unknown names have none. */
export function stubsText(
  routines: RoutineTable,
  indexes: ReadonlyMap<string, number>,
  names: Iterable<string>,
): string {
  const stubs: string[] = []
  for (const name of names) {
    const entry = routines[name]
    const index = indexes.get(name)
    if (entry && index !== undefined) stubs.push(`${name}: () => ${stub(index, entry)}`)
  }
  return `(function (kit, types, functions, frames, marshal) {
'use strict'
const { M, W, h, now, textId, toUint64 } = kit
const { functionAt } = functions
const { unfinished, putArguments } = frames
const { pointer, widePointer, size, wide, large, out } = marshal
const view = (target) => types.bySpec('P:' + target).protoOf()
const named = (index, f) => { f.$d = index; return f }
return {
__proto__: null,
${stubs.join(',\n')}
}
})`
}

// --- types -------------------------------------------------------------------------------------

function typeSpec(value: TypeValue): string {
  switch (value.k) {
    case 'scalar':
      return `s:${value.access}`
    case 'struct':
      return `S:${value.name}`
    case 'opaque':
      return `O:${value.name}`
    case 'pointer':
      return `P:${value.to ?? ''}`
    case 'function':
      return `F:${value.routine}`
  }
}

function fieldSpec(access: FieldAccess): string {
  switch (access.k) {
    case 'scalar':
      return `s:${access.access}`
    case 'struct':
      return `S:${access.name}`
    case 'pointer':
      return `P:${access.to ?? ''}`
    case 'function':
      return `F:${access.routine}`
  }
}

// --- stubs -------------------------------------------------------------------------------------

const slotOf = (i: number): number => WORD.args + i * ARG_WORDS

/** Statements that put argument `a{i}` into its slot. */
function putArgument(type: ParamType, i: number): string {
  const slot = slotOf(i)
  const a = `a${i}`
  switch (type.k) {
    case 'bool':
      return `M[${slot}] = ${a} ? 1 : 0`
    case 'size':
      return `M[${slot}] = size(${a})`
    case 'u64':
    case 'i64':
      return `wide(${slot}, ${a})`
    case 'ptr':
      return `M[${slot}] = ${a}?.$a ?? ${/W(STR|CH)$/.test(type.c) ? 'widePointer' : 'pointer'}(${a})`
    case 'fn':
      return `M[${slot}] = ${a}?.$a ?? pointer(${a})`
    case 'large':
      return `large(${slot}, ${a})`
    case 'wstr':
    case 'astr':
      return (
        `if (typeof ${a} === 'string') { M[${slot}] = -1; M[${slot + 2}] = textId(${a}) } ` +
        `else { M[${slot}] = ${a}?.$a ?? pointer(${a}); M[${slot + 2}] = 0 }`
      )
    case 'out':
      return `const o${i} = M[${slot}] = out(${a})`
    case 'varargs':
      return `putArguments(${i}, ${a})`
    default:
      // Storing an int32 wraps; a bigint, a pointer or a text is an error of the script there.
      return `M[${slot}] = ${a}`
  }
}

/** Expression for a value of `type` that the host left at `word`. */
function take(type: ReturnType | OutType, word: number, wideWord: number, name: string): string {
  switch (type.k) {
    case 'void':
      return 'undefined'
    case 'u32':
    case 'ntstatus':
      return `M[${word}] >>> 0`
    case 'u8':
      return `M[${word}] & 0xff`
    case 'u16':
      return `M[${word}] & 0xffff`
    case 'bool':
      return `M[${word}] === 0 ? 0 : 1`
    case 'u64':
      return `toUint64(W[${wideWord / 2}])`
    case 'i64':
      return `W[${wideWord / 2}]`
    case 'ptr':
      return `M[${word}] === 0 ? null : { __proto__: ${name}, $a: M[${word}] }`
    case 'fn':
      return `M[${word}] === 0 ? null : functionAt(M[${word}])`
    default:
      return `M[${word}]`
  }
}

function stub(index: number, entry: Pick<DdiEntry, 'params' | 'returns'>): string {
  const params = Object.values(entry.params)
  const makers: string[] = []
  if (entry.returns.k === 'ptr') makers.push(`const r = view('${entry.returns.target ?? ''}')`)
  const fills: string[] = []
  params.forEach((type, i) => {
    if (type.k !== 'out') return
    if (type.of.k === 'ptr') makers.push(`const v${i} = view('${type.of.target ?? ''}')`)
    const slot = slotOf(i)
    fills.push(
      `if (o${i} === -1 && M[${slot + 2}] !== 0) a${i}.value = ${take(type.of, slot, slot, `v${i}`)}`,
    )
  })
  const result = take(entry.returns, WORD.value, WORD.wide, 'r')
  const list = params.map((type, i) => (type.k === 'varargs' ? `...a${i}` : `a${i}`))
  const fill = fills.join('; ')
  return `{
  ${makers.join('; ')}
  const read = () => ${result}
  return named(${index}, function (l, ${list.join(', ')}) {
    ${params.map(putArgument).join('\n    ')}
    h(${mailbox.CALL.ddi}, ${index}, l + now.base)
    if (M[${WORD.state}] !== ${STATE.done}) return unfinished(read, ${fill ? `() => { ${fill} }` : 'null'})
    ${fill}
    return ${result}
  })
}`
}

// --- starters ----------------------------------------------------------------------------------

/** How the kernel calls a function of driver code: `call(f)` makes its generator, `give` its int32 result. */
function starter({ params, returns }: RoutineSignature): string {
  const makers: string[] = []
  const args = Object.values(params).map((type, i) => {
    const word = slotOf(i)
    if (type.k === 'ptr') makers.push(`const v${i} = view('${type.target ?? ''}')`)
    return take(type, word, word, `v${i}`)
  })
  const give =
    returns.k === 'void'
      ? '0'
      : returns.k === 'bool'
        ? 'value ? 1 : 0'
        : returns.k === 'ptr'
          ? 'value?.$a ?? 0'
          : 'value | 0'
  return `() => { ${makers.join('; ')}; return { call: (f) => f(${args.join(', ')}), give: (value) => ${give} } }`
}
