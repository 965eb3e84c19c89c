/** What has to hold when a path leaves a function: requests, locks, blocks of memory. */
import ts from 'typescript'
import type { SourceFix } from '../../../shared/contract/model'
import type { RoutineName } from '../../kernel/ddi/types'
import type { FunctionNode } from '../references'
import { lineOf, type Finder } from './finder'
import { insertBefore, replace, rewrite } from './fixes'
import type { Held, Request, State, Value } from './model'

const STATUS_PENDING = 0x103

/** A path that came to the end of a function which Windows calls. */
export interface Exit {
  fn: FunctionNode
  role: RoutineName
  value: Value | null
  state: State
  /** The return statement, or the body when it ends without one. */
  at: ts.Node
  /** Key of the request parameter. */
  request: string
  /** Nothing comes after this request. */
  isLast: boolean
}

export function checkExit(find: Finder, exit: Exit): void {
  checkBlocks(find, exit.state, exit.value, exit.at, 0)
  checkHeld(find, exit)
  if (!exit.isLast) checkDangling(find, exit.state)
  if (exit.role === 'DRIVER_DISPATCH') checkRequest(find, exit)
}

/** Blocks of memory that this call made and nobody knows of any more. */
export function checkBlocks(
  find: Finder,
  state: State,
  value: Value | null,
  at: ts.Node,
  depth: number,
): void {
  for (const [key, block] of state.blocks) {
    if (block.depth < depth) continue
    if (value?.key === key) {
      state.blocks.set(key, { ...block, depth: depth - 1 })
      continue
    }
    state.blocks.delete(key)
    if (state.facts.get(`is:null ${key}`) === true) continue
    find.report('WDM015', placeOf(at), [block.at.expression.getText(), lineOf(block.at)])
  }
}

/** Fields of a device extension that point at freed memory when the request is over. */
function checkDangling(find: Finder, state: State): void {
  for (const [key, free] of state.freed) {
    if (!key.includes('.DeviceExtension.') || state.memory.has(key)) continue
    const pointer = free.arguments[0]
    // A parameter that is freed may be the last of several references: who counts them knows.
    if (!pointer || !ts.isPropertyAccessExpression(pointer)) continue
    const statement = ts.findAncestor(free, ts.isExpressionStatement)
    const fix =
      statement?.expression === free
        ? rewrite(
            `Set ${pointer.getText()} to null`,
            statement,
            [statement.getText(), `${pointer.getText()} = null`],
            [],
          )
        : undefined
    find.report('WDM020', free, [pointer.getText()], fix)
  }
}

function checkHeld(find: Finder, { state, at, role }: Exit): void {
  // Its whole task is to return with the lock.
  if (role === 'CSQ_ACQUIRE_LOCK') return
  for (const held of state.held)
    find.report('WDM007', placeOf(at), [held.text, lineOf(held.at)], releaseFix(held, at))
}

/** Release in front of a return that calls nothing. */
function releaseFix(held: Held, at: ts.Node): SourceFix | undefined {
  if (!held.undo || held.depth !== 0 || !ts.isReturnStatement(at)) return undefined
  if (at.expression && hasCall(at.expression)) return undefined
  return insertBefore(`Call ${held.undo.routine} here`, at, [held.undo.call], [held.undo.routine])
}

function hasCall(node: ts.Node): boolean {
  return ts.isCallExpression(node) || ts.forEachChild(node, hasCall) === true
}

function checkRequest(find: Finder, exit: Exit): void {
  const { state, value, at, request: key, fn } = exit
  const request = state.requests.get(key)
  if (!request) return
  const name = fn.parameters[1]?.name.getText() ?? 'The request'
  const place = placeOf(at)
  const returned = value?.constant
  const words = value?.name ?? (returned === undefined ? 'another status' : String(returned))
  if (request.state === 'owned' && !request.marked) {
    if (returned === STATUS_PENDING) find.report('WDM003', place, [name])
    else find.report('WDM005', place, [name], completeFix(at, name, value))
    return
  }
  if (returned === STATUS_PENDING && !request.marked && request.state !== 'passed')
    find.report('WDM003', place, [name], markFix(request, fn, name))
  else if (request.marked && typeof returned === 'number' && returned !== STATUS_PENDING)
    find.report('WDM004', place, [name, lineOf(request.marked), words])
  else checkStatus(find, exit, request, name)
}

function checkStatus(find: Finder, { value, at }: Exit, request: Request, name: string): void {
  const given = request.status
  if (request.state !== 'completed' || request.marked || !request.at) return
  if (typeof given?.constant !== 'number' || typeof value?.constant !== 'number') return
  if (given.constant === value.constant) return
  const returned = ts.isReturnStatement(at) ? at.expression : undefined
  const fix =
    returned && given.name !== undefined && ts.isIdentifier(returned)
      ? replace(`Return ${given.name}`, returned, given.name, [given.name])
      : undefined
  find.report(
    'WDM006',
    placeOf(at),
    [name, given.name ?? given.constant, lineOf(request.at), value.name ?? value.constant],
    fix,
  )
}

/** In front of the statement that gave the request away, when that is in the same function. */
function markFix(request: Request, fn: FunctionNode, name: string): SourceFix | undefined {
  const statement = request.handedIn
  if (!statement || ts.findAncestor(statement, (each) => each === fn) === undefined)
    return undefined
  return insertBefore(
    'Mark it pending before it is given away',
    statement,
    [`IoMarkIrpPending(${name})`],
    ['IoMarkIrpPending'],
  )
}

function completeFix(at: ts.Node, irp: string, value: Value | null): SourceFix | undefined {
  if (!ts.isReturnStatement(at) || value?.name === undefined) return undefined
  if (!at.expression || !ts.isIdentifier(at.expression)) return undefined
  const status = at.expression.text
  return insertBefore(
    `Complete it with ${status}`,
    at,
    [
      `${irp}.IoStatus.Status = ${status}`,
      `${irp}.IoStatus.Information = 0`,
      `IoCompleteRequest(${irp}, IO_NO_INCREMENT)`,
    ],
    ['IO_NO_INCREMENT', 'IoCompleteRequest'],
  )
}

/** The return statement, or the closing brace. */
function placeOf(at: ts.Node): ts.Node {
  return ts.isBlock(at) ? (at.getLastToken() ?? at) : at
}
