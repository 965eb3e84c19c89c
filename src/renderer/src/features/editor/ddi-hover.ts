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

/** Show the table's entry when the mouse or the keyboard hovers over a routine's name. */
export function registerDdiHover(
  monaco: typeof Monaco,
  entries: readonly DdiEntry[],
): Monaco.IDisposable {
  const byName = new Map(entries.map((entry) => [entry.name, entry]))
  return monaco.languages.registerHoverProvider('typescript', {
    provideHover(model, position) {
      const word = model.getWordAtPosition(position)
      const entry = word ? byName.get(word.word) : undefined
      if (!word || !entry) return null
      return {
        range: new monaco.Range(
          position.lineNumber,
          word.startColumn,
          position.lineNumber,
          word.endColumn,
        ),
        contents: ddiMarkdown(entry).map((text) => ({ value: text })),
      }
    },
  })
}
