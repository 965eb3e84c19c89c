/** Hover text of the kernel's routines: prototype, IRQL, summary, support, documentation. */
import type { DdiEntry } from '../../../../shared/contract/lab'
import type { monaco as Monaco } from './monaco'

const SUPPORT: Record<DdiEntry['support'], string> = {
  full: 'Simulated fully.',
  partial: 'Simulated in part.',
  none: 'Not simulated: a call ends the run and names it.',
}

/** The paragraphs of one routine, as Markdown. */
export function ddiMarkdown(entry: DdiEntry): string[] {
  return [
    `\`\`\`c\n${entry.prototype}\n\`\`\``,
    entry.summary,
    `**IRQL** ${entry.irql.replaceAll('<', '&lt;')}  \n**Support** ${SUPPORT[entry.support]}${entry.note ? ` ${entry.note}` : ''}`,
    ...(entry.docs ? [`[Documentation](${docsUrl(entry.docs)})`] : []),
  ]
}

function docsUrl(docs: string): string {
  return docs.startsWith('https://')
    ? docs
    : `https://learn.microsoft.com/windows-hardware/drivers/ddi/${docs}`
}

/** What the language service says about a name; the part of it that is shown. */
interface QuickInfo {
  textSpan: { start: number; length: number }
  displayParts?: { text: string }[]
  documentation?: { text: string }[]
}

const textOf = (parts: readonly { text: string }[] | undefined): string =>
  (parts ?? []).map((part) => part.text).join('')

/**
 * Hover text in driver and client sources: of a routine its row in the table, of any other name its
 * type.
 */
export function registerDdiHover(
  { monaco, getTypeScriptWorker }: typeof import('./monaco'),
  entries: readonly DdiEntry[],
): Monaco.IDisposable {
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  return monaco.languages.registerHoverProvider('typescript', {
    async provideHover(model, position) {
      const word = model.getWordAtPosition(position)
      if (!word) return null
      const range = new monaco.Range(
        position.lineNumber,
        word.startColumn,
        position.lineNumber,
        word.endColumn,
      )
      const entry = byName.get(word.word)
      if (entry) return { range, contents: ddiMarkdown(entry).map((value) => ({ value })) }

      const worker = await (await getTypeScriptWorker())(model.uri)
      const info = (await worker.getQuickInfoAtPosition(
        model.uri.toString(),
        model.getOffsetAt(position),
      )) as QuickInfo | undefined
      const type = textOf(info?.displayParts)
      if (type === '') return null
      const about = textOf(info?.documentation)
      return {
        range,
        contents: [
          { value: `\`\`\`typescript\n${type}\n\`\`\`` },
          ...(about ? [{ value: about }] : []),
        ],
      }
    },
  })
}
