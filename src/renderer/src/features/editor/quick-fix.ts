/** The light bulb of the editor: changes that mend what the compiler says about a line. */
import type { Diagnostic, SourceFix } from '../../../../shared/contract/model'
import type { monaco as Monaco } from './monaco'

/** Edits of a fix in the editor's own form. */
export function editsOf(fix: SourceFix): { range: Monaco.IRange; text: string }[] {
  return fix.edits.map((edit) => ({
    range: {
      startLineNumber: edit.line,
      startColumn: edit.column,
      endLineNumber: edit.endLine,
      endColumn: edit.endColumn,
    },
    text: edit.text,
  }))
}

/**
 * Offer fixes where the cursor is.
 * @param problemsOf  what is known about a file's present text
 */
export function registerQuickFixes(
  { monaco, fileOf }: typeof import('./monaco'),
  problemsOf: (file: string) => readonly Diagnostic[],
): Monaco.IDisposable {
  return monaco.languages.registerCodeActionProvider(
    'typescript',
    {
      provideCodeActions(model, range) {
        const actions = problemsOf(fileOf(model.uri)).flatMap((problem) =>
          problem.fix &&
          problem.line <= range.endLineNumber &&
          problem.endLine >= range.startLineNumber
            ? [
                {
                  title: problem.fix.title,
                  kind: 'quickfix',
                  isPreferred: true,
                  edit: {
                    edits: editsOf(problem.fix).map((textEdit) => ({
                      resource: model.uri,
                      versionId: model.getVersionId(),
                      textEdit,
                    })),
                  },
                },
              ]
            : [],
        )
        return { actions, dispose: () => undefined }
      },
    },
    { providedCodeActionKinds: ['quickfix'] },
  )
}
