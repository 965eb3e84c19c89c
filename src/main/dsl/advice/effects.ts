/**
 * What a call of a Windows routine does to a path: requests completed, marked and handed out, locks,
 * IRQL, memory. Routines that are not named here take what they are given and do nothing else.
 */
import ts from 'typescript'
import type { SourceFix } from '../../../shared/contract/model'
import { irqlName } from '../../../shared/nt/irql'
import { ddiFacts } from '../../../shared/nt/ddi-facts'
import { DDIS } from '../../kernel/ddi/index'
import type { Finder } from './finder'
import { lineOf } from './finder'
import { replace, rewrite } from './fixes'
import { forget, type Held, type State, type Value } from './model'

/** A call with its arguments evaluated. */
export interface RoutineCall {
  name: string
  node: ts.CallExpression
  args: readonly Value[]
  state: State
  /** Value that the call gives; its key is the call's own. */
  result: Value
  depth: number
  /** The statement that the call stands in. */
  statement: ts.Statement | undefined
}

type Effect = (call: RoutineCall, find: Finder) => Value | void

const textOf = (node: ts.Node | undefined): string => node?.getText() ?? ''
const argument = (call: RoutineCall, i: number): ts.Expression | undefined => call.node.arguments[i]

function acquire(
  call: RoutineCall,
  find: Finder,
  lock: Omit<Held, 'at' | 'irqlBefore' | 'whyBefore' | 'depth'>,
  irql: number,
): void {
  const { state, node, depth } = call
  const before = state.held.find(({ key }) => key === lock.key)
  if (before) find.report('WDM008', node, [lock.text, lineOf(before.at)])
  state.held.push({ ...lock, at: node, irqlBefore: state.irql, whyBefore: state.why, depth })
  if (irql <= state.irql) return
  state.irql = irql
  state.why = `${lock.text} was acquired at line ${lineOf(node)}`
}

function release(call: RoutineCall, find: Finder, key: string, text: string): void {
  const { state, node } = call
  const i = state.held.findLastIndex((held) => held.key === key)
  const held = state.held[i]
  if (!held) return find.report('WDM009', node, [text])
  state.held.splice(i, 1)
  state.irql = held.irqlBefore
  state.why = held.whyBefore
}

const CANCEL_LOCK = 'the cancel spin lock'

/** `irql.value` for the argument `irql`. */
const oldIrql = (call: RoutineCall, i: number): string | undefined => {
  const node = argument(call, i)
  return node && ts.isIdentifier(node) ? `${node.text}.value` : undefined
}

const lockEffects: Record<string, Effect> = {
  KeAcquireSpinLock(call, find) {
    const text = textOf(argument(call, 0))
    const irql = oldIrql(call, 1)
    const routine = 'KeReleaseSpinLock'
    const undo = irql === undefined ? undefined : { call: `${routine}(${text}, ${irql})`, routine }
    acquire(call, find, { key: call.args[0]?.key ?? text, text, undo }, 2)
  },
  KeAcquireSpinLockRaiseToDpc(call, find) {
    const text = textOf(argument(call, 0))
    acquire(call, find, { key: call.args[0]?.key ?? text, text }, 2)
  },
  KeAcquireSpinLockAtDpcLevel(call, find) {
    const text = textOf(argument(call, 0))
    const routine = 'KeReleaseSpinLockFromDpcLevel'
    const undo = { call: `${routine}(${text})`, routine }
    acquire(call, find, { key: call.args[0]?.key ?? text, text, undo }, 2)
  },
  KeReleaseSpinLock: (call, find) => releaseFirst(call, find),
  KeReleaseSpinLockFromDpcLevel: (call, find) => releaseFirst(call, find),
  KeAcquireInStackQueuedSpinLock(call, find) {
    const handle = textOf(argument(call, 1))
    const routine = 'KeReleaseInStackQueuedSpinLock'
    const text = textOf(argument(call, 0))
    // It is released by its handle: that is its name here.
    acquire(
      call,
      find,
      {
        key: call.args[1]?.key ?? handle,
        text,
        undo: { call: `${routine}(${handle})`, routine },
      },
      2,
    )
  },
  KeReleaseInStackQueuedSpinLock: (call, find) => releaseFirst(call, find),
  IoAcquireCancelSpinLock(call, find) {
    const irql = oldIrql(call, 0)
    const routine = 'IoReleaseCancelSpinLock'
    const undo = irql === undefined ? undefined : { call: `${routine}(${irql})`, routine }
    acquire(call, find, { key: CANCEL_LOCK, text: CANCEL_LOCK, undo }, 2)
  },
  IoReleaseCancelSpinLock: (call, find) => release(call, find, CANCEL_LOCK, CANCEL_LOCK),
  ExAcquireFastMutex(call, find) {
    const text = textOf(argument(call, 0))
    const routine = 'ExReleaseFastMutex'
    const undo = { call: `${routine}(${text})`, routine }
    acquire(call, find, { key: call.args[0]?.key ?? text, text, undo }, 1)
  },
  ExReleaseFastMutex: (call, find) => releaseFirst(call, find),
  KeRaiseIrql(call) {
    const { state, node, depth } = call
    const level = Number(call.args[0]?.constant ?? 2)
    const irql = oldIrql(call, 1)
    const routine = 'KeLowerIrql'
    state.held.push({
      key: 'IRQL',
      text: 'The raised IRQL',
      at: node,
      irqlBefore: state.irql,
      whyBefore: state.why,
      undo: irql === undefined ? undefined : { call: `${routine}(${irql})`, routine },
      depth,
    })
    state.irql = level
    state.why = `KeRaiseIrql was called at line ${lineOf(node)}`
  },
  KeLowerIrql({ state }) {
    const i = state.held.findLastIndex(({ key }) => key === 'IRQL')
    const held = state.held[i]
    if (i >= 0) state.held.splice(i, 1)
    state.irql = held?.irqlBefore ?? 0
    state.why = held?.whyBefore ?? ''
  },
}

function releaseFirst(call: RoutineCall, find: Finder): void {
  const text = textOf(argument(call, 0))
  release(call, find, call.args[0]?.key ?? text, text)
}

const requestEffects: Record<string, Effect> = {
  IoCompleteRequest(call, find) {
    const { state, node, args } = call
    const key = args[0]?.request
    const request = key === undefined ? undefined : state.requests.get(key)
    if (key === undefined || !request) return
    if (request.state === 'completed')
      find.report('WDM002', node, [textOf(argument(call, 0)), lineOf(request.at ?? node)])
    state.requests.set(key, {
      ...request,
      state: 'completed',
      at: node,
      status: state.memory.get(`${key}.IoStatus.Status`),
    })
  },
  IoMarkIrpPending({ state, node, args }) {
    const key = args[0]?.request
    const request = key === undefined ? undefined : state.requests.get(key)
    if (key !== undefined && request) state.requests.set(key, { ...request, marked: node })
  },
  IoSkipCurrentIrpStackLocation({ state, args }) {
    const key = args[0]?.request
    const request = key === undefined ? undefined : state.requests.get(key)
    if (key !== undefined && request) state.requests.set(key, { ...request, skipped: true })
  },
  IoCallDriver: (call) => pass(call),
  PoCallDriver: (call) => pass(call),
  IoGetCurrentIrpStackLocation: ({ args, result }) => ({ ...result, request: args[0]?.request }),
  IoGetNextIrpStackLocation: ({ args, result }) => ({ ...result, request: args[0]?.request }),
  // These mark it themselves.
  IoCsqInsertIrp: (call) => insertInQueue(call),
  IoCsqInsertIrpEx: (call) => insertInQueue(call),
}

function pass({ state, args, node, statement }: RoutineCall): void {
  const key = args[1]?.request
  const request = key === undefined ? undefined : state.requests.get(key)
  if (key !== undefined && request)
    state.requests.set(key, { ...request, state: 'passed', at: node, handedIn: statement })
}

function insertInQueue({ state, args, node, statement }: RoutineCall): void {
  const key = args[1]?.request
  const request = key === undefined ? undefined : state.requests.get(key)
  if (key !== undefined && request)
    state.requests.set(key, { ...request, state: 'handed', marked: node, handedIn: statement })
}

/** Routines that look at a request and leave it to its owner. */
const LOOKS_AT_REQUEST = new Set([
  ...Object.keys(requestEffects),
  'IoSetCompletionRoutine',
  'IoSetCompletionRoutineEx',
  'IoCopyCurrentIrpStackLocationToNext',
  'IoSetCancelRoutine',
  'IoGetRequestorProcess',
  'IoGetRequestorProcessId',
  'IoSetNextIrpStackLocation',
  'IoCancelIrp',
  'IoReuseIrp',
  'DbgPrint',
  'DbgPrintEx',
  'RtlCopyMemory',
  'RtlMoveMemory',
  'RtlZeroMemory',
  'RtlFillMemory',
  'RtlCompareMemory',
  'RtlEqualMemory',
  'RtlSecureZeroMemory',
  'IsListEmpty',
  'MmGetSystemAddressForMdlSafe',
  'MmGetMdlByteCount',
  'MmGetMdlVirtualAddress',
  'ProbeForRead',
  'ProbeForWrite',
  'IoGetRemainingStackSize',
])

/** Routines that read or write behind their pointers and keep none of them. */
const BORROWS = new Set([
  'RtlCopyMemory',
  'RtlMoveMemory',
  'RtlZeroMemory',
  'RtlFillMemory',
  'RtlCompareMemory',
  'RtlEqualMemory',
  'RtlSecureZeroMemory',
])

const FREES = /^(ExFreePool|ExFreePoolWithTag|ExFreePool2|IoFreeMdl|IoFreeIrp|IoFreeWorkItem)$/
const ALLOCATES = /^(ExAllocatePool\w*|IoAllocateMdl|IoAllocateWorkItem)$/
/** Allocations that raise an exception or are checked in another way. */
const RAISES = /WithQuota|^ExAllocatePool3$/

/** Routines whose status says nothing that a driver could act on. */
const STATUS_MAY_BE_IGNORED =
  /^(IoDelete|IoUnregister|IoDetach|IoSetDeviceInterfaceState|IoCallDriver|PoCallDriver|Ke(Wait|Delay)|Zw(Close|Unmap|Flush|Delete)|ObClose|PsRemove|PsTerminate|CmUnRegister|IoWMI|EtwUnregister|PoSet|IoCsq)/

/** Calls after which nothing of the function runs any more. */
export const NEVER_RETURNS = /^(KeBugCheck(Ex)?|ExRaise\w+|RtlRaise\w+)$/

/** What touching the memory behind a pointer means on this path. */
export function touch(value: Value, node: ts.Node, state: State, find: Finder): void {
  const request = value.request === undefined ? undefined : state.requests.get(value.request)
  if (request?.state === 'completed')
    find.report('WDM001', node, [node.getText(), lineOf(request.at ?? node)])
  const freed = state.freed.get(value.key)
  if (freed) find.report('WDM014', node, [lineOf(freed), 'used'])
  // Said once on a path; the uses after it are the same mistake.
  const unchecked = state.unchecked.get(value.key)
  if (unchecked) {
    find.report('WDM013', node, [unchecked.expression.getText(), lineOf(unchecked)])
    state.unchecked.delete(value.key)
  }
  const length = `length ${value.request}`
  if (value.isSystemBuffer && !state.facts.get(length)) {
    find.report('WDM019', node, [])
    state.facts.set(length, true)
  }
  if (value.paged && state.irql >= 2)
    find.report(
      'WDM011',
      node,
      [lineOf(value.paged), irqlName(state.irql), state.why],
      nonpaged(value.paged),
    )
  if (value.isUser && (state.tries === 0 || !state.facts.get(`probed ${value.key}`)))
    find.report('WDM016', node, [
      state.tries === 0 ? 'outside of try and catch' : 'before it was probed',
    ])
}

/** The other kind of pool in the allocation's own words. */
function nonpaged(allocation: ts.Node): SourceFix | undefined {
  if (!ts.isCallExpression(allocation)) return undefined
  const pool = allocation.arguments[0]
  const other: Record<string, string> = {
    POOL_FLAG_PAGED: 'POOL_FLAG_NON_PAGED',
    PagedPool: 'NonPagedPoolNx',
  }
  const name = pool && ts.isIdentifier(pool) ? other[pool.text] : undefined
  return pool && name !== undefined
    ? replace(`Allocate from nonpaged pool (${name})`, pool, name, [name])
    : undefined
}

/** Do what the routine does; the value is what the call gives. */
export function applyRoutine(call: RoutineCall, find: Finder): Value {
  const { name, node, args, state, result } = call
  checkIrql(call, find)
  args.forEach((value, i) => {
    const place = argument(call, i) ?? node
    const request = value.request === undefined ? undefined : state.requests.get(value.request)
    if (request?.state === 'completed' && name !== 'IoCompleteRequest')
      find.report('WDM001', place, [place.getText(), lineOf(request.at ?? place)])
    if (BORROWS.has(name)) touch(value, place, state, find)
    else if (state.freed.has(value.key))
      find.report('WDM014', place, [
        lineOf(state.freed.get(value.key)!),
        FREES.test(name) ? 'freed again' : 'used',
      ])
    if (!LOOKS_AT_REQUEST.has(name) && request?.state === 'owned')
      state.requests.set(value.request!, { ...request, state: 'handed', handedIn: call.statement })
    if (!BORROWS.has(name)) state.blocks.delete(value.key)
  })
  checkIgnored(call, find)
  if (name === 'ProbeForRead' || name === 'ProbeForWrite')
    state.facts.set(`probed ${args[0]?.key}`, true)
  if (FREES.test(name) && args[0] && args[0].constant !== null) {
    state.unchecked.delete(args[0].key)
    state.freed.set(args[0].key, node)
  }
  if (/^IoCreate(Device|SymbolicLink)|^ZwCreate|^PsCreate/.test(name)) state.madeSomething = true
  if (ALLOCATES.test(name) && !RAISES.test(name)) return allocate(call)
  const effect = lockEffects[name] ?? requestEffects[name]
  return effect?.(call, find) ?? result
}

/** Is the memory that the call allocates paged? */
export function isPaged(node: ts.CallExpression): boolean {
  const pool = node.arguments[0]
  return pool !== undefined && /\b(POOL_FLAG_PAGED|PagedPool)\b/.test(pool.getText())
}

function allocate({ name, node, state, result, depth }: RoutineCall): Value {
  forget(state, result.key)
  state.unchecked.set(result.key, node)
  state.blocks.set(result.key, { at: node, depth })
  return name.startsWith('ExAllocatePool') && isPaged(node) ? { ...result, paged: node } : result
}

function checkIrql({ name, node, state, args }: RoutineCall, find: Finder): void {
  if (state.irql < 1) return
  const entry = DDIS[name]
  let max = entry?.irql?.[1] ?? ddiFacts(name)?.maxIrql ?? 31
  // A wait that may last needs a thread that can be switched away.
  if (/^KeWaitFor(Single|Multiple)Object/.test(name)) {
    const timeout = args[name === 'KeWaitForSingleObject' ? 4 : 6]
    if (timeout?.constant !== 0 && timeout?.constant !== 0n) max = Math.min(max, 1)
  }
  if (/^ExAllocatePool/.test(name) && isPaged(node)) max = Math.min(max, 1)
  if (state.irql > max)
    find.report('WDM010', node, [name, irqlName(max), irqlName(state.irql), state.why])
}

function checkIgnored(call: RoutineCall, find: Finder): void {
  const { name, node, statement, state, depth } = call
  const facts = ddiFacts(name)
  if (!statement || !ts.isExpressionStatement(statement) || statement.expression !== node) return
  if (facts?.returnType !== 'NTSTATUS' || !facts.failureStatuses?.length) return
  if (STATUS_MAY_BE_IGNORED.test(name)) return
  // PsSetXxxNotifyRoutine(routine, TRUE) takes a routine away.
  if (/^PsSet\w+Notify/.test(name) && call.args[1]?.constant === 1) return
  // A handle of the driver's own, as from PsCreateSystemThread, is what it is.
  if (name === 'ObReferenceObjectByHandle' && call.args[3]?.constant === 0) return
  const isFirst = depth === 0 && !state.madeSomething && state.held.length === 0
  find.report(
    'WDM012',
    node,
    [name],
    isFirst && isInDriverEntry(node) ? returnOnFailure(statement, node) : undefined,
  )
}

function isInDriverEntry(node: ts.Node): boolean {
  const owner = ts.findAncestor(node, ts.isFunctionDeclaration)
  return owner?.name?.text === 'DriverEntry'
}

/** `const status = CALL` and `if (!NT_SUCCESS(status)) return status`. */
function returnOnFailure(statement: ts.Statement, node: ts.CallExpression): SourceFix {
  const body = ts.findAncestor(statement, ts.isFunctionDeclaration)?.body
  const isTaken = body !== undefined && /\b(let|const)\s+status\b/.test(body.getText())
  const name = isTaken ? 'result' : 'status'
  const lines = [`const ${name} = ${node.getText()}`, `if (!NT_SUCCESS(${name})) return ${name}`]
  return rewrite('Return when it fails', statement, lines, ['NT_SUCCESS'])
}
