import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
import type { AppError } from '../../../shared/errors'

export type Area = 'lab' | 'explorer' | 'catalogue' | 'learn' | 'techniques'
export type Picker = 'commands' | 'open' | 'step' | null
export type Dialog =
  | 'settings'
  | 'keys'
  | 'about'
  | 'compare'
  | 'fixed'
  | 'compare-sample'
  | 'save-as'
  | 'add-file'
  | 'rename-file'
  | 'reference'
  | 'solution'
  | 'sources'
  | null
/** The timeline with the packet and the output, or one system call through the rings. */
export type WatchPicture = 'time' | 'rings'
export type OutputTab = 'output' | 'events' | 'why' | 'requests'

export interface Notice {
  id: number
  kind: 'info' | 'error'
  text: string
  hint?: string
  detail?: string
  action?: { label: string; run: () => void }
  /** The change that the action takes back: the notice goes when that is done, from wherever. */
  undo?: string
}

/** What is open and where the user is; nothing here outlives the window. */
export const useUi = defineStore('ui', () => {
  const area = ref<Area>('lab')
  /** What the Lab shows: sources and their run, or the driver package. */
  const labPage = ref<'code' | 'package'>('code')
  const picker = ref<Picker>(null)
  const dialog = ref<Dialog>(null)
  /** The text editor can be typed into, or could not be loaded. */
  const editorReady = ref(false)
  const outputTab = ref<OutputTab>('output')
  /** What the watch region draws of a run. */
  const picture = ref<WatchPicture>('time')
  /** What the Explorer shows. */
  const explore = ref<{ kind: string; id: string | null }>({ kind: 'devices', id: null })
  const notices = shallowRef<Notice[]>([])
  let noticeId = 0

  function notify(notice: Omit<Notice, 'id'>): void {
    const id = ++noticeId
    // The same words again replace the notice that says them.
    const others = notices.value.filter((other) => other.text !== notice.text)
    notices.value = [...others.slice(-2), { ...notice, id }]
    if (notice.kind === 'info' && !notice.action) setTimeout(() => dismiss(id), 6000)
  }

  function fail(error: AppError): void {
    notify({
      kind: 'error',
      text: error.message,
      hint: error.hint,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
    })
  }

  function dismiss(id: number): void {
    notices.value = notices.value.filter((notice) => notice.id !== id)
  }

  /** A change was taken back: what offers that is not needed any more. */
  function undone(undo: string): void {
    notices.value = notices.value.filter((notice) => notice.undo !== undo)
  }

  return {
    area,
    labPage,
    editorReady,
    explore,
    picker,
    dialog,
    outputTab,
    picture,
    notices,
    notify,
    fail,
    dismiss,
    undone,
  }
})
