/** Declarations of the routines of the DDI table. */
import { ddiFacts, ddiPrototype, type DdiFacts, type DdiName } from '../../../shared/nt/ddi-facts'
import { irqlName } from '../../../shared/nt/irql'
import { DDIS } from '../../kernel/ddi/index'
import {
  isOfModule,
  type DdiEntry,
  type OutType,
  type ParamType,
  type ReturnType,
} from '../../kernel/ddi/types'
import { SCALARS } from './c-types'
import { LANGUAGE_NAMES, writableScalar } from './language'
import { pointerType } from './structs'
import { docComment } from './text'
import type { ModuleName } from './constants'

const PLAIN: Record<string, string> = {
  u8: 'UCHAR',
  i8: 'CHAR',
  u16: 'USHORT',
  i16: 'SHORT',
  u32: 'ULONG',
  i32: 'LONG',
  u64: 'ULONGLONG',
  i64: 'LONGLONG',
  bool: 'BOOLEAN',
  ntstatus: 'NTSTATUS',
  handle: 'HANDLE',
}

/** The C name of a scalar if driver code knows it, else a name of the same width. */
function scalarName(type: { k: string; c: string }): string {
  return SCALARS.has(type.c) ? type.c : (PLAIN[type.k] ?? 'ULONG')
}

function outType(of: OutType): string {
  return of.k === 'ptr' ? pointerType(of.target) : scalarName(of)
}

function paramType(name: string, type: ParamType): string {
  switch (type.k) {
    case 'ptr':
      // A string literal becomes constant text in the image.
      if (type.target === null) return 'PVOID | string'
      // C takes a void * where a pointer to integers is asked for; addressof() gives one.
      return SCALARS.has(type.target)
        ? `${pointerType(type.target)} | PVOID`
        : pointerType(type.target)
    case 'large':
      return 'LARGE_INTEGER | number | bigint'
    case 'fn':
      return `P${type.routine}`
    case 'wstr':
    case 'astr':
      return 'string | PVOID'
    case 'out':
      return `OUT<${outType(type.of)}> | PVOID`
    case 'varargs':
      return '(number | bigint | boolean | string | PVOID)[]'
    case 'size':
      return 'number | bigint'
    default: {
      const scalar = writableScalar(scalarName(type))
      // A ULONG that is a truth value, as its documentation writes it.
      if (name === 'BugCheckOnFailure') return `${scalar} | BOOLEAN`
      // C's 'Tag1' is a number there; see the compiler's multi-character constants.
      return /Tag$/.test(name) && type.k === 'u32' ? `${scalar} | string` : scalar
    }
  }
}

function returnType(type: ReturnType): string {
  switch (type.k) {
    case 'void':
      return 'void'
    case 'ptr':
      return pointerType(type.target)
    case 'fn':
      return `P${type.routine}`
    default:
      return scalarName(type)
  }
}

/** Range of interrupt request levels at which a routine may be called, in words. */
export function irqlRange(entry: DdiEntry, facts: DdiFacts | undefined): string {
  const [min, max] = entry.irql ?? [facts?.minIrql ?? 0, facts?.maxIrql ?? 15]
  if (min === max) return irqlName(min)
  return min === 0 ? `<= ${irqlName(max)}` : `${irqlName(min)} to ${irqlName(max)}`
}

/** The prototype in C: from the reference facts, which spell every type, or else from the table entry. */
export function prototype(name: string, entry: DdiEntry): string {
  const count = Object.keys(entry.params).length
  if (ddiFacts(name)?.params.length === count) return ddiPrototype(name as DdiName)
  const params = Object.entries(entry.params).map(([param, type]) =>
    type.k === 'varargs' ? '...' : `${type.c} ${param}`,
  )
  return `${entry.returns.c} ${name}(${params.join(', ') || 'VOID'})`
}

/** Whether a name is a routine, of one module or of any; language names are never routines. */
export function isRoutine(name: string, module?: ModuleName): boolean {
  const entry = Object.hasOwn(DDIS, name) ? DDIS[name] : undefined
  if (!entry || (LANGUAGE_NAMES as readonly string[]).includes(name)) return false
  return module === undefined || isOfModule(entry, module)
}

function routineDeclaration(name: string, entry: DdiEntry): string {
  const facts = ddiFacts(name)
  const params = Object.entries(entry.params).map(
    ([param, type]) => `${type.k === 'varargs' ? '...args' : param}: ${paramType(param, type)}`,
  )
  const doc = docComment(
    [
      entry.summary ?? facts?.summary,
      '```c',
      prototype(name, entry),
      '```',
      entry.module === 'win32' ? undefined : `IRQL: ${irqlRange(entry, facts)}`,
      entry.note === undefined ? undefined : `In this lab: ${entry.note}`,
      facts?.returns === undefined ? undefined : `@returns ${facts.returns}`,
    ],
    '  ',
  )
  return `${doc}  export function ${name}(${params.join(', ')}): ${returnType(entry.returns)}\n`
}

/** Declarations of every routine of a module. */
export function ddiDeclarations(module: ModuleName): string {
  return Object.entries(DDIS)
    .filter(([name]) => isRoutine(name, module))
    .map(([name, entry]) => routineDeclaration(name, entry))
    .join('')
}
