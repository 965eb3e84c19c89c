/** Help with the query line: completions, searches saved under a name, and those made last. */
import { defineStore } from 'pinia'
import { computed, shallowRef } from 'vue'
import { asAppError, ring, value } from '../../services/ring'
import { useSettings } from '../../stores/settings'
import { useUi } from '../../stores/ui'
import type { Answer, SavedSearch } from './types'

const SETTING = 'files.history'
const HISTORY_MAX = 20

/** What could be typed at a place of the query; null when main cannot tell. */
export async function completions(
  text: string,
  cursor: number,
): Promise<Answer<'files.complete'> | null> {
  const answer = await ring()['files.complete']({ text, cursor })
  return answer.ok ? answer.value : null
}

export const useSearches = defineStore('searches', () => {
  const ui = useUi()
  const settings = useSettings()
  const saved = shallowRef<readonly SavedSearch[]>([])
  /** Queries made before, the last one first. */
  const history = computed(() =>
    (settings.values[SETTING] ?? '').split('\n').filter((query) => query !== ''),
  )

  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work()
      saved.value = (await value(ring()['searches.list']({}))).searches
      return true
    } catch (thrown) {
      ui.fail(asAppError(thrown))
      return false
    }
  }

  /** A query that was looked at goes to the top of the history. */
  function remember(query: string): void {
    const text = query.replace(/\s+/g, ' ').trim()
    if (text === '' || text === history.value[0]) return
    const others = history.value.filter((other) => other !== text)
    settings.saveSoon(SETTING, [text, ...others].slice(0, HISTORY_MAX).join('\n').slice(0, 20_000))
  }

  return {
    saved,
    history,
    remember,
    load: () => attempt(() => Promise.resolve()),
    save: (name: string, query: string) =>
      attempt(() => value(ring()['searches.save']({ name, query }))),
    remove: (id: number) => attempt(() => value(ring()['searches.delete']({ id }))),
  }
})
