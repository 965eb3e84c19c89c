import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import type { SourceFix } from '../../../shared/contract/model'
import { useProject } from './project'
import { useUi } from './ui'

export interface EditorPlace {
  file: string
  line: number
  column: number
  /** Put the cursor there and give the editor the focus, not only show the line. */
  focus: boolean
}

/** Where the editor should go, and where its cursor is. */
export const useEditorPlace = defineStore('editor-place', () => {
  const target = shallowRef<EditorPlace | null>(null)
  const cursor = shallowRef<{ file: string; line: number }>({ file: 'driver.ts', line: 1 })
  /** Line whose runs are shown below the editor. */
  const lineRuns = shallowRef<{ file: string; line: number } | null>(null)

  /** A change that the editor shall make, so that it can be undone there. */
  const fix = shallowRef<SourceFix | null>(null)

  function apply(change: SourceFix): void {
    // The last edit is the mistake's own; those before it are imports.
    const place = change.edits.at(-1)
    if (!place) return
    reveal(place, true)
    fix.value = change
  }

  function reveal(place: { file: string; line: number; column?: number }, focus = false): void {
    const project = useProject()
    if (!(place.file in project.files)) return
    // A lesson has the editor in its own place.
    if (focus && useUi().area !== 'learn') useUi().area = 'lab'
    project.activeFile = place.file
    target.value = { file: place.file, line: place.line, column: place.column ?? 1, focus }
  }

  return { target, cursor, lineRuns, fix, apply, reveal }
})
