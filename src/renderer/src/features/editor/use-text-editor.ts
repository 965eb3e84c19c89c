/**
 * A Monaco editor for one text that is no source of the project: an INF, a detection rule. It is loaded when
 * it is first shown, follows theme and text size, marks mistakes, and outlives another project's opening.
 */
import { computed, nextTick, onBeforeUnmount, onMounted, watch, type Ref } from 'vue'
import { asAppError } from '../../services/ring'
import { useProject } from '../../stores/project'
import { useSettings } from '../../stores/settings'
import { useUi } from '../../stores/ui'
import type { monaco as Monaco } from './monaco'
import { applyTheme } from './monaco-theme'

export interface TextMistake {
  severity: 'error' | 'warning'
  /** From 1; a line behind the end is the last. */
  line: number
  /** From 1; where the text of the line begins when left out. */
  column?: number
  message: string
  hint: string
}

export interface TextEditorOptions {
  host: Ref<HTMLElement | null>
  /** What a screen reader calls it. */
  label: string
  /** What is shown; null for nothing. Another address is another text, with an undo list of its own. */
  shown: () => { address: string; language: string; text: string } | null
  mistakes: () => readonly TextMistake[]
  /** The user has typed. */
  changed: (text: string) => void
  /** Help for the language, taken back with the editor. */
  prepare?: (monaco: typeof Monaco) => Monaco.IDisposable[]
  options?: Monaco.editor.IStandaloneEditorConstructionOptions
}

export interface TextEditor {
  /** Show what is to be shown; the cursor stays where the text is the same. */
  show: () => void
  /** To a place in the text, with the focus. */
  go: (line: number, column?: number) => void
  hasFocus: () => boolean
  update: (options: Monaco.editor.IEditorOptions) => void
}

export function useTextEditor(given: TextEditorOptions): TextEditor {
  const settings = useSettings()
  const project = useProject()
  const ui = useUi()
  const fontSize = computed(() => Math.round(12.5 * (settings.textSize / 100) * 10) / 10)
  let kit: typeof import('./monaco') | null = null
  let editor: Monaco.editor.IStandaloneCodeEditor | null = null
  let helpers: Monaco.IDisposable[] = []
  let isGone = false
  /** Text that is put in from outside is no change of the user's. */
  let isSetting = false

  onMounted(async () => {
    try {
      kit = await import('./monaco')
      const { value: host } = given.host
      if (isGone || !host) return
      kit.prepareLanguages({})
      applyTheme(kit.monaco, settings.effectiveTheme)
      editor = kit.monaco.editor.create(host, {
        model: null,
        automaticLayout: true,
        accessibilitySupport: 'auto',
        autoDetectHighContrast: false,
        ariaLabel: given.label,
        fixedOverflowWidgets: true,
        folding: false,
        fontFamily: "'JetBrains Mono', monospace",
        fontLigatures: false,
        fontSize: fontSize.value,
        lineHeight: 1.55,
        lineDecorationsWidth: 6,
        lineNumbersMinChars: 3,
        minimap: { enabled: false },
        padding: { top: 8, bottom: 24 },
        renderLineHighlight: 'line',
        scrollBeyondLastLine: false,
        wordBasedSuggestions: 'off',
        ...given.options,
      })
      editor.onDidChangeModelContent(() => {
        if (!isSetting) given.changed(editor?.getModel()?.getValue() ?? '')
      })
      helpers = given.prepare?.(kit.monaco) ?? []
      Object.assign(host, {
        ring0Editor: {
          setText: (text: string) => editor?.getModel()?.setValue(text),
          getText: () => editor?.getModel()?.getValue() ?? '',
        },
      })
      show()
    } catch (thrown) {
      ui.fail(asAppError(thrown))
    }
  })

  onBeforeUnmount(() => {
    isGone = true
    for (const helper of helpers) helper.dispose()
    const model = editor?.getModel()
    editor?.dispose()
    model?.dispose()
  })

  function show(): void {
    const shown = given.shown()
    if (!kit || !editor || !shown) return
    const uri = kit.monaco.Uri.parse(shown.address)
    const current = editor.getModel()
    isSetting = true
    // The editor of the sources disposes all models when another project is opened.
    if (!current || current.isDisposed() || current.uri.toString() !== uri.toString()) {
      const { getModel, createModel } = kit.monaco.editor
      editor.setModel(getModel(uri) ?? createModel(shown.text, shown.language, uri))
      if (current && !current.isDisposed()) current.dispose()
    }
    const model = editor.getModel()
    if (model && model.getValue() !== shown.text) model.setValue(shown.text)
    isSetting = false
    mark()
  }

  function mark(): void {
    const model = editor?.getModel()
    if (!kit || !model) return
    const { MarkerSeverity } = kit.monaco
    const markers = given.mistakes().map(({ severity, line, column, message, hint }) => {
      const at = Math.min(Math.max(1, line), model.getLineCount())
      const end = model.getLineMaxColumn(at)
      return {
        severity: severity === 'error' ? MarkerSeverity.Error : MarkerSeverity.Warning,
        message: `${message}\n${hint}`,
        startLineNumber: at,
        startColumn: Math.min(column ?? (model.getLineFirstNonWhitespaceColumn(at) || 1), end),
        endLineNumber: at,
        endColumn: end,
      }
    })
    kit.monaco.editor.setModelMarkers(model, 'text', markers)
  }

  watch(given.mistakes, mark)
  watch(
    () => project.opened,
    () => nextTick(show),
  )
  watch([() => settings.effectiveTheme, fontSize], ([theme]) => {
    if (kit) applyTheme(kit.monaco, theme)
    editor?.updateOptions({ fontSize: fontSize.value })
  })

  return {
    show,
    go(line, column = 1) {
      editor?.setPosition({ lineNumber: line, column })
      editor?.revealLineInCenterIfOutsideViewport(line)
      editor?.focus()
    },
    hasFocus: () => editor?.hasTextFocus() ?? false,
    update: (options) => editor?.updateOptions(options),
  }
}
