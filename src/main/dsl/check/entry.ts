/** Checks that an entry file exports what the kernel calls. */
import ts from 'typescript'
import type { Diagnostic } from '../../../shared/contract/model'
import type { Entry } from '../compiled'
import { rangeOf, ruleDiagnostic } from '../diagnostics'
import { functionOf } from '../references'
import { MODULE_OF } from './imports'

/** Export of an entry file that the kernel calls. */
export const MAIN = { driver: 'DriverEntry', umdf: 'DriverEntry', client: 'main' } as const

const DRIVER_ENTRY =
  'export function DriverEntry(DriverObject: DRIVER_OBJECT, RegistryPath: UNICODE_STRING): NTSTATUS { ... }'
const PROTOTYPES = {
  driver: DRIVER_ENTRY,
  umdf: DRIVER_ENTRY,
  client: 'export function main(): number { ... }',
} as const
const SIGNATURES = {
  driver: 'DRIVER_INITIALIZE',
  umdf: 'DRIVER_INITIALIZE',
  client: 'MAIN',
} as const

export function checkEntry(program: ts.Program, { entry, kind }: Entry): Diagnostic[] {
  const file = program.getSourceFile(`/${entry}`)
  const checker = program.getTypeChecker()
  const name = MAIN[kind]
  const write = `Write ${PROTOTYPES[kind]}`
  if (!file)
    return [
      ruleDiagnostic(
        'DSL022',
        { file: entry, line: 1, column: 1, endLine: 1, endColumn: 1 },
        [`There is no file ${entry}.`],
        write,
      ),
    ]
  const module = checker.getSymbolAtLocation(file)
  const exported = module && checker.getExportsOfModule(module).find((each) => each.name === name)
  const symbol =
    exported && exported.flags & ts.SymbolFlags.Alias
      ? checker.getAliasedSymbol(exported)
      : exported
  const declaration = symbol && functionOf(symbol)
  if (!symbol || !declaration) {
    const local = symbol ? undefined : declarationNamed(file, name)
    const range = local ? rangeOf(file, local.getStart(file), local.end) : rangeOf(file, 0, 0)
    const hint = local ? `Write export in front of function ${name}.` : write
    return [ruleDiagnostic('DSL021', range, [entry, name], hint)]
  }
  const expected = expectedType(program, kind)
  if (!expected || checker.isTypeAssignableTo(checker.getTypeOfSymbol(symbol), expected)) return []
  const at = symbol.valueDeclaration ?? declaration
  const label =
    (ts.isFunctionDeclaration(at) || ts.isVariableDeclaration(at) ? at.name : undefined) ?? at
  return [
    ruleDiagnostic(
      'DSL022',
      rangeOf(at.getSourceFile(), label.getStart(), label.end),
      [
        `${name} does not have the parameters and the result that ${kind !== 'client' ? 'the kernel calls it with' : 'a program has'}.`,
      ],
      write,
    ),
  ]
}

function declarationNamed(file: ts.SourceFile, name: string): ts.Node | undefined {
  for (const statement of file.statements)
    if (ts.isFunctionDeclaration(statement) && statement.name?.text === name) return statement.name
  return undefined
}

function expectedType(program: ts.Program, kind: Entry['kind']): ts.Type | undefined {
  const checker = program.getTypeChecker()
  const module = checker.getAmbientModules().find((each) => each.name === `"${MODULE_OF[kind]}"`)
  const symbol =
    module && checker.getExportsOfModule(module).find((each) => each.name === SIGNATURES[kind])
  if (!symbol) return undefined
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  return checker.getDeclaredTypeOfSymbol(target)
}
