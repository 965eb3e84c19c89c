/** Expressions: the values that one may have, each with what is known then. */
import ts from 'typescript'
import { bare, isAssignment, referenceOf } from '../references'
import { touch } from './effects'
import { PATHS } from './budget'
import type { Result } from './flow'
import type { State, Value } from './model'
import type { Paths } from './paths'
import { fieldOf, keyAt } from './places'
import { assign, store } from './stores'

/** Fields through which one leaves a request: what they point at is not part of it. */
const LEAVES_REQUEST = new Set([
  'FileObject',
  'DeviceObject',
  'Thread',
  'Context',
  'FsContext',
  'FsContext2',
])

export class Expressions {
  constructor(private readonly paths: Paths) {}

  constantOf(expression: ts.Expression): Value {
    const node = bare(expression)
    const key = keyAt(node)
    if (ts.isNumericLiteral(node)) return { key, constant: Number(node.text) }
    if (ts.isBigIntLiteral(node)) return { key, constant: BigInt(node.text.slice(0, -1)) }
    switch (node.kind) {
      case ts.SyntaxKind.NullKeyword:
        return { key, constant: null }
      case ts.SyntaxKind.TrueKeyword:
        return { key, constant: 1 }
      case ts.SyntaxKind.FalseKeyword:
        return { key, constant: 0 }
      default:
    }
    if (!ts.isIdentifier(node)) return { key }
    const reference = referenceOf(this.paths.typing.checker, node)
    if (reference.k === 'constant')
      return { key, constant: reference.constant.value, name: node.text }
    // A constant of the driver that is made by a call, such as CTL_CODE, is a value of its own.
    return { key: reference.k === 'local' ? `v${reference.symbol.name}` : key, name: node.text }
  }

  /** The values that an expression may have, each with what is known then. */
  evaluate(expression: ts.Expression, state: State): Result[] {
    const results = this.valuesOf(expression, state)
    return results.length > PATHS ? results.slice(0, PATHS) : results
  }

  private valuesOf(expression: ts.Expression, state: State): Result[] {
    if (this.paths.spent()) return []
    const node = bare(expression)
    const key = keyAt(node)
    if (ts.isIdentifier(node)) return [[this.identifier(node, state), state]]
    if (ts.isPropertyAccessExpression(node)) return this.property(node, state)
    if (ts.isElementAccessExpression(node)) return this.element(node, state)
    if (ts.isCallExpression(node)) return this.paths.calls.call(node, state)
    if (ts.isBinaryExpression(node)) return this.binary(node, state)
    if (ts.isConditionalExpression(node)) {
      const { yes, no } = this.paths.conditions.test(node.condition, state)
      return [
        ...yes.flatMap((each) => this.evaluate(node.whenTrue, each)),
        ...no.flatMap((each) => this.evaluate(node.whenFalse, each)),
      ]
    }
    if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
      const changes =
        node.operator === ts.SyntaxKind.PlusPlusToken ||
        node.operator === ts.SyntaxKind.MinusMinusToken
      return this.evaluate(node.operand, state).map(([, after]) => {
        if (changes) assign(this.paths, node.operand, { key }, after)
        return [{ key }, after]
      })
    }
    if (ts.isArrayLiteralExpression(node))
      return this.all(node.elements, state).map(([, after]) => [{ key }, after])
    if (ts.isTemplateExpression(node))
      return this.all(
        node.templateSpans.map((span) => span.expression),
        state,
      ).map(([, after]) => [{ key }, after])
    return [[this.constantOf(node), state]]
  }

  all(nodes: readonly ts.Expression[], state: State): [Value[], State][] {
    let results: [Value[], State][] = [[[], state]]
    for (const node of nodes)
      results = results
        .flatMap(([values, before]) =>
          this.evaluate(node, before).map(([value, after]): [Value[], State] => [
            [...values, value],
            after,
          ]),
        )
        .slice(0, PATHS)
    return results
  }

  private identifier(node: ts.Identifier, state: State): Value {
    const { checker } = this.paths.typing
    const reference = referenceOf(checker, node)
    if (reference.k === 'local') {
      const known = state.variables.get(reference.symbol)
      if (known)
        return state.memory.get(known.key)?.constant === null ? { ...known, constant: null } : known
      const declaration = reference.symbol.valueDeclaration
      return { key: `v${reference.symbol.name}@${declaration?.pos ?? 0}`, name: node.text }
    }
    return this.constantOf(node)
  }

  private property(node: ts.PropertyAccessExpression, state: State): Result[] {
    return this.evaluate(node.expression, state).map(([base, after]) => [
      this.member(node, base, after),
      after,
    ])
  }

  private member(node: ts.PropertyAccessExpression, base: Value, state: State): Value {
    const name = node.name.text
    // `p.u8` is p seen as bytes.
    if (/^[ui](8|16|32|64)$/.test(name)) return base
    const shape = this.paths.typing.of(node.expression)
    if (shape.k === 'pointer') touch(base, node.expression, state, this.paths.find)
    const key = `${base.key}.${name}`
    if (base.request !== undefined && /Length$|^Information$|^Key$/.test(name))
      state.facts.set(`length ${base.request}`, true)
    const known = state.memory.get(key)
    if (known) return known
    const kind = this.paths.typing.of(node).k
    const isPointer = kind === 'pointer'
    // A group inside of a structure (`Irp.Tail.Overlay`) is a place as well.
    const isPlace = isPointer || kind === 'any' || kind === 'object'
    return {
      key,
      request: isPlace && !LEAVES_REQUEST.has(name) ? base.request : undefined,
      paged: isPointer
        ? this.paths.pagedFields.get(fieldOf(this.paths.typing.checker, node))
        : undefined,
      isSystemBuffer: name === 'SystemBuffer' && base.request !== undefined ? true : undefined,
      isUser:
        (base.request !== undefined && name === 'UserBuffer') || name === 'Type3InputBuffer'
          ? true
          : undefined,
    }
  }

  private element(node: ts.ElementAccessExpression, state: State): Result[] {
    return this.evaluate(node.expression, state).flatMap(([base, between]) =>
      this.evaluate(node.argumentExpression, between).map(([, after]): Result => {
        if (this.paths.typing.of(node.expression).k === 'pointer')
          touch(base, node.expression, after, this.paths.find)
        return [{ key: `${base.key}.[]`, request: undefined }, after]
      }),
    )
  }

  private binary(node: ts.BinaryExpression, state: State): Result[] {
    const key = keyAt(node)
    const operator = node.operatorToken.kind
    if (
      operator === ts.SyntaxKind.AmpersandAmpersandToken ||
      operator === ts.SyntaxKind.BarBarToken ||
      (operator >= ts.SyntaxKind.EqualsEqualsToken &&
        operator <= ts.SyntaxKind.ExclamationEqualsEqualsToken)
    ) {
      const { yes, no } = this.paths.conditions.test(node, state)
      return [
        ...yes.map((each): Result => [{ key, constant: 1 }, each]),
        ...no.map((each): Result => [{ key, constant: 0 }, each]),
      ]
    }
    if (isAssignment(operator)) {
      const isPlain = operator === ts.SyntaxKind.EqualsToken
      return this.evaluate(node.right, state).flatMap(([value, between]) => {
        const target = bare(node.left)
        const places: Result[] =
          isPlain && ts.isIdentifier(target)
            ? [[value, between]]
            : isPlain && ts.isPropertyAccessExpression(target)
              ? this.evaluate(target.expression, between)
              : this.evaluate(target, between)
        return places.map(([base, after]): Result => {
          const stored = isPlain ? value : { key }
          if (isPlain && ts.isPropertyAccessExpression(target)) {
            touch(base, target.expression, after, this.paths.find)
            store(`${base.key}.${target.name.text}`, stored, after)
          } else assign(this.paths, target, stored, after)
          return [stored, after]
        })
      })
    }
    return this.evaluate(node.left, state).flatMap(([, between]) =>
      this.evaluate(node.right, between).map(([, after]): Result => [{ key }, after]),
    )
  }
}
