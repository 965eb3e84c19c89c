/** What the checks of one file share. */
import type ts from 'typescript'
import type { Diagnostic } from '../../../shared/contract/model'
import { rangeOf, ruleDiagnostic, type RuleCode } from '../diagnostics'
import { isFunctionNode } from '../references'
import type { Typing } from '../typing'

/** Where the structures of a project are declared; programs that share no file may use the same names. */
export class StructNames {
  private readonly places = new Map<string, ts.Node[]>()

  /** @param isTogether  whether two files belong to one program */
  constructor(private readonly isTogether: (one: ts.SourceFile, other: ts.SourceFile) => boolean) {}

  /** False when the name is taken. */
  declare(name: string, place: ts.Node): boolean {
    const places = this.places.get(name) ?? []
    this.places.set(name, [...places, place])
    const file = place.getSourceFile()
    return !places.some((each) => this.isTogether(each.getSourceFile(), file))
  }
}

/** The file, what is known of it, and what was found. */
export class CheckContext {
  readonly found: Diagnostic[] = []
  readonly checker: ts.TypeChecker

  constructor(
    readonly file: ts.SourceFile,
    readonly typing: Typing,
    /** Collects over all files. */
    readonly structs: StructNames,
  ) {
    this.checker = typing.checker
  }

  report(code: RuleCode, node: ts.Node, details: readonly string[] = [], hint?: string): void {
    this.reportRange(code, node.getStart(this.file), node.end, details, hint)
  }

  reportRange(
    code: RuleCode,
    start: number,
    end: number,
    details: readonly string[] = [],
    hint?: string,
  ): void {
    // A long construct is marked by its first line only.
    const newline = this.file.text.indexOf('\n', start)
    const stop = newline >= 0 && newline < end ? newline : end
    this.found.push(ruleDiagnostic(code, rangeOf(this.file, start, stop), details, hint))
  }
}

/** Helpers that may be called while a file is loaded, when there is no thread yet. */
export const FILE_LEVEL_HELPERS = new Set([
  'struct',
  'array',
  'pointer',
  'sizeof',
  'offsetof',
  'cast',
  'RTL_CONSTANT_STRING',
  'CTL_CODE',
  'NT_SUCCESS',
  'NT_INFORMATION',
  'NT_WARNING',
  'NT_ERROR',
])

/** Is the node evaluated while the file is loaded? */
export function isFileLevel(node: ts.Node): boolean {
  for (let at = node.parent; at; at = at.parent) if (isFunctionNode(at)) return false
  return true
}
