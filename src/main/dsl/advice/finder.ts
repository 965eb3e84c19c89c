/** Collects what is found, each mistake once, with its words. */
import type ts from 'typescript'
import type { Diagnostic, SourceFix } from '../../../shared/contract/model'
import { rangeOf } from '../diagnostics'
import { ADVICE, type AdviceCode } from './rules'

/** Line of a node, from 1. */
export function lineOf(node: ts.Node): number {
  const file = node.getSourceFile()
  return file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1
}

export class Finder {
  private readonly seen = new Map<string, Diagnostic>()

  get found(): Diagnostic[] {
    return [...this.seen.values()]
  }

  /** @param details  what replaces the `%` signs of the message, in order */
  report(
    code: AdviceCode,
    node: ts.Node,
    details: readonly (string | number)[],
    fix?: SourceFix,
  ): void {
    const file = node.getSourceFile()
    const start = node.getStart(file)
    const newline = file.text.indexOf('\n', start)
    const end = newline >= 0 && newline < node.end ? newline : node.end
    const key = `${file.fileName}:${start}:${code}`
    if (this.seen.has(key)) return
    const rule = ADVICE[code]
    let next = 0
    this.seen.set(key, {
      code,
      severity: 'warning',
      ...rangeOf(file, start, end),
      message: rule.message.replace(/%/g, () => String(details[next++] ?? '%')),
      hint: rule.hint,
      docs: `docs/advice.md#${code.toLowerCase()}`,
      ...(fix ? { fix } : {}),
    })
  }
}
