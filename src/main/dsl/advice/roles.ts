/** Which functions of a driver Windows calls, and as what. */
import ts from 'typescript'
import { DDIS } from '../../kernel/ddi/index'
import type { RoutineName } from '../../kernel/ddi/types'
import { bare, functionOf, isFunctionNode, referenceOf, type FunctionNode } from '../references'

/** Functions that are stored in the driver object, by the field. */
const DRIVER_OBJECT_FIELDS: Readonly<Record<string, RoutineName>> = {
  DriverUnload: 'DRIVER_UNLOAD',
  DriverStartIo: 'DRIVER_STARTIO',
  AddDevice: 'DRIVER_ADD_DEVICE',
}

/** The function that an expression names, if it is always the same. */
export function functionIn(
  checker: ts.TypeChecker,
  expression: ts.Expression,
): FunctionNode | undefined {
  const value = bare(expression)
  if (isFunctionNode(value)) return value
  if (!ts.isIdentifier(value)) return undefined
  const reference = referenceOf(checker, value)
  return reference.k === 'local' || reference.k === 'import'
    ? functionOf(reference.symbol)
    : undefined
}

/** Name of the Windows routine that a call calls. */
export function routineOf(checker: ts.TypeChecker, call: ts.CallExpression): string | undefined {
  const callee = bare(call.expression)
  if (!ts.isIdentifier(callee)) return undefined
  const reference = referenceOf(checker, callee)
  return reference.k === 'routine' ? reference.name : undefined
}

/** Roles of the functions of these files; one function may have several. */
export function rolesOf(
  checker: ts.TypeChecker,
  files: readonly ts.SourceFile[],
): Map<FunctionNode, Set<RoutineName>> {
  const roles = new Map<FunctionNode, Set<RoutineName>>()
  const add = (expression: ts.Expression, role: RoutineName): void => {
    const found = functionIn(checker, expression)
    if (found) roles.set(found, (roles.get(found) ?? new Set()).add(role))
  }
  const visit = (node: ts.Node): void => {
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
      const role = roleOfField(node.left)
      if (role) add(node.right, role)
    }
    if (ts.isCallExpression(node)) {
      const params = Object.values(DDIS[routineOf(checker, node) ?? '']?.params ?? {})
      node.arguments.forEach((argument, i) => {
        const param = params[i]
        if (param?.k === 'fn') add(argument, param.routine)
      })
    }
    if (ts.isFunctionDeclaration(node) && node.name?.text === 'DriverEntry')
      roles.set(node, (roles.get(node) ?? new Set()).add('DRIVER_INITIALIZE'))
    ts.forEachChild(node, visit)
  }
  files.forEach(visit)
  return roles
}

function roleOfField(target: ts.Expression): RoutineName | undefined {
  if (ts.isPropertyAccessExpression(target)) return DRIVER_OBJECT_FIELDS[target.name.text]
  return ts.isElementAccessExpression(target) &&
    ts.isPropertyAccessExpression(target.expression) &&
    target.expression.name.text === 'MajorFunction'
    ? 'DRIVER_DISPATCH'
    : undefined
}

/** Requests after which nothing of a file object or device is used any more. */
const LAST_REQUESTS = /IRP_MJ_(CLOSE|CLEANUP|SHUTDOWN|PNP)/

/** Functions that only get the last requests of something. */
export function lastOnly(
  checker: ts.TypeChecker,
  files: readonly ts.SourceFile[],
): ReadonlySet<FunctionNode> {
  const last = new Set<FunctionNode>()
  const others = new Set<FunctionNode>()
  const visit = (node: ts.Node): void => {
    if (
      ts.isBinaryExpression(node) &&
      node.operatorToken.kind === ts.SyntaxKind.EqualsToken &&
      roleOfField(node.left) === 'DRIVER_DISPATCH' &&
      ts.isElementAccessExpression(node.left)
    ) {
      const fn = functionIn(checker, node.right)
      const set = LAST_REQUESTS.test(node.left.argumentExpression.getText()) ? last : others
      if (fn) set.add(fn)
    }
    ts.forEachChild(node, visit)
  }
  files.forEach(visit)
  return new Set([...last].filter((fn) => !others.has(fn)))
}

/** IRQL at which Windows calls it, as high as it can be, and the words for it. */
export function irqlOfRole(role: RoutineName, name: string): { irql: number; why: string } {
  switch (role) {
    case 'KDEFERRED_ROUTINE':
    case 'IO_DPC_ROUTINE':
      return { irql: 2, why: `${name} is a DPC routine` }
    case 'IO_TIMER_ROUTINE':
      return { irql: 2, why: `${name} is a timer routine` }
    case 'DRIVER_STARTIO':
      return { irql: 2, why: `${name} is the StartIo routine` }
    case 'DRIVER_CANCEL':
      return { irql: 2, why: `${name} is a cancel routine and holds the cancel spin lock` }
    case 'IO_COMPLETION_ROUTINE':
      return { irql: 2, why: `${name} is a completion routine, which may run at DISPATCH_LEVEL` }
    default:
      return { irql: 0, why: '' }
  }
}
