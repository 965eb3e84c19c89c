/** Conditions: the paths on which one holds, and on which it does not. What is known leaves one way. */
import ts from 'typescript'
import { bare } from '../references'
import type { State, Value } from './model'
import type { Paths } from './paths'
import { helperOf } from './places'

interface Ways {
  yes: State[]
  no: State[]
}

export class Conditions {
  constructor(private readonly paths: Paths) {}

  tests(node: ts.Expression, states: State[]): Ways {
    const yes: State[] = []
    const no: State[] = []
    for (const state of states) {
      const each = this.test(node, state)
      yes.push(...each.yes)
      no.push(...each.no)
    }
    return { yes: this.paths.distinct(yes), no: this.paths.distinct(no) }
  }

  test(expression: ts.Expression, state: State): Ways {
    const node = bare(expression)
    if (ts.isPrefixUnaryExpression(node) && node.operator === ts.SyntaxKind.ExclamationToken) {
      const { yes, no } = this.test(node.operand, state)
      return { yes: no, no: yes }
    }
    if (ts.isBinaryExpression(node)) {
      const operator = node.operatorToken.kind
      if (operator === ts.SyntaxKind.AmpersandAmpersandToken) {
        const first = this.test(node.left, state)
        const second = this.tests(node.right, first.yes)
        return { yes: second.yes, no: [...first.no, ...second.no] }
      }
      if (operator === ts.SyntaxKind.BarBarToken) {
        const first = this.test(node.left, state)
        const second = this.tests(node.right, first.no)
        return { yes: [...first.yes, ...second.yes], no: second.no }
      }
      const isSame =
        operator === ts.SyntaxKind.EqualsEqualsEqualsToken ||
        operator === ts.SyntaxKind.EqualsEqualsToken
      const isOther =
        operator === ts.SyntaxKind.ExclamationEqualsEqualsToken ||
        operator === ts.SyntaxKind.ExclamationEqualsToken
      if (isSame || isOther) {
        const { yes, no } = this.testEqual(node, state)
        return isSame ? { yes, no } : { yes: no, no: yes }
      }
    }
    return this.decide(node, state)
  }

  private testEqual(node: ts.BinaryExpression, state: State): Ways {
    const yes: State[] = []
    const no: State[] = []
    for (const [left, between] of this.paths.expressions.evaluate(node.left, state))
      for (const [right, after] of this.paths.expressions.evaluate(node.right, between)) {
        const one = left.constant !== undefined ? right : left
        const other = left.constant !== undefined ? left : right
        const each = this.compare(one, other, after)
        if (each.yes) yes.push(each.yes)
        if (each.no) no.push(each.no)
      }
    return { yes, no }
  }

  /** The paths on which a value is another one, and on which it is not. */
  compare(value: Value, other: Value, state: State): { yes?: State; no?: State } {
    if (value.constant !== undefined && other.constant !== undefined)
      return value.constant === other.constant || String(value.constant) === String(other.constant)
        ? { yes: state }
        : { no: state }
    state.unchecked.delete(value.key)
    if (other.constant === undefined) {
      if (value.key === other.key) return { yes: state }
      return { yes: this.paths.fork(state), no: state }
    }
    const known = state.memory.get(value.key)?.constant
    if (known !== undefined) return known === other.constant ? { yes: state } : { no: state }
    const fact = `is:${String(other.constant)} ${value.key}`
    const before = state.facts.get(fact)
    if (before !== undefined) return before ? { yes: state } : { no: state }
    const yes = this.paths.fork(state)
    yes.facts.set(fact, true)
    state.facts.set(fact, false)
    if (other.constant === null) yes.blocks.delete(value.key)
    return { yes, no: state }
  }

  /** A condition that is no comparison: known on this path, or both. */
  decide(node: ts.Expression, state: State): Ways {
    const yes: State[] = []
    const no: State[] = []
    const success =
      ts.isCallExpression(node) && helperOf(this.paths.typing.checker, node) === 'NT_SUCCESS'
    const inner = success ? node.arguments[0]! : node
    for (const [value, after] of this.paths.expressions.evaluate(inner, state)) {
      const known = success ? isSuccess(value.constant) : truth(value.constant)
      const fact = `${success ? 'ok' : 'is'} ${value.key}`
      const nullness = after.facts.get(`is:null ${value.key}`)
      const before =
        known ??
        after.facts.get(fact) ??
        (!success && nullness !== undefined ? !nullness : undefined)
      after.unchecked.delete(value.key)
      if (before !== undefined) {
        ;(before ? yes : no).push(after)
        continue
      }
      const other = this.paths.fork(after)
      after.facts.set(fact, true)
      other.facts.set(fact, false)
      if (!success) other.blocks.delete(value.key)
      yes.push(after)
      no.push(other)
    }
    return { yes, no }
  }
}

function isSuccess(constant: Value['constant']): boolean | undefined {
  return typeof constant === 'number' ? constant < 0x80000000 && constant >= 0 : undefined
}

function truth(constant: Value['constant']): boolean | undefined {
  return constant === undefined ? undefined : Boolean(constant)
}
