/** Loops, exceptions and variables. */
import ts from 'typescript'
import { isWide } from '../shapes'
import { wrapInto } from './arithmetic'
import type { Visit } from './assignment'
import { after, around, before, replace, runtime, type Context } from './context'
import { resultOf } from './functions'
import { point } from './points'

/** At each round of a loop the kernel may preempt. */
export function lowerLoop(cx: Context, node: ts.IterationStatement): void {
  const id = cx.ids.location(cx.file, node)
  cx.header.set('$q', '$q=$rt.$Q')
  const between = point(cx, node).replace(/,$/, ';')
  const check = `${between}if(--$q<0){$q=${runtime(cx, '$Q')};yield ${id}}`
  const body = node.statement
  if (ts.isBlock(body)) cx.text.appendLeft(body.getStart(cx.file) + 1, check)
  else around(cx, body, `{${check}`, '}')
}

/** A statement that begins with a parenthesis must not join the line before it. */
export function separate(cx: Context, node: ts.Statement): void {
  const { parent } = node
  const isListed =
    ts.isBlock(parent) ||
    ts.isSourceFile(parent) ||
    ts.isCaseClause(parent) ||
    ts.isDefaultClause(parent)
  if (isListed) before(cx, node, ';')
}

/** Variables without a value begin with zero. */
export function lowerVariable(cx: Context, node: ts.VariableDeclaration): void {
  const { name, initializer } = node
  if (!ts.isIdentifier(name)) return
  const shape = cx.typing.ofType(cx.checker.getTypeAtLocation(name))
  if (initializer) return wrapInto(cx, initializer, cx.typing.of(initializer), shape)
  const list = node.parent
  if (
    ts.isCatchClause(list) ||
    ts.isForOfStatement(list.parent) ||
    ts.isForInStatement(list.parent)
  )
    return
  switch (shape.k) {
    case 'int':
      return after(cx, name, isWide(shape.access) ? '=0n' : '=0')
    case 'number':
      return after(cx, name, '=0')
    case 'bigint':
      return after(cx, name, '=0n')
    case 'boolean':
      return after(cx, name, '=false')
    case 'pointer':
    case 'function':
    case 'string':
      return after(cx, name, '=null')
    default:
      return
  }
}

export function lowerReturn(cx: Context, node: ts.ReturnStatement): void {
  const { expression } = node
  if (expression && cx.scope.node)
    wrapInto(cx, expression, cx.typing.of(expression), resultOf(cx, cx.scope.node))
}

/**
 * `try`: only NT exceptions can be caught, and `finally` does not run once the run is over.
 * The parts are compiled here because a catch block knows its exception.
 */
export function lowerTry(cx: Context, node: ts.TryStatement, visit: Visit): void {
  const { tryBlock, catchClause, finallyBlock } = node
  visit(cx, tryBlock)
  if (catchClause) lowerCatch(cx, catchClause, visit)
  if (!finallyBlock) return
  visit(cx, finallyBlock)
  const unwinding = `$${++cx.variables}`
  const guard = `catch(${unwinding}){${runtime(cx, '$catch')}(${unwinding});throw ${unwinding}}`
  if (catchClause) {
    before(cx, node, 'try{')
    after(cx, catchClause, `}${guard}`)
  } else after(cx, tryBlock, guard)
  cx.text.appendLeft(finallyBlock.getStart(cx.file) + 1, `if(${runtime(cx, '$alive')}()){`)
  cx.text.prependRight(finallyBlock.end - 1, '}')
}

function lowerCatch(cx: Context, node: ts.CatchClause, visit: Visit): void {
  const exception = `$${++cx.variables}`
  const declared = node.variableDeclaration?.name
  cx.scope.caught.push(exception)
  visit(cx, node.block)
  cx.scope.caught.pop()
  const open = node.block.getStart(cx.file)
  let start = `${runtime(cx, '$catch')}(${exception});`
  if (declared && ts.isIdentifier(declared)) {
    replace(cx, declared.getStart(cx.file), declared.end, exception)
    start += `let ${declared.text}=${exception};`
  } else before(cx, node.block, `(${exception})`)
  cx.text.appendLeft(open + 1, start)
}
