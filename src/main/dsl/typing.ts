/** Asks the type checker for the shape of an expression: which C integer it is, what it points at. */
import ts from 'typescript'
import {
  ANY,
  arithmetic,
  BIGINT,
  bitsShape,
  BOOLEAN,
  isBigint,
  isNumeric,
  NUMBER,
  shiftShape,
  STRING,
  ULONG,
  type Shape,
} from './shapes'
import { SCALARS } from './types/c-types'
import { scalarOfTag } from './types/language'

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
