/** Checks the import and export declarations of a file: from where, and which names. */
import ts from 'typescript'
import { DDI_FACTS } from '../../../shared/nt/ddi-facts'
import type { Diagnostic } from '../../../shared/contract/model'
import type { EntryKind } from '../compiled'
import { rangeOf, ruleDiagnostic } from '../diagnostics'
import { whyNotInUmdf } from '../../kernel/ddi/umdf-routines'
import { resolveImport } from '../program'
import { moduleExports } from '../types/declarations'
import type { ModuleName } from '../types/constants'
import { nearest } from './nearest'

export const MODULE_OF: Record<EntryKind, ModuleName> = {
  driver: 'wdm',
  umdf: 'wdm',
  client: 'win32',
}

/** A name that Windows has as a routine and the lab does not. */
export function isMissingRoutine(name: string): boolean {
  return (
    Object.hasOwn(DDI_FACTS, name) &&
    !moduleExports().wdm.has(name) &&
    !moduleExports().win32.has(name)
  )
}

/** What to use in place of a routine that the lab does not have. */
export function missingRoutineHint(name: string, module: ModuleName): string {
  const like = nearest(name, routineNames(module))
  return like === undefined
    ? 'The reference lists what there is.'
    : `The nearest that there is: ${like}. The reference lists all.`
}

const namesOfRoutines = new Map<ModuleName, string[]>()

function routineNames(module: ModuleName): string[] {
  let names = namesOfRoutines.get(module)
  if (!names) {
    // Routines begin with a component's prefix and a capital: IoCreateDevice, but not STATUS_SUCCESS.
    names = [...moduleExports()[module]].filter(
      (name) => /^[A-Z][a-z]+\w*$/.test(name) && !name.includes('_'),
    )
    namesOfRoutines.set(module, names)
  }
  return names
}

/**
 * @param kinds  which kinds of program the file is part of
 */
export function checkImports(
  file: ts.SourceFile,
  files: Readonly<Record<string, string>>,
  kinds: ReadonlySet<EntryKind>,
): Diagnostic[] {
  const found: Diagnostic[] = []
  const name = file.fileName.slice(1)
  const at = (node: ts.Node) => rangeOf(file, node.getStart(file), node.end)
  for (const statement of file.statements) {
    if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier))
      continue
    const specifier = statement.moduleSpecifier
    const from = specifier.text
    if (from !== 'wdm' && from !== 'win32') {
      if (resolveImport(files, name, from) === undefined)
        found.push(ruleDiagnostic('DSL018', at(specifier), [from], fileHint(from, files)))
      continue
    }
    const bindings = statement.importClause?.namedBindings
    const elements = bindings && ts.isNamedImports(bindings) ? bindings.elements : []
    const modules = new Set([...kinds].map((kind) => MODULE_OF[kind]))
    const own = modules.size === 1 ? ([...modules][0] ?? from) : from
    if (own !== from) {
      const [program, other] =
        own === 'wdm' ? ['A driver', 'client programs'] : ['A client program', 'drivers']
      found.push(
        ruleDiagnostic(
          'DSL019',
          at(specifier),
          [`'${from}' is for ${other}.`],
          `${program} imports from '${own}'.`,
        ),
      )
      continue
    }
    for (const element of elements) {
      const imported = element.propertyName ?? element.name
      const refused = kinds.has('umdf') && from === 'wdm' ? whyNotInUmdf(imported.text) : null
      if (refused !== null) found.push(ruleDiagnostic('DSL045', at(imported), [refused]))
      if (isMissingRoutine(imported.text))
        found.push(
          ruleDiagnostic(
            'DSL020',
            at(imported),
            [imported.text],
            missingRoutineHint(imported.text, own),
          ),
        )
      else if (modules.size > 1 && moduleExports()[from].has(imported.text)) {
        const lacking = (['wdm', 'win32'] as const).find(
          (each) => !moduleExports()[each].has(imported.text),
        )
        if (lacking !== undefined)
          found.push(
            ruleDiagnostic('DSL019', at(imported), [
              `${imported.text} is not in '${lacking}', but this file is part of a driver and of a client program.`,
            ]),
          )
      }
    }
  }
  return found
}

function fileHint(from: string, files: Readonly<Record<string, string>>): string | undefined {
  const plain = from.replace(/^\.\//, '').replace(/\.[jt]s$/, '')
  const names = Object.keys(files).flatMap((each) =>
    each.endsWith('.ts') && !each.endsWith('.d.ts') ? [each.slice(0, -3)] : [],
  )
  const like = nearest(plain, names)
  if (like !== undefined) return `Did you mean './${like}'?`
  return names.includes(plain) ? `Write './${plain}'.` : undefined
}
