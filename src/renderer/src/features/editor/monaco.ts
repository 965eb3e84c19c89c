/**
 * The text editor with what the Lab uses of it. Loaded on its own after the first paint: the editor
 * is larger than everything else together.
 */
import * as monaco from 'monaco-editor/editor/editor.api'
import 'monaco-editor/features/bracketMatching/register'
import 'monaco-editor/features/caretOperations/register'
import 'monaco-editor/features/clipboard/register'
import 'monaco-editor/features/codeAction/register'
import 'monaco-editor/features/codeEditor/register'
import 'monaco-editor/features/codicon/register'
import 'monaco-editor/features/codelens/register'
import 'monaco-editor/features/comment/register'
import 'monaco-editor/features/contextmenu/register'
import 'monaco-editor/features/cursorUndo/register'
import 'monaco-editor/features/diffEditor/register'
import 'monaco-editor/features/documentSymbols/register'
import 'monaco-editor/features/dropOrPasteInto/register'
import 'monaco-editor/features/find/register'
import 'monaco-editor/features/folding/register'
import 'monaco-editor/features/format/register'
import 'monaco-editor/features/gotoError/register'
import 'monaco-editor/features/gotoLine/register'
import 'monaco-editor/features/gotoSymbol/register'
import 'monaco-editor/features/hover/register'
import 'monaco-editor/features/indentation/register'
import 'monaco-editor/features/lineSelection/register'
import 'monaco-editor/features/linesOperations/register'
import 'monaco-editor/features/links/register'
import 'monaco-editor/features/multicursor/register'
import 'monaco-editor/features/parameterHints/register'
import 'monaco-editor/features/readOnlyMessage/register'
import 'monaco-editor/features/rename/register'
import 'monaco-editor/features/smartSelect/register'
import 'monaco-editor/features/snippet/register'
import 'monaco-editor/editor/contrib/suggest/browser/suggestController'
import 'monaco-editor/features/suggest/register'
import 'monaco-editor/features/toggleTabFocusMode/register'
import 'monaco-editor/features/tokenization/register'
import 'monaco-editor/features/unicodeHighlighter/register'
import 'monaco-editor/features/wordHighlighter/register'
import 'monaco-editor/features/wordOperations/register'
import 'monaco-editor/languages/definitions/markdown/register'
import 'monaco-editor/languages/definitions/typescript/register'
import 'monaco-editor/languages/definitions/yaml/register'
import { jsonDefaults } from 'monaco-editor/languages/features/json/register'
import {
  ModuleKind,
  ModuleResolutionKind,
  ScriptTarget,
  getTypeScriptWorker,
  typescriptDefaults,
} from 'monaco-editor/languages/features/typescript/register'
import EditorWorker from 'monaco-editor/editor/editor.worker?worker'
import JsonWorker from 'monaco-editor/languages/features/json/json.worker?worker'
import TypeScriptWorker from 'monaco-editor/languages/features/typescript/ts.worker?worker'
import { z } from 'zod'
import { Scenario, type ProjectFiles } from '../../../../shared/contract/model'
import { SigningPlan } from '../../../../shared/package/signing'
import { ring } from '../../services/ring'
import { INF, registerInf } from './inf-language'

export { getTypeScriptWorker, monaco }

self.MonacoEnvironment = {
  getWorker(_, label) {
    switch (label) {
      case 'typescript':
      case 'javascript':
        return new TypeScriptWorker()
      case 'json':
        return new JsonWorker()
      default:
        return new EditorWorker()
    }
  },
}

const DOCS = 'https://learn.microsoft.com/windows-hardware/drivers/ddi/'
const PROJECT = 'file:///project/'
const TYPES = 'file:///types/'

export const uriOf = (file: string): monaco.Uri => monaco.Uri.parse(PROJECT + file)

/** Name of the project's file that a model shows. */
export const fileOf = (uri: monaco.Uri): string => uri.path.slice('/project/'.length)

export function languageOf(file: string): string {
  if (file.endsWith('.ts')) return 'typescript'
  if (file.endsWith('.inf')) return INF
  if (/\.ya?ml$/.test(file)) return 'yaml'
  return file.endsWith('.json') ? 'json' : 'markdown'
}

let prepared = false

/** Teach the editor's language services the dialect: its declarations and nothing of the web. */
export function prepareLanguages(types: ProjectFiles): void {
  const paths: Record<string, string[]> = {}
  for (const file of Object.keys(types)) {
    const module = /^(?:.*\/)?([^/]+)\.d\.ts$/.exec(file)?.[1]
    // Modules that their file declares by name are found without a path.
    if (module !== undefined && !types[file]!.includes(`declare module '${module}'`))
      paths[module] = [TYPES + file]
  }
  typescriptDefaults.setCompilerOptions({
    target: ScriptTarget.ESNext,
    module: ModuleKind.ESNext,
    moduleResolution: ModuleResolutionKind.NodeJs,
    noLib: true,
    strict: true,
    strictNullChecks: false,
    allowNonTsExtensions: true,
    noEmit: true,
    types: [],
    baseUrl: TYPES,
    paths,
  })
  // The lab's own compiler finds the mistakes; the same one that runs the code.
  typescriptDefaults.setDiagnosticsOptions({
    noSemanticValidation: true,
    noSyntaxValidation: true,
    noSuggestionDiagnostics: true,
  })
  // Hover text is put together in ddi-hover.ts.
  typescriptDefaults.setModeConfiguration({
    ...typescriptDefaults.modeConfiguration,
    hovers: false,
    diagnostics: false,
  })
  typescriptDefaults.setEagerModelSync(true)
  typescriptDefaults.setExtraLibs(
    Object.entries(types).map(([file, content]) => ({ content, filePath: TYPES + file })),
  )
  if (prepared) return
  prepared = true
  registerInf(monaco)
  jsonDefaults.setDiagnosticsOptions({
    validate: true,
    enableSchemaRequest: false,
    schemas: [
      {
        uri: 'ring0://scenario',
        fileMatch: ['**/scenario.json'],
        schema: z.toJSONSchema(Scenario, { io: 'input' }),
      },
      {
        uri: 'ring0://package',
        fileMatch: ['**/*.package.json'],
        schema: z.toJSONSchema(SigningPlan, { io: 'input' }),
      },
    ],
  })
  monaco.editor.registerLinkOpener({
    open: (uri) => {
      // Main opens documentation by name; it takes no addresses.
      const name = uri.toString(true).replace(DOCS, '')
      void ring()['app.openDocs']({ name })
      return true
    },
  })
}
