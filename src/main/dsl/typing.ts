/**
 * What the compiler has to know about the type of an expression: which C integer it is, whether it
 * is a pointer and to what. Arithmetic follows C's conversions: operands are widened to 32 bits,
 * unsigned wins, and the result wraps. A value without a C type (a plain `number`) never wraps.
 */
import ts from 'typescript'
import { SCALARS, type ScalarAccess } from './types/c-types'
import { scalarOfTag } from './types/language'

export type Shape =
  /** C integer of this name. */
  | { k: 'int'; access: ScalarAccess; name: string }
  /** A number or bigint whose value is known. */
  | { k: 'literal'; value: number | bigint }
  | { k: 'number' }
  | { k: 'bigint' }
  | { k: 'boolean' }
  | { k: 'string' }
  /** `struct` is the structure's name, empty when it is not known; `element` belongs to POINTER and ARRAY. */
  | { k: 'pointer'; struct: string; element?: ts.Type }
  | { k: 'function' }
  /** A script array. */
  | { k: 'array' }
  | { k: 'object' }
  | { k: 'null' }
  | { k: 'any' }

const NUMBER: Shape = { k: 'number' }
const BIGINT: Shape = { k: 'bigint' }
const BOOLEAN: Shape = { k: 'boolean' }
const STRING: Shape = { k: 'string' }
const ANY: Shape = { k: 'any' }
const ULONG: Shape = { k: 'int', access: 'u32', name: 'ULONG' }
const LONG: Shape = { k: 'int', access: 'i32', name: 'LONG' }

/** Is the integer one of 64 bits, a bigint? */
export function isWide(access: ScalarAccess): boolean {
  return access === 'u64' || access === 'i64'
}

/** Does a value of this shape hold a number (not a bigint) for sure? */
export function isNumeric(shape: Shape): boolean {
  switch (shape.k) {
    case 'number':
      return true
    case 'int':
      return !isWide(shape.access)
    case 'literal':
      return typeof shape.value === 'number'
    default:
      return false
  }
}

/** Does a value of this shape hold a bigint for sure? */
export function isBigint(shape: Shape): boolean {
  switch (shape.k) {
    case 'bigint':
      return true
    case 'int':
      return isWide(shape.access)
    case 'literal':
      return typeof shape.value === 'bigint'
    default:
      return false
  }
}

/** Can `===` of the script compare a value of this shape? */
export function isPlain(shape: Shape): boolean {
  return isNumeric(shape) || isBigint(shape) || shape.k === 'boolean' || shape.k === 'string'
}

/** Largest and smallest value of an integer type of up to 32 bits. */
const RANGES: Partial<Record<ScalarAccess, readonly [min: number, max: number]>> = {
  u8: [0, 0xff],
  bool: [0, 0xff],
  i8: [-0x80, 0x7f],
  u16: [0, 0xffff],
  i16: [-0x8000, 0x7fff],
  u32: [0, 0xffff_ffff],
  i32: [-0x8000_0000, 0x7fff_ffff],
}

function rangeOf(shape: Shape): readonly [min: number, max: number] | undefined {
  if (shape.k === 'int') return RANGES[shape.access]
  if (shape.k === 'literal' && typeof shape.value === 'number') return [shape.value, shape.value]
  return shape.k === 'boolean' ? [0, 1] : undefined
}

/** Is every value of this shape also one of the integer type, so that nothing has to wrap? */
export function fits(shape: Shape, access: ScalarAccess): boolean {
  if (access === 'handle') return true
  if (shape.k === 'int' && shape.access === access) return true
  if (isWide(access)) {
    if (shape.k !== 'literal' || typeof shape.value !== 'bigint') return false
    const { value } = shape
    return (access === 'u64' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value)) === value
  }
  if (shape.k === 'boolean') return false
  const from = rangeOf(shape)
  const to = RANGES[access]
  return from !== undefined && to !== undefined && from[0] >= to[0] && from[1] <= to[1]
}

/** Is the value of this shape never negative and below 2^31, so that bit operations leave it as it is? */
export function isSmallUnsigned(shape: Shape): boolean {
  const range = rangeOf(shape)
  return range !== undefined && range[0] >= 0 && range[1] <= 0x7fff_ffff
}

/** Is the value of this shape never negative? */
export function isUnsigned(shape: Shape): boolean {
  const range = rangeOf(shape)
  return range !== undefined && range[0] >= 0
}

/** What an arithmetic operator does to its result. */
export type Wrap = 'u32' | 'i32' | 'u64' | 'i64' | null

export interface Arithmetic {
  result: Shape
  wrap: Wrap
}

const PLAIN: Arithmetic = { result: NUMBER, wrap: null }

/** The result of `+ - * / %` on two integers, by C's rules. */
export function arithmetic(operator: '+' | '-' | '*' | '/' | '%', a: Shape, b: Shape): Arithmetic {
  if (isBigint(a) || isBigint(b)) return wideArithmetic(a, b)
  if (!isNumeric(a) || !isNumeric(b)) {
    if (operator === '+' && (a.k === 'string' || b.k === 'string'))
      return { result: STRING, wrap: null }
    return {
      result: operator === '+' ? ANY : a.k === 'any' || b.k === 'any' ? ANY : NUMBER,
      wrap: null,
    }
  }
  if (a.k === 'number' || b.k === 'number' || (a.k === 'literal' && b.k === 'literal')) return PLAIN
  if ((a.k === 'int' && a.access === 'handle') || (b.k === 'int' && b.access === 'handle'))
    return PLAIN
  const unsigned = promotes(a) || promotes(b)
  const result = unsigned ? ULONG : LONG
  if (!unsigned && operator !== '*' && isShort(a) && isShort(b)) return { result, wrap: null }
  return { result, wrap: unsigned ? 'u32' : 'i32' }
}

/** Does this operand make the other one unsigned? */
function promotes(shape: Shape): boolean {
  if (shape.k === 'int') return shape.access === 'u32'
  return shape.k === 'literal' && typeof shape.value === 'number' && shape.value > 0x7fff_ffff
}

/** So small that a sum of two cannot overflow 32 bits. */
function isShort(shape: Shape): boolean {
  const range = rangeOf(shape)
  return range !== undefined && range[0] >= -0x1000_0000 && range[1] <= 0x1000_0000
}

function wideArithmetic(a: Shape, b: Shape): Arithmetic {
  const typed = a.k === 'int' ? a : b.k === 'int' ? b : undefined
  if (!typed || a.k === 'bigint' || b.k === 'bigint' || a.k === 'any' || b.k === 'any')
    return { result: isBigint(a) && isBigint(b) ? BIGINT : ANY, wrap: null }
  const unsigned = [a, b].some((each) => each.k === 'int' && each.access === 'u64')
  return {
    result: { ...typed, access: unsigned ? 'u64' : 'i64' },
    wrap: unsigned ? 'u64' : 'i64',
  }
}

/** Shape of `a operator b` for bit operations. */
export function bitsShape(a: Shape, b: Shape): Shape {
  if (isNumeric(a) && isNumeric(b)) return ULONG
  if (isBigint(a) && isBigint(b)) return wideArithmetic(a, b).result
  return ANY
}

/** Shape of `a >> b` and `a >>> b`. */
export function shiftShape(a: Shape, isLogical: boolean): Shape {
  if (isUnsigned(a) || isBigint(a)) return a.k === 'literal' ? ULONG : a
  if (a.k === 'int') return isLogical ? ULONG : LONG
  return a.k === 'any' ? ANY : NUMBER
}

/** Answers questions about types; one for each program. */
export class Typing {
  private readonly byType = new Map<ts.Type, Shape>()
  private readonly byNode = new Map<ts.Node, Shape>()

  constructor(readonly checker: ts.TypeChecker) {}

  /** Shape of an expression. */
  of(node: ts.Expression): Shape {
    let shape = this.byNode.get(node)
    if (!shape) this.byNode.set(node, (shape = this.compute(node)))
    return shape
  }

  private compute(node: ts.Expression): Shape {
    if (
      ts.isParenthesizedExpression(node) ||
      ts.isSatisfiesExpression(node) ||
      ts.isNonNullExpression(node)
    )
      return this.of(node.expression)
    if (ts.isPrefixUnaryExpression(node)) return this.ofPrefix(node)
    if (ts.isPostfixUnaryExpression(node)) return this.of(node.operand)
    if (ts.isBinaryExpression(node)) return this.ofBinary(node)
    if (ts.isConditionalExpression(node)) {
      const whenTrue = this.of(node.whenTrue)
      const whenFalse = this.of(node.whenFalse)
      if (whenTrue.k === 'int' && whenFalse.k === 'int' && whenTrue.access === whenFalse.access)
        return whenTrue
    }
    const shape = ts.isIdentifier(node)
      ? this.ofIdentifier(node)
      : this.ofType(this.checker.getTypeAtLocation(node))
    return shape.k === 'boolean' ? this.declared(node, shape) : shape
  }

  /**
   * A BOOLEAN holds a number, whatever was assigned to it: the checker, which follows assignments,
   * takes it for a boolean after `flag = true`.
   */
  private declared(node: ts.Expression, shape: Shape): Shape {
    const place = ts.isPropertyAccessExpression(node) ? node.name : node
    const symbol = this.checker.getSymbolAtLocation(place)
    if (symbol) return this.ofType(this.checker.getTypeOfSymbol(symbol))
    if (!ts.isElementAccessExpression(node)) return shape
    const array = this.of(node.expression)
    return array.k === 'pointer' && array.element ? this.ofType(array.element) : shape
  }

  private ofIdentifier(node: ts.Identifier): Shape {
    const shape = this.ofType(this.checker.getTypeAtLocation(node))
    if (shape.k !== 'number' && shape.k !== 'bigint') return shape
    // `const rest = length - 4` keeps the C type that `length - 4` has.
    const declaration = this.checker.getSymbolAtLocation(node)?.valueDeclaration
    if (
      declaration &&
      ts.isVariableDeclaration(declaration) &&
      declaration.initializer &&
      !declaration.type &&
      ts.isIdentifier(declaration.name) &&
      ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const
    ) {
      this.byNode.set(node, shape)
      const initial = this.of(declaration.initializer)
      if (initial.k === 'int') return initial
    }
    return shape
  }

  private ofPrefix(node: ts.PrefixUnaryExpression): Shape {
    const operand = this.of(node.operand)
    switch (node.operator) {
      case ts.SyntaxKind.ExclamationToken:
        return BOOLEAN
      case ts.SyntaxKind.PlusToken:
        return operand
      case ts.SyntaxKind.MinusToken:
        if (operand.k === 'literal') return { k: 'literal', value: -operand.value }
        return arithmetic('-', { k: 'literal', value: isBigint(operand) ? 0n : 0 }, operand).result
      case ts.SyntaxKind.TildeToken:
        if (isBigint(operand)) return operand.k === 'int' ? operand : BIGINT
        return isNumeric(operand) ? ULONG : ANY
      default:
        return operand
    }
  }

  private ofBinary(node: ts.BinaryExpression): Shape {
    const operator = node.operatorToken.kind
    switch (operator) {
      case ts.SyntaxKind.PlusToken:
      case ts.SyntaxKind.MinusToken:
      case ts.SyntaxKind.AsteriskToken:
      case ts.SyntaxKind.SlashToken:
      case ts.SyntaxKind.PercentToken:
        return arithmetic(ARITHMETIC[operator], this.of(node.left), this.of(node.right)).result
      case ts.SyntaxKind.AmpersandToken:
      case ts.SyntaxKind.BarToken:
      case ts.SyntaxKind.CaretToken:
      case ts.SyntaxKind.LessThanLessThanToken:
        return bitsShape(this.of(node.left), this.of(node.right))
      case ts.SyntaxKind.GreaterThanGreaterThanToken:
      case ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken:
        return shiftShape(
          this.of(node.left),
          operator === ts.SyntaxKind.GreaterThanGreaterThanGreaterThanToken,
        )
      case ts.SyntaxKind.CommaToken:
        return this.of(node.right)
      case ts.SyntaxKind.EqualsToken: {
        const target = this.of(node.left)
        return target.k === 'int' ? target : this.of(node.right)
      }
      default:
        break
    }
    if (
      operator >= ts.SyntaxKind.FirstCompoundAssignment &&
      operator <= ts.SyntaxKind.LastCompoundAssignment
    )
      return this.of(node.left)
    return this.ofType(this.checker.getTypeAtLocation(node))
  }

  /** Shape of a type. */
  ofType(type: ts.Type): Shape {
    let shape = this.byType.get(type)
    if (!shape) this.byType.set(type, (shape = this.computeType(type)))
    return shape
  }

  private computeType(type: ts.Type): Shape {
    const { flags } = type
    if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return ANY
    if (
      flags &
      (ts.TypeFlags.Null | ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Never)
    )
      return { k: 'null' }
    if (type.isNumberLiteral()) return { k: 'literal', value: type.value }
    if (flags & ts.TypeFlags.BigIntLiteral) {
      const { value } = type as ts.BigIntLiteralType
      return { k: 'literal', value: BigInt(value.base10Value) * (value.negative ? -1n : 1n) }
    }
    if (flags & ts.TypeFlags.NumberLike) return NUMBER
    if (flags & ts.TypeFlags.BigIntLike) return BIGINT
    if (flags & ts.TypeFlags.BooleanLike) return BOOLEAN
    if (flags & ts.TypeFlags.StringLike) return STRING
    if (flags & ts.TypeFlags.TypeParameter) {
      const constraint = this.checker.getBaseConstraintOfType(type)
      return constraint && constraint !== type ? this.ofType(constraint) : ANY
    }
    if (type.isUnion()) return this.ofUnion(type)
    if (type.isIntersection()) {
      const scalar = this.scalar(type)
      if (scalar) return scalar
    }
    return this.ofObject(type)
  }

  private ofUnion(type: ts.UnionType): Shape {
    const shapes = type.types.map((each) => this.ofType(each)).filter(({ k }) => k !== 'null')
    const [first] = shapes
    if (!first) return { k: 'null' }
    const int = shapes.find((each) => each.k === 'int')
    // BOOLEAN is `boolean | number`.
    if (int?.k === 'int' && int.access === 'bool')
      if (shapes.every((each) => each === int || each.k === 'boolean')) return int
    if (shapes.every((each) => each.k === 'int' && int?.k === 'int' && each.access === int.access))
      return first
    if (shapes.every(isNumeric)) return NUMBER
    if (shapes.every(isBigint)) return BIGINT
    if (shapes.every((each) => each.k === first.k)) {
      if (first.k !== 'pointer') return first
      const same = shapes.every((each) => each.k === 'pointer' && each.struct === first.struct)
      return same ? first : { k: 'pointer', struct: '' }
    }
    return ANY
  }

  private scalar(type: ts.IntersectionType): Shape | undefined {
    for (const part of type.types) {
      const property = part.flags & ts.TypeFlags.Object ? part.getProperties()[0] : undefined
      const name = property && scalarOfTag(property.name)
      const access = name === undefined ? undefined : SCALARS.get(name)
      if (name !== undefined && access !== undefined) return { k: 'int', access, name }
    }
    return undefined
  }

  private ofObject(type: ts.Type): Shape {
    if (this.checker.isArrayType(type) || this.checker.isTupleType(type)) return { k: 'array' }
    if (this.isView(type)) {
      const name = type.symbol?.name
      if ((name === 'POINTER' || name === 'ARRAY') && isLibrary(type.symbol)) {
        const element = this.checker.getTypeArguments(type as ts.TypeReference)[0]
        if (element) return { k: 'pointer', struct: '', element }
      }
      return { k: 'pointer', struct: this.structName(type) }
    }
    if (type.getCallSignatures().length > 0) return { k: 'function' }
    return { k: 'object' }
  }

  private isView(type: ts.Type): boolean {
    const property = type.getProperty('u8')
    const parent = property?.valueDeclaration?.parent
    return (
      parent !== undefined &&
      ts.isInterfaceDeclaration(parent) &&
      parent.name.text === 'PVOID' &&
      parent.getSourceFile().fileName === '/wdm.d.ts'
    )
  }

  private structName(type: ts.Type): string {
    const brand = type
      .getProperties()
      .find((property) => (property.escapedName as string).startsWith('__@kind@'))
    const name = brand && this.checker.getTypeOfSymbol(brand)
    return name?.isStringLiteral() ? name.value : ''
  }
}

const ARITHMETIC = {
  [ts.SyntaxKind.PlusToken]: '+',
  [ts.SyntaxKind.MinusToken]: '-',
  [ts.SyntaxKind.AsteriskToken]: '*',
  [ts.SyntaxKind.SlashToken]: '/',
  [ts.SyntaxKind.PercentToken]: '%',
} as const

/** Is a symbol declared by wdm.d.ts, win32.d.ts or lib.d.ts? */
export function isLibrary(symbol: ts.Symbol): boolean {
  return symbol.declarations?.some((each) => each.getSourceFile().isDeclarationFile) ?? false
}
