import { defineStore } from 'pinia'
import { computed, reactive, ref, shallowRef, watch } from 'vue'
import type { Theme } from '../../../shared/contract/app'
import { ring, value } from '../services/ring'

export type EffectiveTheme = 'light' | 'dark' | 'contrast'
export type Detail = 'learner' | 'expert'

export interface Layout {
  /** Shares of the width: write and watch; inspect takes the rest. */
  write: number
  watch: number
  /** Shares of the height of the watch region: timeline and sequence; output takes the rest. */
  timeline: number
  sequence: number
  /** Share of the height of the write region that the problems take. */
  problems: number
}

export const LAYOUTS: Record<'write' | 'watch' | 'explain' | 'present', Layout> = {
  write: { write: 0.54, watch: 0.28, timeline: 0.3, sequence: 0.38, problems: 0.2 },
  watch: { write: 0.34, watch: 0.43, timeline: 0.36, sequence: 0.34, problems: 0.18 },
  explain: { write: 0.26, watch: 0.46, timeline: 0.24, sequence: 0.3, problems: 0.16 },
  present: { write: 0.42, watch: 0.36, timeline: 0.34, sequence: 0.4, problems: 0.14 },
}

const TEXT_SIZES = [80, 90, 100, 110, 125, 150, 175, 200]

/** What the user chose about the window; kept in the settings table. */
export const useSettings = defineStore('settings', () => {
  const theme = ref<Theme>('system')
  const textSize = ref(100)
  const detail = ref<Detail>('learner')
  const layout = reactive<Layout>({ ...LAYOUTS.watch })
  const system = reactive({ dark: false, highContrast: false })
  const version = ref('')
  const loaded = ref(false)
  const hintsDone = ref<string[]>([])
  /** All of the settings table, for features that keep choices of their own. */
  const values = shallowRef<Readonly<Record<string, string>>>({})

  const effectiveTheme = computed<EffectiveTheme>(() => {
    if (theme.value !== 'system') return theme.value
    if (system.highContrast) return 'contrast'
    return system.dark ? 'dark' : 'light'
  })

  watch(
    [effectiveTheme, textSize],
    () => {
      document.documentElement.dataset['theme'] = effectiveTheme.value
      document.documentElement.style.setProperty('--text-scale', String(textSize.value / 100))
    },
    { immediate: true },
  )

  async function load(): Promise<void> {
    const [info, saved] = await Promise.all([ring()['app.info']({}), ring()['settings.get']({})])
    if (info.ok) {
      theme.value = info.value.theme
      system.dark = info.value.dark
      system.highContrast = info.value.highContrast
      version.value = info.value.version
    }
    // What a listener returns would have to cross to the preload: nothing.
    ring().on('app.systemTheme', ({ dark, highContrast }) => {
      Object.assign(system, { dark, highContrast })
    })
    if (saved.ok) {
      const found = saved.value.values
      values.value = found
      const size = Number(found['text.size'])
      if (TEXT_SIZES.includes(size)) textSize.value = size
      if (found['detail'] === 'expert') detail.value = 'expert'
      hintsDone.value = (found['hints.done'] ?? '').split(' ').filter(Boolean)
      Object.assign(layout, savedLayout(found['layout']))
    }
    loaded.value = true
  }

  function save(key: string, text: string): void {
    values.value = { ...values.value, [key]: text }
    void value(ring()['settings.set']({ key, value: text })).catch(() => undefined)
  }

  const waiting = new Map<string, ReturnType<typeof setTimeout>>()
  /** As `save`, written once the hand rests: for what changes with every move of the mouse. */
  function saveSoon(key: string, text: string): void {
    values.value = { ...values.value, [key]: text }
    clearTimeout(waiting.get(key))
    waiting.set(
      key,
      setTimeout(() => save(key, text), 400),
    )
  }

  function setTheme(next: Theme): void {
    theme.value = next
    void ring()['app.theme']({ theme: next })
  }

  function setTextSize(next: number): void {
    textSize.value = next
    save('text.size', String(next))
  }

  function stepTextSize(direction: 1 | -1): void {
    const index = TEXT_SIZES.indexOf(textSize.value) + direction
    setTextSize(TEXT_SIZES[Math.max(0, Math.min(TEXT_SIZES.length - 1, index))]!)
  }

  function setDetail(next: Detail): void {
    detail.value = next
    save('detail', next)
  }

  function finishHints(ids: readonly string[]): void {
    const next = [...new Set([...hintsDone.value, ...ids])]
    if (next.length === hintsDone.value.length) return
    hintsDone.value = next
    save('hints.done', next.join(' '))
  }

  function setLayout(next: Partial<Layout>): void {
    Object.assign(layout, next)
    saveSoon('layout', JSON.stringify(layout))
  }

  return {
    theme,
    textSize,
    detail,
    layout,
    system,
    version,
    loaded,
    hintsDone,
    values,
    effectiveTheme,
    textSizes: TEXT_SIZES,
    load,
    save,
    saveSoon,
    setTheme,
    setTextSize,
    stepTextSize,
    setDetail,
    setLayout,
    finishHints,
  }
})

function savedLayout(text: string | undefined): Partial<Layout> {
  if (text === undefined) return {}
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return {}
    const found: Partial<Layout> = {}
    for (const key of Object.keys(LAYOUTS.watch) as (keyof Layout)[]) {
      const share = (parsed as Record<string, unknown>)[key]
      if (typeof share === 'number' && share > 0.04 && share < 0.9) found[key] = share
    }
    return found
  } catch {
    return {}
  }
}
