/** Changes of the source that mend a finding: text to insert or replace, and the imports that it needs. */
import ts from 'typescript'
import type { SourceFix } from '../../../shared/contract/model'
import { rangeOf } from '../diagnostics'

type Edit = SourceFix['edits'][number]

function edit(file: ts.SourceFile, start: number, end: number, text: string): Edit {
  return { ...rangeOf(file, start, end), text }
}

/** Names of 'wdm' that the file does not import yet, put where they belong in its import. */
function imports(file: ts.SourceFile, names: readonly string[]): Edit[] {
  const lists = file.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier))
      return []
    const bindings = statement.importClause?.namedBindings
    const isValues =
      statement.moduleSpecifier.text === 'wdm' &&
      statement.importClause?.phaseModifier === undefined
    return isValues && bindings && ts.isNamedImports(bindings) ? [bindings.elements] : []
  })
  const known = new Set(lists.flatMap((list) => list.map(({ name }) => name.text)))
  const list = lists[0]
  const missing = names.filter((name) => !known.has(name))
  if (missing.length === 0) return []
  if (!list || list.length === 0)
    return [edit(file, 0, 0, `import { ${missing.join(', ')} } from 'wdm'\n`)]
  return missing.map((name) => {
    const next = list.find((each) => each.name.text > name)
    const last = list[list.length - 1]!
    const place = next ?? last
    const start = place.getStart(file)
    const isOwnLine = /\n\s*$/.test(file.text.slice(0, start))
    const gap = isOwnLine ? `\n${indentAt(file, start)}` : ' '
    return next
      ? edit(file, start, start, `${name},${gap}`)
      : edit(file, last.end, last.end, `,${gap}${name}`)
  })
}

function indentAt(file: ts.SourceFile, position: number): string {
  const line = file.text.lastIndexOf('\n', position - 1) + 1
  return /^[ \t]*/.exec(file.text.slice(line, position))?.[0] ?? ''
}

/** Put other statements in the place of one; braces are added where it stands alone. */
export function rewrite(
  title: string,
  statement: ts.Statement,
  lines: readonly string[],
  needs: readonly string[],
): SourceFix {
  const file = statement.getSourceFile()
  const start = statement.getStart(file)
  const { parent } = statement
  const isInList =
    ts.isBlock(parent) ||
    ts.isSourceFile(parent) ||
    ts.isCaseClause(parent) ||
    ts.isDefaultClause(parent)
  const indent = indentAt(file, isInList ? start : parent.getStart(file))
  const text = isInList
    ? lines.join(`\n${indent}`)
    : `{\n${lines.map((line) => `${indent}  ${line}\n`).join('')}${indent}}`
  return { title, edits: [...imports(file, needs), edit(file, start, statement.end, text)] }
}

/** Put statements in front of one. */
export function insertBefore(
  title: string,
  statement: ts.Statement,
  lines: readonly string[],
  needs: readonly string[],
): SourceFix {
  return rewrite(title, statement, [...lines, statement.getText()], needs)
}

/** Put another text in the place of a node. */
export function replace(
  title: string,
  node: ts.Node,
  text: string,
  needs: readonly string[] = [],
): SourceFix {
  const file = node.getSourceFile()
  return {
    title,
    edits: [...imports(file, needs), edit(file, node.getStart(file), node.end, text)],
  }
}
