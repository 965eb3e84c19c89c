/**
 * TypeScript programs over files in memory. Parsed files are kept for the life of the process, so
 * that only what changed is parsed again and the declarations are parsed once.
 */
import ts from 'typescript'
import { declarationFiles } from './types/declarations'

export const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  moduleDetection: ts.ModuleDetectionKind.Force,
  allowImportingTsExtensions: true,
  noLib: true,
  noEmit: true,
  types: [],
  strict: true,
  // A pointer may always be null, as in C.
  strictNullChecks: false,
  noImplicitAny: false,
  noImplicitReturns: true,
  allowUnreachableCode: true,
  allowUnusedLabels: true,
}

/** Parsed versions of project files that are kept. */
const KEPT_FILES = 200

const parsed = new Map<string, ts.SourceFile>()
const declarations = new Map<string, ts.SourceFile>()

function parse(path: string, text: string): ts.SourceFile {
  // The checker sets the parents of nodes when it is made.
  return ts.createSourceFile(
    path,
    text,
    { languageVersion: ts.ScriptTarget.ES2022, jsDocParsingMode: ts.JSDocParsingMode.ParseNone },
    false,
    ts.ScriptKind.TS,
  )
}

function projectFile(path: string, text: string): ts.SourceFile {
  const key = `${path}\0${text}`
  let file = parsed.get(key)
  if (file) parsed.delete(key)
  else file = parse(path, text)
  // Newest last: the first key is the one that was not used for longest.
  parsed.set(key, file)
  if (parsed.size > KEPT_FILES)
    for (const oldest of parsed.keys()) return (parsed.delete(oldest), file)
  return file
}

function declarationFile(path: string, text: string): ts.SourceFile {
  let file = declarations.get(path)
  if (!file) declarations.set(path, (file = parse(path, text)))
  return file
}

/** Where a relative import leads, as a file name of the project; undefined when there is none. */
export function resolveImport(
  files: Readonly<Record<string, string>>,
  from: string,
  specifier: string,
): string | undefined {
  if (!specifier.startsWith('./') && !specifier.startsWith('../')) return undefined
  const parts = from.split('/').slice(0, -1)
  for (const part of specifier.split('/')) {
    if (part === '.' || part === '') continue
    if (part !== '..') parts.push(part)
    else if (parts.pop() === undefined) return undefined
  }
  const path = parts.join('/')
  const candidates = path.endsWith('.ts') ? [path] : [`${path}.ts`]
  return candidates.find((name) => Object.hasOwn(files, name) && !name.endsWith('.d.ts'))
}

let previous: ts.Program | undefined

/** A program over project files (names without a leading slash) and the declarations. */
export function createProgram(
  files: Readonly<Record<string, string>>,
  roots: readonly string[],
): ts.Program {
  const texts = declarationFiles()
  const host: ts.CompilerHost = {
    getSourceFile(path) {
      const name = path.slice(1)
      const declaration = Object.hasOwn(texts, name) ? texts[name] : undefined
      if (declaration !== undefined) return declarationFile(path, declaration)
      const text = Object.hasOwn(files, name) ? files[name] : undefined
      return text === undefined ? undefined : projectFile(path, text)
    },
    resolveModuleNameLiterals: (literals, containing) =>
      literals.map((literal) => {
        const name = resolveImport(files, containing.slice(1), literal.text)
        return {
          resolvedModule:
            name === undefined
              ? undefined
              : { resolvedFileName: `/${name}`, extension: ts.Extension.Ts },
        }
      }),
    getDefaultLibFileName: () => '/lib.d.ts',
    getCurrentDirectory: () => '/',
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
    fileExists: (path) =>
      Object.hasOwn(files, path.slice(1)) || Object.hasOwn(texts, path.slice(1)),
    readFile: () => undefined,
    writeFile: () => undefined,
    directoryExists: () => false,
    getDirectories: () => [],
  }
  previous = ts.createProgram({
    rootNames: [...Object.keys(texts), ...roots].map((name) => `/${name}`),
    options: COMPILER_OPTIONS,
    host,
    ...(previous ? { oldProgram: previous } : {}),
  })
  return previous
}
