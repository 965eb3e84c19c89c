/** Follows paths through statements: blocks, branches, loops, exceptions. */
import ts from 'typescript'
import { flow, join, type Flow, type Result } from './flow'
import { fork, type State } from './model'
import type { Paths } from './paths'
import { keyAt } from './places'

/** Rounds of a loop: the second one sees what the first one left. */
const ROUNDS = 2

export class Statements {
  constructor(private readonly paths: Paths) {}

  list(list: readonly ts.Statement[], start: State[]): Flow {
    const all = flow(start)
    for (const statement of list) {
      const step = this.statement(statement, all.next)
      all.next = this.paths.distinct(step.next)
      all.breaks.push(...step.breaks)
      all.continues.push(...step.continues)
      all.returns.push(...step.returns)
      if (all.next.length === 0) break
    }
    return all
  }

  private statement(node: ts.Statement, states: State[]): Flow {
    if (this.paths.spent()) return flow([])
    if (ts.isBlock(node)) return this.list(node.statements, states)
    if (ts.isExpressionStatement(node))
      return flow(
        states.flatMap((state) =>
          this.paths.expressions.evaluate(node.expression, state).map(([, it]) => it),
        ),
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
            : states.flatMap((state) =>
                this.paths.expressions.evaluate(first, state).map(([, it]) => it),
              )
      return this.loop(from, node.condition, node.statement, node.incrementor)
    }
    if (ts.isForOfStatement(node))
      return this.loop(states, undefined, node.statement, null, false, true)
    return flow(states)
  }

  private declare(list: ts.VariableDeclarationList, states: State[]): State[] {
    let now = states
    for (const declaration of list.declarations) {
      if (this.paths.spent()) return []
      const symbol = this.paths.typing.checker.getSymbolAtLocation(declaration.name)
      const { initializer } = declaration
      now = now.flatMap((state) =>
        (initializer
          ? this.paths.expressions.evaluate(initializer, state)
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
        for (const [value, after] of this.paths.expressions.evaluate(node.expression, state))
          all.returns.push({ value, state: after, at: node })
      else all.returns.push({ value: null, state, at: node })
    return all
  }

  private branch(node: ts.IfStatement, states: State[]): Flow {
    const { yes, no } = this.paths.conditions.tests(node.expression, states)
    const first = this.statement(node.thenStatement, yes)
    const second = node.elseStatement ? this.statement(node.elseStatement, no) : flow(no)
    return join(first, second)
  }

  private choose(node: ts.SwitchStatement, states: State[]): Flow {
    const all = flow([])
    for (const state of states)
      for (const [value, after] of this.paths.expressions.evaluate(node.expression, state)) {
        let open: State[] = [after]
        let through: State[] = []
        const { clauses } = node.caseBlock
        // A default clause takes what no case took, wherever it stands.
        const others = (): State[] => open.map((each) => this.paths.fork(each))
        for (const clause of clauses) {
          const entering: State[] = []
          if (ts.isCaseClause(clause)) {
            const still: State[] = []
            for (const each of open) {
              const { yes, no } = this.paths.conditions.compare(
                value,
                this.paths.expressions.constantOf(clause.expression),
                each,
              )
              if (yes) entering.push(yes)
              if (no) still.push(no)
            }
            open = still
          } else entering.push(...others())
          const step = this.list(clause.statements, [...through, ...entering])
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
      entered.push(...now.map((state) => leave(this.paths.fork(state))))
      const step = this.statement(statement, now)
      now = this.paths.distinct(step.next)
      all.breaks.push(...step.breaks)
      all.continues.push(...step.continues)
      all.returns.push(...step.returns)
    }
    all.next = node.catchClause ? now.map(leave) : now
    const caught = node.catchClause
      ? this.list(node.catchClause.block.statements, this.paths.distinct(entered))
      : flow([])
    const joined = join(all, caught)
    if (!node.finallyBlock) return joined
    const last = this.list(node.finallyBlock.statements, joined.next)
    const returns = joined.returns.flatMap((each) =>
      this.list(node.finallyBlock!.statements, [each.state]).next.map((state) => ({
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
          const { yes, no } = this.paths.conditions.tests(condition, entering)
          all.next.push(...no)
          inside = yes
        } else if (mayEnd) all.next.push(...entering.map((each) => this.paths.fork(each)))
      }
      const step = this.statement(body, inside)
      all.next.push(...step.breaks)
      all.returns.push(...step.returns)
      const again = this.paths.distinct([...step.next, ...step.continues])
      entering = then
        ? again.flatMap((state) => this.paths.expressions.evaluate(then, state).map(([, it]) => it))
        : again
    }
    // What would go on goes on once more to the way out, without another round.
    if (condition) all.next.push(...this.paths.conditions.tests(condition, entering).no)
    else if (mayEnd) all.next.push(...entering)
    all.next = this.paths.distinct(all.next)
    return all
  }
}
