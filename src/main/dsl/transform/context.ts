/** What the parts of the transformation share while they work on one file. */
import type MagicString from 'magic-string'
import type ts from 'typescript'
import type { SourcePlace } from '../../../shared/trace/event'
import type { CompiledFunction } from '../compiled'
import type { FunctionNode } from '../references'
import type { RuntimeName } from '../runtime-names'
import type { Typing } from '../typing'

/** Ids of the whole program: numbers from 1 on. */
export class Ids {
  readonly locations: (SourcePlace | null)[] = [null]
  readonly functions: (CompiledFunction | null)[] = [null]

  location(file: ts.SourceFile, node: ts.Node): number {
    const { line, character } = file.getLineAndCharacterOfPosition(node.getStart(file))
    this.locations.push({ file: file.fileName.slice(1), line: line + 1, column: character + 1 })
    return this.locations.length - 1
  }

  function(name: string, file: ts.SourceFile, node: ts.Node): number {
    const location = this.location(file, node)
    this.functions.push({ name, file: file.fileName.slice(1), location })
    return this.functions.length - 1
  }
}

/** What one function (or the file itself) needs at its start. */
export interface Scope {
  /** Null for the file. */
  node: FunctionNode | null
  /** Variables of compiled code that the function declares. */
  temporaries: string[]
  usesLocal: boolean
  /** Names of caught exceptions around the place that is being compiled. */
  caught: string[]
  /** Text to put at the start of the body, after the variables. */
  prologue: string
}

export interface Context {
  readonly file: ts.SourceFile
  readonly typing: Typing
  readonly checker: ts.TypeChecker
  readonly ids: Ids
  readonly text: MagicString
  /** Whether other processors may come in between; see points.ts. */
  readonly points: boolean
  /** Functions that can never suspend and are only called by name. */
  readonly plain: ReadonlySet<FunctionNode>
  scope: Scope
  /** Declarations at the start of the module, by the name that they declare. */
  readonly header: Map<string, string>
  /** Files that are imported, in the order of `$m`. */
  readonly imports: string[]
  /** Last number given to a variable of compiled code. */
  variables: number
}

/** The name of a runtime helper; it is declared at the start of the module. */
export function runtime(cx: Context, name: RuntimeName): string {
  if (!cx.header.has(name)) cx.header.set(name, `${name}=$rt.${name}`)
  return name
}

/** A new variable of the current function. */
export function temporary(cx: Context): string {
  const name = `$${++cx.variables}`
  cx.scope.temporaries.push(name)
  return name
}

// Text is put around nodes from the inside out: what is added later stands further out.

/** Put text in front of a node. */
export function before(cx: Context, node: ts.Node, text: string): void {
  cx.text.prependRight(node.getStart(cx.file), text)
}

/** Put text behind a node. */
export function after(cx: Context, node: ts.Node, text: string): void {
  cx.text.appendLeft(node.end, text)
}

export function around(cx: Context, node: ts.Node, start: string, end: string): void {
  before(cx, node, start)
  after(cx, node, end)
}

/** Replace a token. Nothing may have been put inside of it. */
export function replace(cx: Context, start: number, end: number, text: string): void {
  cx.text.update(start, end, text)
}

/** Replace all of a node by blanks, keeping its lines. */
export function blank(cx: Context, node: ts.Node): void {
  const start = node.getStart(cx.file)
  cx.text.update(start, node.end, cx.file.text.slice(start, node.end).replace(/[^\r\n]/g, ' '))
}
