/** Functions become generators, so that the kernel can suspend them. */
import ts from 'typescript'
import { bare, type FunctionNode } from '../references'
import type { Shape } from '../shapes'
import { wrapInto } from './arithmetic'
import type { Visit } from './assignment'
import { after, around, before, replace, runtime, type Context, type Scope } from './context'

/** What a function is called in traces and reports. */
function nameOf(cx: Context, node: FunctionNode): string {
  if (node.name && ts.isIdentifier(node.name)) return node.name.text
  let { parent } = node
  while (ts.isExpression(parent) && bare(parent) === node) parent = parent.parent
  if (
    (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) &&
    ts.isIdentifier(parent.name)
  )
    return parent.name.text
  const { line } = cx.file.getLineAndCharacterOfPosition(node.getStart(cx.file))
  const outer = cx.scope.node ? `${nameOf(cx, cx.scope.node)}.` : ''
  return `${outer}<line ${line + 1}>`
}

/** The C type that a function's result is brought into. */
export function resultOf(cx: Context, node: FunctionNode): Shape {
  const signature = cx.checker.getSignatureFromDeclaration(node)
  return signature ? cx.typing.ofType(signature.getReturnType()) : { k: 'any' }
}

/** Text that stands at the start and at the end of a scope's body. */
export function scopeText(cx: Context, scope: Scope): { start: string; end: string } {
  const variables = scope.temporaries.length > 0 ? `let ${scope.temporaries.join(',')};` : ''
  if (!scope.usesLocal) return { start: variables + scope.prologue, end: '' }
  return {
    start: `${variables}const $sp=${runtime(cx, '$enter')}();try{${scope.prologue}`,
    end: `}finally{${runtime(cx, '$leave')}($sp)}`,
  }
}

export function lowerFunction(cx: Context, node: FunctionNode, visit: Visit): void {
  const { body } = node
  if (!body) return
  const isPlain = cx.plain.has(node)
  const id = isPlain ? 0 : cx.ids.function(nameOf(cx, node), cx.file, node.name ?? node)
  const outer = cx.scope
  cx.scope = { node, temporaries: [], usesLocal: false, caught: [], prologue: '' }
  for (const { initializer } of node.parameters) if (initializer) visit(cx, initializer)
  visit(cx, body)
  const isExpression = !ts.isBlock(body)
  if (isExpression) wrapInto(cx, body, cx.typing.of(body), resultOf(cx, node))
  const { start, end } = scopeText(cx, cx.scope)
  cx.scope = outer

  if (!isExpression) {
    const open = body.getStart(cx.file)
    cx.text.appendLeft(open + 1, start)
    cx.text.prependRight(body.end - 1, end)
  } else if (!isPlain || start) around(cx, body, `{${start}return (`, `)${end}}`)
  if (isPlain) return

  const register = runtime(cx, '$f')
  if (ts.isFunctionDeclaration(node)) {
    star(cx, node)
    if (node.name) registerDeclaration(cx, node, `${register}(${id},${node.name.text});`)
  } else if (ts.isFunctionExpression(node)) {
    star(cx, node)
    around(cx, node, `${register}(${id},`, ')')
  } else if (ts.isMethodDeclaration(node)) {
    after(cx, node.name, `:${register}(${id},function*`)
    after(cx, node, ')')
  } else {
    const arrow = node.equalsGreaterThanToken
    replace(cx, arrow.getStart(cx.file), arrow.end, '')
    const [parameter] = node.parameters
    // `a => a + 1` has no parentheses that could be kept.
    if (parameter && parameter.getStart(cx.file) === node.getStart(cx.file))
      around(cx, parameter, '(', ')')
    around(cx, node, `${register}(${id},function*`, ')')
  }
}

const scanner = ts.createScanner(ts.ScriptTarget.ES2022, true)

/** Put the star behind the keyword. */
function star(cx: Context, node: ts.FunctionDeclaration | ts.FunctionExpression): void {
  const from = node.modifiers?.end ?? node.getStart(cx.file)
  scanner.setText(cx.file.text, from)
  scanner.scan()
  cx.text.appendLeft(scanner.getTokenEnd(), '*')
  scanner.setText('')
}

/** A declaration is known from the start of its block on. */
function registerDeclaration(cx: Context, node: ts.FunctionDeclaration, text: string): void {
  const { parent } = node
  if (ts.isSourceFile(parent)) cx.scope.prologue += text
  else if (ts.isBlock(parent) && parent === cx.scope.node?.body) cx.scope.prologue += text
  else if (ts.isBlock(parent)) cx.text.appendLeft(parent.getStart(cx.file) + 1, text)
  else before(cx, node, text)
}
