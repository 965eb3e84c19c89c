/** Completion and hover for detection rules, for those models alone that hold one. */
import type { monaco as Monaco } from '../editor/monaco'
import { completionsAt, describe, type RuleNames } from './completion'

/** Models of rules are called `file:///rules/NAME`. */
export const RULES = 'file:///rules/'

const isRule = (model: Monaco.editor.ITextModel): boolean => model.uri.path.startsWith('/rules/')

export function registerRuleLanguage(
  monaco: typeof Monaco,
  names: () => RuleNames,
): Monaco.IDisposable[] {
  return [
    monaco.languages.registerCompletionItemProvider('yaml', {
      triggerCharacters: [' ', '|', '{', ','],
      provideCompletionItems(model, { lineNumber, column }) {
        if (!isRule(model)) return { suggestions: [] }
        const { from, items } = completionsAt(model.getValue(), lineNumber, column, names())
        const range = {
          startLineNumber: lineNumber,
          startColumn: from,
          endLineNumber: lineNumber,
          endColumn: column,
        }
        return {
          suggestions: items.map(({ label, insert, detail }, i) => ({
            label: { label, description: detail.slice(0, 60) },
            insertText: insert,
            filterText: insert,
            sortText: String(i).padStart(4, '0'),
            kind: insert.endsWith(': ')
              ? monaco.languages.CompletionItemKind.Field
              : monaco.languages.CompletionItemKind.Value,
            documentation: detail,
            range,
          })),
        }
      },
    }),
    monaco.languages.registerHoverProvider('yaml', {
      provideHover(model, { lineNumber, column }) {
        const words = isRule(model) ? describe(model.getValue(), lineNumber, column) : null
        return words === null ? null : { contents: [{ value: words, isTrusted: false }] }
      },
    }),
  ]
}
