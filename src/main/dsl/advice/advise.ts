/**
 * Advice for drivers: mistakes that can be found without running, as warnings with a quick fix where
 * one is safe. It follows the paths through the functions that Windows calls and says only what
 * happens on one of them.
 */
import ts from 'typescript'
import type { Diagnostic } from '../../../shared/contract/model'
import { ROUTINES, type RoutineName } from '../../kernel/ddi/types'
import type { FunctionNode } from '../references'
import type { Typing } from '../typing'
import { Budget } from './budget'
import { checkExit } from './exits'
import { Finder } from './finder'
import { startState, type State, type Value } from './model'
import { pagedFieldsOf } from './paged-fields'
import { Paths } from './paths'
import { irqlOfRole, lastOnly, rolesOf, routineOf } from './roles'

/** Routines whose device extension nobody looks into when they have failed or are done. */
const ONCE: ReadonlySet<RoutineName> = new Set([
  'DRIVER_INITIALIZE',
  'DRIVER_ADD_DEVICE',
  'DRIVER_UNLOAD',
])

/** Mistakes in the files of one driver. */
export function advise(files: readonly ts.SourceFile[], typing: Typing): Diagnostic[] {
  const find = new Finder()
  const paged = pagedFieldsOf(typing.checker, files)
  const roles = rolesOf(typing.checker, files)
  const budget = new Budget()
  const last = lastOnly(typing.checker, files)
  for (const [fn, names] of roles)
    for (const role of names) {
      const isLast = ONCE.has(role) || last.has(fn)
      follow(fn, role, isLast, new Paths(typing, find, budget, paged), find)
    }
  checkUnload(find, files, roles, typing.checker)
  return find.found
}

function follow(
  fn: FunctionNode,
  role: RoutineName,
  isLast: boolean,
  paths: Paths,
  find: Finder,
): void {
  const name =
    ts.isFunctionDeclaration(fn) && fn.name ? fn.name.text : 'the function that Windows calls'
  const state: State = startState()
  const { irql, why } = irqlOfRole(role, name)
  state.irql = irql
  state.why = why
  if (role === 'DRIVER_CANCEL')
    state.held.push({
      key: 'the cancel spin lock',
      text: 'The cancel spin lock',
      at: fn.name ?? fn,
      irqlBefore: 0,
      whyBefore: '',
      undo: { call: 'IoReleaseCancelSpinLock(Irp.CancelIrql)', routine: 'IoReleaseCancelSpinLock' },
      depth: 0,
    })
  // CSQ_RELEASE_LOCK releases what CSQ_ACQUIRE_LOCK acquired: only together do they make sense.
  if (role === 'CSQ_RELEASE_LOCK' || role === 'CSQ_ACQUIRE_LOCK') return
  const params = Object.values(ROUTINES[role].params)
  const args = params.map((param, i): Value => {
    const key = `p${i}`
    const isRequest = param.k === 'ptr' && param.c === 'PIRP'
    if (isRequest) state.requests.set(key, { state: 'owned' })
    return { key, request: isRequest ? key : undefined }
  })
  const request = args.find((each) => each.request !== undefined)?.key ?? ''
  for (const { value, state: end, at } of paths.run(fn, args, state))
    checkExit(find, { fn, role, value, state: end, at, request, isLast })
}

/** What DriverEntry makes has to go with the driver. */
function checkUnload(
  find: Finder,
  files: readonly ts.SourceFile[],
  roles: ReadonlyMap<FunctionNode, ReadonlySet<RoutineName>>,
  checker: ts.TypeChecker,
): void {
  const entry = [...roles].find(([, names]) => names.has('DRIVER_INITIALIZE'))?.[0]
  if (!entry) return
  const inside = new Map<string, ts.CallExpression>()
  const outside = new Set<string>()
  const visit = (node: ts.Node, isInEntry: boolean): void => {
    if (ts.isCallExpression(node)) {
      const routine = routineOf(checker, node)
      if (routine !== undefined) {
        if (isInEntry) inside.set(routine, inside.get(routine) ?? node)
        else outside.add(routine)
      }
    }
    ts.forEachChild(node, (child) => visit(child, isInEntry || child === entry))
  }
  for (const file of files) visit(file, false)
  const hasUnload = [...roles.values()].some((names) => names.has('DRIVER_UNLOAD'))
  const created = inside.get('IoCreateDevice')
  if (!hasUnload) {
    if (created) find.report('WDM017', created, [])
    return
  }
  for (const [make, unmake] of [
    ['IoCreateDevice', 'IoDeleteDevice'],
    ['IoCreateSymbolicLink', 'IoDeleteSymbolicLink'],
  ] as const) {
    const call = inside.get(make)
    if (call && !outside.has(unmake)) find.report('WDM018', call, [make, unmake])
  }
}
