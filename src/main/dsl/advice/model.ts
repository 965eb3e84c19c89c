/**
 * What is known at one point of one path through a driver: the values of variables and memory, the
 * requests and what became of them, locks, IRQL, blocks of memory.
 *
 * Places have names (`key`): a value that came out of a call is named after the call, a field after
 * the place of its structure. Two variables with the same pointer share a key.
 */
import type ts from 'typescript'

/** What an expression can be known to be; everything is optional knowledge. */
export interface Value {
  readonly key: string
  /** Key of the request that a pointer is, or leads into. */
  readonly request?: string | undefined
  /** Known constant; null is the null pointer. */
  readonly constant?: number | bigint | null | undefined
  /** Name of the constant in the source. */
  readonly name?: string | undefined
  /** Allocation in paged pool that it points into. */
  readonly paged?: ts.Node | undefined
  /** A pointer that a program passed. */
  readonly isUser?: boolean | undefined
  /** The buffer of a request, as long as the program says. */
  readonly isSystemBuffer?: boolean | undefined
}

export interface Request {
  readonly state: 'owned' | 'completed' | 'passed' | 'handed'
  /** Where it was completed. */
  readonly at?: ts.Node | undefined
  /** Where it was marked pending. */
  readonly marked?: ts.Node | undefined
  /** Statement that gave it out of the function's hands. */
  readonly handedIn?: ts.Statement | undefined
  readonly skipped?: boolean | undefined
  /** What IoStatus.Status was when it was completed. */
  readonly status?: Value | undefined
}

/** A lock that is held, or an IRQL that was raised by hand. */
export interface Held {
  readonly key: string
  /** As written in the source. */
  readonly text: string
  readonly at: ts.Node
  readonly irqlBefore: number
  readonly whyBefore: string
  /** Statement that undoes it, where it is safe to write one. */
  readonly undo?: { call: string; routine: string } | undefined
  /** Depth of calls at which it was acquired. */
  readonly depth: number
}

export interface Block {
  readonly at: ts.CallExpression
  readonly depth: number
}

export interface State {
  readonly variables: Map<ts.Symbol, Value>
  readonly memory: Map<string, Value>
  readonly requests: Map<string, Request>
  readonly held: Held[]
  irql: number
  /** Why the IRQL is what it is, as the end of a sentence. */
  why: string
  readonly freed: Map<string, ts.CallExpression>
  /** Allocations that were not compared with NULL yet. */
  readonly unchecked: Map<string, ts.CallExpression>
  /** Blocks that only this path knows. */
  readonly blocks: Map<string, Block>
  /** Conditions that were decided before on this path. */
  readonly facts: Map<string, boolean>
  /** Something was made that an early return would leave behind. */
  madeSomething: boolean
  tries: number
}

export function startState(): State {
  return {
    variables: new Map(),
    memory: new Map(),
    requests: new Map(),
    held: [],
    irql: 0,
    why: '',
    freed: new Map(),
    unchecked: new Map(),
    blocks: new Map(),
    facts: new Map(),
    madeSomething: false,
    tries: 0,
  }
}

export function fork(state: State): State {
  return {
    ...state,
    variables: new Map(state.variables),
    memory: new Map(state.memory),
    requests: new Map(state.requests),
    held: [...state.held],
    freed: new Map(state.freed),
    unchecked: new Map(state.unchecked),
    blocks: new Map(state.blocks),
    facts: new Map(state.facts),
  }
}

/** Forget what was known of a place: it gets a new value under the same name. */
export function forget(state: State, key: string): void {
  const isPart = (name: string): boolean => name === key || name.startsWith(`${key}.`)
  for (const name of state.memory.keys()) if (isPart(name)) state.memory.delete(name)
  for (const name of state.facts.keys())
    if (isPart(name.slice(name.indexOf(' ') + 1))) state.facts.delete(name)
  state.freed.delete(key)
  state.unchecked.delete(key)
  state.requests.delete(key)
  state.blocks.delete(key)
}

/** How much is known: what copying a state or comparing it costs. */
export function sizeOf({ variables, memory, facts, requests, held }: State): number {
  return 4 + variables.size + memory.size + facts.size + requests.size + held.length
}

/** Text by which equal states are found. */
export function digest(state: State): string {
  const list = <V>(map: Map<string, V>, of: (value: V) => unknown): unknown =>
    [...map].map(([key, value]) => [key, of(value)]).sort()
  const value = (it: Value): unknown => [
    it.key,
    it.request,
    String(it.constant),
    it.name,
    it.paged?.pos,
    it.isUser,
    it.isSystemBuffer,
  ]
  return JSON.stringify([
    [...state.variables].map(([symbol, it]) => [symbol.valueDeclaration?.pos, value(it)]),
    list(state.memory, value),
    list(state.requests, (it) => [it.state, it.at?.pos, it.marked?.pos, it.handedIn?.pos]),
    state.held.map(({ key, at }) => [key, at.pos]),
    state.irql,
    list(state.freed, (node) => node.pos),
    list(state.unchecked, (node) => node.pos),
    list(state.blocks, (block) => block.depth),
    list(state.facts, (fact) => fact),
    state.madeSomething,
    state.tries,
  ])
}
