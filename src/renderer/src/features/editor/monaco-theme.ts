/** The editor's three themes, made of the tokens that the rest of the window uses. */
import type { EffectiveTheme } from '../../stores/settings'
import type { monaco as Monaco } from './monaco'

const BASE: Record<EffectiveTheme, 'vs' | 'vs-dark' | 'hc-black'> = {
  light: 'vs',
  dark: 'vs-dark',
  contrast: 'hc-black',
}

/** Define and use the theme that the document shows now. */
export function applyTheme(monaco: typeof Monaco, theme: EffectiveTheme): void {
  const style = getComputedStyle(document.documentElement)
  // The build shortens #ffffff to #fff, which the editor does not read.
  const token = (name: string): string =>
    style
      .getPropertyValue(`--${name}`)
      .trim()
      .replace(/^#(.)(.)(.)$/, '#$1$1$2$2$3$3')
  const plain = (name: string): string => token(name).slice(1)
  const name = `ring0-${theme}`
  monaco.editor.defineTheme(name, {
    base: BASE[theme],
    inherit: true,
    rules: [
      { token: '', foreground: plain('text') },
      { token: 'comment', foreground: plain('code-comment') },
      { token: 'keyword', foreground: plain('code-keyword') },
      { token: 'string', foreground: plain('code-string') },
      { token: 'string.key.json', foreground: plain('code-type') },
      { token: 'string.value.json', foreground: plain('code-string') },
      { token: 'number', foreground: plain('code-number') },
      { token: 'type', foreground: plain('code-type') },
      // The tokenizer takes every capitalised name for a type, and Windows capitalises everything.
      { token: 'type.identifier', foreground: plain('text') },
      { token: 'identifier', foreground: plain('text') },
      { token: 'delimiter', foreground: plain('text-2') },
    ],
    colors: {
      'editor.background': token('surface'),
      'editor.foreground': token('text'),
      'editor.lineHighlightBackground': token('surface-2'),
      'editor.lineHighlightBorder': '#00000000',
      'editor.selectionBackground': token('selection'),
      'editorLineNumber.foreground': token('text-3'),
      'editorLineNumber.activeForeground': token('text'),
      'editorLineNumber.dimmedForeground': token('text-3'),
      'editorGutter.background': token('surface'),
      'editorCursor.foreground': token('accent'),
      'editorIndentGuide.background1': token('line'),
      'editorWidget.background': token('surface'),
      'editorWidget.border': token('line'),
      'editorHoverWidget.background': token('surface'),
      'editorHoverWidget.border': token('line'),
      'editorSuggestWidget.background': token('surface'),
      'editorSuggestWidget.border': token('line'),
      'editorSuggestWidget.selectedBackground': token('accent-soft'),
      'editorSuggestWidget.selectedForeground': token('text'),
      'editorSuggestWidget.highlightForeground': token('accent'),
      'editorSuggestWidget.focusHighlightForeground': token('accent'),
      'textLink.foreground': token('accent'),
      'textLink.activeForeground': token('accent-hover'),
      'editorHoverWidget.foreground': token('text'),
      'editorError.foreground': token('danger'),
      'editorWarning.foreground': token('warn-graphic'),
      ...Object.fromEntries(
        [1, 2, 3, 4, 5, 6].map((n) => [`editorBracketHighlight.foreground${n}`, token('text-2')]),
      ),
      'diffEditor.insertedLineBackground': token('ok-soft'),
      'diffEditor.removedLineBackground': token('danger-soft'),
      'diffEditor.insertedTextBackground': `${token('ok')}33`,
      'diffEditor.removedTextBackground': `${token('danger')}33`,
      'diffEditorOverview.insertedForeground': token('ok'),
      'diffEditorOverview.removedForeground': token('danger'),
      'ring0.step': token('line-now-edge'),
      'editorOverviewRuler.border': '#00000000',
      'scrollbarSlider.background': `${token('line-strong')}55`,
      'scrollbarSlider.hoverBackground': `${token('line-strong')}88`,
      focusBorder: token('focus'),
      'list.hoverBackground': token('surface-3'),
      'input.background': token('surface'),
      'input.border': token('line-strong'),
      'menu.background': token('surface'),
      'menu.foreground': token('text'),
      'menu.border': token('line'),
      'menu.selectionBackground': token('accent-soft'),
      'menu.selectionForeground': token('text'),
    },
  })
  monaco.editor.setTheme(name)
}
