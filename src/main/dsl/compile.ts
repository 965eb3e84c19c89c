/**
 * The compiler of driver code: checks the files of a project and makes code for the sandbox.
 * docs/dsl.md describes the language, runtime-names.ts what the code expects.
 */
import ts from 'typescript'
import type { Diagnostic, ProjectFiles } from '../../shared/contract/model'
import { advise } from './advice/advise'
import { checkEntry, MAIN } from './check/entry'
import { checkImports } from './check/imports'
import { CheckContext, StructNames } from './check/context'
import { checkLanguage } from './check/language'
import { isSaidByRule, typeError } from './check/type-errors'
import type { CompiledEntry, CompiledModule, CompileResult, Entry, EntryKind } from './compiled'
import { ruleDiagnostic, sortDiagnostics } from './diagnostics'
import { handlerRegions } from './handlers'
import { createProgram, resolveImport } from './program'
import type { FunctionNode } from './references'
import { Ids } from './transform/context'
import { compileModule } from './transform/module'
import { plainFunctions } from './transform/plain-functions'
import { Typing } from './typing'

export interface CompileOptions {
  /** Code for a machine with several processors: others may come in between (transform/points.ts). */
  points?: boolean
}

/**
 * Check and compile.
 * @param project  the folder's files by name; what the entries do not import is not looked at
 * @param entries  where programs begin
 */
export function compile(
  project: ProjectFiles,
  entries: readonly Entry[],
  { points = false }: CompileOptions = {},
): CompileResult {
  return guarded(entries, () => new Compilation(project, entries).run(points))
}

/** All that can be said of the sources without running them: errors, and when there are none, advice. */
export function check(project: ProjectFiles, entries: readonly Entry[]): Diagnostic[] {
  return guarded(entries, () => ({ diagnostics: new Compilation(project, entries).look() }))
    .diagnostics
}

/** Deeply nested code exhausts the stack of the parser, the checker or the transformation. */
function guarded(entries: readonly Entry[], work: () => CompileResult): CompileResult {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const file = entries[0]?.entry ?? ''
    const range = { file, line: 1, column: 1, endLine: 1, endColumn: 1 }
    return { diagnostics: [ruleDiagnostic('DSL040', range)] }
  }
}

class Compilation {
  private readonly program: ts.Program
  private readonly typing: Typing

  constructor(
    private readonly project: ProjectFiles,
    private readonly entries: readonly Entry[],
  ) {
    const roots = new Set(
      entries.map(({ entry }) => entry).filter((name) => Object.hasOwn(project, name)),
    )
    this.program = createProgram(project, [...roots])
    this.typing = new Typing(this.program.getTypeChecker())
  }

  run(points: boolean): CompileResult {
    const orders = this.entries.map(({ entry }) => this.modulesOf(entry))
    const files = this.sourceFiles(new Set(orders.flat()))
    const diagnostics = this.check(files, orders)
    if (diagnostics.some(({ severity }) => severity === 'error')) return { diagnostics }

    const ids = new Ids()
    // Where others may come in between, every function has to be one that can stop.
    const plain = points ? new Set<FunctionNode>() : plainFunctions(files, this.typing)
    const modules = new Map<string, CompiledModule>()
    for (const file of files) {
      const module = compileModule(file, this.typing, ids, plain, points)
      modules.set(module.file, module)
    }
    const compiled = this.entries.map(({ entry, kind }, i): CompiledEntry => ({
      entry,
      kind,
      main: MAIN[kind],
      modules: (orders[i] ?? []).flatMap((name) => modules.get(name) ?? []),
    }))
    return {
      program: {
        entries: compiled,
        functions: ids.functions,
        locations: ids.locations,
        handlers: handlerRegions(files, this.program.getTypeChecker()),
      },
      diagnostics,
    }
  }

  look(): Diagnostic[] {
    const orders = this.entries.map(({ entry }) => this.modulesOf(entry))
    const errors = this.check(this.sourceFiles(new Set(orders.flat())), orders)
    if (errors.length > 0) return errors
    const drivers = orders.filter((_, i) => this.entries[i]?.kind === 'driver')
    return sortDiagnostics(drivers.flatMap((order) => advise(this.sourceFiles(order), this.typing)))
  }

  private sourceFiles(names: Iterable<string>): ts.SourceFile[] {
    return [...names].flatMap((name) => this.program.getSourceFile(`/${name}`) ?? [])
  }

  /** The file and all that it imports, those that are imported first. */
  private modulesOf(entry: string): string[] {
    const order: string[] = []
    const seen = new Set<string>()
    const add = (name: string): void => {
      if (seen.has(name)) return
      seen.add(name)
      for (const statement of this.program.getSourceFile(`/${name}`)?.statements ?? []) {
        if (!ts.isImportDeclaration(statement) || !ts.isStringLiteral(statement.moduleSpecifier))
          continue
        const target = resolveImport(this.project, name, statement.moduleSpecifier.text)
        if (target !== undefined) add(target)
      }
      order.push(name)
    }
    if (Object.hasOwn(this.project, entry)) add(entry)
    return order
  }

  private check(files: readonly ts.SourceFile[], orders: readonly string[][]): Diagnostic[] {
    const found: Diagnostic[] = []
    const structs = new StructNames((one, other) =>
      orders.some((order) =>
        [one, other].every(({ fileName }) => order.includes(fileName.slice(1))),
      ),
    )
    for (const file of files) {
      const kinds = this.kindsOf(file, orders)
      const errors = [
        ...this.program.getSyntacticDiagnostics(file),
        ...this.program.getSemanticDiagnostics(file),
      ]
      const own = [
        ...checkImports(file, this.project, kinds),
        ...checkLanguage(new CheckContext(file, this.typing, structs)),
      ]
      // Where a rule says the same with better words, TypeScript's are left out.
      const left = own.length > 0 ? errors.filter((error) => !isSaidByRule(error)) : errors
      found.push(...own, ...left.flatMap((error) => typeError(error, kinds, this.typing) ?? []))
    }
    for (const entry of this.entries) found.push(...checkEntry(this.program, entry))
    return sortDiagnostics(found)
  }

  /** The kinds of program that a file is part of. */
  private kindsOf(file: ts.SourceFile, orders: readonly string[][]): ReadonlySet<EntryKind> {
    const name = file.fileName.slice(1)
    return new Set(this.entries.filter((_, i) => orders[i]?.includes(name)).map(({ kind }) => kind))
  }
}
