/**
 * What a register or a stack slot is known to hold. Anything not named here is unknown, which is
 * `undefined` everywhere.
 */
import { type Expression, keyOf } from './expression'

/** Objects that the analysis follows. `number` is the offset of a pointer from the object's start. */
export type ObjectKind =
  | 'driver-object'
  | 'registry-path'
  | 'driver-extension'
  | 'device-object'
  | 'irp'
  | 'stack-location'
  /** The framework's table of functions. */
  | 'wdf-functions'

export type Value =
  /** A number; in an x86 image maybe a virtual address. Unsigned when it came out of 32 bits. */
  | { readonly kind: 'constant'; readonly number: number; readonly isChangeable?: boolean }
  /** A number of more than 53 bits: bit masks. */
  | { readonly kind: 'wide'; readonly wide: bigint }
  /** A place in the image, as RVA. */
  | { readonly kind: 'address'; readonly number: number }
  /** A place on the stack, from the stack pointer at the entry of the outermost function. */
  | { readonly kind: 'stack'; readonly number: number }
  | { readonly kind: ObjectKind; readonly number: number }
  /** A function of the kernel. */
  | { readonly kind: 'import'; readonly name: string }
  /** A function of the framework, by its index. */
  | { readonly kind: 'wdf-function'; readonly index: number }
  /** The control code, and what was computed from it. */
  | { readonly kind: 'code'; readonly expression: Expression }
  /** 1 << something computed from the control code, and the bits it was tested with. */
  | BitOf
  /** An entry of a table in the image, chosen by the control code. */
  | Lookup

export interface BitOf {
  readonly kind: 'bit'
  readonly expression: Expression
  readonly mask: bigint
}

export interface Lookup {
  readonly kind: 'lookup'
  /** RVA of the table. */
  readonly table: number
  readonly scale: number
  /** Bytes of an entry. */
  readonly size: number
  readonly isSigned: boolean
  readonly index: Expression | Lookup
  /** Added to the entry: an RVA, or null while the entry stands alone. */
  readonly base: number | null
}

export type Known = Value | undefined

export const constant = (number: number): Value => ({ kind: 'constant', number })
export const address = (rva: number): Value => ({ kind: 'address', number: rva })

type Movable = Extract<Value, { readonly number: number }>

/** Values that a number can be added to. */
export function isMovable(value: Value): value is Movable {
  return 'number' in value
}

/** The same with another number; what a constant loses is that it came from changeable memory. */
export function moved(value: Movable, number: number): Value {
  return value.kind === 'constant' ? constant(number) : { kind: value.kind, number }
}

/**
 * A text for values worth following, equal for equal ones; empty for constants, addresses and places
 * on the stack, which differ on every path and tell nothing.
 */
export function interestOf(value: Known): string {
  if (value === undefined) return ''
  switch (value.kind) {
    case 'constant':
    case 'wide':
    case 'address':
    case 'stack':
      return ''
    case 'import':
      return value.name
    case 'wdf-function':
      return `wdf${value.index}`
    case 'code':
      return `code(${keyOf(value.expression)})`
    case 'bit':
      return `bit(${keyOf(value.expression)})`
    case 'lookup':
      return `lookup${value.table}`
    default:
      return `${value.kind}+${value.number}`
  }
}
