/**
 * Follows the paths through a function and through the functions that it calls. Every path carries
 * what is known on it (model.ts); conditions that are known leave one way, others both. Bounds keep
 * any source cheap: what lies beyond them is not looked at, and nothing is said about it.
 */
import ts from 'typescript'
import { bare, functionOf, isAssignment, referenceOf, type FunctionNode } from '../references'
import type { Typing } from '../typing'
import { applyRoutine, isPaged, NEVER_RETURNS, touch } from './effects'
import type { Finder } from './finder'
import { checkBlocks } from './exits'
import { digest, forget, fork, sizeOf, type State, type Value } from './model'
import { routineOf } from './roles'

/** Paths that are followed side by side. */
const PATHS = 24
/**
 * What following the paths of a driver may cost in all: one for a statement or an expression, and for
 * each look at a whole state as much as is known in it.
 */
const BUDGET = 400_000
const DEPTH = 10
/** Rounds of a loop: the second one sees what the first one left. */
const ROUNDS = 2

export type Result = readonly [Value, State]

/** Where paths go from a statement. */
export interface Flow {
  next: State[]
  breaks: State[]
  continues: State[]
  returns: { value: Value | null; state: State; at: ts.Node }[]
}

const flow = (next: State[]): Flow => ({ next, breaks: [], continues: [], returns: [] })

/** Fields through which one leaves a request: what they point at is not part of it. */
const LEAVES_REQUEST = new Set([
  'FileObject',
  'DeviceObject',
  'Thread',
  'Context',
  'FsContext',
  'FsContext2',
])

/** What is left of it, for all functions of a driver together. */
export class Budget {
  private left = BUDGET

  /** @returns false when nothing is left */
  spend(cost: number): boolean {
    return (this.left -= cost) > 0
  }
}

export class Paths {
  private readonly calls: FunctionNode[] = []

  constructor(
    private readonly typing: Typing,
    private readonly find: Finder,
    private readonly budget: Budget,
    /** Fields that hold paged memory, and the allocation. */
    private readonly pagedFields: ReadonlyMap<string, ts.Node>,
  ) {}

  /** All paths through a function from a state in which its parameters have values. */
  run(fn: FunctionNode, args: readonly Value[], start: State): Flow['returns'] {
    const { checker } = this.typing
    fn.parameters.forEach((parameter, i) => {
      const symbol = checker.getSymbolAtLocation(parameter.name)
      const value = args[i]
      if (symbol && value) start.variables.set(symbol, value)
    })
    this.calls.push(fn)
    try {
      if (!fn.body) return []
      if (!ts.isBlock(fn.body))
        return this.evaluate(fn.body, start).map(([value, state]) => ({
          value,
          state,
          at: fn.body!,
        }))
      const { next, returns } = this.statements(fn.body.statements, [start])
      const end = fn.body
      return [...returns, ...next.map((state) => ({ value: null, state, at: end }))]
    } finally {
      this.calls.pop()
    }
  }

  /** Equal states once, and no more than are followed side by side. */
  private distinct(states: readonly State[]): State[] {
    if (states.length < 2) return [...states]
    const seen = new Map<string, State>()
    for (const state of states) {
      if (!this.budget.spend(sizeOf(state))) return []
      const text = digest(state)
      if (!seen.has(text)) seen.set(text, state)
      if (seen.size === PATHS) break
    }
    return [...seen.values()]
  }

  private distinctResults(results: readonly Result[]): Result[] {
    if (results.length < 2) return [...results]
    const seen = new Map<string, Result>()
    for (const result of results) {
      const [value, state] = result
      if (!this.budget.spend(sizeOf(state))) return []
      const text = `${value.key} ${String(value.constant)} ${value.name} ${value.request} ${digest(state)}`
      if (!seen.has(text)) seen.set(text, result)
      if (seen.size === PATHS) break
    }
    return [...seen.values()]
  }

  /** A path that goes both ways. */
  private fork(state: State): State {
    this.budget.spend(sizeOf(state))
    return fork(state)
  }

  private spent(): boolean {
    return !this.budget.spend(1)
  }

  // --- statements --------------------------------------------------------------------------------

  private statements(list: readonly ts.Statement[], start: State[]): Flow {
    const all = flow(start)
    for (const statement of list) {
      const step = this.statement(statement, all.next)
      all.next = this.distinct(step.next)
      all.breaks.push(...step.breaks)
      all.continues.push(...step.continues)
      all.returns.push(...step.returns)
      if (all.next.length === 0) break
    }
    return all
  }

  private statement(node: ts.Statement, states: State[]): Flow {
    if (this.spent()) return flow([])
    if (ts.isBlock(node)) return this.statements(node.statements, states)
    if (ts.isExpressionStatement(node))
      return flow(
        states.flatMap((state) => this.evaluate(node.expression, state).map(([, it]) => it)),
      )
    if (ts.isVariableStatement(node)) return flow(this.declare(node.declarationList, states))
    if (ts.isReturnStatement(node)) return this.returns(node, states)
    if (ts.isIfStatement(node)) return this.branch(node, states)
    if (ts.isSwitchStatement(node)) return this.choose(node, states)
    if (ts.isTryStatement(node)) return this.attempt(node, states)
    if (ts.isBreakStatement(node)) return { ...flow([]), breaks: states }
    if (ts.isContinueStatement(node)) return { ...flow([]), continues: states }
    if (ts.isLabeledStatement(node)) return this.statement(node.statement, states)
    if (ts.isWhileStatement(node)) return this.loop(states, node.expression, node.statement)
    if (ts.isDoStatement(node))
      return this.loop(states, node.expression, node.statement, null, true)
    if (ts.isForStatement(node)) {
      const first = node.initializer
      const from =
        first === undefined
          ? states
          : ts.isVariableDeclarationList(first)
            ? this.declare(first, states)
            : states.flatMap((state) => this.evaluate(first, state).map(([, it]) => it))
      return this.loop(from, node.condition, node.statement, node.incrementor)
    }
    if (ts.isForOfStatement(node))
      return this.loop(states, undefined, node.statement, null, false, true)
    return flow(states)
  }

  private declare(list: ts.VariableDeclarationList, states: State[]): State[] {
    let now = states
    for (const declaration of list.declarations) {
      if (this.spent()) return []
      const symbol = this.typing.checker.getSymbolAtLocation(declaration.name)
      const { initializer } = declaration
      now = now.flatMap((state) =>
        (initializer
          ? this.evaluate(initializer, state)
          : ([[{ key: keyAt(declaration), constant: undefined }, state]] as Result[])
        ).map(([value, after]) => {
          if (symbol) after.variables.set(symbol, value)
          return after
        }),
      )
    }
    return now
  }

  private returns(node: ts.ReturnStatement, states: State[]): Flow {
    const all = flow([])
    for (const state of states)
      if (node.expression)
        for (const [value, after] of this.evaluate(node.expression, state))
          all.returns.push({ value, state: after, at: node })
      else all.returns.push({ value: null, state, at: node })
    return all
  }

  private branch(node: ts.IfStatement, states: State[]): Flow {
    const { yes, no } = this.tests(node.expression, states)
    const first = this.statement(node.thenStatement, yes)
    const second = node.elseStatement ? this.statement(node.elseStatement, no) : flow(no)
    return join(first, second)
  }

  private choose(node: ts.SwitchStatement, states: State[]): Flow {
    const all = flow([])
    for (const state of states)
      for (const [value, after] of this.evaluate(node.expression, state)) {
        let open: State[] = [after]
        let through: State[] = []
        const { clauses } = node.caseBlock
        // A default clause takes what no case took, wherever it stands.
        const others = (): State[] => open.map((each) => this.fork(each))
        for (const clause of clauses) {
          const entering: State[] = []
          if (ts.isCaseClause(clause)) {
            const still: State[] = []
            for (const each of open) {
              const { yes, no } = this.compare(value, this.constantOf(clause.expression), each)
              if (yes) entering.push(yes)
              if (no) still.push(no)
            }
            open = still
          } else entering.push(...others())
          const step = this.statements(clause.statements, [...through, ...entering])
          through = step.next
          all.next.push(...step.breaks)
          all.continues.push(...step.continues)
          all.returns.push(...step.returns)
        }
        const hasDefault = clauses.some(ts.isDefaultClause)
        all.next.push(...through, ...(hasDefault ? [] : open))
      }
    return all
  }

  private attempt(node: ts.TryStatement, states: State[]): Flow {
    const entered: State[] = []
    let now = states
    const all = flow([])
    const enter = (state: State): State => ({ ...fork(state), tries: state.tries + 1 })
    const leave = (state: State): State => ({ ...state, tries: Math.max(0, state.tries - 1) })
    if (node.catchClause) now = now.map(enter)
    for (const statement of node.tryBlock.statements) {
      // An exception may leave any statement before it did anything.
      entered.push(...now.map((state) => leave(this.fork(state))))
      const step = this.statement(statement, now)
      now = this.distinct(step.next)
      all.breaks.push(...step.breaks)
      all.continues.push(...step.continues)
      all.returns.push(...step.returns)
    }
    all.next = node.catchClause ? now.map(leave) : now
    const caught = node.catchClause
      ? this.statements(node.catchClause.block.statements, this.distinct(entered))
      : flow([])
    const joined = join(all, caught)
    if (!node.finallyBlock) return joined
    const last = this.statements(node.finallyBlock.statements, joined.next)
    const returns = joined.returns.flatMap((each) =>
      this.statements(node.finallyBlock!.statements, [each.state]).next.map((state) => ({
        ...each,
        state,
      })),
    )
    return { ...joined, next: last.next, returns: [...returns, ...last.returns] }
  }

  private loop(
    states: State[],
    condition: ts.Expression | undefined,
    body: ts.Statement,
    then: ts.Expression | null | undefined = null,
    bodyFirst = false,
    mayEnd = false,
  ): Flow {
    const all = flow([])
    let entering = states
    for (let round = 0; round < ROUNDS && entering.length > 0; round++) {
      let inside = entering
      if (!(bodyFirst && round === 0)) {
        if (condition) {
          const { yes, no } = this.tests(condition, entering)
          all.next.push(...no)
          inside = yes
        } else if (mayEnd) all.next.push(...entering.map((each) => this.fork(each)))
      }
      const step = this.statement(body, inside)
      all.next.push(...step.breaks)
      all.returns.push(...step.returns)
      const again = this.distinct([...step.next, ...step.continues])
      entering = then
        ? again.flatMap((state) => this.evaluate(then, state).map(([, it]) => it))
        : again
    }
    // What would go on goes on once more to the way out, without another round.
    if (condition) all.next.push(...this.tests(condition, entering).no)
    else if (mayEnd) all.next.push(...entering)
    all.next = this.distinct(all.next)
    return all
  }

  // --- conditions --------------------------------------------------------------------------------

  private tests(node: ts.Expression, states: State[]): { yes: State[]; no: State[] } {
    const yes: State[] = []
    const no: State[] = []
    for (const state of states) {
      const each = this.test(node, state)
      yes.push(...each.yes)
      no.push(...each.no)
    }
    return { yes: this.distinct(yes), no: this.distinct(no) }
  }

  private test(expression: ts.Expression, state: State): { yes: State[]; no: State[] } {
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

  private testEqual(node: ts.BinaryExpression, state: State): { yes: State[]; no: State[] } {
    const yes: State[] = []
    const no: State[] = []
    for (const [left, between] of this.evaluate(node.left, state))
      for (const [right, after] of this.evaluate(node.right, between)) {
        const one = left.constant !== undefined ? right : left
        const other = left.constant !== undefined ? left : right
        const each = this.compare(one, other, after)
        if (each.yes) yes.push(each.yes)
        if (each.no) no.push(each.no)
      }
    return { yes, no }
  }

  /** The paths on which a value is another one, and on which it is not. */
  private compare(value: Value, other: Value, state: State): { yes?: State; no?: State } {
    if (value.constant !== undefined && other.constant !== undefined)
      return value.constant === other.constant || String(value.constant) === String(other.constant)
        ? { yes: state }
        : { no: state }
    state.unchecked.delete(value.key)
    if (other.constant === undefined) {
      if (value.key === other.key) return { yes: state }
      return { yes: this.fork(state), no: state }
    }
    const known = state.memory.get(value.key)?.constant
    if (known !== undefined) return known === other.constant ? { yes: state } : { no: state }
    const fact = `is:${String(other.constant)} ${value.key}`
    const before = state.facts.get(fact)
    if (before !== undefined) return before ? { yes: state } : { no: state }
    const yes = this.fork(state)
    yes.facts.set(fact, true)
    state.facts.set(fact, false)
    if (other.constant === null) yes.blocks.delete(value.key)
    return { yes, no: state }
  }

  /** A condition that is no comparison: known on this path, or both. */
  private decide(node: ts.Expression, state: State): { yes: State[]; no: State[] } {
    const yes: State[] = []
    const no: State[] = []
    const success =
      ts.isCallExpression(node) && helperOf(this.typing.checker, node) === 'NT_SUCCESS'
    const inner = success ? node.arguments[0]! : node
    for (const [value, after] of this.evaluate(inner, state)) {
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
      const other = this.fork(after)
      after.facts.set(fact, true)
      other.facts.set(fact, false)
      if (!success) other.blocks.delete(value.key)
      yes.push(after)
      no.push(other)
    }
    return { yes, no }
  }

  // --- expressions -------------------------------------------------------------------------------

  private constantOf(expression: ts.Expression): Value {
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
    const reference = referenceOf(this.typing.checker, node)
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
    if (this.spent()) return []
    const node = bare(expression)
    const key = keyAt(node)
    if (ts.isIdentifier(node)) return [[this.identifier(node, state), state]]
    if (ts.isPropertyAccessExpression(node)) return this.property(node, state)
    if (ts.isElementAccessExpression(node)) return this.element(node, state)
    if (ts.isCallExpression(node)) return this.call(node, state)
    if (ts.isBinaryExpression(node)) return this.binary(node, state)
    if (ts.isConditionalExpression(node)) {
      const { yes, no } = this.test(node.condition, state)
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
        if (changes) this.assign(node.operand, { key }, after)
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

  private all(nodes: readonly ts.Expression[], state: State): [Value[], State][] {
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
    const { checker } = this.typing
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
    const shape = this.typing.of(node.expression)
    if (shape.k === 'pointer') touch(base, node.expression, state, this.find)
    const key = `${base.key}.${name}`
    if (base.request !== undefined && /Length$|^Information$|^Key$/.test(name))
      state.facts.set(`length ${base.request}`, true)
    const known = state.memory.get(key)
    if (known) return known
    const kind = this.typing.of(node).k
    const isPointer = kind === 'pointer'
    // A group inside of a structure (`Irp.Tail.Overlay`) is a place as well.
    const isPlace = isPointer || kind === 'any' || kind === 'object'
    return {
      key,
      request: isPlace && !LEAVES_REQUEST.has(name) ? base.request : undefined,
      paged: isPointer ? this.pagedFields.get(fieldOf(this.typing.checker, node)) : undefined,
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
        if (this.typing.of(node.expression).k === 'pointer')
          touch(base, node.expression, after, this.find)
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
      const { yes, no } = this.test(node, state)
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
            touch(base, target.expression, after, this.find)
            this.store(`${base.key}.${target.name.text}`, stored, after)
          } else this.assign(target, stored, after)
          return [stored, after]
        })
      })
    }
    return this.evaluate(node.left, state).flatMap(([, between]) =>
      this.evaluate(node.right, between).map(([, after]): Result => [{ key }, after]),
    )
  }

  private assign(target: ts.Expression, value: Value, state: State): void {
    const place = bare(target)
    if (ts.isIdentifier(place)) {
      const symbol = this.typing.checker.getSymbolAtLocation(place)
      if (!symbol) return
      state.variables.set(symbol, value)
      const declaration = symbol.valueDeclaration
      const isLocal =
        declaration &&
        ts.findAncestor(declaration, (each) => this.calls.includes(each as FunctionNode))
      if (!isLocal) this.escape(value, state)
      return
    }
    this.escape(value, state)
  }

  /** A value was stored where others can find it. */
  private store(key: string, value: Value, state: State): void {
    for (const name of state.memory.keys())
      if (name === key || name.startsWith(`${key}.`)) state.memory.delete(name)
    state.memory.set(key, value)
    this.escape(value, state)
  }

  private escape(value: Value, state: State): void {
    state.blocks.delete(value.key)
    const request = value.request === undefined ? undefined : state.requests.get(value.request)
    if (request?.state === 'owned' && value.request === value.key)
      state.requests.set(value.request, { ...request, state: 'handed' })
  }

  // --- calls -------------------------------------------------------------------------------------

  private call(node: ts.CallExpression, state: State): Result[] {
    const { checker } = this.typing
    const helper = helperOf(checker, node)
    if (helper !== undefined) return this.helper(helper, node, state)
    const routine = routineOf(checker, node)
    const callee = bare(node.expression)
    if (routine === undefined && ts.isPropertyAccessExpression(callee)) {
      // `p.add(n)` is a place behind the same pointer.
      return this.evaluate(callee.expression, state).flatMap(([base, between]) =>
        this.all(node.arguments, between).map(([, after]): Result => [
          callee.name.text === 'add' ? base : { key: keyAt(node) },
          after,
        ]),
      )
    }
    return this.all(node.arguments, state).flatMap(([args, after]) => {
      if (routine !== undefined) {
        const result = this.routine(routine, node, args, after)
        return NEVER_RETURNS.test(routine) ? [] : [result]
      }
      const symbol = ts.isIdentifier(callee) ? referenceOf(checker, callee) : undefined
      const fn =
        symbol?.k === 'local' || symbol?.k === 'import' ? functionOf(symbol.symbol) : undefined
      if (!fn || this.calls.includes(fn) || this.calls.length > DEPTH) {
        for (const value of args) this.escape(value, after)
        return [[{ key: keyAt(node) }, after] as Result]
      }
      const depth = this.calls.length
      return this.distinctResults(
        this.run(fn, args, this.fork(after)).map(({ value, state: end, at }) => {
          checkBlocks(this.find, end, value, at, depth)
          return [value ?? { key: keyAt(node) }, end]
        }),
      )
    })
  }

  private routine(name: string, node: ts.CallExpression, args: Value[], state: State): Result {
    const key = keyAt(node)
    forget(state, key)
    const returnsIrp = /^(IoCsqRemove|IoAllocateIrp|IoBuild)/.test(name)
    if (returnsIrp) state.requests.set(key, { state: 'owned' })
    const result: Value = { key, request: returnsIrp ? key : undefined }
    const call = {
      name,
      node,
      args,
      state,
      result,
      depth: this.calls.length - 1,
      statement: ts.findAncestor(node, ts.isStatement),
    }
    // What the routine wrote through out() is new.
    for (const argument of args) {
      forgetParts(state, argument.key)
    }
    return [applyRoutine(call, this.find), state]
  }

  private helper(name: string, node: ts.CallExpression, state: State): Result[] {
    const key = keyAt(node)
    const [first, second] = node.arguments
    switch (name) {
      case 'cast':
        return second ? this.evaluate(second, state) : [[{ key }, state]]
      case 'addressof':
        return first
          ? this.evaluate(first, state).map(([value, after]) => [
              { ...value, constant: undefined },
              after,
            ])
          : []
      case 'CONTAINING_RECORD': {
        if (!first) return []
        return this.evaluate(first, state).map(([entry, after]) => {
          if (!second || second.getText() !== 'IRP') return [{ key: `${entry.key}^` }, after]
          if (entry.request !== undefined)
            return [{ key: entry.request, request: entry.request }, after]
          forget(after, key)
          after.requests.set(key, { state: 'owned' })
          return [{ key, request: key }, after]
        })
      }
      case 'NT_SUCCESS':
      case 'out':
      case 'local': {
        if (name === 'NT_SUCCESS') {
          const { yes, no } = this.decide(node, state)
          return [
            ...yes.map((each): Result => [{ key, constant: 1 }, each]),
            ...no.map((each): Result => [{ key, constant: 0 }, each]),
          ]
        }
        forget(state, key)
        return [[{ key }, state]]
      }
      default:
        return this.all(node.arguments, state).map(([, after]) => [{ key }, after])
    }
  }
}

/** Fields of the driver's structures that are given paged memory, and nothing else. */
export function pagedFieldsOf(
  checker: ts.TypeChecker,
  files: readonly ts.SourceFile[],
): Map<string, ts.Node> {
  const paged = new Map<string, ts.Node>()
  const mixed = new Set<string>()
  const visit = (node: ts.Node): void => {
    if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      ts.isPropertyAccessExpression(node.left)
    ) {
      const field = fieldOf(checker, node.left)
      const call = allocationIn(checker, node.right)
      if (call) {
        if (isPaged(call)) paged.set(field, call)
        else mixed.add(field)
      }
    }
    ts.forEachChild(node, visit)
  }
  files.forEach(visit)
  for (const field of mixed) paged.delete(field)
  return paged
}

/** Name of a field: its structure's type and its own. */
function fieldOf(checker: ts.TypeChecker, node: ts.PropertyAccessExpression): string {
  const type = checker.getTypeAtLocation(node.expression)
  return `${checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation)}.${node.name.text}`
}

function allocationIn(
  checker: ts.TypeChecker,
  value: ts.Expression,
): ts.CallExpression | undefined {
  const node = bare(value)
  if (!ts.isCallExpression(node)) return undefined
  if (routineOf(checker, node)?.startsWith('ExAllocatePool')) return node
  const inner = node.arguments[1]
  return helperOf(checker, node) === 'cast' && inner ? allocationIn(checker, inner) : undefined
}

function helperOf(checker: ts.TypeChecker, node: ts.CallExpression): string | undefined {
  const callee = bare(node.expression)
  if (!ts.isIdentifier(callee)) return undefined
  const reference = referenceOf(checker, callee)
  return reference.k === 'helper' ? reference.name : undefined
}

/** Name of what an expression makes: its place. */
function keyAt(node: ts.Node): string {
  return `${node.getSourceFile().fileName}:${node.pos}`
}

function forgetParts(state: State, key: string): void {
  for (const name of state.memory.keys())
    if (name.startsWith(`${key}.value`)) state.memory.delete(name)
}

function isSuccess(constant: Value['constant']): boolean | undefined {
  return typeof constant === 'number' ? constant < 0x80000000 && constant >= 0 : undefined
}

function truth(constant: Value['constant']): boolean | undefined {
  return constant === undefined ? undefined : Boolean(constant)
}

function join(one: Flow, other: Flow): Flow {
  return {
    next: [...one.next, ...other.next],
    breaks: [...one.breaks, ...other.breaks],
    continues: [...one.continues, ...other.continues],
    returns: [...one.returns, ...other.returns],
  }
}
