/** Colours for INF files: sections, entries, texts, tokens of [Strings]. */
import type { monaco as Monaco } from './monaco'

export const INF = 'inf'

export function registerInf(monaco: typeof Monaco): void {
  monaco.languages.register({ id: INF, extensions: ['.inf'] })
  monaco.languages.setLanguageConfiguration(INF, {
    comments: { lineComment: ';' },
    brackets: [['[', ']']],
    autoClosingPairs: [
      { open: '[', close: ']' },
      { open: '"', close: '"' },
      { open: '%', close: '%' },
    ],
  })
  monaco.languages.setMonarchTokensProvider(INF, {
    ignoreCase: true,
    tokenizer: {
      root: [
        [/;.*$/, 'comment'],
        [/^\s*\[[^\]]*\]?/, 'keyword'],
        [/"[^"]*"?/, 'string'],
        [/%[^%\s]*%/, 'type'],
        [/\{[0-9a-f-]+\}/, 'string'],
        [/^[^=;"%,]+(?==)/, 'identifier'],
        [/\b(?:0x[0-9a-f]+|\d+)\b/, 'number'],
        [/[=,|]/, 'delimiter'],
      ],
    },
  })
}
